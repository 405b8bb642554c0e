/** The result of a benchmark, and its arithmetic. */
export interface Figure {
  id: string;
  value: number;
  unit: 'ratio' | 'µs' | 'ms' | 's' | 'kB' | 'MB' | 'count';
  aim: string;
  holds: boolean;
  /** Raw numbers behind the value. */
  detail: Record<string, unknown>;
}

/** Quantile by nearest rank; NaN for an empty list. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (
    sorted[Math.min(Math.max(Math.ceil(share * sorted.length) - 1, 0), sorted.length - 1)] ??
    Number.NaN
  );
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
export const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** In milliseconds. */
export function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

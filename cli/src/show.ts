/** Terminal output: tables and a progress line. Pure, except for `printer`. */

import type { Rollout } from '@preau/contract/rollout.ts';
import { isFinal, isGood, type TargetState } from '@preau/contract/rollout-states.ts';

export interface Printer {
  /** True on a terminal, where the last line may be redrawn. */
  tty: boolean;
  out: (line: string) => void;
  /** Messages for people; never mixed with output that a script reads. */
  remark: (line: string) => void;
  /** Redraws the last line; only on a terminal. */
  redraw: (line: string) => void;
}

/** Shows text from a remote machine as plain text, so that no escape sequence reaches the
 * terminal. */
export const plain = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are replaced.
  text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '·');

export function table(rows: readonly (readonly (string | number)[])[]): string[] {
  const texts = rows.map((row) => row.map((cell) => plain(String(cell))));
  const widths = texts.reduce<number[]>(
    (all, row) => row.map((cell, index) => Math.max(all[index] ?? 0, [...cell].length)),
    [],
  );
  return texts.map((row) =>
    row
      .map((cell, index) =>
        index === row.length - 1
          ? cell
          : cell + ' '.repeat((widths[index] ?? 0) - [...cell].length),
      )
      .join('  '),
  );
}

export interface Progress {
  total: number;
  over: number;
  good: number;
  bad: number;
}

export function progressOf(counts: Readonly<Record<string, number>>): Progress {
  const states = Object.entries(counts) as [TargetState, number][];
  const sum = (wanted: (state: TargetState) => boolean) =>
    states.reduce((all, [state, n]) => (wanted(state) ? all + n : all), 0);
  return {
    total: sum(() => true),
    over: sum(isFinal),
    good: sum(isGood),
    bad: sum((state) => state === 'failed' || state === 'timed_out' || state === 'rejected'),
  };
}

/** `[████░░] 12/27  running  wave 2/3  failed 1  ~14 min`. */
export function progressLine(
  rollout: Pick<Rollout, 'state' | 'pauseReason' | 'counts' | 'waves' | 'eta'>,
  width = 24,
): string {
  const { total, over, bad } = progressOf(rollout.counts);
  const full = total === 0 ? 0 : Math.round((over / total) * width);
  const wave = rollout.waves.filter((one) => one.state !== 'pending').length;
  const parts = [
    `[${'█'.repeat(full)}${'░'.repeat(width - full)}] ${over}/${total}`,
    rollout.pauseReason === null ? rollout.state : `${rollout.state} (${rollout.pauseReason})`,
    `${wave}/${rollout.waves.length}`,
    ...(bad > 0 ? [`✗ ${bad}`] : []),
    ...(rollout.eta === null || total === over
      ? []
      : [`~${Math.max(1, Math.round(rollout.eta.p50Ms / 60_000))} min`]),
  ];
  return parts.join('  ');
}

/** The same as plain text for logs: the line stays equal while nothing has changed. */
export function stateLine(
  rollout: Pick<Rollout, 'state' | 'pauseReason' | 'counts' | 'waves'>,
): string {
  const counts = Object.entries(rollout.counts)
    .filter(([, n]) => n > 0)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([state, n]) => `${state} ${n}`);
  const waves = rollout.waves.map((wave) => `${wave.number}:${wave.state}`);
  return (
    `${rollout.state}${rollout.pauseReason === null ? '' : ` (${rollout.pauseReason})`}  ` +
    `${waves.join(' ')}  ${counts.join(', ')}`
  );
}

export const mebibytes = (bytes: number): string =>
  bytes < 1_048_576 ? `${Math.ceil(bytes / 1024)} Kio` : `${(bytes / 1_048_576).toFixed(1)} Mio`;

/** Lets a value through at most once in `everyMs`. One that comes earlier waits, and a later one
 * takes its place: what comes last always gets through. No I/O; times in milliseconds. */

export class LastWins<T> {
  readonly #everyMs: number;
  #passedAt = Number.NEGATIVE_INFINITY;
  #waiting: { value: T } | null = null;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** The value, if it may pass now. Otherwise null: `take` returns it, or its successor, in
   * `waitMs`. */
  offer(value: T, now: number): T | null {
    this.#waiting = { value };
    return this.waitMs(now) > 0 ? null : this.take(now);
  }

  waitMs(now: number): number {
    return Math.max(this.#passedAt + this.#everyMs - now, 0);
  }

  /** Null when nothing waits. */
  take(now: number): T | null {
    const waiting = this.#waiting;
    if (waiting === null) return null;
    this.#waiting = null;
    this.#passedAt = now;
    return waiting.value;
  }
}

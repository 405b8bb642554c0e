/** Finds out who makes us wait: whoever takes, or sends, fewer than `perSecond` bytes a second for
 * `forMs` on end while we wait for nothing else. No I/O; times in milliseconds. */

export class SlowMeter {
  readonly #limits: { perSecond: number; forMs: number };
  #since: { at: number; bytes: number } | null = null;

  constructor(limits: { perSecond: number; forMs: number }) {
    this.#limits = limits;
  }

  /** `bytes`: moved so far in the direction we wait for; null while we do not wait. Call it
   * several times in `forMs`. */
  isSlow(bytes: number | null, now: number): boolean {
    const past = this.#since;
    if (bytes === null || past === null) {
      this.#since = bytes === null ? null : { at: now, bytes };
      return false;
    }
    const elapsed = now - past.at;
    if (elapsed < this.#limits.forMs) return false;
    this.#since = { at: now, bytes };
    return bytes - past.bytes < (this.#limits.perSecond * elapsed) / 1000;
  }
}

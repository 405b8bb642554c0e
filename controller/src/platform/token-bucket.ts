/** Bounds how much of something happens per second, and lets a burst of it pass. No I/O; `now` is
 * in milliseconds of any clock that does not go back. */

export interface Rate {
  perSecond: number;
  /** What may happen at once after a rest. */
  burst: number;
}

export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #at: number;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = now;
  }

  /** In how many ms `amount` will be there; 0 when it is. */
  wait(amount: number, now: number): number {
    this.#refill(now);
    return this.#tokens < amount ? this.#msFor(amount - this.#tokens) : 0;
  }

  /** Takes `amount` if it is there. Returns 0, or in how many ms it will be. */
  take(amount: number, now: number): number {
    const ms = this.wait(amount, now);
    if (ms === 0) this.#tokens -= amount;
    return ms;
  }

  /** For what has already happened: takes `amount` even if it is not there. Returns in how many ms
   * nothing is owed any more; 0 when nothing is. */
  owe(amount: number, now: number): number {
    this.#refill(now);
    this.#tokens -= amount;
    return this.#tokens >= 0 ? 0 : this.#msFor(-this.#tokens);
  }

  /** Nothing was taken for long enough that the bucket is as good as new. */
  isFull(now: number): boolean {
    this.#refill(now);
    return this.#tokens >= this.#rate.burst;
  }

  #refill(now: number): void {
    const gained = (Math.max(now - this.#at, 0) * this.#rate.perSecond) / 1000;
    this.#tokens = Math.min(this.#tokens + gained, this.#rate.burst);
    this.#at = Math.max(now, this.#at);
  }

  #msFor(tokens: number): number {
    // What is left of a rounding error is no millisecond.
    return Math.ceil((tokens * 1000) / this.#rate.perSecond - 1e-6);
  }
}

/** One bucket for each of many callers. Those that are full again are forgotten, so memory is
 * bounded by the callers of the last `burst / perSecond` seconds. */
export class TokenBuckets {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, TokenBucket>();
  #tidyAt = 0;

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** As `TokenBucket.take`. */
  take(key: string, amount: number, now: number): number {
    this.#tidy(now);
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#rate, now);
    this.#buckets.set(key, bucket);
    return bucket.take(amount, now);
  }

  /** As `TokenBucket.wait`. */
  wait(key: string, amount: number, now: number): number {
    return this.#buckets.get(key)?.wait(amount, now) ?? 0;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #tidy(now: number): void {
    if (now < this.#tidyAt) return;
    this.#tidyAt = now + (this.#rate.burst / this.#rate.perSecond) * 1000;
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(key);
  }
}

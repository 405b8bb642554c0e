/** A bounded number of callers that wait, of which the newest stay. Nobody who holds all places
 * keeps another out: the oldest of the same address gives way, and in a full room the oldest of the
 * address that has most. No I/O. */

interface Place {
  key: string;
  drop: () => void;
}

export class WaitingRoom {
  readonly #limits: { perKey: number; total: number };
  readonly #places = new Map<string, Set<Place>>();
  size = 0;

  constructor(limits: { perKey: number; total: number }) {
    this.#limits = limits;
  }

  /** `drop` is called when the place is given to somebody else. Returns what leaves the room; it may
   * be called more than once. */
  enter(key: string, drop: () => void): () => void {
    const place: Place = { key, drop };
    const same = this.#places.get(key) ?? new Set();
    this.#places.set(key, same.add(place));
    this.size += 1;
    if (same.size > this.#limits.perKey) this.#dropOldest(same);
    else if (this.size > this.#limits.total) this.#dropOldest(this.#largest());
    return () => this.#leave(place);
  }

  /** Drops everybody. */
  empty(): void {
    for (const places of [...this.#places.values()]) for (const { drop } of [...places]) drop();
  }

  #dropOldest(places: Set<Place>): void {
    const [oldest] = places;
    if (oldest === undefined) return;
    this.#leave(oldest);
    oldest.drop();
  }

  #leave(place: Place): void {
    const same = this.#places.get(place.key);
    if (same?.delete(place) !== true) return;
    this.size -= 1;
    if (same.size === 0) this.#places.delete(place.key);
  }

  #largest(): Set<Place> {
    let largest = new Set<Place>();
    for (const places of this.#places.values()) if (places.size > largest.size) largest = places;
    return largest;
  }
}

/** Virtual time: a queue of scheduled events. Nothing waits; an hour passes as fast as its events
 * can be processed. */
interface Appointment {
  at: number;
  order: number;
  run: () => void | Promise<void>;
}

export class Clockwork {
  now: number;
  /** Start of the virtual time; events are logged relative to it. */
  readonly begin: number;
  #order = 0;
  readonly #heap: Appointment[] = [];

  constructor(begin: number) {
    this.now = begin;
    this.begin = begin;
  }

  after(ms: number, run: () => void | Promise<void>): void {
    this.at(this.now + Math.max(0, Math.round(ms)), run);
  }

  at(moment: number, run: () => void | Promise<void>): void {
    const heap = this.#heap;
    heap.push({ at: Math.max(moment, this.now), order: this.#order++, run });
    for (let child = heap.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfEarlier(child, parent)) break;
      child = parent;
    }
  }

  /** Processes the next event; false when there is none. */
  async step(): Promise<boolean> {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return false;
    if (heap.length > 0) {
      heap[0] = last;
      for (let parent = 0; ; ) {
        const left = 2 * parent + 1;
        const child = left + 1 < heap.length && this.#isEarlier(left + 1, left) ? left + 1 : left;
        if (child >= heap.length || !this.#swapIfEarlier(child, parent)) break;
        parent = child;
      }
    }
    this.now = first.at;
    await first.run();
    return true;
  }

  #isEarlier(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    return (
      a !== undefined && b !== undefined && (a.at < b.at || (a.at === b.at && a.order < b.order))
    );
  }

  #swapIfEarlier(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (a === undefined || b === undefined || !this.#isEarlier(one, other)) return false;
    this.#heap[one] = b;
    this.#heap[other] = a;
    return true;
  }
}

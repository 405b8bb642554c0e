/** Guesses of one secret that wait for their turn. The address served least recently comes first,
 * and of one address one of the newest two, by lot: a program that sends many keeps its own old ones
 * waiting, not the person who types their password now. By lot, because a program that comes back
 * after each answer could otherwise stay the newest for ever. A first try is served with one process;
 * with several, whose guesses come to them unevenly, about one first try in ten waits in vain. */
import { AppError } from '@preau/contract/errors.ts';
import { budget } from '#src/platform/budget.ts';

const { waitingFromAddress, waiting: waitingInAll, waitMs } = budget.signIn.guesses;

interface Waiting {
  from: string;
  judge: () => Promise<void>;
  refuse: (code?: 'SLOW_DOWN' | 'BUSY') => void;
}

export interface GuessQueue {
  serving: boolean;
  /** When the last guess was judged. */
  judgedAt: number;
  size: () => number;
  /** Refuses with SLOW_DOWN a guess that newer ones have pushed out, or that waited too long. */
  enter: <T>(from: string, judge: () => Promise<T>) => Promise<T>;
  /** Takes the guess whose turn it is. It never rejects. */
  next: () => (() => Promise<void>) | undefined;
  /** Refuses everybody with BUSY. */
  close: () => void;
}

/** `chance`: from 0 to 1; below a half takes the newest. */
export function createGuessQueue(chance: () => number): GuessQueue {
  /** Oldest first. */
  const waiting: Waiting[] = [];
  /** By address, which turn it had last. */
  const turns = new Map<string, number>();
  let turn = 0;

  function leave(one: Waiting): boolean {
    const at = waiting.indexOf(one);
    if (at >= 0) waiting.splice(at, 1);
    return at >= 0;
  }
  function pushOut(from: string): void {
    const own = waiting.filter((one) => one.from === from);
    if (own.length > waitingFromAddress) own[0]?.refuse();
    else if (waiting.length > waitingInAll) waiting[0]?.refuse();
  }
  const lastTurn = ({ from }: Waiting) => turns.get(from) ?? 0;

  return {
    serving: false,
    judgedAt: Number.NEGATIVE_INFINITY,
    size: () => waiting.length,
    enter: (from, judge) =>
      new Promise((resolve, reject) => {
        const one: Waiting = {
          from,
          judge: async () => {
            clearTimeout(late);
            await judge().then(resolve, reject);
          },
          refuse: (code = 'SLOW_DOWN') => {
            clearTimeout(late);
            if (leave(one)) reject(new AppError(code, { retryAfterS: 5 }));
          },
        };
        const late = setTimeout(() => one.refuse(), waitMs);
        late.unref();
        waiting.push(one);
        pushOut(from);
      }),
    next: () => {
      const first = waiting.reduce<Waiting | undefined>(
        (best, each) => (best === undefined || lastTurn(each) < lastTurn(best) ? each : best),
        undefined,
      );
      const newest = waiting.filter(({ from }) => from === first?.from).slice(-2);
      const one = chance() < 0.5 ? newest.at(-1) : newest[0];
      if (one === undefined) return undefined;
      leave(one);
      turn += 1;
      turns.set(one.from, turn);
      const [oldest] = turns.keys();
      if (turns.size > waitingInAll && oldest !== undefined) turns.delete(oldest);
      return one.judge;
    },
    close: () => {
      for (const one of [...waiting]) one.refuse('BUSY');
    },
  };
}

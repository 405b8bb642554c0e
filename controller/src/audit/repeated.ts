/** Records refusals. The first is recorded at once; equal ones that follow become one line a minute,
 * which says how many there were: a program that is refused three hundred times a second writes no
 * three hundred lines. */
import type { Actor } from '#src/platform/actor.ts';
import { budget } from '#src/platform/budget.ts';
import type { Clock } from '#src/platform/clock.ts';
import type { Database } from '#src/platform/database.ts';
import { type Effect, recordEffect } from './record.ts';

const { foldMs, foldsKept } = budget.calls.audit;

interface Fold {
  again: number;
  timer: NodeJS.Timeout;
  /** Records those that came since the last line. False: there were none. */
  write: () => Promise<boolean>;
}
const folds = new WeakMap<Database, Map<string, Fold>>();

export async function recordRepeated(
  deps: { clock: Clock; database: Database },
  actor: Actor,
  effect: Effect,
): Promise<void> {
  const known = folds.get(deps.database) ?? new Map<string, Fold>();
  folds.set(deps.database, known);
  const key = JSON.stringify([
    actor.kind,
    actor.id,
    effect.action,
    effect.subjectId ?? effect.subjectName,
    effect.details,
  ]);
  const past = known.get(key);
  if (past !== undefined) {
    past.again += 1;
    return;
  }
  const fold: Fold = {
    again: 0,
    write: async () => {
      const { again } = fold;
      fold.again = 0;
      if (again === 0) return false;
      await recordEffect(deps, deps.database, actor, {
        ...effect,
        details: { ...effect.details, again },
      });
      return true;
    },
    timer: setInterval(() => {
      // The next line is one minute after this one.
      fold.write().then(
        (wrote) => {
          if (!wrote) forget(known, key);
        },
        () => forget(known, key),
      );
    }, foldMs),
  };
  fold.timer.unref();
  known.set(key, fold);
  const [oldest] = known;
  if (known.size > foldsKept && oldest !== undefined) {
    forget(known, oldest[0]);
    await oldest[1].write();
  }
  await recordEffect(deps, deps.database, actor, effect);
}

function forget(known: Map<string, Fold>, key: string): void {
  clearInterval(known.get(key)?.timer);
  known.delete(key);
}

/** Before the database is closed: records what is still counted. */
export async function recordWhatIsCounted(database: Database): Promise<void> {
  const known = folds.get(database) ?? new Map<string, Fold>();
  for (const [key, fold] of [...known]) {
    forget(known, key);
    await fold.write();
  }
}

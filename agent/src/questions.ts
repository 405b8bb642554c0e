/** Answers the city's questions about what an installation would do here: one application after the
 * other, each question once, and never while packages are being changed. */
import type { Answer, Foreseen, Question } from '@preau/contract/asking.ts';
import type { DesiredState } from '@preau/contract/desired-state.ts';
import type { Driver, Installable } from './drivers/driver.ts';
import { reasonOf } from './failures.ts';
import { wantedBeside } from './reconcile/wanted.ts';

export interface Questions {
  /** Returns without waiting for the answer. */
  pass: (wanted: DesiredState) => void;
  answers: () => Answer[];
  stop: () => void;
}

/** How long the package manager may think about one application. */
const askWithinMs = 5 * 60_000;

export function createQuestions({
  driver,
  now,
  busy,
  tell,
}: {
  driver: Pick<Driver, 'foresee'>;
  now: () => number;
  /** Whether packages are being changed. */
  busy: () => boolean;
  tell: (when: 'soon') => void;
}): Questions {
  const known = new Map<string, Answer>();
  let asking: AbortController | null = null;

  const foresee = async (
    application: Installable,
    wanted: DesiredState,
    signal: AbortSignal,
  ): Promise<Foreseen> => {
    const { applicationId } = application;
    try {
      return await driver.foresee(application, {
        wanted: wantedBeside([application], wanted.applications).filter(
          ({ slug }) => slug !== application.slug,
        ),
        signal: AbortSignal.any([signal, AbortSignal.timeout(askWithinMs)]),
      });
    } catch (error) {
      signal.throwIfAborted();
      const refusal = reasonOf(error);
      return {
        applicationId,
        installs: 0,
        upgrades: 0,
        removes: [],
        downloadBytes: 0,
        refusal,
      };
    }
  };

  const answer = async (question: Question, wanted: DesiredState, signal: AbortSignal) => {
    const foreseen: Foreseen[] = [];
    const at = now();
    for (const applicationId of question.applicationIds) {
      const asked = wanted.questions?.asked.find((each) => each.applicationId === applicationId);
      if (asked !== undefined)
        foreseen.push(await foresee({ ...asked, want: 'present' }, wanted, signal));
      // What was answered while packages changed may be true of neither before nor after.
      if (busy()) return;
    }
    known.set(question.key, { key: question.key, at, foreseen });
    tell('soon');
  };

  return {
    pass: (wanted) => {
      const questions = wanted.questions?.questions ?? [];
      for (const key of known.keys())
        if (questions.every((question) => question.key !== key)) known.delete(key);
      if (asking !== null || busy()) return;
      const next = questions.find(({ key }) => !known.has(key));
      if (next === undefined) return;
      const abort = new AbortController();
      asking = abort;
      void answer(next, wanted, abort.signal)
        .catch(() => undefined)
        .finally(() => {
          asking = null;
          // For the next question; one that could not be answered waits for the next pass.
          if (known.has(next.key)) tell('soon');
        });
    },
    answers: () => [...known.values()],
    stop: () => asking?.abort(),
  };
}

/** Looks at every part at once, each with its own deadline, and remembers for a moment what it
 * found: whoever asks for the controller's health, and how often, costs it nothing. */
import { setTimeout as pause } from 'node:timers/promises';
import { runbookOf } from '@preau/contract/errors/runbooks.ts';
import { errors } from '@preau/contract/errors.ts';
import {
  type HealthAnswer,
  type HealthPart,
  type HealthReport,
  overall,
} from '@preau/contract/health.ts';
import { budget } from '../budget.ts';
import { failureOf } from '../failures.ts';
import type { Platform } from '../platform.ts';
import type { Check, Finding } from './check.ts';

const { keepMs, partMs, lookEveryMs, lookAgainMs, certainAfter } = budget.health;

interface Known {
  finding: Finding;
  /** Epoch ms; null: since before this process. */
  since: number | null;
  /** How many looks in a row have found this. */
  looks: number;
}

export interface Health {
  /** For anybody. */
  answer: () => Promise<HealthAnswer>;
  /** For technicians. */
  report: () => Promise<Omit<HealthReport, 'version'>>;
  /** While it watches: the last looks have all found that the part does not work. Does not look. */
  isDown: (part: HealthPart) => boolean;
  /** Looks by itself from now on; returns what ends it. */
  watch: () => () => void;
}

/** `changed`: called after a look, with the parts whose state or code is another one now. */
export function createHealth(
  { clock, log }: Pick<Platform, 'clock' | 'log'>,
  checks: readonly Check[],
  changed: (parts: readonly HealthPart[]) => void = () => undefined,
): Health {
  const known = new Map<HealthPart, Known>();
  let watching = false;
  const looks = checks.map((check) => ({ part: check.part, look: withinTime(check) }));
  let last: { at: number; done: Promise<void> } | null = null;

  const lookAtAll = async () => {
    const found = await Promise.all(
      looks.map(async ({ part, look }) => ({ part, finding: await look() })),
    );
    const moved: HealthPart[] = [];
    for (const { part, finding } of found) {
      const before = known.get(part);
      if (before !== undefined && codeOf(before.finding) === codeOf(finding)) {
        known.set(part, { ...before, finding, looks: before.looks + 1 });
        continue;
      }
      known.set(part, {
        finding,
        since: before === undefined && finding.state === 'ok' ? null : clock.now(),
        looks: 1,
      });
      if (before === undefined && finding.state === 'ok') continue;
      moved.push(part);
      if (finding.state === 'ok') log.info({ part }, 'works again');
      else log.error({ part, failure: finding.code, why: finding.why }, 'does not work');
    }
    if (moved.length > 0) changed(moved);
  };
  /** Callers within a moment share one look. */
  const look = async (): Promise<void> => {
    if (last === null || performance.now() - last.at > keepMs) {
      const mine = { at: Number.POSITIVE_INFINITY, done: lookAtAll() };
      last = mine;
      await mine.done;
      mine.at = performance.now();
    }
    await last.done;
  };
  const parts = () =>
    [...known].map(([part, { finding, since }]) => {
      const code = codeOf(finding);
      return {
        part,
        state: finding.state,
        code,
        message: code === null ? null : { fr: errors[code].fr, en: errors[code].en },
        since,
        why: finding.state === 'ok' ? null : finding.why.slice(0, 500),
        runbook: code === null ? null : runbookOf(code),
      };
    });

  return {
    answer: async () => {
      await look();
      const told = parts().map(({ part, state, code, message }) => ({
        part,
        state,
        code,
        message,
      }));
      return { status: overall(told), parts: told };
    },
    report: async () => {
      await look();
      const told = parts();
      return { status: overall(told), at: clock.now(), parts: told };
    },
    isDown: (part) => {
      const now = known.get(part);
      return (
        watching && now !== undefined && now.finding.state === 'down' && now.looks >= certainAfter
      );
    },
    watch: () => {
      const ended = new AbortController();
      const { signal } = ended;
      watching = true;
      void (async () => {
        while (!signal.aborted) {
          await look().catch((error: unknown) => log.error({ err: error }, 'health not looked at'));
          const isWell = [...known.values()].every(({ finding }) => finding.state === 'ok');
          await pause(isWell ? lookEveryMs : lookAgainMs, undefined, { signal, ref: false }).catch(
            () => undefined,
          );
        }
      })();
      return () => ended.abort();
    },
  };
}

/** What failed says most at its root. */
const wordsOf = (error: unknown): string =>
  error instanceof Error
    ? error.cause instanceof Error
      ? wordsOf(error.cause)
      : error.message
    : String(error);

const codeOf = (finding: Finding) => (finding.state === 'ok' ? null : finding.code);

/** A part that does not answer in time is down. It is not asked again before it has answered, so
 * that questions do not pile up. */
function withinTime({ failure, silence, look }: Check): () => Promise<Finding> {
  let asked: Promise<Finding> | null = null;
  const late = async (signal: AbortSignal): Promise<Finding> => {
    await pause(partMs, undefined, { signal }).catch(() => undefined);
    return { state: 'down', code: silence, why: `no answer within ${partMs / 1000} s` };
  };
  return async () => {
    asked ??= look()
      .catch(
        (error: unknown): Finding => ({
          state: 'down',
          code: failureOf(error)?.code ?? failure,
          why: wordsOf(error),
        }),
      )
      .finally(() => {
        asked = null;
      });
    const answered = new AbortController();
    try {
      return await Promise.race([asked, late(answered.signal)]);
    } finally {
      answered.abort();
    }
  };
}

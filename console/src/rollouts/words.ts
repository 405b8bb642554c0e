/** How rollouts are displayed: tones, marks, amounts, remaining time. Colour never stands alone:
 * each tone has a mark and a word. */

import { type ErrorCode, errors } from '@preau/contract/errors.ts';
import type { Rollout, RolloutSummary, Target } from '@preau/contract/rollout.ts';
import type { WaveSpec } from '@preau/contract/rollout-draft.ts';
import {
  awaitsApprovalBy,
  badStates,
  goodStates,
  inFlightStates,
  isBad,
  isGood,
  isInFlight,
  isRolloutOver,
  isWaiting,
  rolloutCan,
  type TargetState,
  targetStates,
  waitingStates,
} from '@preau/contract/rollout-states.ts';

import { page } from '../lib/page.svelte.ts';
import { failures } from './failures.ts';
import { rolloutWords } from './messages.ts';
import { planWords } from './plan-messages.ts';
import { progressWords } from './progress-messages.ts';
import { stateWords } from './state-messages.ts';

export type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'calm';

export function rolloutLook({
  state,
  pauseReason,
}: Pick<RolloutSummary, 'state' | 'pauseReason'>): { tone: Tone; mark: string; word: string } {
  const word =
    state === 'paused' && pauseReason !== null
      ? stateWords().pause[pauseReason]
      : stateWords().state[state];
  switch (state) {
    case 'running':
      return { tone: 'busy', mark: '▶', word };
    case 'completed':
      return { tone: 'good', mark: '✓', word };
    case 'completed_with_failures':
      return { tone: 'warn', mark: '▲', word };
    case 'failed':
      return { tone: 'bad', mark: '✕', word };
    case 'paused':
      return pauseReason === 'threshold' || pauseReason === 'brake'
        ? { tone: 'bad', mark: '■', word }
        : { tone: 'warn', mark: '‖', word };
    case 'awaiting_approval':
      return { tone: 'warn', mark: '?', word };
    case 'cancelling':
    case 'rolling_back':
      return { tone: 'warn', mark: '↺', word };
    default:
      return { tone: 'calm', mark: state === 'rolled_back' ? '↺' : '○', word };
  }
}

export type Bucket = 'done' | 'failed' | 'working' | 'unknown' | 'waiting' | 'aside';
export const buckets: readonly Bucket[] = [
  'done',
  'failed',
  'working',
  'unknown',
  'waiting',
  'aside',
];
const bucketOf = (state: string): Bucket =>
  isGood(state)
    ? 'done'
    : isBad(state)
      ? 'failed'
      : state === 'unknown'
        ? 'unknown'
        : isInFlight(state)
          ? 'working'
          : isWaiting(state)
            ? 'waiting'
            : 'aside';
export const statesOf: Readonly<Record<Exclude<Bucket, 'unknown'>, readonly TargetState[]>> = {
  failed: badStates,
  working: inFlightStates,
  waiting: waitingStates,
  done: goodStates,
  aside: targetStates.filter((state) => bucketOf(state) === 'aside'),
};
export const bucketLook: Readonly<Record<Bucket, { tone: Tone; mark: string }>> = {
  done: { tone: 'good', mark: '✓' },
  failed: { tone: 'bad', mark: '✕' },
  working: { tone: 'busy', mark: '▶' },
  unknown: { tone: 'warn', mark: '?' },
  waiting: { tone: 'calm', mark: '…' },
  aside: { tone: 'calm', mark: '–' },
};
export function bucketCounts(
  counts: Record<string, number>,
): Record<Bucket, number> & { all: number } {
  const sum = { done: 0, failed: 0, working: 0, unknown: 0, waiting: 0, aside: 0, all: 0 };
  for (const [state, n] of Object.entries(counts)) {
    sum[bucketOf(state)] += n;
    sum.all += n;
  }
  return sum;
}

interface Look {
  tone: Tone;
  mark: string;
  word: string;
}
export const targetLook = (state: TargetState): Look => ({
  ...bucketLook[bucketOf(state)],
  ...(state === 'downloading' ? { mark: '↓' } : state === 'rolled_back' ? { mark: '↺' } : {}),
  word: stateWords().target[state],
});
const itemBuckets: Readonly<Record<Target['items'][number]['state'], Bucket>> = {
  waiting: 'waiting',
  downloading: 'working',
  staged: 'working',
  installing: 'working',
  installed: 'done',
  already_installed: 'done',
  removed: 'done',
  failed: 'failed',
  not_applicable: 'aside',
};

/** One cell: the application's state on the server; before the first report, the server's own
 * state. */
/** `refusals`: what the plan leaves out; it was never asked of these servers. */
export function cellLook(
  target: Target,
  applicationId: string,
  refusals: Rollout['plan']['refusals'],
): Look {
  if (
    target.action === 'install' &&
    refusals.some((one) => one.siteId === target.siteId && one.applicationId === applicationId)
  )
    return { tone: 'warn', mark: '–', word: planWords().action.refused };
  const item = target.items.find((candidate) => candidate.applicationId === applicationId);
  if (item === undefined || target.state === 'rolled_back') return targetLook(target.state);
  // On a target that failed as a whole, waiting items were never installed.
  if (item.state === 'waiting' && isBad(target.state))
    return { tone: 'calm', mark: '–', word: stateWords().target.skipped };
  return {
    ...bucketLook[itemBuckets[item.state]],
    ...(item.state === 'downloading' ? { mark: '↓' } : {}),
    word: stateWords().item[item.state],
  };
}

export function whyWaits(target: Target): string | null {
  if (target.reason === null) return null;
  const words = { ...stateWords().block, ...stateWords().reasons } as Record<string, string>;
  return words[target.reason] ?? target.reason;
}

// ---- errors ---------------------------------------------------------------------------------

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errors, code);
/** What went wrong and what to do next: in the words of installations, or else from the shared table
 * of errors. */
export function errorWords(code: string | null): { says: string; next: string } | null {
  if (code === null) return null;
  const failure = failures[code];
  if (failure !== undefined)
    return { says: failure.cause[page.language], next: failure.next[page.language] };
  if (!isErrorCode(code)) return { says: code, next: rolloutWords().next_.retry };
  const entry = errors[code];
  return {
    says: entry[page.language],
    next: entry.retryable ? rolloutWords().next_.retry : rolloutWords().next_.correct,
  };
}

// ---- amounts --------------------------------------------------------------------------------

export function bytesWords(bytes: number): string {
  const format = (value: number) =>
    new Intl.NumberFormat(page.language, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(
      value,
    );
  if (bytes >= 1e9) return `${format(bytes / 1e9)} ${rolloutWords().GB}`;
  if (bytes >= 1e6) return `${format(bytes / 1e6)} ${rolloutWords().MB}`;
  return `${format(Math.ceil(bytes / 1e3))} ${rolloutWords().kB}`;
}

export function spanWords(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return rolloutWords().lessThanMinute;
  if (minutes < 60) return rolloutWords().min(minutes);
  if (minutes < 48 * 60) return rolloutWords().hours(Math.floor(minutes / 60), minutes % 60);
  return rolloutWords().daysN(Math.round(minutes / 1440));
}

const dayWords = (at: number): string =>
  new Intl.DateTimeFormat(page.language, { day: 'numeric', month: 'long' }).format(at);
export const momentWords = (at: number): string =>
  new Intl.DateTimeFormat(page.language, {
    weekday: 'short',
    day: 'numeric',
    month: 'long',
    hour: '2-digit',
    minute: '2-digit',
  }).format(at);

/** The remaining time as far as it is known; silent schools are named, never estimated. */
export function etaWords(
  rollout: Pick<Rollout, 'state' | 'eta' | 'startedAt' | 'startAt' | 'draft'>,
): string | null {
  if (isRolloutOver(rollout)) return null;
  if (rollout.state === 'scheduled' && rollout.startAt !== null)
    return progressWords().startsOn(momentWords(rollout.startAt));
  if (rollout.startedAt === null) return null;
  const parts: string[] = [];
  if (rollout.state === 'paused') parts.push(progressWords().etaPaused);
  else if (rollout.eta === null) parts.push(progressWords().etaNone);
  else
    parts.push(
      rollout.eta.p95Ms === 0
        ? progressWords().etaDone
        : rollout.eta.p50Ms < 60_000 ||
            spanWords(rollout.eta.p50Ms) === spanWords(rollout.eta.p95Ms)
          ? progressWords().etaWithin(spanWords(rollout.eta.p95Ms))
          : progressWords().eta(spanWords(rollout.eta.p50Ms), spanWords(rollout.eta.p95Ms)),
    );
  if (rollout.eta !== null && rollout.eta.waitingForSilent > 0)
    parts.push(
      progressWords().etaSilent(
        rollout.eta.waitingForSilent,
        dayWords(rollout.startedAt + rollout.draft.catchUpDays * 86_400_000),
      ),
    );
  return `${parts.join(rolloutWords().semicolon)}.`;
}

export function waveWords({ size, gate, soakMinutes }: WaveSpec, alone = false): string {
  const how =
    'sites' in size
      ? rolloutWords().schools(size.sites)
      : 'share' in size
        ? `${Math.round(size.share * 100)} %`
        : alone && 'rest' in size
          ? planWords().allSchools.toLowerCase()
          : planWords().sizeRest;
  const then =
    gate === 'auto'
      ? null
      : gate === 'manual'
        ? planWords().gates.manual
        : `${planWords().gates.after} (${spanWords(gate.afterMinutes * 60_000)})`;
  return [
    how,
    soakMinutes > 0 ? `${stateWords().wave.soaking} ${spanWords(soakMinutes * 60_000)}` : null,
    then,
  ]
    .filter((part) => part !== null)
    .join(', ');
}

// ---- the one button -------------------------------------------------------------------------

export type Primary =
  | 'start'
  | 'schedule'
  | 'approve'
  | 'pause'
  | 'resume'
  | 'openNext'
  | 'goOn'
  | 'releaseBrake'
  | 'retry'
  | 'finish'
  | 'again'
  | null;
/** The one action that makes sense now, or null. */
export function primaryOf(rollout: Rollout, me: string | undefined, now: number): Primary {
  if (rolloutCan.approve(rollout)) return awaitsApprovalBy(rollout, me) ? 'approve' : null;
  if (rolloutCan.start(rollout))
    return rollout.draft.startAt !== null && rollout.draft.startAt > now ? 'schedule' : 'start';
  const sum = bucketCounts(rollout.counts);
  // Only silent schools are left: there is nothing to pause.
  if (
    rollout.state === 'running' &&
    sum.working + sum.unknown === 0 &&
    sum.waiting > 0 &&
    sum.waiting === rollout.eta?.waitingForSilent &&
    rollout.waves.every((wave) => wave.state === 'passed' || wave.state === 'skipped')
  )
    return sum.failed > 0 ? 'retry' : 'finish';
  if (rolloutCan.pause(rollout)) return 'pause';
  if (rollout.state === 'paused')
    return rollout.pauseReason === 'brake'
      ? 'releaseBrake'
      : rollout.pauseReason === 'gate'
        ? 'openNext'
        : rollout.pauseReason === 'threshold'
          ? 'goOn'
          : 'resume';
  if (!isRolloutOver(rollout)) return null;
  return sum.failed > 0 && rolloutCan.retry(rollout) ? 'retry' : 'again';
}

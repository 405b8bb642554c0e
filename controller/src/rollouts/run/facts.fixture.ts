/** Facts for tables of decisions, and a decision in words. All times are minutes from `now`. */
import type { WaveSpec } from '@preau/contract/rollout-draft.ts';
import { isInFlight, type TargetState, type WaveState } from '@preau/contract/rollout-states.ts';
import type { Decision, OrderTerms, TargetChange } from './decision.ts';
import type { RolloutFacts, Span, TargetFacts, WaveFacts } from './facts.ts';

const now = 1_800_000_000_000;
const minute = 60_000;
export const at = (minutes: number): number => now + minutes * minute;
export const dayMinutes = 24 * 60;

export const span = (from: number | null, until: number | null): Span => ({
  from: from === null ? null : at(from),
  until: until === null ? null : at(until),
});

/** An order that installs at once, unless told otherwise. */
export const order = (more: Partial<OrderTerms> = {}): OrderTerms => ({
  phase: 'install',
  installFrom: null,
  installUntil: null,
  cancel: null,
  ...more,
});

type TargetMore = Partial<Omit<TargetFacts, 'server'>> & {
  server?: Partial<TargetFacts['server']>;
};

/** A server of a school of its own, online, with an hour left; heard of just now if it works. */
export const target = (
  serverId: string,
  state: TargetState,
  { server = {}, ...more }: TargetMore = {},
): TargetFacts => ({
  serverId,
  siteId: `school of ${serverId}`,
  wave: 1,
  state,
  version: 1,
  attempt: 1,
  action: 'install',
  reason: null,
  deadlineAt: at(60),
  leaseUntil: isInFlight(state) ? at(3) : null,
  notBefore: null,
  opensAt: null,
  finishedAt: null,
  order: null,
  canRestore: false,
  server: { online: true, gone: false, draining: false, busy: false, hasAll: false, ...server },
  install: null,
  download: null,
  ...more,
});

export const silent: TargetMore = { server: { online: false } };

export const wave = (
  number: number,
  state: WaveState,
  spec: Partial<WaveSpec> = {},
  more: Partial<WaveFacts> = {},
): WaveFacts => ({
  number,
  state,
  spec: { size: { rest: true }, gate: 'auto', soakMinutes: 0, ...spec },
  tolerated: 0,
  toleratedLate: 0,
  soakUntil: null,
  closedAt: null,
  ...more,
});

export const noTrip = {
  failedShare: null,
  failedCount: null,
  timedOutShare: null,
  consecutiveFailures: null,
};

/** A running rollout of one open wave that nothing stops. */
export const facts = (
  targets: readonly TargetFacts[],
  { draft = {}, ...more }: Partial<Omit<RolloutFacts, 'draft'>> & { draft?: object } = {},
): RolloutFacts => ({
  id: 'rol',
  state: 'running',
  pauseReason: null,
  cancelKind: null,
  rollbackWave: null,
  superseded: false,
  startAt: null,
  startedAt: at(-30),
  draft: {
    trip: noTrip,
    onTrip: 'pause',
    budget: { sitesAtOnce: null, serversPerSite: null, kibibytesPerSecond: null },
    timeoutMinutes: 20,
    catchUpDays: 2,
    ...draft,
  },
  expectedMs: 10 * minute,
  arrivalEnds: null,
  braked: false,
  waves: [wave(1, 'open')],
  targets,
  ...more,
});

const minutes = (moment: number | null | undefined) =>
  moment === null || moment === undefined ? '' : `${(moment - now) / minute}`;
const saidTerms = ({ phase, installFrom, installUntil, cancel }: OrderTerms) =>
  `${phase}` +
  `${installFrom === null && installUntil === null ? '' : ` ${minutes(installFrom)}..${minutes(installUntil)}`}` +
  (cancel === null ? '' : ` cancel ${cancel}`);

/** For example `a offered (install 0..30) by 50`. */
const saidTarget = (change: TargetChange): string =>
  [
    change.serverId,
    change.to,
    change.reason ?? '',
    change.action ?? '',
    change.newAttempt === true ? 'again' : '',
    change.offer === undefined ? '' : `(${saidTerms(change.offer)})`,
    change.terms === undefined ? '' : `[${saidTerms(change.terms)}]`,
    change.opensAt === null || change.opensAt === undefined
      ? ''
      : `opens ${minutes(change.opensAt)}`,
    change.deadlineAt === undefined ? '' : `by ${minutes(change.deadlineAt)}`,
  ]
    .filter((word) => word !== '')
    .join(' ');

/** All of a decision but when to decide again. */
export const said = ({ targets, waves, rollout }: Decision): string =>
  [
    ...targets.map(saidTarget),
    ...waves.map(
      ({ number, to, soakUntil }) =>
        `wave ${number} ${to}${soakUntil === undefined ? '' : ` until ${minutes(soakUntil)}`}`,
    ),
    ...(rollout === null
      ? []
      : [`→ ${rollout.to}${rollout.pauseReason === undefined ? '' : ` ${rollout.pauseReason}`}`]),
  ].join(', ');

/** In how many minutes it decides again; `''`: not by time. */
export const saidAgain = ({ evaluateAt }: Decision): string => minutes(evaluateAt);

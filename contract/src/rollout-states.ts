/** States of rollouts, waves and targets, and what each allows. */
import { Id } from './schema.ts';

export const RolloutId = Id('rol');

export const rolloutStates = [
  'planned',
  'awaiting_approval',
  'approved',
  'scheduled',
  'running',
  'paused',
  'cancelling',
  'rolling_back',
  'completed',
  'completed_with_failures',
  'cancelled',
  'rolled_back',
  'failed',
  'superseded',
] as const;
export type RolloutState = (typeof rolloutStates)[number];
export const pauseReasons = ['user', 'threshold', 'gate', 'brake'] as const;
export type PauseReason = (typeof pauseReasons)[number];
export const waveStates = ['pending', 'open', 'soaking', 'passed', 'tripped', 'skipped'] as const;
export type WaveState = (typeof waveStates)[number];

export const targetStates = [
  'queued',
  'blocked',
  'offered',
  'accepted',
  'downloading',
  'staged',
  'installing',
  'verifying',
  'unknown',
  'succeeded',
  'already_installed',
  'failed',
  'timed_out',
  'rejected',
  'cancelled',
  'skipped',
  'superseded',
  'rolled_back',
] as const;
export type TargetState = (typeof targetStates)[number];

/** Why a target waits. */
export const blockReasons = ['window', 'budget', 'offline', 'dependency', 'catching_up'] as const;
export type BlockReason = (typeof blockReasons)[number];
/** Why a target is held, or ended without a report from its server. */
export const verdictReasons = [
  'held',
  'never_came',
  'deadline',
  'server_gone',
  'not_waited_for',
] as const;
export type TargetReason = BlockReason | (typeof verdictReasons)[number];

/** States of a target that has not been sent to its server yet. */
export const waitingStates = ['queued', 'blocked'] as const satisfies TargetState[];
/** States of a target that its server has, or may have; these count against the budget. */
export const inFlightStates = [
  'offered',
  'accepted',
  'downloading',
  'staged',
  'installing',
  'verifying',
  'unknown',
] as const satisfies TargetState[];
/** In flight, but nothing on the server has changed yet: cancelling takes effect at once, and
 * pausing holds it. */
export const notStartedStates = [
  'queued',
  'blocked',
  'offered',
  'accepted',
  'downloading',
  'staged',
] as const satisfies TargetState[];
export const goodStates = ['succeeded', 'already_installed'] as const satisfies TargetState[];
export const badStates = ['failed', 'timed_out', 'rejected'] as const satisfies TargetState[];

const isOneOf =
  (list: readonly string[]) =>
  (state: string): boolean =>
    list.includes(state);
export const isWaiting = isOneOf(waitingStates);
export const isInFlight = isOneOf(inFlightStates);
export const isNotStarted = isOneOf(notStartedStates);
export const isGood = isOneOf(goodStates);
export const isBad = isOneOf(badStates);
export const isFinal = (state: TargetState): boolean => !isWaiting(state) && !isInFlight(state);

const ends: readonly TargetState[] = [
  'succeeded',
  'already_installed',
  'failed',
  'timed_out',
  'rejected',
  'cancelled',
  'rolled_back',
];
/** Every legal transition of a target within one attempt; any other reported state is stored as
 * evidence and changes nothing. A new attempt (retry, taken back, rollback) starts at `queued` and
 * is a separate transition. */
export const targetMoves: Readonly<Record<TargetState, readonly TargetState[]>> = {
  queued: [
    'blocked',
    'offered',
    'already_installed',
    'cancelled',
    'skipped',
    'superseded',
    'timed_out',
  ],
  blocked: [
    'queued',
    'blocked',
    'offered',
    'already_installed',
    'cancelled',
    'skipped',
    'superseded',
    'timed_out',
  ],
  offered: ['accepted', 'downloading', 'staged', 'installing', 'verifying', 'unknown', ...ends],
  accepted: ['downloading', 'staged', 'installing', 'verifying', 'unknown', ...ends],
  downloading: ['staged', 'installing', 'verifying', 'unknown', ...ends],
  staged: ['downloading', 'installing', 'verifying', 'unknown', ...ends],
  installing: ['verifying', 'unknown', ...ends],
  // After a power cut the agent starts over with what is missing.
  verifying: ['downloading', 'staged', 'installing', 'unknown', ...ends],
  unknown: ['accepted', 'downloading', 'staged', 'installing', 'verifying', ...ends],
  // A late report counts while the wave is open; afterwards the verdict stands.
  timed_out: ['succeeded', 'already_installed', 'rolled_back'],
  succeeded: [],
  already_installed: [],
  failed: [],
  rejected: [],
  cancelled: [],
  skipped: [],
  superseded: [],
  rolled_back: [],
};

interface HasState {
  state: RolloutState;
}
const among =
  (...states: RolloutState[]) =>
  ({ state }: HasState): boolean =>
    states.includes(state);
/** What may be done with a rollout: the controller enforces it, the console shows the button. */
export const rolloutCan = {
  edit: among('planned', 'awaiting_approval', 'approved', 'scheduled'),
  approve: among('awaiting_approval'),
  start: among('planned', 'approved'),
  pause: among('running'),
  resume: (rollout: HasState & { pauseReason: PauseReason | null }) =>
    rollout.state === 'paused' && rollout.pauseReason !== 'brake',
  cancel: among(
    'planned',
    'awaiting_approval',
    'approved',
    'scheduled',
    'running',
    'paused',
    'rolling_back',
  ),
  retry: among(
    'running',
    'paused',
    'completed_with_failures',
    'completed',
    'failed',
    'cancelled',
    'rolled_back',
  ),
  rollBack: among(
    'running',
    'paused',
    'completed',
    'completed_with_failures',
    'failed',
    'cancelled',
  ),
  finish: among('running', 'paused'),
  remove: among('planned', 'awaiting_approval', 'approved'),
};

/** Whether this account may approve the rollout: anybody except the person who prepared it.
 * Accounts are compared by id, because two technicians may have the same name. */
export const awaitsApprovalBy = (
  rollout: HasState & { createdById: string | null },
  accountId: string | undefined,
): boolean => rolloutCan.approve(rollout) && rollout.createdById !== accountId;
export const isRolloutActive = among(
  'scheduled',
  'running',
  'paused',
  'cancelling',
  'rolling_back',
);
export const isRolloutOver = among(
  'completed',
  'completed_with_failures',
  'cancelled',
  'rolled_back',
  'failed',
  'superseded',
);

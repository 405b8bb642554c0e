/** The facts that decisions about a rollout are based on. Plain data, read at one time; no I/O. */
import type { CancelKind } from '@preau/contract/order.ts';
import type { RolloutDraft, WaveSpec } from '@preau/contract/rollout-draft.ts';
import type {
  PauseReason,
  RolloutState,
  TargetReason,
  TargetState,
  WaveState,
} from '@preau/contract/rollout-states.ts';

export interface TargetFacts {
  serverId: string;
  siteId: string;
  wave: number;
  state: TargetState;
  /** For compare-and-set: a change based on these facts is written only while the row has this
   * version. */
  version: number;
  attempt: number;
  action: 'install' | 'restore';
  reason: TargetReason | null;
  deadlineAt: number;
  leaseUntil: number | null;
  notBefore: number | null;
  opensAt: number | null;
  finishedAt: number | null;
  /** The target's current order, if any: its phase, when it may install, how it is cancelled. */
  order: {
    phase: 'stage' | 'install';
    installFrom: number | null;
    installUntil: number | null;
    cancel: CancelKind | null;
  } | null;
  /** An earlier state is known that worked and differs from what this rollout installs, so that it
   * can be restored. Set only during a rollback. */
  canRestore: boolean;
  server: {
    online: boolean;
    gone: boolean;
    draining: boolean;
    /** An order of another rollout is in flight there. */
    busy: boolean;
    /** It is online and has reported every planned application in the planned version. */
    hasAll: boolean;
  };
  /** The install window of its school that is open now or opens next; null: any time. */
  install: Span | null;
  download: Span | null;
}

/** A window, in epoch ms. It is open once `from` is reached; `from` null: it does not open within a
 * year. */
export interface Span {
  from: number | null;
  until: number | null;
}

export interface WaveFacts {
  number: number;
  state: WaveState;
  spec: WaveSpec;
  /** Numbers of failures and of timeouts that a technician has accepted. */
  tolerated: number;
  toleratedLate: number;
  soakUntil: number | null;
  closedAt: number | null;
}

export interface RolloutFacts {
  id: string;
  state: RolloutState;
  pauseReason: PauseReason | null;
  cancelKind: CancelKind | null;
  /** The only wave to roll back; null: all waves. */
  rollbackWave: number | null;
  superseded: boolean;
  startAt: number | null;
  startedAt: number | null;
  draft: Pick<RolloutDraft, 'trip' | 'onTrip' | 'budget' | 'timeoutMinutes' | 'catchUpDays'>;
  /** Expected longest time to install (measured p95 × 1.3); a window must leave room for it. */
  expectedMs: number;
  /** The latest end of the arrival times (`arrivalTimeEnds`) now in progress at its schools; null:
   * there are none. */
  arrivalEnds: number | null;
  braked: boolean;
  /** In the order of the plan. */
  waves: readonly WaveFacts[];
  targets: readonly TargetFacts[];
}

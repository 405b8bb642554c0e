/** What decisions about a rollout are made of. Plain data, read at one moment; no rows, no I/O. */
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
  /** Compare-and-set: a change made from these facts lands only while the row has this number. */
  version: number;
  attempt: number;
  action: 'install' | 'restore';
  reason: TargetReason | null;
  deadlineAt: number;
  leaseUntil: number | null;
  notBefore: number | null;
  opensAt: number | null;
  finishedAt: number | null;
  /** The order it has, if any: what it may do and until when. */
  order: {
    phase: 'stage' | 'install';
    installFrom: number | null;
    installUntil: number | null;
    cancel: CancelKind | null;
  } | null;
  /** There is a proven earlier set to go back to, and it differs from what was installed. */
  canRestore: boolean;
  server: {
    online: boolean;
    gone: boolean;
    draining: boolean;
    /** An order of another rollout is in flight there. */
    busy: boolean;
    /** It has reported all that is wanted, in the wanted versions, and is online. */
    hasAll: boolean;
  };
  /** The install window of its school that is open now or opens next; null: any time. */
  install: Span | null;
  download: Span | null;
}

/** `from` at or before now: open. `from` null: never within a year. */
export interface Span {
  from: number | null;
  until: number | null;
}

export interface WaveFacts {
  number: number;
  state: WaveState;
  spec: WaveSpec;
  /** Failures, and those that ran out of time, which a technician has accepted. */
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
  /** Only this wave is rolled back; null: all that was touched. */
  rollbackWave: number | null;
  superseded: boolean;
  startAt: number | null;
  startedAt: number | null;
  draft: Pick<RolloutDraft, 'trip' | 'onTrip' | 'budget' | 'timeoutMinutes' | 'catchUpDays'>;
  /** How long installing takes at most, as measured (p95 × 1.3); a window must leave room for it. */
  expectedMs: number;
  /** When the morning arrival in one of its schools is over; null: nobody arrives now. */
  arrivalEnds: number | null;
  braked: boolean;
  /** In the order of the plan. */
  waves: readonly WaveFacts[];
  targets: readonly TargetFacts[];
}

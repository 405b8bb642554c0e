/** A decision about a rollout: changes of its targets, of its waves and of the rollout itself. */

import type { CancelKind } from '@preau/contract/order.ts';
import type { TargetReason } from '@preau/contract/rollout-states.ts';
import {
  isFinal,
  type PauseReason,
  type RolloutState,
  type TargetState,
  type WaveState,
} from '@preau/contract/rollout-states.ts';
import type { RolloutFacts, TargetFacts } from './facts.ts';

export interface OrderTerms {
  phase: 'stage' | 'install';
  installFrom: number | null;
  installUntil: number | null;
  cancel: CancelKind | null;
}

/** One change of one target. `newAttempt`: a new attempt begins, so its old order is void. `offer`:
 * give it an order with these terms. `terms`: replace the terms of its present order. */
export interface TargetChange {
  serverId: string;
  version: number;
  to: TargetState;
  reason?: TargetReason | null;
  opensAt?: number | null;
  notBefore?: number | null;
  deadlineAt?: number;
  action?: 'install' | 'restore';
  newAttempt?: boolean;
  offer?: OrderTerms;
  terms?: OrderTerms;
}

export interface WaveChange {
  number: number;
  to: WaveState;
  soakUntil?: number;
  note?: 'all_left_out';
}

export interface Decision {
  targets: TargetChange[];
  waves: WaveChange[];
  rollout: {
    to: RolloutState;
    pauseReason?: PauseReason;
    note?: { fr: string; en: string };
  } | null;
  /** When to evaluate again if nothing happens before; epoch ms. */
  evaluateAt: number | null;
}

/** The empty decision, to spread into others. */
export const nothing: Decision = { targets: [], waves: [], rollout: null, evaluateAt: null };

export const change = (
  target: TargetFacts,
  to: TargetChange['to'],
  more: Omit<TargetChange, 'serverId' | 'version' | 'to'> = {},
): TargetChange => ({
  serverId: target.serverId,
  version: target.version,
  to,
  reason: null,
  opensAt: null,
  ...more,
});

/** Sets `evaluateAt` to the earliest time at which the decision would change without any other
 * event. */
export function withNextEvaluation(decision: Decision, facts: RolloutFacts, now: number): Decision {
  let at = decision.evaluateAt ?? Number.POSITIVE_INFINITY;
  const consider = (moment: number | null) => {
    if (moment !== null && moment > now && moment < at) at = moment;
  };
  for (const wave of facts.waves) if (wave.state === 'soaking') consider(wave.soakUntil);
  for (const target of facts.targets) {
    if (isFinal(target.state)) continue;
    consider(target.deadlineAt);
    consider(target.leaseUntil);
    consider(target.notBefore);
    consider(target.install?.from ?? null);
    consider(target.download?.from ?? null);
  }
  return { ...decision, evaluateAt: Number.isFinite(at) ? at : null };
}

/** How waves open, soak and pass. Pure. */

import { isFinal, isGood, isWaiting } from '@preau/contract/rollout-states.ts';
import { type Decision, nothing, withNextEvaluation } from './decision.ts';
import type { RolloutFacts, TargetFacts, WaveFacts } from './facts.ts';
import { offers, reachedWaves, retime } from './offers.ts';

/** Its order waits for a server that is offline. */
const isSilent = (target: TargetFacts) => isWaiting(target.state) && !target.server.online;

export function moveWaves(
  facts: RolloutFacts,
  current: WaveFacts | undefined,
  now: number,
): Decision | null {
  if (current === undefined) return openNext(facts, now);
  const members = facts.targets.filter((target) => target.wave === current.number);
  const isLast = facts.waves.at(-1)?.number === current.number;
  if (current.state === 'soaking') {
    if ((current.soakUntil ?? 0) > now) return null;
    return pass(current, isLast);
  }
  if (!members.every((target) => isFinal(target.state) || isSilent(target))) return null;
  // A wave without a single success proves nothing while servers are silent, so the next one waits;
  // only the last wave may pass like this.
  if (!isLast && members.some(isSilent) && !members.some((target) => isGood(target.state)))
    return null;
  const changed = members.some((target) => target.state === 'succeeded');
  if (current.spec.soakMinutes > 0 && changed)
    return {
      ...nothing,
      waves: [
        {
          number: current.number,
          to: 'soaking',
          soakUntil: now + current.spec.soakMinutes * 60_000,
        },
      ],
    };
  return pass(current, isLast);
}

function openNext(facts: RolloutFacts, now: number): Decision | null {
  const next = facts.waves.find((wave) => wave.state === 'pending');
  if (next === undefined) return null;
  const before = facts.waves.filter((wave) => wave.number < next.number).at(-1);
  if (before !== undefined && typeof before.spec.gate === 'object') {
    const opensAt = (before.closedAt ?? now) + before.spec.gate.afterMinutes * 60_000;
    if (opensAt > now)
      return withNextEvaluation(
        {
          ...nothing,
          targets: [...retime(facts, now), ...offers(facts, now, reachedWaves(facts))],
          evaluateAt: opensAt,
        },
        facts,
        now,
      );
  }
  return { ...nothing, waves: [{ number: next.number, to: 'open' }] };
}

function pass(current: WaveFacts, isLast: boolean): Decision {
  const asks = !isLast && current.spec.gate === 'manual';
  return {
    ...nothing,
    waves: [{ number: current.number, to: 'passed' }],
    rollout: asks
      ? {
          to: 'paused',
          pauseReason: 'gate',
          note: {
            fr: `Vague ${current.number} réussie : à vous d’ouvrir la suivante.`,
            en: `Wave ${current.number} is well: the next one is yours to open.`,
          },
        }
      : null,
  };
}

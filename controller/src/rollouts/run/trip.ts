/** When failures stop a wave. Pure. */

import { isGood } from '@preau/contract/rollout-states.ts';
import type { RolloutFacts, TargetFacts, WaveFacts } from './facts.ts';

/** Whether it exceeded its deadline while working. A server that never came online has another
 * reason, and does not count. */
export const ranOutOfTime = ({ state, reason }: Pick<TargetFacts, 'state' | 'reason'>): boolean =>
  state === 'timed_out' && reason === 'deadline';

/** Returns the reason why the wave must stop, or null. */
export function trip(facts: RolloutFacts, wave: WaveFacts): { fr: string; en: string } | null {
  const members = facts.targets.filter(
    (target) => target.wave === wave.number && target.state !== 'skipped',
  );
  const failures = members.filter(hasFailed);
  const failed = Math.max(failures.length - wave.tolerated, 0);
  const timedOut = Math.max(members.filter(ranOutOfTime).length - wave.toleratedLate, 0);
  const { trip: rules } = facts.draft;
  const enough = Math.min(2, members.length);
  const stopped = (fr: string, en: string) => ({
    fr: `Vague ${wave.number} arrêtée : ${fr}.`,
    en: `Wave ${wave.number} stopped: ${en}.`,
  });
  if (rules.failedCount !== null && failed > rules.failedCount)
    return stopped(`${failed} serveurs en échec`, `${failed} servers failed`);
  if (rules.failedShare !== null && failed >= enough && failed / members.length > rules.failedShare)
    return stopped(
      `${failed} serveurs en échec sur ${members.length}`,
      `${failed} of ${members.length} servers failed`,
    );
  if (
    rules.timedOutShare !== null &&
    timedOut >= enough &&
    timedOut / members.length > rules.timedOutShare
  )
    return stopped(
      `${timedOut} serveurs sur ${members.length} n’ont pas fini à temps`,
      `${timedOut} of ${members.length} servers did not finish in time`,
    );
  const { consecutiveFailures } = rules;
  if (
    consecutiveFailures !== null &&
    failed >= consecutiveFailures &&
    failuresInARow(members) >= consecutiveFailures
  )
    return stopped(
      `${consecutiveFailures} échecs de suite`,
      `${consecutiveFailures} failures in a row`,
    );
  return null;
}

/** The number of failures since the last success, by time of finishing. */
function failuresInARow(members: readonly TargetFacts[]): number {
  const ended = members
    .filter((target) => target.finishedAt !== null && (isGood(target.state) || hasFailed(target)))
    .sort(
      (a, b) => (b.finishedAt ?? 0) - (a.finishedAt ?? 0) || a.serverId.localeCompare(b.serverId),
    );
  const streak = ended.findIndex((target) => isGood(target.state));
  return streak < 0 ? ended.length : streak;
}

const hasFailed = ({ state }: TargetFacts) => state === 'failed' || state === 'rejected';

/** Evaluates one rollout: reads its state, decides, writes the changes, and repeats until nothing
 * changes. Safe to run twice, late, or in two processes at once: each evaluation takes a fencing
 * number, and every change is compare-and-set. */
import { holdsFence, takeFence } from '../store.ts';
import { advance } from './advance.ts';
import { changeRolloutState, changeWaveState } from './change-rollout.ts';
import { changeTargets } from './change-targets.ts';
import type { Decision } from './decision.ts';
import { type RolloutDeps, readSnapshot, type Snapshot } from './read-facts.ts';

/** Most targets changed in one transaction, so that other transactions can run in between. */
const chunk = 50;
const maxPasses = 100;

export async function evaluateRollout(deps: RolloutDeps, rolloutId: string): Promise<void> {
  for (let pass = 0; pass < maxPasses; pass += 1) {
    const fence = await takeFence(deps.database, rolloutId);
    const snapshot = fence === undefined ? null : await readSnapshot(deps, rolloutId);
    if (fence === undefined || snapshot === null) return;
    const decision = advance(snapshot.facts, deps.clock.now());
    if (!(await carryOut(deps, snapshot, decision, fence))) return;
  }
}

/** False when there was nothing to do, or a newer evaluation has begun. */
async function carryOut(
  deps: RolloutDeps,
  snapshot: Snapshot,
  decision: Decision,
  fence: number,
): Promise<boolean> {
  const { rollout } = snapshot;
  const changes = [...decision.targets].sort((a, b) => (a.serverId < b.serverId ? -1 : 1));
  const nothing = changes.length === 0 && decision.waves.length === 0 && decision.rollout === null;
  let did = false;
  for (let at = 0; at === 0 || at < changes.length; at += chunk) {
    const topics = await deps.database.transaction().execute(async (rows) => {
      if (!(await holdsFence(rows, rollout.id, fence, decision.evaluateAt))) return null;
      const woken = new Set(
        await changeTargets(deps, rows, snapshot, changes.slice(at, at + chunk)),
      );
      if (at === 0) {
        for (const wave of decision.waves)
          for (const topic of await changeWaveState(deps, rows, snapshot, wave)) woken.add(topic);
        if (decision.rollout !== null)
          for (const topic of await changeRolloutState(deps, rows, rollout, decision.rollout))
            woken.add(topic);
      }
      return woken;
    });
    if (topics === null) return false;
    did ||= topics.size > 0;
    if (topics.size > 0) deps.wakeups.wake([...topics, 'rollouts']);
    if (changes.length > chunk) await new Promise((resolve) => setImmediate(resolve));
  }
  return did && !nothing;
}

/** Servers that joined after the plan was made. */

import type { RolloutDraft } from '@preau/contract/rollout-draft.ts';
import type { Rows } from '#src/platform/database.ts';
import { planEntries } from '../plan/plan.ts';
import { plannedApplications, readPlanFacts } from '../plan/plan-facts.ts';

/** Servers that the draft covers and that are not in `known`; they join the last wave. */
export async function findLateJoiners(
  rows: Rows,
  draft: RolloutDraft,
  known: ReadonlySet<string>,
  now: number,
): Promise<{ serverId: string; siteId: string }[]> {
  const { entries } = planEntries(
    draft,
    await readPlanFacts(rows, draft, await plannedApplications(rows, draft), now),
  );
  return entries
    .filter((entry) => !known.has(entry.serverId))
    .map(({ serverId, siteId }) => ({ serverId, siteId }));
}

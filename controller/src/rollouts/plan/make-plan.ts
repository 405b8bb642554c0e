/** Makes the plan of a draft. */

import { AppError } from '@preau/contract/errors.ts';
import type { RolloutDraft } from '@preau/contract/rollout-draft.ts';
import type { RolloutPlan } from '@preau/contract/rollout-plan.ts';
import { isFinal } from '@preau/contract/rollout-states.ts';
import { windowsProblem } from '@preau/contract/windows.ts';

import type { Rows } from '#src/platform/database.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { readSettings } from '../settings.ts';
import { selectActiveRollouts } from '../store.ts';
import { selectTargets } from '../targets/store.ts';
import { type FullPlan, planEntries, planText } from './plan.ts';
import { plannedApplications, readPlanFacts } from './plan-facts.ts';

/** Refuses with VALIDATION_FAILED (invalid windows), and as `plannedApplications` does. */
export async function makePlan(rows: Rows, draft: RolloutDraft, now: number): Promise<FullPlan> {
  for (const windows of [draft.windows.install, draft.windows.download]) {
    const problem = windows === null ? null : windowsProblem(windows);
    if (problem !== null)
      throw new AppError('VALIDATION_FAILED', {
        problem,
        issues: [{ field: 'body/windows', problem: problem.en }],
      });
  }
  const applications = await plannedApplications(rows, draft);
  const parts = planEntries(draft, await readPlanFacts(rows, draft, applications, now));
  const listed: RolloutPlan['applications'] = applications.map(
    ({ application, versionId, version, want, becauseOf }) => ({
      applicationId: application.id,
      versionId,
      slug: application.slug,
      name: application.name,
      version,
      want,
      becauseOf,
    }),
  );
  const { approvalAboveSites } = await readSettings(rows);
  return {
    hash: sha256(planText(draft, { applications: listed, entries: parts.entries })),
    at: now,
    applications: listed,
    ...parts,
    clashes: await findClashes(
      rows,
      listed,
      parts.entries.map((entry) => entry.serverId),
    ),
    needsApproval: approvalAboveSites !== null && parts.totals.sites > approvalAboveSites,
  };
}

/** Finds active rollouts that share servers with this one. `supersedes`: this one covers all its
 * applications and remaining servers, so the other ends. `waits_for`: any other; this one waits for
 * it on each shared server. */
async function findClashes(
  rows: Rows,
  applications: RolloutPlan['applications'],
  serverIds: readonly string[],
): Promise<RolloutPlan['clashes']> {
  const mine = new Set(serverIds);
  const ours = new Set(applications.map((application) => application.applicationId));
  const clashes: RolloutPlan['clashes'] = [];
  for (const other of await selectActiveRollouts(rows)) {
    const left = (await selectTargets(rows, other.id)).filter((target) => !isFinal(target.state));
    const shared = left.filter((target) => mine.has(target.serverId)).length;
    if (shared === 0) continue;
    const covered =
      shared === left.length &&
      other.plan.applications.every((application) => ours.has(application.applicationId));
    clashes.push({
      rolloutId: other.id,
      rolloutName: other.name,
      servers: shared,
      kind: covered ? 'supersedes' : 'waits_for',
    });
  }
  return clashes;
}

/** Reads the fleet and makes the plan of a draft. */

import type { Recipes } from '@preau/contract/application.ts';
import { windowsProblem } from '@preau/contract/calendar.ts';
import { AppError } from '@preau/contract/errors.ts';
import { defaultSettings, type RolloutSettings } from '@preau/contract/rollout.ts';
import type { RolloutDraft } from '@preau/contract/rollout-draft.ts';
import type { RolloutPlan } from '@preau/contract/rollout-plan.ts';
import { isFinal } from '@preau/contract/rollout-states.ts';
import { offlineAfterMs } from '@preau/contract/server.ts';
import { expandRequirements } from '#src/applications/requirements.ts';
import { selectApplications } from '#src/applications/store.ts';
import type { Rows } from '#src/platform/database.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { selectSites } from '#src/sites/store.ts';
import {
  selectActiveRollouts,
  selectCity,
  selectFleet,
  selectGroupSites,
  selectKnownApplications,
  selectTargets,
  selectVersions,
} from '../store.ts';
import {
  type FullPlan,
  type PlanFacts,
  type PlannedApplication,
  planEntries,
  planText,
} from './plan.ts';

export const readSettings = (rows: Rows): Promise<RolloutSettings> =>
  selectCity(rows, 'rollouts', defaultSettings);

/** Names what is meant: whoever reads it made the plan some time ago. */
export function withdrawn(gone: readonly { slug: string; version: string }[]): AppError {
  const names = gone.map(({ slug, version }) => `${slug} ${version}`).join(', ');
  return new AppError('WITHDRAWN', {
    withdrawn: names,
    why: {
      fr: `${names} : ce n’est plus au catalogue. Remettez-le au catalogue, ou choisissez autre chose.`,
      en: `${names}: no longer in the catalogue. Put it back, or choose something else.`,
    },
  });
}

/** Everything the draft asks for and everything that needs, in the order in which it is brought.
 * Refuses with NOT_FOUND, WITHDRAWN, REQUIREMENTS_CIRCULAR, REQUIREMENT_MISSING. */
export async function plannedApplications(
  rows: Rows,
  draft: Pick<RolloutDraft, 'items'>,
): Promise<PlannedApplication[]> {
  const catalogue = await selectApplications(rows);
  const elsewhere = draft.items.filter(
    (item) => !catalogue.some(({ id }) => id === item.applicationId),
  );
  const left = elsewhere.length === 0 ? [] : await selectApplications(rows, { among: 'withdrawn' });
  const byId = new Map([...catalogue, ...left].map((application) => [application.id, application]));
  const missing = draft.items.find((item) => !byId.has(item.applicationId));
  if (missing !== undefined)
    throw new AppError('NOT_FOUND', { application: missing.applicationId });
  // What has left the catalogue can still be taken away.
  const gone = left.filter(({ id }) =>
    elsewhere.some((item) => item.applicationId === id && item.want === 'present'),
  );
  if (gone.length > 0) throw withdrawn(gone);
  const asked = new Map(draft.items.map((item) => [item.applicationId, item]));
  const expansion = expandRequirements(
    catalogue,
    draft.items.filter((item) => item.want === 'present').map((item) => item.applicationId),
  );
  if ('refused' in expansion) throw new AppError(expansion.refused, { path: expansion.path });
  const versions = await selectVersions(
    rows,
    draft.items.flatMap((item) => (item.versionId === undefined ? [] : [item.versionId])),
  );
  const planned = (
    id: string,
    want: 'present' | 'absent',
    becauseOf: string | null,
  ): PlannedApplication => {
    const application = byId.get(id);
    if (application === undefined) throw new AppError('NOT_FOUND', { application: id });
    const versionId = asked.get(id)?.versionId;
    if (versionId === undefined)
      return {
        application,
        versionId: application.versionId,
        version: application.version,
        want,
        becauseOf,
      };
    const version = versions.get(versionId);
    if (version === undefined || version.applicationId !== id)
      throw new AppError('NOT_FOUND', { version: versionId });
    if (version.withdrawn && want === 'present')
      throw withdrawn([{ slug: application.slug, version: version.version }]);
    return {
      application: { ...application, recipes: JSON.parse(version.recipes) as Recipes },
      versionId,
      version: version.version,
      want,
      becauseOf,
    };
  };
  return [
    ...expansion.order
      .filter(({ id }) => asked.get(id)?.want !== 'absent')
      .map(({ id, becauseOf }) => planned(id, 'present', becauseOf)),
    ...draft.items
      .filter((item) => item.want === 'absent')
      .reverse()
      .map((item) => planned(item.applicationId, 'absent', null)),
  ];
}

async function readPlanFacts(
  rows: Rows,
  draft: RolloutDraft,
  applications: PlannedApplication[],
  now: number,
): Promise<PlanFacts> {
  const known = await selectKnownApplications(
    rows,
    applications.map((planned) => planned.application.id),
  );
  const installed = new Map<string, Map<string, { versionId: string; version: string | null }>>();
  for (const { serverId, applicationId, versionId, version, state } of known) {
    if (state !== 'installed') continue;
    installed.set(
      serverId,
      (
        installed.get(serverId) ?? new Map<string, { versionId: string; version: string | null }>()
      ).set(applicationId, { versionId, version }),
    );
  }
  return {
    sites: (await selectSites(rows)).map(({ id, name }) => ({ id, name })),
    servers: (await selectFleet(rows))
      .filter((server) => !server.retired)
      .map((server) => ({
        ...server,
        online: server.lastSeenAt !== null && now - server.lastSeenAt < offlineAfterMs,
        installed: installed.get(server.id) ?? new Map(),
      })),
    applications,
    groupSites: new Set(await selectGroupSites(rows, draft.where.groupIds)),
  };
}

/** Refuses with VALIDATION_FAILED (windows that make no sense) and as `plannedApplications`. */
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

/** Servers of the last wave that came after the plan. */
export async function lateJoiners(
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

/** An active rollout whose every application and every remaining server this one covers gives way
 * to it; with another that meets it on some server, it waits for its turn there. */
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

/** Makes the plan of a draft. */

import { AppError } from '@preau/contract/errors.ts';
import type { RolloutDraft } from '@preau/contract/rollout-draft.ts';
import type { PlanRefusal, RolloutPlan } from '@preau/contract/rollout-plan.ts';
import { isFinal } from '@preau/contract/rollout-states.ts';
import { windowsProblem } from '@preau/contract/windows.ts';

import { selectApplications } from '#src/applications/store.ts';
import type { Rows } from '#src/platform/database.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { readSettings } from '../settings.ts';
import { selectActiveRollouts } from '../store.ts';
import { selectTargets } from '../targets/store.ts';
import {
  estimatesOf,
  type FullPlan,
  type PlanFacts,
  type PlannedApplication,
  planEntries,
  planText,
} from './plan.ts';
import { plannedApplications, readPlanFacts } from './plan-facts.ts';
import { freshMs } from './questions/ask.ts';
import { type Question, questionsOf } from './questions/questions.ts';
import { selectKnownAnswers, selectWantedVersions } from './questions/store.ts';
import { refusalsOf, withRefusals } from './refusals.ts';

/** `refusals`: what is known already. Refuses with VALIDATION_FAILED (invalid windows), and as
 * `plannedApplications` does. */
export async function makePlan(
  rows: Rows,
  draft: RolloutDraft,
  now: number,
  refusals: readonly PlanRefusal[] = [],
): Promise<FullPlan> {
  return finish(rows, draft, await readParts(rows, draft, now), refusals, now);
}

/** The plan, and what is to be asked about it. Answers to the same questions of a short while ago
 * are in the plan already. */
export async function makePlanToAsk(
  rows: Rows,
  draft: RolloutDraft,
  now: number,
): Promise<{ plan: FullPlan; questions: Question[] }> {
  const read = await readParts(rows, draft, now);
  const { applications, facts, parts } = read;
  const wanted = await selectWantedVersions(
    rows,
    facts.servers.filter(({ answers }) => answers).map(({ id }) => id),
  );
  const questions = questionsOf(
    { applications, entries: parts.entries },
    facts.servers.map((server) => ({ ...server, wanted: wanted.get(server.id) ?? [] })),
    now,
  );
  const known = await selectKnownAnswers(rows, questions, now - freshMs);
  const names = new Map(
    known.size === 0
      ? []
      : (await selectApplications(rows)).map(({ slug, name }) => [slug, name] as const),
  );
  const refusals = refusalsOf(
    questions.flatMap(({ serverId, siteId, key }) => {
      const foreseen = known.get(`${serverId} ${key}`);
      const entry = parts.entries.find((one) => one.serverId === serverId);
      return foreseen === undefined || entry === undefined
        ? []
        : [{ siteId, siteName: entry.siteName, serverName: entry.serverName, foreseen }];
    }),
    applications
      .filter(({ want }) => want === 'present')
      .map(({ application: { id, slug, requires } }) => ({ applicationId: id, slug, requires })),
    names,
  );
  return { plan: await finish(rows, draft, read, refusals, now), questions };
}

interface ReadParts {
  applications: PlannedApplication[];
  facts: PlanFacts;
  parts: ReturnType<typeof planEntries>;
}

async function readParts(rows: Rows, draft: RolloutDraft, now: number): Promise<ReadParts> {
  for (const windows of [draft.windows.install, draft.windows.download]) {
    const problem = windows === null ? null : windowsProblem(windows);
    if (problem !== null)
      throw new AppError('VALIDATION_FAILED', {
        problem,
        issues: [{ field: 'body/windows', problem: problem.en }],
      });
  }
  const applications = await plannedApplications(rows, draft);
  const facts = await readPlanFacts(rows, draft, applications, now);
  return { applications, facts, parts: planEntries(draft, facts) };
}

async function finish(
  rows: Rows,
  draft: RolloutDraft,
  read: ReadParts,
  refusals: readonly PlanRefusal[],
  now: number,
): Promise<FullPlan> {
  const { applications } = read;
  const parts = withRefusals(draft, read.parts, refusals, estimatesOf(applications));
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
    refusals: [...refusals],
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

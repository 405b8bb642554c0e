import type { Application, ApplicationDraft } from '@preau/contract/application.ts';
import type { ApplicationChanges, ApplicationVersion } from '@preau/contract/catalogue.ts';
import { AppError } from '@preau/contract/errors.ts';
import { factsOf } from '@preau/contract/recipe-kinds.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { takeDrawing } from './icons/icons.ts';
import { mustHaveFiles } from './packages/packages.ts';
import { expandRequirements } from './requirements.ts';
import { mustBeReviewed } from './scripts/scripts.ts';
import {
  saveApplicationWords,
  selectApplications,
  selectRequirements,
  selectVersions,
  upsertApplication,
} from './store.ts';

/** Rules use category and labels, on the servers too, so the servers get a new state in the
 * caller's transaction when either changes. The first call locks the servers (before applications,
 * as in a launch); the function it returns publishes the change and returns the topics to wake. */
export type TellServers = (rows: Rows, applicationId: string) => Promise<() => Promise<Topic[]>>;
export const tellNobody: TellServers = async () => async () => [];

/** Only the controller itself may change the agent's application. */
export const agentSlug = 'preau-agent';

/** Adds an application, or a version to the application with that slug. Refuses with
 * ALREADY_EXISTS a version that exists, and with whatever `addVersion` refuses. */
export async function createApplication(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: Actor,
  draft: ApplicationDraft,
  tell: TellServers = tellNobody,
): Promise<Application> {
  const { id, added, topics } = await deps.database
    .transaction()
    .execute((rows) => addVersion(deps, rows, actor, draft, tell));
  deps.wakeups.wake(['applications', 'portal', 'audit', ...topics]);
  // Nothing but its drawing may have changed.
  if (!added) throw new AppError('ALREADY_EXISTS', { slug: draft.slug, version: draft.version });
  const [application] = await selectApplications(deps.database, { id });
  if (application === undefined) throw new AppError('INTERNAL');
  return application;
}

/** In the caller's transaction. `added` is false when that version exists already; `topics` are
 * to be woken after the commit. Refuses with REQUIREMENT_MISSING, REQUIREMENTS_CIRCULAR,
 * REQUIREMENTS_TOO_DEEP, PACKAGE_NOT_FOUND (an upload it names), SCRIPT_REFUSED, ICON_REFUSED, and
 * with FORBIDDEN the agent's own recipe. */
export async function addVersion(
  deps: Pick<Platform, 'clock'>,
  rows: Rows,
  actor: Actor,
  draft: ApplicationDraft,
  tell: TellServers,
): Promise<{ id: string; added: boolean; topics: Topic[] }> {
  const ownToController =
    draft.slug === agentSlug ||
    Object.values(draft.recipes).some(
      (recipe) => recipe !== undefined && factsOf(recipe)?.addedBy === 'controller',
    );
  if (ownToController && actor.kind !== 'job') throw new AppError('FORBIDDEN', { slug: agentSlug });
  await mustHaveFiles(rows, draft.recipes);
  await mustBeReviewed(rows, draft.recipes);
  const [past] = await selectApplications(rows, { slug: draft.slug, learnt: false });
  const publish =
    past === undefined ||
    looksTheSame(past, { category: draft.category, labels: draft.labels ?? [] })
      ? null
      : await tell(rows, past.id);
  const { id, added } = await upsertApplication(rows, draft, deps.clock.now());
  const isRedrawn = await takeDrawing(rows, id, draft.icon);
  if (!added) return { id, added, topics: isRedrawn ? ['applications', 'portal'] : [] };
  const expanded =
    (draft.requires ?? []).length === 0
      ? { order: [] }
      : expandRequirements(await selectRequirements(rows, draft.slug), [id]);
  if ('refused' in expanded) throw new AppError(expanded.refused, { path: expanded.path });
  await recordEffect(deps, rows, actor, {
    action: 'application.created',
    subjectId: id,
    subjectName: draft.name.fr,
    details: { slug: draft.slug, version: draft.version },
  });
  return { id, added, topics: publish === null ? [] : await publish() };
}

/** Whether rules see no difference between the two. Pure. */
const looksTheSame = (
  a: Pick<Application, 'category' | 'labels'>,
  b: Pick<Application, 'category' | 'labels'>,
): boolean =>
  a.category === b.category && [...a.labels].sort().join(' ') === [...b.labels].sort().join(' ');

/** Refuses with NOT_FOUND, and with FORBIDDEN the agent. */
export async function changeApplication(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: Actor,
  id: string,
  changes: ApplicationChanges,
  tell: TellServers,
): Promise<Application> {
  const topics = await deps.database.transaction().execute(async (rows) => {
    const [past] = await selectApplications(rows, { id, learnt: false });
    if (past === undefined) throw new AppError('NOT_FOUND', { application: id });
    if (past.slug === agentSlug) throw new AppError('FORBIDDEN', { slug: agentSlug });
    const labels = [...changes.labels].sort();
    const publish = looksTheSame(past, changes) ? null : await tell(rows, id);
    await saveApplicationWords(rows, id, { ...changes, labels }, deps.clock.now());
    await recordEffect(deps, rows, actor, {
      action: 'application.changed',
      subjectId: id,
      subjectName: changes.name.fr,
      details: { slug: past.slug, category: changes.category, labels, seats: changes.seats },
    });
    return publish === null ? [] : publish();
  });
  deps.wakeups.wake(['applications', 'portal', 'audit', ...topics]);
  const [application] = await selectApplications(deps.database, { id });
  if (application === undefined) throw new AppError('INTERNAL');
  return application;
}

export async function listVersions(
  deps: Pick<Platform, 'database'>,
  applicationId: string,
): Promise<ApplicationVersion[]> {
  const versions = await selectVersions(deps.database, applicationId);
  if (versions.length === 0) throw new AppError('NOT_FOUND', { application: applicationId });
  return versions;
}

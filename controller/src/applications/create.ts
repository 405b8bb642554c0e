import type { Application, ApplicationDraft } from '@preau/contract/application.ts';
import type { ApplicationVersion } from '@preau/contract/catalogue.ts';
import { AppError } from '@preau/contract/errors.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { mustHaveFiles } from './packages.ts';
import { expandRequirements } from './requirements.ts';
import { mustBeReviewed } from './scripts.ts';
import { selectApplications, selectRequirements, selectVersions, upsertApplication } from './store.ts';

/** Kept by the controller itself: nobody else may say what the agent is. */
export const agentSlug = 'preau-agent';

/** Adds an application, or a version to the one of that slug. Refuses with ALREADY_EXISTS a version that is there, and
 *  with whatever `addVersion` refuses. */
export async function createApplication(deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>, actor: Actor, draft: ApplicationDraft): Promise<Application> {
  const id = await deps.database.transaction().execute(async (rows) => {
    const { id, added } = await addVersion(deps, rows, actor, draft);
    if (!added) throw new AppError('ALREADY_EXISTS', { slug: draft.slug, version: draft.version });
    return id;
  });
  deps.wakeups.wake(['applications', 'audit']);
  const [application] = await selectApplications(deps.database, { id });
  if (application === undefined) throw new AppError('INTERNAL');
  return application;
}

/** In the caller's transaction. `added` is false when that version is there already. Refuses with REQUIREMENT_MISSING,
 *  REQUIREMENTS_CIRCULAR, PACKAGE_NOT_FOUND (an upload it names), SCRIPT_REFUSED, and FORBIDDEN the agent's own recipe. */
export async function addVersion(deps: Pick<Platform, 'clock'>, rows: Rows, actor: Actor, draft: ApplicationDraft): Promise<{ id: string; added: boolean }> {
  const ofAgent = draft.slug === agentSlug || draft.recipes.linux?.kind === 'agent';
  if (ofAgent && actor.kind !== 'job') throw new AppError('FORBIDDEN', { slug: agentSlug });
  await mustHaveFiles(rows, draft.recipes);
  await mustBeReviewed(rows, draft.recipes);
  const { id, added } = await upsertApplication(rows, draft, deps.clock.now());
  if (!added) return { id, added };
  const expanded = (draft.requires ?? []).length === 0 ? { order: [] } : expandRequirements(await selectRequirements(rows, draft.slug), [id]);
  if ('refused' in expanded) throw new AppError(expanded.refused, { path: expanded.path });
  await recordEffect(deps, rows, actor, { action: 'application.created', subjectId: id, subjectName: draft.name.fr, details: { slug: draft.slug, version: draft.version } });
  return { id, added };
}

export async function listVersions(deps: Pick<Platform, 'database'>, applicationId: string): Promise<ApplicationVersion[]> {
  const versions = await selectVersions(deps.database, applicationId);
  if (versions.length === 0) throw new AppError('NOT_FOUND', { application: applicationId });
  return versions;
}

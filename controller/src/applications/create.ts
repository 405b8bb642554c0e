import type { Application, ApplicationDraft } from '@preau/contract/application.ts';
import { AppError } from '@preau/contract/errors.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectApplications, upsertApplication } from './store.ts';

/** Adds an application, or a version to the one of that slug. Refuses with ALREADY_EXISTS a version that is there. */
export async function createApplication(deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>, actor: Actor, draft: ApplicationDraft): Promise<Application> {
  const id = await deps.database.transaction().execute(async (rows) => {
    const { id, added } = await upsertApplication(rows, draft, deps.clock.now());
    if (!added) throw new AppError('ALREADY_EXISTS', { slug: draft.slug, version: draft.version });
    await recordEffect(deps, rows, actor, { action: 'application.created', subjectId: id, subjectName: draft.name.fr, details: { slug: draft.slug, version: draft.version } });
    return id;
  });
  deps.wakeups.wake(['applications', 'audit']);
  const [application] = await selectApplications(deps.database, { id });
  if (application === undefined) throw new AppError('INTERNAL');
  return application;
}

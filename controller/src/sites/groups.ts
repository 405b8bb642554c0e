/** Groups of schools, by which a technician names many at once. A group owns nothing: undoing it changes no school. */
import { AppError } from '@preau/contract/errors.ts';
import type { SiteGroup, SiteGroupDraft } from '@preau/contract/site.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { newId } from '#src/platform/secrets.ts';
import { deleteGroup, insertGroup, replaceMembers, selectGroups, selectKnownSiteIds } from './store.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'wakeups'>;

/** Refuses with ALREADY_EXISTS a name that is taken, and with NOT_FOUND the whole when one school is unknown. */
async function check(rows: Rows, draft: SiteGroupDraft, except: string | null): Promise<void> {
  if ((await selectGroups(rows)).some((group) => group.id !== except && group.name.toLowerCase() === draft.name.toLowerCase())) throw new AppError('ALREADY_EXISTS', { name: draft.name });
  const known = await selectKnownSiteIds(rows);
  const unknown = draft.siteIds.find((id) => !known.has(id));
  if (unknown !== undefined) throw new AppError('NOT_FOUND', { site: unknown });
}

export async function createSiteGroup(deps: Deps, actor: Actor, draft: SiteGroupDraft): Promise<SiteGroup> {
  const id = newId('sgr');
  await deps.database.transaction().execute(async (rows) => {
    await check(rows, draft, null);
    await insertGroup(rows, { id, name: draft.name, now: deps.clock.now() });
    await replaceMembers(rows, id, draft);
    await recordEffect(deps, rows, actor, { action: 'site_group.created', subjectId: id, subjectName: draft.name, details: { schools: draft.siteIds.length } });
  });
  deps.wakeups.wake(['sites', 'audit']);
  return { id, ...draft };
}

export async function changeSiteGroup(deps: Deps, actor: Actor, id: string, draft: SiteGroupDraft): Promise<SiteGroup> {
  await deps.database.transaction().execute(async (rows) => {
    if (!(await selectGroups(rows)).some((group) => group.id === id)) throw new AppError('NOT_FOUND', { group: id });
    await check(rows, draft, id);
    await replaceMembers(rows, id, draft);
    await recordEffect(deps, rows, actor, { action: 'site_group.changed', subjectId: id, subjectName: draft.name, details: { schools: draft.siteIds.length } });
  });
  deps.wakeups.wake(['sites', 'audit']);
  return { id, ...draft };
}

export async function deleteSiteGroup(deps: Deps, actor: Actor, id: string): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    const group = (await selectGroups(rows)).find((known) => known.id === id);
    if (group === undefined) throw new AppError('NOT_FOUND', { group: id });
    await deleteGroup(rows, id);
    await recordEffect(deps, rows, actor, { action: 'site_group.deleted', subjectId: id, subjectName: group.name });
  });
  deps.wakeups.wake(['sites', 'audit']);
}

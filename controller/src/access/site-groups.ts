/** Groups of schools, so that a technician can name many at once. Rules may name a group, so when
 * it changes, the servers of its schools get new desired states. */
import { AppError } from '@preau/contract/errors.ts';
import type { SiteGroup, SiteGroupDraft } from '@preau/contract/site.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { newId } from '#src/platform/secrets.ts';
import {
  deleteGroup,
  insertGroup,
  replaceMembers,
  selectGroups,
  selectKnownSiteIds,
} from '#src/sites/store.ts';
import { publishPolicy } from './push.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

/** Refuses with ALREADY_EXISTS when the name is taken, and with NOT_FOUND when any of the schools
 * is unknown. */
async function check(rows: Rows, draft: SiteGroupDraft, except: string | null): Promise<void> {
  if (
    (await selectGroups(rows)).some(
      (group) => group.id !== except && group.name.toLowerCase() === draft.name.toLowerCase(),
    )
  )
    throw new AppError('ALREADY_EXISTS', { name: draft.name });
  const known = await selectKnownSiteIds(rows);
  const unknown = draft.siteIds.find((id) => !known.has(id));
  if (unknown !== undefined) throw new AppError('NOT_FOUND', { site: unknown });
}

export async function createSiteGroup(
  deps: Deps,
  actor: Actor,
  draft: SiteGroupDraft,
): Promise<SiteGroup> {
  const id = newId('sgr');
  const topics = await deps.database.transaction().execute(async (rows) => {
    await check(rows, draft, null);
    await insertGroup(rows, { id, name: draft.name, now: deps.clock.now() });
    await replaceMembers(rows, id, draft);
    await recordEffect(deps, rows, actor, {
      action: 'site_group.created',
      subjectId: id,
      subjectName: draft.name,
      details: { schools: draft.siteIds.length },
    });
    return publishPolicy(deps, rows, draft.siteIds);
  });
  deps.wakeups.wake([...topics, 'sites']);
  return { id, ...draft };
}

export async function changeSiteGroup(
  deps: Deps,
  actor: Actor,
  id: string,
  draft: SiteGroupDraft,
): Promise<SiteGroup> {
  const topics = await deps.database.transaction().execute(async (rows) => {
    const past = (await selectGroups(rows)).find((group) => group.id === id);
    if (past === undefined) throw new AppError('NOT_FOUND', { group: id });
    await check(rows, draft, id);
    await replaceMembers(rows, id, draft);
    await recordEffect(deps, rows, actor, {
      action: 'site_group.changed',
      subjectId: id,
      subjectName: draft.name,
      details: { schools: draft.siteIds.length },
    });
    const changed = [
      ...past.siteIds.filter((siteId) => !draft.siteIds.includes(siteId)),
      ...draft.siteIds.filter((siteId) => !past.siteIds.includes(siteId)),
    ];
    return publishPolicy(deps, rows, changed);
  });
  deps.wakeups.wake([...topics, 'sites']);
  return { id, ...draft };
}

export async function deleteSiteGroup(deps: Deps, actor: Actor, id: string): Promise<void> {
  const topics = await deps.database.transaction().execute(async (rows) => {
    const group = (await selectGroups(rows)).find((known) => known.id === id);
    if (group === undefined) throw new AppError('NOT_FOUND', { group: id });
    await deleteGroup(rows, id);
    await recordEffect(deps, rows, actor, {
      action: 'site_group.deleted',
      subjectId: id,
      subjectName: group.name,
    });
    return publishPolicy(deps, rows, group.siteIds);
  });
  deps.wakeups.wake([...topics, 'sites']);
}

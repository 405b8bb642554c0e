/** People as contacts and technicians see them, and the one thing an administrator decides by hand:
 * role and schools. */
import { isTeacher, isTechnician } from '@preau/contract/account.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { PersonRow, RoleChange } from '@preau/contract/identity.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { reachOf } from '#src/accounts/reach.ts';
import { deleteSignInsOf } from '#src/accounts/sign-ins/store.ts';
import { countSites } from '#src/accounts/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import {
  type PeopleSearch,
  selectAdministratorIds,
  selectPeoplePage,
  selectPersonRow,
  selectPhoto,
  updateRole,
} from './store.ts';

export async function listPeople(
  deps: Pick<Platform, 'database'>,
  actor: AccountActor,
  search: Omit<PeopleSearch, 'siteIds' | 'id'>,
): Promise<{ items: PersonRow[]; next: string | null }> {
  const items = await selectPeoplePage(deps.database, {
    ...search,
    siteIds: reachOf(actor),
    limit: search.limit + 1,
  });
  const shown = items.slice(0, search.limit);
  return { items: shown, next: items.length > search.limit ? (shown.at(-1)?.id ?? null) : null };
}

/** Refuses with LAST_ADMINISTRATOR when nobody would be one any more; with VALIDATION_FAILED a
 * contact or pupil without a school, or schools for who looks after none. Who loses reach is signed
 * out, so that nothing open outlives it. */
export async function changeRole(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: AccountActor,
  id: string,
  change: RoleChange,
): Promise<PersonRow> {
  const ended = await deps.database.transaction().execute(async (rows) => {
    const person = await selectPersonRow(rows, id);
    if (person === undefined) throw new AppError('NOT_FOUND', { account: id });
    if (change.role === null && person.provider === 'local')
      throw new AppError('VALIDATION_FAILED', {
        field: 'role',
        problem: 'a local account has no provider to decide',
      });
    const role = change.role ?? person.role;
    if (
      role === 'administrator'
        ? change.siteIds !== null
        : change.siteIds !== null && role !== 'technician'
    )
      throw new AppError('VALIDATION_FAILED', {
        field: 'siteIds',
        problem: 'only a technician looks after some schools',
      });
    if ((role === 'contact' || role === 'pupil' || role === 'teacher') && change.siteId === null)
      throw new AppError('VALIDATION_FAILED', {
        field: 'siteId',
        problem: 'this role belongs to a school',
      });
    const named = [
      ...new Set([...(change.siteIds ?? []), ...(change.siteId === null ? [] : [change.siteId])]),
    ];
    if (named.length > 0 && (await countSites(rows, named)) !== named.length)
      throw new AppError('NOT_FOUND', { sites: named });
    if (
      person.role === 'administrator' &&
      role !== 'administrator' &&
      (await selectAdministratorIds(rows)).every((one) => one === id)
    )
      throw new AppError('LAST_ADMINISTRATOR');
    await updateRole(rows, id, {
      role,
      siteId: change.siteId,
      siteIds: change.siteIds,
      byHand: change.role !== null,
    });
    await recordEffect(deps, rows, actor, {
      action: 'account.role_changed',
      subjectId: id,
      subjectName: person.displayName,
      siteId: change.siteId,
      details: {
        from: person.role,
        to: role,
        sites: change.siteIds?.length ?? 'all',
        byHand: change.role !== null,
      },
    });
    const same =
      person.role === role &&
      person.siteId === change.siteId &&
      JSON.stringify(person.siteIds) === JSON.stringify(change.siteIds);
    return same || id === actor.id ? [] : deleteSignInsOf(rows, { accountIds: [id] });
  });
  deps.wakeups.wake([
    ...ended.map(({ tokenHash }): Topic => `sign-in:${tokenHash}`),
    `person:${id}`,
    'people',
    'audit',
  ]);
  const person = await selectPersonRow(deps.database, id);
  if (person === undefined) throw new AppError('NOT_FOUND', { account: id });
  return person;
}

/** One's own; teachers and technicians: whoever they reach (the edge has looked). */
export async function readPhoto(
  deps: Pick<Platform, 'database'>,
  actor: AccountActor,
  id: string,
): Promise<Buffer> {
  const photo =
    actor.id === id || isTeacher(actor) || isTechnician(actor)
      ? await selectPhoto(deps.database, id)
      : undefined;
  if (photo === undefined) throw new AppError('NOT_FOUND', { photo: id });
  return photo;
}

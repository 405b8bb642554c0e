/** People as contacts and technicians see them, and what an administrator sets by hand: role and
 * schools. */
import { isTeacher, isTechnician, type Role } from '@preau/contract/account.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { PersonRow, RoleChange } from '@preau/contract/identity.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { reachOf } from '#src/accounts/reach.ts';
import { deleteSignInsOf } from '#src/accounts/sign-ins/store.ts';
import { countSites } from '#src/accounts/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
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

/** Which field of a change of role is invalid, and why; null when the change is valid. Pure. */
export function problemOfRole(
  person: Pick<PersonRow, 'role' | 'provider'>,
  change: RoleChange,
): { field: string; problem: string } | null {
  if (change.role === null && person.provider === 'local')
    return { field: 'role', problem: 'a local account has no provider to decide' };
  const role = change.role ?? person.role;
  if (change.siteIds !== null && role !== 'technician')
    return { field: 'siteIds', problem: 'only a technician looks after some schools' };
  const needsSite = role === 'contact' || role === 'pupil' || role === 'teacher';
  if (needsSite && change.siteId === null)
    return { field: 'siteId', problem: 'this role belongs to a school' };
  return null;
}

/** Whether the change leaves role and schools as they are. Pure. */
export const reachesTheSame = (person: PersonRow, role: Role, change: RoleChange): boolean =>
  person.role === role &&
  person.siteId === change.siteId &&
  JSON.stringify(person.siteIds) === JSON.stringify(change.siteIds);

async function mustKnowSites(rows: Rows, { siteIds, siteId }: RoleChange): Promise<void> {
  const named = [...new Set([...(siteIds ?? []), ...(siteId === null ? [] : [siteId])])];
  if (named.length > 0 && (await countSites(rows, named)) !== named.length)
    throw new AppError('NOT_FOUND', { sites: named });
}

async function mustLeaveAnAdministrator(rows: Rows, person: PersonRow, role: Role): Promise<void> {
  if (person.role !== 'administrator' || role === 'administrator') return;
  if ((await selectAdministratorIds(rows)).every((id) => id === person.id))
    throw new AppError('LAST_ADMINISTRATOR');
}

/** A person whose reach changes is signed out, so that no open page or tunnel keeps the old
 * reach. Refuses with LAST_ADMINISTRATOR when the city would have none left; with VALIDATION_FAILED
 * as problemOfRole says; with NOT_FOUND unknown people and schools. */
export async function changeRole(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: AccountActor,
  id: string,
  change: RoleChange,
): Promise<PersonRow> {
  const ended = await deps.database.transaction().execute(async (rows) => {
    const person = await selectPersonRow(rows, id);
    if (person === undefined) throw new AppError('NOT_FOUND', { account: id });
    const problem = problemOfRole(person, change);
    if (problem !== null) throw new AppError('VALIDATION_FAILED', problem);
    const role = change.role ?? person.role;
    await mustKnowSites(rows, change);
    await mustLeaveAnAdministrator(rows, person, role);
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
    return reachesTheSame(person, role, change) || id === actor.id
      ? []
      : deleteSignInsOf(rows, { accountIds: [id] });
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

/** Anybody may read their own photo; teachers and technicians also those of people within their
 * reach, which the edge has checked. */
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

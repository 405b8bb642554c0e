/** Classes of a school and their pupils. */
import {
  type ClassDetail,
  type ClassDraft,
  type ClassSummary,
  codeOf,
  type NewPupil,
  type OtherPupil,
  type Pupil,
  pictureOf,
  shortNames,
} from '@preau/contract/classes.ts';
import { AppError } from '@preau/contract/errors.ts';
import { foldName } from '@preau/contract/fold.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { reachOf } from '#src/accounts/reach.ts';
import { insertAccounts } from '#src/accounts/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectSite } from '#src/sites/store.ts';
import { selectDoors } from './door.ts';
import { freeLogins } from './logins.ts';
import {
  type ClassRow,
  deleteMember,
  insertClass,
  type PupilRow,
  searchPupils,
  selectClass,
  selectClassCounts,
  selectClasses,
  selectPupil,
  selectPupils,
  setClass,
  updateClassName,
} from './store.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'wakeups'>;

export async function listClasses(
  deps: Pick<Platform, 'database'>,
  actor: Actor,
  siteId: string | null,
): Promise<ClassSummary[]> {
  const siteIds = siteId === null ? reachOf(actor) : [siteId];
  const counts = await selectClassCounts(deps.database, siteIds);
  return (await selectClasses(deps.database, siteIds)).map((group) =>
    summaryOf(group, counts.get(group.id) ?? { pupils: 0, badges: 0, pictures: 0 }),
  );
}

const summaryOf = (
  { id, name, siteId, siteName }: ClassRow,
  counts: { pupils: number; badges: number; pictures: number },
): ClassSummary => ({ id, name, siteId, siteName, code: codeOf(id), ...counts });

const badgeOf = ({ badge }: PupilRow): Pupil['badge'] =>
  badge === null
    ? { state: 'none', serial: null, since: null }
    : {
        state: badge.voidedAt === null ? 'valid' : 'voided',
        serial: badge.serial,
        since: badge.voidedAt ?? badge.issuedAt,
      };

/** Refuses with NOT_FOUND. */
async function mustFind(rows: Rows, groupId: string): Promise<ClassRow> {
  const group = await selectClass(rows, groupId);
  if (group === undefined) throw new AppError('NOT_FOUND', { class: groupId });
  return group;
}

export async function readClass(
  deps: Pick<Platform, 'database'>,
  groupId: string,
): Promise<ClassDetail> {
  const group = await mustFind(deps.database, groupId);
  const pupils = await selectPupils(deps.database, groupId);
  const names = shortNames(pupils);
  const children = pupils.map(
    (pupil): Pupil => ({
      id: pupil.id,
      displayName: pupil.displayName,
      firstName: names.get(pupil.id) ?? pupil.displayName,
      login: pupil.login,
      picture: pictureOf(pupil.id),
      badge: badgeOf(pupil),
      hasPictures: pupil.hasPictures,
    }),
  );
  const counts = {
    pupils: children.length,
    badges: children.filter(({ badge }) => badge.state === 'valid').length,
    pictures: children.filter(({ hasPictures }) => hasPictures).length,
  };
  const door = (await selectDoors(deps.database)).get(group.siteId);
  return {
    ...summaryOf(group, counts),
    byDirectory: group.provider !== 'local',
    noNetwork: (door?.networks.length ?? 0) === 0,
    children,
  };
}

/** Class names are unique per school, so that a name identifies one class. Refuses with
 * ALREADY_EXISTS. */
async function mustBeNew(
  rows: Rows,
  siteId: string,
  name: string,
  but: string | null,
): Promise<void> {
  if (
    (await selectClasses(rows, [siteId])).some(
      (group) => group.id !== but && foldName(group.name) === foldName(name),
    )
  )
    throw new AppError('ALREADY_EXISTS', { class: name });
}

export async function createClass(
  deps: Deps,
  actor: Actor,
  draft: ClassDraft,
): Promise<ClassDetail> {
  const id = await deps.database.transaction().execute(async (rows) => {
    if ((await selectSite(rows, draft.siteId)) === undefined)
      throw new AppError('NOT_FOUND', { site: draft.siteId });
    await mustBeNew(rows, draft.siteId, draft.name, null);
    const made = await insertClass(rows, draft.siteId, draft.name);
    await recordEffect(deps, rows, actor, {
      action: 'class.created',
      subjectId: made,
      subjectName: draft.name,
      siteId: draft.siteId,
    });
    return made;
  });
  deps.wakeups.wake(['classes', 'audit']);
  return readClass(deps, id);
}

export async function renameClass(
  deps: Deps,
  actor: Actor,
  groupId: string,
  name: string,
): Promise<ClassDetail> {
  await deps.database.transaction().execute(async (rows) => {
    const group = await mustFind(rows, groupId);
    await mustBeNew(rows, group.siteId, name, groupId);
    await updateClassName(rows, groupId, name);
    await recordEffect(deps, rows, actor, {
      action: 'class.renamed',
      subjectId: groupId,
      subjectName: name,
      siteId: group.siteId,
      details: { before: group.name },
    });
  });
  deps.wakeups.wake(['classes', 'audit']);
  return readClass(deps, groupId);
}

export async function listOtherPupils(
  deps: Pick<Platform, 'database'>,
  groupId: string,
  search: string,
): Promise<OtherPupil[]> {
  const group = await mustFind(deps.database, groupId);
  const words = search
    .toLowerCase()
    .replace(/[\\%_]/g, '')
    .split(/\s+/)
    .filter((word) => word !== '')
    .slice(0, 6);
  if (words.length === 0) return [];
  return (await searchPupils(deps.database, group.siteId, words, 40))
    .filter(({ groupIds }) => !groupIds.includes(groupId))
    .slice(0, 20)
    .map(({ id, displayName, classes }) => ({ id, displayName, classes }));
}

/** Rules may depend on the class, so a change of class also wakes the portal and the person. */
const topicsOf = (accountId: string): Topic[] => [
  'classes',
  'audit',
  'portal',
  `person:${accountId}`,
];

/** Refuses with NOT_FOUND a pupil of another school. */
export async function movePupil(
  deps: Deps,
  actor: Actor,
  groupId: string,
  accountId: string,
): Promise<ClassDetail> {
  await deps.database.transaction().execute(async (rows) => {
    const group = await mustFind(rows, groupId);
    const pupil = await selectPupil(rows, accountId);
    if (pupil === undefined || pupil.siteId !== group.siteId)
      throw new AppError('NOT_FOUND', { account: accountId });
    await setClass(rows, accountId, groupId);
    await recordEffect(deps, rows, actor, {
      action: 'class.pupil_moved',
      subjectId: accountId,
      subjectName: pupil.displayName,
      siteId: group.siteId,
      details: { class: group.name },
    });
  });
  deps.wakeups.wake(topicsOf(accountId));
  return readClass(deps, groupId);
}

export async function removePupil(
  deps: Deps,
  actor: Actor,
  groupId: string,
  accountId: string,
): Promise<ClassDetail> {
  await deps.database.transaction().execute(async (rows) => {
    const group = await mustFind(rows, groupId);
    const pupil = await selectPupil(rows, accountId);
    if (pupil === undefined || !(await deleteMember(rows, groupId, accountId)))
      throw new AppError('NOT_FOUND', { account: accountId });
    await recordEffect(deps, rows, actor, {
      action: 'class.pupil_removed',
      subjectId: accountId,
      subjectName: pupil.displayName,
      siteId: group.siteId,
      details: { class: group.name },
    });
  });
  deps.wakeups.wake(topicsOf(accountId));
  return readClass(deps, groupId);
}

/** A pupil who arrives during the year. They have no password: they sign in by badge or
 * pictures. */
export async function addPupil(
  deps: Deps,
  actor: Actor,
  groupId: string,
  { firstName, lastName }: NewPupil,
): Promise<ClassDetail> {
  await deps.database.transaction().execute(async (rows) => {
    const group = await mustFind(rows, groupId);
    const displayName = `${firstName.trim()} ${lastName.trim()}`;
    const [login = ''] = await freeLogins(rows, [{ firstName, lastName }]);
    const [id = ''] = await insertAccounts(
      rows,
      [{ login, displayName, role: 'pupil', siteId: group.siteId, passwordHash: null }],
      deps.clock.now(),
    );
    await setClass(rows, id, groupId);
    await recordEffect(deps, rows, actor, {
      action: 'account.added',
      subjectId: id,
      subjectName: displayName,
      siteId: group.siteId,
      details: { by: 'hand', class: group.name },
    });
  });
  deps.wakeups.wake(['classes', 'audit']);
  return readClass(deps, groupId);
}

/** Issuing, renewing, voiding and printing badges. */

import { badgeText } from '@preau/contract/badge.ts';
import {
  type ClassDetail,
  type PicturePassword,
  pictureOf,
  shortNames,
} from '@preau/contract/classes.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { deleteSignInsOf } from '#src/accounts/sign-ins/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { readClass } from '../classes.ts';
import { type SchoolDoor, selectDoors } from '../door.ts';
import type { ClassEntry } from '../enter.ts';
import { type PupilRow, selectClass, selectPupil, selectPupils } from '../store.ts';
import { badgeSheet } from './card.ts';
import { markBadgeVoided, raiseBadge, savePictureHash } from './store.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'wakeups'>;

/** Today's date in the school's time zone, as YYYY-MM-DD. */
const today = (timeZone: string, now: number): string =>
  new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).format(now);

/** Refuses with NOT_FOUND an account that is not a pupil of a school. */
async function pupilAndDoor(
  deps: Deps,
  accountId: string,
): Promise<{ pupil: PupilRow; door: SchoolDoor }> {
  const pupil = await selectPupil(deps.database, accountId);
  const door = (await selectDoors(deps.database)).get(pupil?.siteId ?? '');
  if (pupil === undefined || door === undefined)
    throw new AppError('NOT_FOUND', { account: accountId });
  return { pupil, door };
}

/** Issues badges to the pupils of a class who never had one. Repeating is safe: existing and
 * voided badges stay as they are. */
export async function issueBadges(deps: Deps, actor: Actor, groupId: string): Promise<ClassDetail> {
  const group = await selectClass(deps.database, groupId);
  const door = (await selectDoors(deps.database)).get(group?.siteId ?? '');
  if (group === undefined || door === undefined)
    throw new AppError('NOT_FOUND', { class: groupId });
  const now = deps.clock.now();
  await deps.database.transaction().execute(async (rows) => {
    // A pupil whose account belongs to another school uses that school's badge.
    for (const pupil of (await selectPupils(rows, groupId)).filter(
      ({ badge, siteId }) => badge === null && siteId === group.siteId,
    )) {
      const serial = await raiseBadge(rows, pupil.id, now, today(door.timeZone, now));
      await recordEffect(deps, rows, actor, {
        action: 'badge.issued',
        subjectId: pupil.id,
        subjectName: pupil.displayName,
        siteId: group.siteId,
        details: { serial },
      });
    }
  });
  deps.wakeups.wake(['classes', 'audit']);
  return readClass(deps, groupId);
}

/** Issues a new badge: the old one is refused from now on, and its sign-ins end. */
export async function renewBadge(deps: Deps, actor: Actor, accountId: string): Promise<void> {
  const { pupil, door } = await pupilAndDoor(deps, accountId);
  const now = deps.clock.now();
  const ended = await deps.database.transaction().execute(async (rows) => {
    const serial = await raiseBadge(rows, accountId, now, today(door.timeZone, now));
    await recordEffect(deps, rows, actor, {
      action: 'badge.renewed',
      subjectId: accountId,
      subjectName: pupil.displayName,
      siteId: door.siteId,
      details: { serial },
    });
    return deleteSignInsOf(rows, { accountIds: [accountId] });
  });
  deps.wakeups.wake([
    'classes',
    'audit',
    ...ended.map(({ tokenHash }): Topic => `sign-in:${tokenHash}`),
  ]);
}

/** Refuses with STATE_FORBIDS when there is no badge to void. */
export async function voidBadge(deps: Deps, actor: Actor, accountId: string): Promise<void> {
  const { pupil, door } = await pupilAndDoor(deps, accountId);
  const ended = await deps.database.transaction().execute(async (rows) => {
    if (!(await markBadgeVoided(rows, accountId, deps.clock.now())))
      throw new AppError('STATE_FORBIDS', { badge: 'none' });
    await recordEffect(deps, rows, actor, {
      action: 'badge.voided',
      subjectId: accountId,
      subjectName: pupil.displayName,
      siteId: door.siteId,
      details: { serial: pupil.badge?.serial ?? 0 },
    });
    return deleteSignInsOf(rows, { accountIds: [accountId] });
  });
  deps.wakeups.wake([
    'classes',
    'audit',
    ...ended.map(({ tokenHash }): Topic => `sign-in:${tokenHash}`),
  ]);
}

/** A PDF of the valid badges of a class, or of one of its pupils. Refuses with STATE_FORBIDS when
 * there is none. */
export async function printBadges(
  deps: Pick<Platform, 'database' | 'clock' | 'secrets' | 'heavy' | 'wakeups'>,
  actor: Actor,
  groupId: string,
  only: string | null,
): Promise<Buffer> {
  const group = await selectClass(deps.database, groupId);
  if (group === undefined) throw new AppError('NOT_FOUND', { class: groupId });
  const pupils = await selectPupils(deps.database, groupId);
  const names = shortNames(pupils);
  const cards = pupils
    .filter(
      ({ id, siteId, badge }) =>
        badge !== null &&
        badge.voidedAt === null &&
        siteId === group.siteId &&
        (only === null || id === only),
    )
    .map(({ id, displayName, badge }) => ({
      firstName: names.get(id) ?? displayName,
      className: group.name,
      siteName: group.siteName,
      picture: pictureOf(id),
      serial: badge?.serial ?? 0,
      text: badgeText(
        {
          accountId: id,
          siteId: group.siteId,
          serial: badge?.serial ?? 0,
          issuedOn: badge?.issuedOn ?? '',
        },
        deps.secrets.sign,
      ),
    }));
  if (cards.length === 0) throw new AppError('STATE_FORBIDS', { badges: 0 });
  await recordEffect(deps, deps.database, actor, {
    action: 'badge.printed',
    subjectId: only ?? groupId,
    subjectName: only === null ? group.name : (cards[0]?.firstName ?? '?'),
    siteId: group.siteId,
    details: { badges: cards.length },
  });
  deps.wakeups.wake(['audit']);
  return Buffer.from(await deps.heavy.run(badgeSheet, cards));
}

export async function setPictures(
  deps: Deps & { classEntry: ClassEntry },
  actor: Actor,
  accountId: string,
  pictures: PicturePassword | null,
): Promise<void> {
  const { pupil, door } = await pupilAndDoor(deps, accountId);
  const hash = pictures === null ? null : await deps.classEntry.hashPictures(accountId, pictures);
  await deps.database.transaction().execute(async (rows) => {
    await savePictureHash(rows, accountId, hash, deps.clock.now());
    await recordEffect(deps, rows, actor, {
      action: hash === null ? 'pictures.removed' : 'pictures.set',
      subjectId: accountId,
      subjectName: pupil.displayName,
      siteId: door.siteId,
    });
  });
  deps.wakeups.wake(['classes', 'audit']);
}

/** Sign-in for children who cannot type yet: with their badge, or with three pictures on their
 * class's page. It works only inside their school and during its hours, and lasts half a day,
 * because tablets are shared. */
import type { Account } from '@preau/contract/account.ts';
import { type Badge, isCurrent, isInside, readBadge } from '@preau/contract/badge.ts';
import {
  codeOf,
  type EntryClass,
  type EntryHall,
  type PictureEntry,
  type PicturePassword,
  pictureOf,
  shortNames,
} from '@preau/contract/classes.ts';
import { AppError, type ErrorCode } from '@preau/contract/errors.ts';
import { type Attempts, createAttempts } from '#src/accounts/attempts/attempts.ts';
import { actorOf } from '#src/accounts/reach.ts';
import type { SignedIn } from '#src/accounts/sign-ins/sign-in.ts';
import { insertSignIn } from '#src/accounts/sign-ins/store.ts';
import { selectAccount } from '#src/accounts/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import { recordRepeated } from '#src/audit/repeated.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Passwords } from '#src/platform/passwords.ts';
import type { Platform } from '#src/platform/platform.ts';
import { newToken, sha256, verifySignature } from '#src/platform/secrets.ts';
import { selectPictureHash } from './badges/store.ts';
import { mustBeOpen, type SchoolDoor, selectDoors, stateOfDoor } from './door.ts';
import { isMember, selectClasses, selectPupil, selectPupils } from './store.ts';

/** Maximum duration of a sign-in, in hours: a morning or an afternoon. */
const hoursIn = 4;
const nobody = { kind: 'nobody', id: null, name: '?' } as const;

export interface ClassEntry {
  /** Refuses with BADGE_*, ACCOUNT_DISABLED. */
  byBadge: (text: string, address: string) => Promise<SignedIn>;
  hall: (address: string) => Promise<EntryHall>;
  /** Refuses with BADGE_ELSEWHERE, BADGE_OUT_OF_HOURS, NOT_FOUND. */
  room: (code: string, address: string) => Promise<EntryClass>;
  /** Refuses with PICTURES_REFUSED, the same for a wrong child and wrong pictures; BUSY. */
  byPictures: (input: PictureEntry, address: string) => Promise<SignedIn>;
  hashPictures: (accountId: string, pictures: PicturePassword) => Promise<string>;
}

/** The account id is part of the password, so that the same three pictures of two children give
 * different hashes. */
const spoken = (accountId: string, pictures: PicturePassword): string =>
  `${accountId} ${pictures.join(' ')}`;

export function createClassEntry(
  deps: Platform,
  passwords: Passwords,
  attempts: Attempts = createAttempts({ now: deps.clock.now }),
): ClassEntry {
  /** One attempt per child at a time. A refusal, which is thrown, stays counted. */
  async function inTurn(
    accountId: string,
    address: string,
    work: () => Promise<SignedIn>,
  ): Promise<SignedIn> {
    const signedIn = await attempts.judge(
      { of: `child ${accountId}`, from: address, kind: 'password' },
      work,
    );
    if (signedIn === null) throw new AppError('INTERNAL');
    return signedIn;
  }

  async function open(
    rows: Rows,
    account: Account,
    by: 'badge' | 'pictures',
    until: number | null,
  ): Promise<SignedIn> {
    const token = newToken();
    const now = deps.clock.now();
    const expiresAt = Math.min(
      now + Math.min(hoursIn, deps.config.PREAU_SIGN_IN_HOURS) * 3_600_000,
      until ?? Number.MAX_SAFE_INTEGER,
    );
    await insertSignIn(rows, { tokenHash: sha256(token), accountId: account.id, now, expiresAt });
    await recordEffect(deps, rows, actorOf(account, ''), {
      action: 'account.signed_in',
      subjectId: account.id,
      subjectName: account.displayName,
      siteId: account.siteId,
      details: { by },
    });
    return { account, token, expiresAt };
  }

  async function refuseBadge(
    badge: Badge,
    account: Account | undefined,
    code: ErrorCode,
  ): Promise<never> {
    await recordRepeated(deps, nobody, {
      action: 'badge.refused',
      subjectId: account?.id ?? null,
      subjectName: account?.displayName ?? '?',
      siteId: badge.siteId,
      details: { why: code, serial: badge.serial },
    });
    throw new AppError(code);
  }

  async function byBadge(text: string, address: string): Promise<SignedIn> {
    const reading = readBadge(text, (signed, signature) =>
      verifySignature(deps.secrets.controllerKey, signed, signature),
    );
    if (reading.kind === 'unreadable') throw new AppError('BADGE_UNREADABLE');
    const doors = await selectDoors(deps.database);
    if (reading.kind === 'forged') {
      const door = doors.get(reading.claims.siteId);
      // Outside the school's networks anybody may send anything: such a forgery gets no audit entry
      // and no place in the queue.
      if (door === undefined || !isInside(door, address)) throw new AppError('BADGE_FORGED');
      const { claims } = reading;
      return inTurn(claims.accountId, address, () =>
        refuseBadge(claims, undefined, 'BADGE_FORGED'),
      );
    }
    const { badge } = reading;
    return inTurn(badge.accountId, address, async () => {
      const account = await selectAccount(deps.database, badge.accountId);
      const door = doors.get(badge.siteId);
      if (door === undefined || account === undefined)
        return refuseBadge(badge, account, 'BADGE_VOIDED');
      const state = stateOfDoor(door, address, deps.clock.now());
      if (!state.open && state.why === 'elsewhere')
        return refuseBadge(badge, account, 'BADGE_ELSEWHERE');
      const until = mustBeOpen(state);
      return admit(badge, account, until);
    });
  }

  async function admit(badge: Badge, account: Account, until: number | null): Promise<SignedIn> {
    const pupil = await selectPupil(deps.database, account.id);
    if (pupil === undefined) throw new AppError('ACCOUNT_DISABLED');
    // A child who changed schools still has the old school's card.
    if (account.siteId !== badge.siteId || !isCurrent(badge, pupil.badge))
      return refuseBadge(badge, account, 'BADGE_VOIDED');
    return deps.database.transaction().execute((rows) => open(rows, account, 'badge', until));
  }

  const doorsHere = async (address: string): Promise<SchoolDoor[]> =>
    [...(await selectDoors(deps.database)).values()].filter((door) => isInside(door, address));

  async function classAt(code: string, address: string) {
    const doors = await doorsHere(address);
    if (doors.length === 0) throw new AppError('BADGE_ELSEWHERE');
    const found = (
      await selectClasses(
        deps.database,
        doors.map(({ siteId }) => siteId),
      )
    ).find(({ id }) => codeOf(id) === code);
    const door = doors.find(({ siteId }) => siteId === found?.siteId);
    if (found === undefined || door === undefined) throw new AppError('NOT_FOUND', { class: code });
    return { found, until: mustBeOpen(stateOfDoor(door, address, deps.clock.now())) };
  }

  async function tryPictures(
    input: PictureEntry,
    groupId: string,
    until: number | null,
  ): Promise<SignedIn> {
    const [hash, here, account] = [
      await selectPictureHash(deps.database, input.accountId),
      await isMember(deps.database, groupId, input.accountId),
      await selectAccount(deps.database, input.accountId),
    ];
    const right = await passwords.verify(
      here ? hash : null,
      spoken(input.accountId, input.pictures),
    );
    const pupil = right ? await selectPupil(deps.database, input.accountId) : undefined;
    if (pupil === undefined || account === undefined) {
      if (here && account !== undefined)
        await recordRepeated(deps, nobody, {
          action: 'pictures.refused',
          subjectId: account.id,
          subjectName: account.displayName,
          siteId: account.siteId,
        });
      throw new AppError('PICTURES_REFUSED');
    }
    return deps.database.transaction().execute((rows) => open(rows, account, 'pictures', until));
  }

  return {
    byBadge,
    hall: async (address) => {
      const doors = await doorsHere(address);
      const states = doors.map((door) => ({
        door,
        state: stateOfDoor(door, address, deps.clock.now()),
      }));
      const openDoors = states.filter(({ state }) => state.open).map(({ door }) => door);
      const [first] = states;
      if (first === undefined)
        return { siteName: null, problem: 'elsewhere', opensAt: null, classes: [] };
      if (openDoors.length === 0)
        return {
          siteName: first.door.name,
          problem: 'out_of_hours',
          opensAt: first.state.open ? null : first.state.opensAt,
          classes: [],
        };
      const classes = await selectClasses(
        deps.database,
        openDoors.map(({ siteId }) => siteId),
      );
      return {
        siteName: openDoors[0]?.name ?? null,
        problem: null,
        opensAt: null,
        classes: classes.map(({ id, name }) => ({ code: codeOf(id), name })),
      };
    },
    room: async (code, address) => {
      const { found } = await classAt(code, address);
      const pupils = await selectPupils(deps.database, found.id);
      const names = shortNames(pupils);
      return {
        name: found.name,
        siteName: found.siteName,
        children: pupils
          .map(({ id, displayName, hasPictures }) => ({
            id,
            firstName: names.get(id) ?? displayName,
            picture: pictureOf(id),
            hasPictures,
          }))
          .sort((a, b) => a.firstName.localeCompare(b.firstName, 'fr')),
      };
    },
    byPictures: async (input, address) => {
      const { found, until } = await classAt(input.code, address);
      return inTurn(input.accountId, address, () => tryPictures(input, found.id, until));
    },
    hashPictures: (accountId, pictures) => passwords.hash(spoken(accountId, pictures)),
  };
}

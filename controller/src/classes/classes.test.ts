/** Badges and picture passwords against a real database: where, when, by whom, and what is told to
 * whom. */
import { badgeText } from '@preau/contract/badge.ts';
import { codeOf, type PicturePassword } from '@preau/contract/classes.ts';
import { AppError } from '@preau/contract/errors.ts';
import * as reader from 'jsqr';
import QrCode from 'qrcode';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { changeSiteSettings } from '#src/access/site-settings.ts';
import { createAttempts } from '#src/accounts/attempts/attempts.ts';
import { selectSignedIn } from '#src/accounts/sign-ins/store.ts';
import { insertGroup } from '#src/accounts/store.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import { site } from '#src/builders.fixture.ts';
import { createPasswords } from '#src/platform/passwords.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, makeCity, codeOf as refusalOf } from '#src/testing.fixture.ts';
import { issueBadges, printBadges, renewBadge, setPictures, voidBadge } from './badges/badges.ts';
import type { Card } from './badges/card.ts';
import { drawSheet, printable } from './badges/sheet.ts';
import {
  addPupil,
  createClass,
  listClasses,
  listOtherPupils,
  movePupil,
  readClass,
  removePupil,
  renameClass,
} from './classes.ts';
import { type ClassEntry, createClassEntry } from './enter.ts';
import { freeLogins, loginBase } from './logins.ts';

const inside = '10.12.3.4';
const passwords = createPasswords(2);
const pictures: PicturePassword = ['boat', 'sun', 'apple'];
let city: City;
let entry: ClassEntry;
let waits: number[];
let groupId: string;

beforeEach(async () => {
  city = await makeCity();
  // A Tuesday with class, 10:00 in Paris.
  city.time.at = Date.parse('2027-01-12T09:00:00Z');
  waits = [];
  entry = createClassEntry(
    city.platform,
    passwords,
    createAttempts({
      now: city.platform.clock.now,
      wait: async (ms) => {
        waits.push(ms);
      },
    }),
  );
  groupId = await insertGroup(
    city.platform.database,
    { kind: 'class', name: 'CP A', siteId: city.site.id },
    [city.pupil.id],
  );
  await setNetwork(city.site.id, '10.12.0.0/16');
});
afterEach(() => city.close());

const hours = [{ days: [1, 2, 3, 4, 5], from: '08:00', to: '12:00', period: 'school' as const }];
const setNetwork = (siteId: string, subnet: string | null, badgeHours: typeof hours = []) =>
  changeSiteSettings(city.platform, city.technician, siteId, {
    networks: subnet === null ? [] : [{ subnet, labels: [] }],
    closures: [],
    badgeHours,
  });
const textOf = (serial: number, siteId = city.site.id, accountId = city.pupil.id) =>
  badgeText({ accountId, siteId, serial, issuedOn: '2027-01-12' }, city.platform.secrets.sign);
const events = (action: string) =>
  selectAuditEvents(city.platform.database, { before: null, limit: 50, search: null, action });
const isSignedIn = async (token: string) =>
  (await selectSignedIn(city.platform.database, sha256(token), city.time.at))?.id ?? null;

describe('by badge', () => {
  beforeEach(() => issueBadges(city.platform, city.teacher, groupId));

  test('in the school it opens a sign-in of half a day, no longer than the badge hours', async () => {
    const { account, token, expiresAt } = await entry.byBadge(textOf(1), inside);
    expect([account.id, expiresAt - city.time.at, await isSignedIn(token)]).toEqual([
      city.pupil.id,
      4 * 3_600_000,
      city.pupil.id,
    ]);
    expect((await events('account.signed_in'))[0]).toMatchObject({
      subjectId: city.pupil.id,
      siteId: city.site.id,
      details: { by: 'badge' },
    });
    await setNetwork(city.site.id, '10.12.0.0/16', hours);
    expect((await entry.byBadge(textOf(1), inside)).expiresAt).toBe(
      Date.parse('2027-01-12T11:00:00Z'),
    );
  });

  test('not from elsewhere, out of hours, or while the school has no network; each has its own sentence', async () => {
    expect(await refusalOf(entry.byBadge(textOf(1), '81.2.3.4'))).toBe('BADGE_ELSEWHERE');
    expect((await events('badge.refused'))[0]).toMatchObject({
      subjectId: city.pupil.id,
      details: { why: 'BADGE_ELSEWHERE', serial: 1 },
    });
    await setNetwork(city.site.id, '10.12.0.0/16', hours);
    city.time.at += 3 * 3_600_000;
    const refused = await entry.byBadge(textOf(1), inside).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AppError);
    expect(refused).toMatchObject({
      code: 'BADGE_OUT_OF_HOURS',
      details: { opensAt: Date.parse('2027-01-13T07:00:00Z') },
    });
    await setNetwork(city.site.id, null);
    expect(await refusalOf(entry.byBadge(textOf(1), inside))).toBe('BADGE_NO_NETWORK');
  });

  test('in another school it is refused, also when that school’s own badges work there', async () => {
    const other = await createSite(city.platform, city.technician, site());
    await setNetwork(other.id, '10.13.0.0/16');
    expect(await refusalOf(entry.byBadge(textOf(1), '10.13.0.9'))).toBe('BADGE_ELSEWHERE');
    // A card of the school one has left.
    expect(await refusalOf(entry.byBadge(textOf(1, other.id), '10.13.0.9'))).toBe('BADGE_VOIDED');
  });

  test('photographed, then made anew: the old one is refused at once, and who came in by it is out', async () => {
    const { token } = await entry.byBadge(textOf(1), inside);
    city.woken.length = 0;
    await renewBadge(city.platform, city.teacher, city.pupil.id);
    expect(await isSignedIn(token)).toBeNull();
    expect(city.woken).toContain(`sign-in:${sha256(token)}`);
    expect(await refusalOf(entry.byBadge(textOf(1), inside))).toBe('BADGE_VOIDED');
    expect((await events('badge.refused'))[0]).toMatchObject({
      subjectId: city.pupil.id,
      actorKind: 'nobody',
      details: { why: 'BADGE_VOIDED', serial: 1 },
    });
    expect((await entry.byBadge(textOf(2), inside)).account.id).toBe(city.pupil.id);
    await voidBadge(city.platform, city.teacher, city.pupil.id);
    expect(await refusalOf(entry.byBadge(textOf(2), inside))).toBe('BADGE_VOIDED');
    expect(await refusalOf(voidBadge(city.platform, city.teacher, city.pupil.id))).toBe(
      'STATE_FORBIDS',
    );
    // Voided is not issued again by the way.
    expect(
      (await issueBadges(city.platform, city.teacher, groupId)).children[0]?.badge,
    ).toMatchObject({ state: 'voided', serial: 2 });
    expect((await events('badge.renewed'))[0]).toMatchObject({
      actorId: city.teacher.id,
      subjectId: city.pupil.id,
      siteId: city.site.id,
      details: { serial: 2 },
    });
  });

  test('forged ones are refused; from outside they leave no line in the audit', async () => {
    const forged = textOf(1).replace('.1.', '.2.');
    expect(await refusalOf(entry.byBadge(forged, '81.2.3.4'))).toBe('BADGE_FORGED');
    expect(await events('badge.refused')).toHaveLength(0);
    expect(await refusalOf(entry.byBadge(forged, inside))).toBe('BADGE_FORGED');
    expect((await events('badge.refused'))[0]).toMatchObject({
      subjectId: null,
      details: { why: 'BADGE_FORGED' },
    });
    expect(await refusalOf(entry.byBadge('https://preau.example', inside))).toBe(
      'BADGE_UNREADABLE',
    );
  });

  test('for pupils only, and only while they may sign in', async () => {
    expect(await refusalOf(renewBadge(city.platform, city.contact, city.teacher.id))).toBe(
      'NOT_FOUND',
    );
    expect(await refusalOf(entry.byBadge(textOf(1, city.site.id, city.teacher.id), inside))).toBe(
      'ACCOUNT_DISABLED',
    );
    await city.platform.database
      .updateTable('accounts')
      .set({ disabled_at: 1 })
      .where('id', '=', city.pupil.id)
      .execute();
    expect(await refusalOf(entry.byBadge(textOf(1), inside))).toBe('ACCOUNT_DISABLED');
  });

  test('who is wrong again and again waits, and is never locked out', async () => {
    await renewBadge(city.platform, city.teacher, city.pupil.id);
    for (let count = 0; count < 8; count += 1)
      expect(await refusalOf(entry.byBadge(textOf(1), inside))).toBe('BADGE_VOIDED');
    expect(waits).toEqual([250, 500, 1000, 2000, 4000]);
    expect((await entry.byBadge(textOf(2), inside)).account.id).toBe(city.pupil.id);
  });
});

describe('by pictures', () => {
  const input = (
    more: Partial<{ code: string; accountId: string; pictures: PicturePassword }> = {},
  ) => ({ code: codeOf(groupId), accountId: city.pupil.id, pictures, ...more });
  beforeEach(() =>
    setPictures({ ...city.platform, classEntry: entry }, city.teacher, city.pupil.id, pictures),
  );

  test('three right ones in order open; hashed; set anew and taken away by the teacher', async () => {
    expect((await entry.byPictures(input(), inside)).account.id).toBe(city.pupil.id);
    const { hash } = await city.platform.database
      .selectFrom('picture_passwords')
      .select('hash')
      .executeTakeFirstOrThrow();
    expect(hash).toMatch(/^\$argon2id\$/);
    expect(
      await refusalOf(entry.byPictures(input({ pictures: ['sun', 'boat', 'apple'] }), inside)),
    ).toBe('PICTURES_REFUSED');
    expect((await events('pictures.refused'))[0]).toMatchObject({ subjectId: city.pupil.id });
    await setPictures({ ...city.platform, classEntry: entry }, city.teacher, city.pupil.id, null);
    expect(await refusalOf(entry.byPictures(input(), inside))).toBe('PICTURES_REFUSED');
  });

  test('from the school only, and for children of that class only', async () => {
    expect(await refusalOf(entry.byPictures(input(), '81.2.3.4'))).toBe('BADGE_ELSEWHERE');
    const empty = await createClass(city.platform, city.contact, {
      siteId: city.site.id,
      name: 'CP B',
    });
    expect(await refusalOf(entry.byPictures(input({ code: empty.code }), inside))).toBe(
      'PICTURES_REFUSED',
    );
    expect(await refusalOf(entry.byPictures(input({ code: 'aaaaaa' }), inside))).toBe('NOT_FOUND');
  });

  test('tried one after the other, however many at once: waiting together is not waiting once', async () => {
    let [running, most] = [0, 0];
    const counted = {
      ...passwords,
      verify: async (hash: string | null, password: string) => {
        running += 1;
        most = Math.max(most, running);
        return passwords.verify(hash, password).finally(() => {
          running -= 1;
        });
      },
    };
    entry = createClassEntry(
      city.platform,
      counted,
      createAttempts({
        now: city.platform.clock.now,
        wait: async (ms) => {
          waits.push(ms);
        },
      }),
    );
    const wrong = () =>
      refusalOf(entry.byPictures(input({ pictures: ['sun', 'moon', 'star'] }), inside));
    const codes = await Promise.all(Array.from({ length: 12 }, wrong));
    const refused = codes.filter((code) => code === 'PICTURES_REFUSED').length;
    expect([most, refused, waits.length]).toEqual([1, 12, 9]);
    expect(waits.slice(0, 5)).toEqual([250, 500, 1000, 2000, 4000]);
    expect((await entry.byPictures(input(), inside)).account.id).toBe(city.pupil.id);
  });
});

describe('what the door tells', () => {
  test('classes and first names from within the school only, in its hours', async () => {
    expect(await entry.hall('81.2.3.4')).toEqual({
      siteName: null,
      problem: 'elsewhere',
      opensAt: null,
      classes: [],
    });
    expect(await entry.hall(inside)).toEqual({
      siteName: 'École Victor-Hugo',
      problem: null,
      opensAt: null,
      classes: [{ code: codeOf(groupId), name: 'CP A' }],
    });
    expect(await refusalOf(entry.room(codeOf(groupId), '81.2.3.4'))).toBe('BADGE_ELSEWHERE');
    const room = await entry.room(codeOf(groupId), inside);
    expect(room.children).toEqual([
      { id: city.pupil.id, firstName: 'lea', picture: expect.anything(), hasPictures: false },
    ]);
    await setNetwork(city.site.id, '10.12.0.0/16', hours);
    city.time.at += 4 * 3_600_000;
    expect(await entry.hall(inside)).toMatchObject({ problem: 'out_of_hours', classes: [] });
    expect(await refusalOf(entry.room(codeOf(groupId), inside))).toBe('BADGE_OUT_OF_HOURS');
  });
  test('the classes of the school one is in, not of the others', async () => {
    const other = await createSite(city.platform, city.technician, site());
    await setNetwork(other.id, '10.13.0.0/16');
    expect((await entry.hall('10.13.1.1')).classes).toEqual([]);
    expect(await refusalOf(entry.room(codeOf(groupId), '10.13.1.1'))).toBe('NOT_FOUND');
  });
});

describe('classes', () => {
  test('are listed with what is in them; moved, added, removed, renamed; two of one name are refused', async () => {
    const { platform, contact } = city;
    const made = await createClass(platform, contact, { siteId: city.site.id, name: 'CE1 B' });
    expect(
      await refusalOf(createClass(platform, contact, { siteId: city.site.id, name: 'ce1  b' })),
    ).toBe('ALREADY_EXISTS');
    expect(await refusalOf(renameClass(platform, contact, made.id, 'CP-A'))).toBe('ALREADY_EXISTS');
    expect(await listOtherPupils(platform, made.id, 'LEA')).toEqual([
      { id: city.pupil.id, displayName: 'lea', classes: ['CP A'] },
    ]);
    city.woken.length = 0;
    expect(
      (await movePupil(platform, contact, made.id, city.pupil.id)).children.map(({ id }) => id),
    ).toEqual([city.pupil.id]);
    expect(city.woken).toContain(`person:${city.pupil.id}`);
    expect((await readClass(platform, groupId)).children).toEqual([]);
    expect(
      (
        await addPupil(platform, contact, made.id, { firstName: 'Zoé', lastName: 'Vidal' })
      ).children.map(({ displayName, login }) => [displayName, login]),
    ).toEqual([
      ['lea', 'lea'],
      ['Zoé Vidal', 'zoe.vidal'],
    ]);
    await removePupil(platform, contact, made.id, city.pupil.id);
    expect(
      (await listClasses(platform, contact, null)).map(({ name, pupils }) => [name, pupils]),
    ).toEqual([
      ['CE1 B', 1],
      ['CP A', 0],
    ]);
    const stranger = await city.account('tom', 'pupil', null);
    expect(await refusalOf(movePupil(platform, contact, made.id, stranger.id))).toBe('NOT_FOUND');
  });
  test('names to sign in with are free, plain and short', async () => {
    const { database } = city.platform;
    const people = [
      { firstName: 'Léa', lastName: 'D’Amico-Roux' },
      { firstName: 'Lea', lastName: 'Damico Roux' },
      { firstName: '王', lastName: '芳' },
      { firstName: '李', lastName: '娜' },
      { firstName: 'A'.repeat(60), lastName: 'B' },
    ];
    expect(await freeLogins(database, people)).toEqual([
      'lea.damicoroux',
      'lea.damicoroux2',
      'eleve',
      'eleve2',
      'a'.repeat(54),
    ]);
    expect(people.map(loginBase).every((login) => /^[a-z0-9][a-z0-9._-]{1,62}$/.test(login))).toBe(
      true,
    );
  });
});

describe('on paper', () => {
  type Read = (frame: Uint8ClampedArray, width: number, height: number) => { data: string } | null;
  // Its types and Node do not agree on where the function stands.
  const found: unknown = reader.default;
  const readCode = (
    typeof found === 'function' ? found : (found as { default: unknown }).default
  ) as Read;

  test('a class of 25 is four sheets; only valid badges are printed', async () => {
    await issueBadges(city.platform, city.teacher, groupId);
    const pdf = await printBadges(city.platform, city.teacher, groupId, null);
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    expect((await events('badge.printed'))[0]).toMatchObject({
      actorId: city.teacher.id,
      details: { badges: 1 },
    });
    await voidBadge(city.platform, city.teacher, city.pupil.id);
    expect(await refusalOf(printBadges(city.platform, city.teacher, groupId, null))).toBe(
      'STATE_FORBIDS',
    );
    const card: Card = {
      firstName: 'Léa',
      className: 'CP A',
      siteName: 'École',
      picture: { animal: 'fox', colour: 1 },
      serial: 1,
      text: textOf(1),
    };
    const sheets = (await drawSheet(Array.from({ length: 25 }, () => card))).toString('latin1');
    expect(sheets.match(/\/Type \/Page\b/g)).toHaveLength(4);
    expect(sheets).toContain('/MediaBox [0 0 595.28 841.89]');
  });
  test('letters that paper has no font for lose their marks, not the whole name', () => {
    expect(['Łukasz', 'Zoë', 'Œdipe', 'Nguyễn', 'Şeyma', 'محمد'].map(printable)).toEqual([
      'Lukasz',
      'Zoë',
      'Œdipe',
      'Nguyen',
      'Seyma',
      '?',
    ]);
  });
  test('the code says the badge, as a camera sees it', () => {
    const { modules } = QrCode.create(textOf(999_999), { errorCorrectionLevel: 'M' });
    const [side, quiet] = [4, 16];
    const width = modules.size * side + 2 * quiet;
    const frame = new Uint8ClampedArray(width * width * 4).fill(255);
    for (let y = 0; y < modules.size * side; y += 1)
      for (let x = 0; x < modules.size * side; x += 1)
        if (modules.get(Math.floor(y / side), Math.floor(x / side)) === 1)
          frame.fill(
            0,
            ((y + quiet) * width + x + quiet) * 4,
            ((y + quiet) * width + x + quiet) * 4 + 3,
          );
    expect(readCode(frame, width, width)?.data).toBe(textOf(999_999));
  });
});

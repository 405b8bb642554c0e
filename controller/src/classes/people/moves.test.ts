/** Who changes schools by an import, and who leaves: what they had ends. A city of two schools. */
import { type ImportChoices, noChoices } from '@preau/contract/people-import.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { insertSignIn } from '#src/accounts/sign-ins/store.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import { site } from '#src/builders.fixture.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { applyImport } from './apply.ts';
import { previewImport } from './preview.ts';

let city: City;
let second: string;
beforeEach(async () => {
  city = await makeCity();
  second = (await createSite(city.platform, city.technician, site())).id;
  // Both schools have a class of the same name, and somebody who stays in it.
  await bring(
    'PETIT;Léo;CE1 A;111;0380001A\nVIDAL;Zoé;CE1 A;222;0380001A\nROUX;Tom;CE1 A;333;0380002B\n',
  );
  city.woken.length = 0;
});
afterEach(() => city.close());

const bring = async (lines: string, choices: Partial<ImportChoices> = {}) => {
  const bytes = Buffer.from(`Nom;Prénom;Classe;INE;UAI\n${lines}`);
  const all = { ...noChoices, ...choices };
  const { plan } = await previewImport(city.platform, city.technician, null, bytes, all);
  return applyImport(city.platform, city.technician, null, bytes, { ...all, plan });
};
const person = (login: string) =>
  city.platform.database
    .selectFrom('accounts')
    .select(['id', 'site_id', 'disabled_at'])
    .where('login', '=', login)
    .executeTakeFirstOrThrow();
/** `class @ school`, by name. */
const classesOf = async (login: string) =>
  (
    await city.platform.database
      .selectFrom('group_members as m')
      .innerJoin('accounts as a', 'a.id', 'm.account_id')
      .innerJoin('groups as g', 'g.id', 'm.group_id')
      .select(['g.name', 'g.site_id'])
      .where('a.login', '=', login)
      .orderBy('g.name')
      .execute()
  ).map((row) => `${row.name} @ ${row.site_id === second ? 'second' : 'first'}`);
const signIn = async (login: string) => {
  const { id } = await person(login);
  await insertSignIn(city.platform.database, {
    tokenHash: `of ${login}`,
    accountId: id,
    now: city.time.at,
    expiresAt: city.time.at + 1000,
  });
  return id;
};
const signedIn = async () =>
  (await city.platform.database.selectFrom('sign_ins').select('token_hash').execute()).map(
    (row) => row.token_hash,
  );

describe('who changes schools', () => {
  // biome-ignore format: a table
  test.each([
    ['into a class of the new one', 'CE1 A', ['CE1 A @ second']],
    ['into a class that is new', 'CE2 B', ['CE2 B @ second']],
    ['into none that is known', '', []],
  ])('leaves the classes of the old one: %s', async (_name, className, classes) => {
    expect(await classesOf('leo.petit')).toEqual(['CE1 A @ first']);
    await bring(`PETIT;Léo;${className};111;0380002B\n`);
    expect(await person('leo.petit')).toMatchObject({ site_id: second, disabled_at: null });
    expect(await classesOf('leo.petit')).toEqual(classes);
    // Nobody else has moved.
    expect([await classesOf('zoe.vidal'), await classesOf('tom.roux')]).toEqual([
      ['CE1 A @ first'],
      ['CE1 A @ second'],
    ]);
  });

  test('who stays and whose class is not told keeps it', async () => {
    await bring('PETIT;Léo;;111;0380001A\n');
    expect(await classesOf('leo.petit')).toEqual(['CE1 A @ first']);
  });
});

describe('who leaves', () => {
  test('is signed out at once and may not enter again; the others go on', async () => {
    const gone = await signIn('zoe.vidal');
    await signIn('leo.petit');
    await signIn('tom.roux');
    city.woken.length = 0;
    await bring('PETIT;Léo;CE1 A;111;0380001A\nROUX;Tom;CE1 A;333;0380002B\n', { leave: [gone] });
    expect((await person('zoe.vidal')).disabled_at).toBe(city.time.at);
    expect((await person('leo.petit')).disabled_at).toBeNull();
    expect((await signedIn()).sort()).toEqual(['of leo.petit', 'of tom.roux']);
    expect(city.woken).toEqual(
      expect.arrayContaining([
        'classes',
        'people',
        'portal',
        'sites',
        'audit',
        `person:${gone}`,
        'sign-in:of zoe.vidal',
      ]),
    );
    expect(city.woken.filter((topic) => /^(person|sign-in):/.test(topic))).toHaveLength(2);
    const events = await selectAuditEvents(city.platform.database, {
      before: null,
      limit: 10,
      search: null,
      action: 'account.disabled',
    });
    expect(events).toMatchObject([
      {
        actorId: city.technician.id,
        subjectId: gone,
        siteId: city.site.id,
        details: { by: 'import' },
      },
    ]);
  });
});

test('each school that was concerned has its line in the audit, with its own numbers', async () => {
  const leo = (await person('leo.petit')).id;
  await bring('ROUX;Tom;CE2 A;333;0380002B\nBLANC;Mia;CE1 A;444;0380001A\n', { leave: [leo] });
  const events = await selectAuditEvents(city.platform.database, {
    before: null,
    limit: 2,
    search: null,
    action: 'people.imported',
  });
  expect(new Map(events.map(({ siteId, details }) => [siteId, details]))).toEqual(
    new Map([
      [city.site.id, { added: 1, changed: 0, disabled: 1 }],
      [second, { added: 0, changed: 1, disabled: 0 }],
    ]),
  );
});

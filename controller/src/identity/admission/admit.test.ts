/** People as their provider's answers come in, in a city of two schools. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { selectAuditEvents } from '#src/audit/store.ts';
import { site } from '#src/builders.fixture.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { admit, readKnownIds } from './admit.ts';
import { disablePeople } from './store.ts';
import type { Vouched } from './vouch.ts';

const job = { kind: 'job', id: 'x', name: 'x' } as const;
let city: City;
let second: string;
beforeEach(async () => {
  city = await makeCity();
  second = (await createSite(city.platform, job, site())).id;
});
afterEach(() => city.close());

const vouched = (more: Partial<Vouched> = {}): Vouched => ({
  provider: 'ad',
  externalId: 'e1',
  login: 'elodie.noel',
  displayName: 'Élodie Noël',
  mail: null,
  photo: null,
  role: 'pupil',
  uai: '0380001A',
  groups: [],
  attributes: {},
  ...more,
});
const comes = (more: Partial<Vouched> = {}, rows = city.platform.database) =>
  admit(city.platform, rows, job, vouched(more));
const account = (id: string) =>
  city.platform.database
    .selectFrom('accounts')
    .select(['disabled_at', 'role', 'site_id', 'display_name', 'mail', 'attributes'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
const actions = async () =>
  (
    await selectAuditEvents(city.platform.database, {
      before: null,
      limit: 100,
      search: null,
      action: 'account.',
    })
  )
    .map(({ action, details }) => [action, details['role'] ?? ''].join(' ').trim())
    .reverse();
const groups = async (accountId: string) =>
  (
    await city.platform.database
      .selectFrom('group_members as m')
      .innerJoin('groups as g', 'g.id', 'm.group_id')
      .select(['g.name', 'g.site_id', 'g.kind'])
      .where('m.account_id', '=', accountId)
      .orderBy('g.name')
      .execute()
  ).map((row) => [row.name, row.site_id, row.kind]);

describe('who comes back', () => {
  test('may enter again, though nothing else about them has changed', async () => {
    const { accountId } = await comes();
    await disablePeople(city.platform.database, [accountId], city.time.at);
    expect((await account(accountId)).disabled_at).not.toBeNull();
    expect(await comes()).toEqual({ accountId, change: 'returned' });
    expect((await account(accountId)).disabled_at).toBeNull();
    expect(await comes()).toEqual({ accountId, change: 'same' });
    expect(await actions()).toEqual(['account.added pupil', 'account.enabled']);
  });
});

describe('what makes a difference', () => {
  // biome-ignore format: a table
  test.each<[string, Partial<Vouched>, 'same' | 'changed']>([
    ['nothing', {}, 'same'],
    ['the login they wish for', { login: 'other' }, 'same'],
    ['their name', { displayName: 'Élodie Roux' }, 'changed'],
    ['their mail', { mail: 'e@x.fr' }, 'changed'],
    ['their school', { uai: '0380002B' }, 'changed'],
    ['no school any more', { uai: null }, 'changed'],
    ['their role', { role: 'teacher' }, 'changed'],
    ['an attribute', { attributes: { level: ['CM2'] } }, 'changed'],
    ['a class', { groups: [{ externalId: 'c', kind: 'class', name: 'CM2', uai: '0380001A' }] }, 'changed'],
  ])('%s', async (_name, more, change) => {
    const { accountId } = await comes();
    expect(await comes(more)).toEqual({ accountId, change });
    expect(await comes(more)).toEqual({ accountId, change: 'same' });
    const { uai = '0380001A', role = 'pupil' } = more;
    expect(await account(accountId)).toMatchObject({
      role,
      site_id: uai === null ? null : uai === '0380002B' ? second : city.site.id,
    });
  });

  test('another provider’s person, and another person of this one, are others', async () => {
    const [one, two, three] = [
      await comes(),
      await comes({ provider: 'ldap' }),
      await comes({ externalId: 'e2' }),
    ];
    expect(new Set([one, two, three].map(({ accountId }) => accountId)).size).toBe(3);
    expect([one, two, three].map(({ change }) => change)).toEqual(['added', 'added', 'added']);
    const logins = await city.platform.database
      .selectFrom('accounts')
      .select('login')
      .where('login', 'like', 'elodie%')
      .orderBy('login')
      .execute();
    expect(logins.map(({ login }) => login)).toEqual([
      'elodie.noel',
      'elodie.noel-2',
      'elodie.noel-3',
    ]);
  });

  test('role and school that an administrator decided stay', async () => {
    const { accountId } = await comes();
    await city.platform.database
      .updateTable('accounts')
      .set({ role: 'contact', site_id: second, role_by_hand: 1 })
      .where('id', '=', accountId)
      .execute();
    expect((await comes({ role: 'teacher', displayName: 'É. Noël' })).change).toBe('changed');
    expect(await account(accountId)).toMatchObject({
      role: 'contact',
      site_id: second,
      display_name: 'É. Noël',
    });
    expect((await comes({ role: 'teacher', displayName: 'É. Noël' })).change).toBe('same');
  });
});

describe('classes and groups', () => {
  const of = (uai: string | null, name: string, kind: 'class' | 'group' = 'class') => ({
    externalId: `${kind}:${uai}:${name}`,
    kind,
    name,
    uai,
  });
  test('each belongs to its school; one of a school that is not ours is none, and of nobody', async () => {
    const here = of('0380001A', 'CM2');
    const there = of('0380002B', 'CM2');
    const { accountId } = await comes({
      groups: [here, there, of('0699999Z', 'CM1'), of(null, 'Chorale', 'group')],
    });
    const found = await groups(accountId);
    expect(found).toHaveLength(3);
    expect(found).toEqual(
      expect.arrayContaining([
        ['CM2', city.site.id, 'class'],
        ['CM2', second, 'class'],
        ['Chorale', null, 'group'],
      ]),
    );
    expect(
      await city.platform.database
        .selectFrom('groups')
        .select('id')
        .where('name', '=', 'CM1')
        .execute(),
    ).toEqual([]);
  });

  test('whose class another is leaves the one before, and nobody else does', async () => {
    const [cm1, cm2] = [of('0380001A', 'CM1'), of('0380001A', 'CM2')];
    const one = await comes({ groups: [cm1] });
    const two = await comes({ externalId: 'e2', groups: [cm1] });
    expect(await comes({ groups: [cm2] })).toEqual({ accountId: one.accountId, change: 'changed' });
    expect(await groups(one.accountId)).toEqual([['CM2', city.site.id, 'class']]);
    expect(await groups(two.accountId)).toEqual([['CM1', city.site.id, 'class']]);
  });

  test('what was read once serves many people, and learns the groups that are made', async () => {
    const ids = await readKnownIds(city.platform.database, 'ad');
    const cm2 = of('0380001A', 'CM2');
    for (const externalId of ['a', 'b', 'c'])
      await admit(
        city.platform,
        city.platform.database,
        job,
        vouched({ externalId, groups: [cm2] }),
        ids,
      );
    expect([...ids.groups.keys()]).toEqual([cm2.externalId]);
    expect(await city.platform.database.selectFrom('groups').select('name').execute()).toEqual([
      { name: 'CM2' },
    ]);
  });
});

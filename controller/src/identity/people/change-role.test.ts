/** Whose role or schools change is signed out, and what is told of it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { insertSignIn } from '#src/accounts/sign-ins/store.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import { site } from '#src/builders.fixture.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, codeOf, makeCity } from '#src/testing.fixture.ts';
import { changeRole } from './people.ts';

let city: City;
let second: string;
beforeEach(async () => {
  city = await makeCity();
  second = (await createSite(city.platform, { kind: 'job', id: 'x', name: 'x' }, site())).id;
  for (const { id } of [city.teacher, city.administrator, city.pupil])
    for (const device of ['1', '2'])
      await insertSignIn(city.platform.database, {
        tokenHash: `${device} of ${id}`,
        accountId: id,
        now: city.time.at,
        expiresAt: city.time.at + 1000,
      });
  city.woken.length = 0;
});
afterEach(() => city.close());

const signIns = async (id: string) =>
  (
    await city.platform.database
      .selectFrom('sign_ins')
      .select('token_hash')
      .where('account_id', '=', id)
      .execute()
  ).length;
type Change = Parameters<typeof changeRole>[3];
const change = (id: string, more: Partial<Change>) =>
  changeRole(city.platform, city.administrator, id, {
    role: 'teacher',
    siteId: city.site.id,
    siteIds: null,
    ...more,
  });
const told = () =>
  selectAuditEvents(city.platform.database, {
    before: null,
    limit: 10,
    search: null,
    action: 'account.role_changed',
  });

describe('a person whose reach changes', () => {
  // biome-ignore format: a table
  test.each<[string, Partial<Change>]>([
    ['gains a role', { role: 'technician', siteId: null }],
    ['loses one', { role: 'pupil' }],
    ['is of another school', { siteId: 'second' }],
    ['looks after some schools', { role: 'technician', siteId: null, siteIds: ['second'] }],
  ])('%s: signed out everywhere, and nobody else is', async (_name, more) => {
    const real = (id: string | null | undefined) => (id === 'second' ? second : id);
    await change(city.teacher.id, {
      ...more,
      ...(more.siteId === undefined ? {} : { siteId: real(more.siteId) ?? null }),
      ...(more.siteIds == null ? {} : { siteIds: [second] }),
    });
    expect([
      await signIns(city.teacher.id),
      await signIns(city.administrator.id),
      await signIns(city.pupil.id),
    ]).toEqual([0, 2, 2]);
    expect(city.woken).toEqual([
      `sign-in:1 of ${city.teacher.id}`,
      `sign-in:2 of ${city.teacher.id}`,
      `person:${city.teacher.id}`,
      'people',
      'audit',
    ]);
    expect(await told()).toMatchObject([
      {
        actorId: city.administrator.id,
        subjectId: city.teacher.id,
        details: { from: 'teacher', to: more.role ?? 'teacher', byHand: true },
      },
    ]);
  });

  test('narrowed to fewer schools, also who was signed in with more', async () => {
    await change(city.teacher.id, {
      role: 'technician',
      siteId: null,
      siteIds: [city.site.id, second],
    });
    await insertSignIn(city.platform.database, {
      tokenHash: 'later',
      accountId: city.teacher.id,
      now: city.time.at,
      expiresAt: city.time.at + 1000,
    });
    await change(city.teacher.id, { role: 'technician', siteId: null, siteIds: [second] });
    expect(await signIns(city.teacher.id)).toBe(0);
  });
});

test('whose reach stays the same stays signed in, and so does who changes their own', async () => {
  await change(city.teacher.id, {});
  expect(await signIns(city.teacher.id)).toBe(2);
  expect(city.woken).toEqual([`person:${city.teacher.id}`, 'people', 'audit']);
  const other = await city.account('admin2', 'administrator', null);
  await changeRole(city.platform, city.administrator, city.administrator.id, {
    role: 'technician',
    siteId: null,
    siteIds: null,
  });
  expect(await signIns(city.administrator.id)).toBe(2);
  expect(
    await codeOf(
      changeRole(city.platform, other, other.id, {
        role: 'teacher',
        siteId: second,
        siteIds: null,
      }),
    ),
  ).toBe('LAST_ADMINISTRATOR');
});

/** Which schools a caller reaches: a token never more than its owner as they are now. */
import type { Account } from '@preau/contract/account.ts';
import { describe, expect, test } from 'vitest';
import { codeOf } from '#src/testing.fixture.ts';
import { actorOf, mustReach, reaches, within } from './reach.ts';

const account = (more: Partial<Account>): Account => ({
  id: 'acc_1',
  login: 'tech',
  displayName: 'Tech',
  role: 'technician',
  siteId: null,
  siteName: null,
  siteIds: null,
  ...more,
});
const token = (siteIds: string[] | null) => ({ id: 'tok_1', readOnly: false, siteIds });

// biome-ignore format: a table
const cases: [role: Account['role'], siteId: string | null, own: string[] | null, given: string[] | null | 'none', reach: string[] | null][] = [
  ['technician',    null, null,       'none',     null],
  ['technician',    null, ['A', 'B'], 'none',     ['A', 'B']],
  ['technician',    'C',  ['A'],      'none',     ['A']],
  ['technician',    null, [],         'none',     []],
  ['administrator', 'A',  null,       'none',     null],
  ['contact',       'A',  null,       'none',     ['A']],
  ['teacher',       'A',  ['B'],      'none',     ['A']],
  ['pupil',         null, null,       'none',     []],
  ['technician',    null, null,       null,       null],
  ['technician',    null, null,       ['A'],      ['A']],
  ['technician',    null, ['A'],      null,       ['A']],
  ['technician',    null, ['A', 'B'], ['B', 'C'], ['B']],
  ['technician',    null, ['A'],      ['B'],      []],
  ['technician',    null, [],         ['A'],      []],
  ['teacher',       'A',  null,       ['A', 'B'], ['A']],
];
test.each(cases)(
  '%s of %s, who looks after %j, by a token for %j: %j',
  (role, siteId, siteIds, given, reach) => {
    const actor = actorOf(
      account({ role, siteId, siteIds }),
      '',
      given === 'none' ? null : token(given),
    );
    expect(actor.siteIds).toEqual(reach);
  },
);

test('a token of an administrator is a technician’s', () => {
  expect(actorOf(account({ role: 'administrator' }), '', token(null)).role).toBe('technician');
  expect(actorOf(account({ role: 'administrator' }), 'x').role).toBe('administrator');
  expect(actorOf(account({ role: 'teacher', siteId: 'A' }), '', token(null)).role).toBe('teacher');
});

describe('somebody of one school', () => {
  const actor = actorOf(account({ siteIds: ['A'] }), 'x');
  const city = actorOf(account({}), 'x');
  test('reaches it, no other, and nothing of the whole city', () => {
    expect([reaches(actor, 'A'), reaches(actor, 'B'), reaches(actor, null)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([reaches(city, 'A'), reaches(city, null)]).toEqual([true, true]);
  });
  test('is refused whole for one foreign school among several', async () => {
    const must = async (...sites: (string | null)[]) => mustReach(actor, ...sites);
    expect(await codeOf(must('A', 'A'))).toBe('done');
    expect(await codeOf(must('A', 'B'))).toBe('OUT_OF_SCOPE');
    expect(await codeOf(must('A', null))).toBe('OUT_OF_SCOPE');
    expect(await codeOf(must())).toBe('done');
  });
  test('sees of a list what is theirs', () => {
    const items = ['A', 'B', null].map((siteId) => ({ siteId }));
    expect(within(actor, items, ({ siteId }) => siteId)).toEqual([{ siteId: 'A' }]);
    expect(within(city, items, ({ siteId }) => siteId)).toHaveLength(3);
  });
});

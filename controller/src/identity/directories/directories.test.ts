import { describe, expect, test } from 'vitest';
import type { KnownPerson } from '../admission/store.ts';
import { vouch } from '../admission/vouch.ts';
import { described, mapping } from '../person.fixture.ts';
import { stateOf } from './entry-state.ts';
import { above, byPerson } from './groups.ts';
import { planSync } from './plan-sync.ts';

describe('the state of an entry', () => {
  const now = Date.UTC(2026, 8, 1);
  const filetime = (ms: number) => String((ms + 11_644_473_600_000) * 10_000);
  test.each([
    [{ useraccountcontrol: ['512'] }, null],
    [{ useraccountcontrol: ['514'] }, 'ACCOUNT_DISABLED'],
    [{ accountexpires: ['0'] }, null],
    [{ accountexpires: ['9223372036854775807'] }, null],
    [{ accountexpires: [filetime(now - 1000)] }, 'ACCOUNT_EXPIRED'],
    [{ accountexpires: [filetime(now + 60_000)] }, null],
    [{ shadowexpire: ['-1'] }, null],
    [{ shadowexpire: ['100'] }, 'ACCOUNT_EXPIRED'],
    [{ shadowlastchange: ['0'] }, 'PASSWORD_MUST_CHANGE'],
    [{ shadowlastchange: ['20000'], shadowmax: ['90'] }, 'PASSWORD_EXPIRED'],
    [{ shadowlastchange: ['20000'], shadowmax: ['99999'] }, null],
    [{ pwdreset: ['TRUE'] }, 'PASSWORD_MUST_CHANGE'],
    [{ pwdaccountlockedtime: ['000001010000Z'] }, 'ACCOUNT_DISABLED'],
    [{}, null],
  ] as const)('%j is %s', (values, state) => {
    expect(stateOf({ ...values } as unknown as Record<string, string[]>, now)).toBe(state);
  });
  test('groups above groups, each once, in circles too', async () => {
    const parents: Record<string, string[]> = { a: ['B', 'c'], b: ['c'], c: ['A', 'd'], d: [] };
    expect(await above(['a'], async (dn) => parents[dn.toLowerCase()] ?? [])).toEqual([
      'a',
      'B',
      'c',
      'd',
    ]);
  });
});

describe('reading a whole directory', () => {
  const known = (id: string, disabled = false): KnownPerson => ({
    id,
    externalId: id,
    login: id,
    displayName: id,
    role: 'pupil',
    roleByHand: false,
    siteId: null,
    mail: null,
    attributes: '{}',
    disabled,
  });
  const here = (id: string, barred = false) => ({
    vouched: {
      ...(vouch(mapping, described({ externalId: id })) as Exclude<
        ReturnType<typeof vouch>,
        string
      >),
    },
    barred,
  });
  const ids = (n: number, from = 0) => Array.from({ length: n }, (_, index) => `p${from + index}`);
  test('new, gone, back, barred', () => {
    const plan = planSync(
      [known('a'), known('b'), known('c', true), known('d')],
      [here('a'), here('c'), here('e'), here('d', true)],
    );
    expect([plan.added, plan.returned, plan.vanished.map(({ id }) => id), plan.braked]).toEqual([
      1,
      1,
      ['b', 'd'],
      false,
    ]);
  });
  test.each([
    [100, 90, false],
    [100, 89, true],
    [1000, 899, true],
    [1000, 900, false],
    [10, 7, false],
    [10, 6, true],
    [3, 0, true],
    [1, 0, true],
    [0, 0, false],
  ])('of %i, %i are left: braked %s', (before, left, braked) => {
    expect(
      planSync(
        ids(before).map((id) => known(id)),
        ids(left).map((id) => here(id)),
      ).braked,
    ).toBe(braked);
  });
  test('those who were disabled before do not count', () => {
    expect(
      planSync(
        [...ids(100).map((id) => known(id)), ...ids(500, 100).map((id) => known(id, true))],
        ids(95).map((id) => here(id)),
      ),
    ).toMatchObject({ braked: false, vanished: { length: 5 } });
  });
});

test('groups by the person who is in them, whatever capitals their DN is written in', () => {
  const of = (person: string, group: string) => ({ person, group });
  expect([
    ...byPerson([
      of('CN=Léa,DC=x', 'cn=A,dc=x'),
      of('cn=tom,dc=x', 'cn=A,dc=x'),
      of('cn=léa,dc=x', 'cn=B\\, C,dc=x'),
    ]),
  ]).toEqual([
    [
      'cn=léa,dc=x',
      [
        { id: 'cn=A,dc=x', name: 'A' },
        { id: 'cn=B\\, C,dc=x', name: 'B, C' },
      ],
    ],
    ['cn=tom,dc=x', [{ id: 'cn=A,dc=x', name: 'A' }]],
  ]);
});

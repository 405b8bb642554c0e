/** What a role may be changed to, case by case. */
import type { PersonRow, RoleChange } from '@preau/contract/identity.ts';
import { expect, test } from 'vitest';
import { problemOfRole, reachesTheSame } from './people.ts';

const change = (more: Partial<RoleChange> = {}): RoleChange => ({
  role: null,
  siteId: 'sit_1',
  siteIds: null,
  ...more,
});

// biome-ignore format: a table
test.each([
  ['a local account, by its provider', 'local', change(), 'role'],
  ['by the provider', 'ad', change(), null],
  ['a technician of the city', 'local', change({ role: 'technician', siteId: null }), null],
  ['a technician of some schools', 'local', change({ role: 'technician', siteId: null, siteIds: ['sit_1'] }), null],
  ['an administrator of some schools', 'local', change({ role: 'administrator', siteIds: ['sit_1'] }), 'siteIds'],
  ['a teacher of some schools', 'local', change({ role: 'teacher', siteIds: ['sit_1'] }), 'siteIds'],
  ['a contact without a school', 'local', change({ role: 'contact', siteId: null }), 'siteId'],
  ['a pupil without a school', 'local', change({ role: 'pupil', siteId: null }), 'siteId'],
  ['a teacher of a school', 'local', change({ role: 'teacher' }), null],
  ['as the provider said, without a school', 'ad', change({ siteId: null }), 'siteId'],
] as const)('%s', (_name, provider, given, field) => {
  expect(problemOfRole({ role: 'pupil', provider }, given)?.field ?? null).toBe(field);
});

// biome-ignore format: a table
test.each([
  ['technician', change({ siteIds: ['sit_1'] }), true],
  ['administrator', change({ siteIds: ['sit_1'] }), false],
  ['technician', change({ siteIds: null }), false],
  ['technician', change({ siteIds: ['sit_1', 'sit_2'] }), false],
  ['technician', change({ siteId: 'sit_2', siteIds: ['sit_1'] }), false],
] as const)('a technician of one school as %s: the same reach %#', (role, given, same) => {
  const person = { role: 'technician', siteId: 'sit_1', siteIds: ['sit_1'] } as unknown as PersonRow;
  expect(reachesTheSame(person, role, given)).toBe(same);
});

/** A badge is a school's own: whoever is in a class of one school and belongs to another gets none
 * there. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { insertGroup } from '#src/accounts/store.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import { site } from '#src/builders.fixture.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, codeOf, makeCity } from '#src/testing.fixture.ts';
import { issueBadges, printBadges } from './badges.ts';

let city: City;
let here: string;
let there: string;
let guest: string;
beforeEach(async () => {
  city = await makeCity();
  const second = (await createSite(city.platform, city.technician, site())).id;
  guest = (await city.account('tom', 'pupil', second)).id;
  const local = (await city.account('mia', 'pupil')).id;
  const group = (siteId: string, members: string[]) =>
    insertGroup(city.platform.database, { kind: 'class', name: 'CE1 A', siteId }, members);
  here = await group(city.site.id, [city.pupil.id, local, guest]);
  there = await group(second, [guest]);
});
afterEach(() => city.close());

const holders = async () =>
  (
    await city.platform.database
      .selectFrom('badges as b')
      .innerJoin('accounts as a', 'a.id', 'b.account_id')
      .select('a.login')
      .orderBy('a.login')
      .execute()
  ).map(({ login }) => login);

test('issued to the class: those of the school, once; told for each', async () => {
  await issueBadges(city.platform, city.contact, here);
  expect(await holders()).toEqual(['lea', 'mia']);
  await issueBadges(city.platform, city.contact, here);
  const told = await selectAuditEvents(city.platform.database, {
    before: null,
    limit: 10,
    search: null,
    action: 'badge.issued',
  });
  expect(told.map(({ siteId, subjectName }) => [siteId, subjectName]).sort()).toEqual([
    [city.site.id, 'lea'],
    [city.site.id, 'mia'],
  ]);
  await issueBadges(city.platform, city.technician, there);
  expect(await holders()).toEqual(['lea', 'mia', 'tom']);
});

test('nor is the other school’s badge printed with the class', async () => {
  await issueBadges(city.platform, city.technician, there);
  expect(await codeOf(printBadges(city.platform, city.contact, here, guest))).toBe('STATE_FORBIDS');
  expect(await codeOf(printBadges(city.platform, city.technician, there, guest))).toBe('done');
});

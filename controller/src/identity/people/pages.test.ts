/** Lists of people beyond one page and one school. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertAccounts } from '#src/accounts/store.ts';
import { person, site } from '#src/builders.fixture.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { listPeople } from './people.ts';
import type { PeopleSearch } from './store.ts';

let city: City;
let second: string;
beforeAll(async () => {
  city = await makeCity();
  second = (await createSite(city.platform, city.technician, site())).id;
  // Namesakes lie on both sides of every page's end.
  await insertAccounts(
    city.platform.database,
    Array.from({ length: 24 }, (_, at) =>
      person(`enfant.${at}`, {
        displayName: `Enfant ${'ABC'[at % 3]}`,
        siteId: at % 2 === 0 ? city.site.id : second,
        role: at % 6 === 0 ? 'teacher' : 'pupil',
      }),
    ),
    city.time.at,
  );
});
afterAll(() => city.close());

type Search = Partial<Omit<PeopleSearch, 'siteIds' | 'id'>>;
async function all(limit: number, more: Search = {}, actor = city.administrator) {
  const pages: string[][] = [];
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof listPeople>> = await listPeople(city.platform, actor, {
      search: 'enfant',
      siteId: null,
      role: null,
      provider: null,
      disabled: false,
      after,
      limit,
      ...more,
    });
    pages.push(page.items.map(({ login }) => login));
    after = page.next;
  } while (after !== null);
  return pages;
}

test.each([1, 5, 7, 8, 12, 23, 24, 25])('in pages of %i everybody is there once', async (limit) => {
  const pages = await all(limit);
  expect(pages).toHaveLength(Math.ceil(24 / limit));
  expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
  const [whole] = await all(100);
  expect(pages.flat()).toEqual(whole);
  expect(new Set(whole).size).toBe(24);
});

test('what was asked for holds on every page', async () => {
  const ofSchool = (await all(5, { siteId: second })).flat();
  expect(ofSchool).toHaveLength(12);
  expect(ofSchool.every((login) => Number(login.slice(7)) % 2 === 1)).toBe(true);
  const teachers = (await all(1, { role: 'teacher' })).flat();
  expect(teachers.map((login) => Number(login.slice(7)) % 6)).toEqual([0, 0, 0, 0]);
});

test('who looks after one school sees no other’s people, on no page', async () => {
  const own = { ...city.technician, siteIds: [second] };
  expect((await all(5, {}, own)).flat().sort()).toEqual(
    (await all(5, { siteId: second })).flat().sort(),
  );
  expect((await all(5, { siteId: city.site.id }, own)).flat()).toEqual([]);
});

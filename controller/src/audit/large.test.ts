/** A long audit is verified, erased from and exported while everybody else goes on. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { longestStop } from '#src/platform/heavy/longest-stop.fixture.ts';
import { exportPerson } from '#src/privacy/hold.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { chainEvents, verifyChain } from './chain.ts';
import { erasingOf, passOver } from './erase.ts';
import { exportAuditCsv, exportChain } from './export.ts';
import { insertAuditEvent, selectAuditEvents } from './store.ts';

let city: City;
beforeAll(async () => {
  city = await makeCity();
  const { database } = city.platform;
  await database.transaction().execute(async (rows) => {
    for (let at = 0; at < 30_000; at += 1)
      await insertAuditEvent(rows, {
        at: city.time.at,
        action: 'session.ended',
        actorKind: 'account',
        actorId: city.pupil.id,
        actorName: 'Léa',
        subjectId: null,
        subjectName: `subject ${at}`,
        siteId: city.site.id,
        details: { at, words: 'some words about what has happened' },
      });
  });
}, 60_000);
afterAll(() => city.close());

const all = { search: null, siteIds: null, action: null, from: null, until: null };
const works: [name: string, work: () => Promise<unknown>][] = [
  ['linked', () => chainEvents(city.platform)],
  ['verified', () => verifyChain(city.platform)],
  [
    'searched for a name',
    () => passOver(city.platform, erasingOf([{ id: 'acc_x', names: ['Zoé'] }]), {}, 'count'),
  ],
  ['exported', () => exportChain(city.platform, city.administrator, 0)],
  ['exported as CSV', () => exportAuditCsv(city.platform, city.administrator, all)],
  ['exported for a person', () => exportPerson(city.platform, city.administrator, city.pupil.id)],
];
test.each(works)(
  '30,000 events are %s, and nobody waits',
  async (_name, work) => {
    expect(await longestStop(work)).toBeLessThan(200);
  },
  60_000,
);

const looks: [name: string, search: string, found: string[]][] = [
  ['nothing', 'zoé', []],
  ['the newest', 'subject 29999', ['subject 29999']],
  ['the oldest', 'subject 7', ['subject 7999', 'subject 7998']],
  ['one far behind', 'subject 101', ['subject 10199', 'subject 10198']],
];
test.each(looks)(
  'a search for %s looks through all of them in parts',
  async (_name, search, found) => {
    const names = async (before: string | null, limit: number) =>
      await selectAuditEvents(city.platform.database, { ...all, before, limit, search });
    const [first, ...others] = await names(null, 2);
    expect([first, ...others].flatMap((event) => event?.subjectName ?? [])).toEqual(found);
    if (found.length < 2) return;
    // The next page goes on behind the last one.
    expect((await names(others[0]?.id ?? null, 1))[0]?.subjectName).toBe(
      found[1]?.replace(/8$/, '7'),
    );
  },
);

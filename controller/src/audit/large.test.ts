/** A long audit is verified, erased from and exported while everybody else goes on. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { longestStop } from '#src/platform/heavy/longest-stop.fixture.ts';
import { exportPerson } from '#src/privacy/hold.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { chainEvents, verifyChain } from './chain.ts';
import { erasingOf, passOver } from './erase.ts';
import { exportAuditCsv, exportChain } from './export.ts';
import { insertAuditEvent } from './store.ts';

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

/** Who waits for a seat, and for how long they keep their place: two schools, and pages that ask
 * again. */
import { AppError } from '@preau/contract/errors.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApplication } from '#src/applications/create.ts';
import { application, site } from '#src/builders.fixture.ts';
import { createSite } from '#src/sites/sites.ts';
import type { City } from '#src/testing.fixture.ts';
import { insertSession } from '../store.ts';
import { takeSeat } from './seats.ts';

/** Pages ask every five seconds, and a place is kept for twenty. */
const poll = 5000;

export function queueCases(openCity: () => Promise<City>): void {
  let city: City;
  let north: string;
  let south: string;
  let app: { id: string; slug: string; seats: number | null };
  const ids = new Map<string, string>();
  beforeEach(async () => {
    city = await openCity();
    north = city.site.id;
    south = (await createSite(city.platform, city.technician, site())).id;
    ids.clear();
  });
  afterEach(() => city.close());

  const licence = async (seats: number | null) => {
    const { id } = await createApplication(
      city.platform,
      city.technician,
      application('jeu', seats === null ? {} : { licence: { seats } }),
    );
    app = { id, slug: 'jeu', seats };
  };
  /** Names begin with n or s, for their school. */
  const idOf = async (name: string): Promise<string> => {
    const known = ids.get(name);
    if (known !== undefined) return known;
    const { id } = await city.account(name, 'pupil', name.startsWith('n') ? north : south);
    ids.set(name, id);
    return id;
  };
  /** One question of their page: `in`, or how many are ahead, where, and whether they waited. */
  const ask = async (name: string, siteSeats: number | null = null): Promise<string> => {
    const accountId = await idOf(name);
    const siteId = name.startsWith('n') ? north : south;
    const now = city.time.at;
    const answer = await city.platform.database
      .transaction()
      .execute((rows) => takeSeat(rows, { application: app, siteSeats, accountId, siteId, now }));
    if ('taken' in answer) {
      await run(name);
      return 'in';
    }
    if (!(answer.refused instanceof AppError)) throw answer.refused;
    const { code, details } = answer.refused;
    expect(code).toBe('LICENCE_EXHAUSTED');
    return `${details['ahead']} ahead, ${details['scope']}, ${details['seats']}${answer.waited ? '' : ', new'}`;
  };
  const run = async (name: string) => {
    await insertSession(city.platform.database, {
      accountId: await idOf(name),
      applicationId: app.id,
      serverId: city.agent.actor.id,
      siteId: name.startsWith('n') ? north : south,
      language: 'fr',
      now: city.time.at,
      deadlineAt: city.time.at + 3_600_000,
      address: null,
    });
  };
  const close = async (name: string) => {
    await city.platform.database
      .updateTable('sessions')
      .set({ state: 'ended', ended_at: city.time.at })
      .where('account_id', '=', await idOf(name))
      .execute();
  };
  const waiting = async () =>
    (await city.platform.database.selectFrom('seat_queue').select('account_id').execute())
      .map(({ account_id }) => [...ids].find(([, id]) => id === account_id)?.[0])
      .sort();

  describe('the queue for seats', () => {
    test('first come, first served, however often each page asks', async () => {
      await licence(1);
      expect(await ask('n1')).toBe('in');
      expect(await ask('n2')).toBe('0 ahead, city, 1, new');
      city.time.at += 1000;
      expect(await ask('s3')).toBe('1 ahead, city, 1, new');
      city.time.at += 1000;
      expect(await ask('n4')).toBe('2 ahead, city, 1, new');
      // The pages ask again and again, not in the order in which they came.
      for (let round = 0; round < 3; round += 1) {
        city.time.at += poll;
        expect([await ask('n4'), await ask('n2'), await ask('s3')]).toEqual([
          '2 ahead, city, 1',
          '0 ahead, city, 1',
          '1 ahead, city, 1',
        ]);
      }
      await close('n1');
      expect([await ask('n4'), await ask('s3'), await ask('n2')]).toEqual([
        '2 ahead, city, 1',
        '1 ahead, city, 1',
        'in',
      ]);
      // Who has a seat holds nobody up any more.
      expect(await waiting()).toEqual(['n4', 's3']);
      await close('n2');
      expect([await ask('n4'), await ask('s3'), await ask('n4')]).toEqual([
        '1 ahead, city, 1',
        'in',
        '0 ahead, city, 1',
      ]);
      await close('s3');
      expect(await ask('n4')).toBe('in');
      expect(await waiting()).toEqual([]);
    });

    test('a newcomer does not pass those who wait, and whose page is closed waits no more', async () => {
      await licence(1);
      expect(await ask('n1')).toBe('in');
      expect(await ask('n2')).toBe('0 ahead, city, 1, new');
      await close('n1');
      city.time.at += 1;
      expect(await ask('s3')).toBe('1 ahead, city, 1, new');
      // Four questions of n2's page are lost: the place is kept until then.
      city.time.at += 4 * poll - 1;
      expect(await ask('s3')).toBe('1 ahead, city, 1');
      city.time.at += 1;
      expect(await ask('s3')).toBe('in');
      // n2 comes back and begins at the end.
      expect(await ask('s4')).toBe('0 ahead, city, 1, new');
      city.time.at += 1;
      expect(await ask('n2')).toBe('1 ahead, city, 1, new');
    });

    test('a place that is asked for each time in time is kept for as long as it takes', async () => {
      await licence(1);
      expect(await ask('n1')).toBe('in');
      expect(await ask('n2')).toBe('0 ahead, city, 1, new');
      for (let round = 0; round < 20; round += 1) {
        city.time.at += 4 * poll;
        expect(await ask('n2')).toBe('0 ahead, city, 1');
      }
    });

    test('two places for two who wait', async () => {
      await licence(2);
      expect([await ask('n1'), await ask('n2')]).toEqual(['in', 'in']);
      for (const [ahead, name] of ['n3', 'n4', 'n5'].entries()) {
        expect(await ask(name)).toBe(`${ahead} ahead, city, 2, new`);
        city.time.at += 1;
      }
      await close('n1');
      await close('n2');
      expect(await ask('n5')).toBe('2 ahead, city, 2');
      expect(await ask('n4')).toBe('in');
      expect(await ask('n3')).toBe('in');
      expect(await ask('n5')).toBe('0 ahead, city, 2');
    });

    test('seats of a school are its own: another school neither takes them nor waits for them', async () => {
      await licence(null);
      expect(await ask('n1', 1)).toBe('in');
      expect(await ask('n2', 1)).toBe('0 ahead, school, 1, new');
      expect(await ask('s1', 1)).toBe('in');
      expect(await ask('s2', 1)).toBe('0 ahead, school, 1, new');
      city.time.at += 1;
      expect(await ask('s3', 1)).toBe('1 ahead, school, 1, new');
      await close('s1');
      expect(await ask('n2', 1)).toBe('0 ahead, school, 1');
      expect(await ask('s3', 1)).toBe('1 ahead, school, 1');
      expect(await ask('s2', 1)).toBe('in');
      // A school without a limit of its own waits for nobody.
      expect(await ask('s4')).toBe('in');
    });

    test('both at once: the city’s seats before the school’s', async () => {
      await licence(3);
      expect([await ask('n1', 1), await ask('s1', 2), await ask('n2', 1)]).toEqual([
        'in',
        'in',
        '0 ahead, school, 1, new',
      ]);
      city.time.at += 1;
      // One seat of the city is free, and the one who waits came first.
      expect(await ask('s2', 2)).toBe('1 ahead, city, 3, new');
      await close('n1');
      expect(await ask('n2', 1)).toBe('in');
      expect(await ask('s2', 2)).toBe('in');
      expect(await ask('s3', 2)).toBe('0 ahead, city, 3, new');
    });

    test('another application has a queue of its own', async () => {
      await licence(1);
      expect([await ask('n1'), await ask('n2')]).toEqual(['in', '0 ahead, city, 1, new']);
      const { id } = await createApplication(
        city.platform,
        city.technician,
        application('chess', { licence: { seats: 1 } }),
      );
      app = { id, slug: 'chess', seats: 1 };
      expect(await ask('s1')).toBe('in');
    });
  });
}

/** Homes of erased people: every server of the city is asked, also one that is offline, and the city
 * says which have yet to do so. */
import type { DesiredState } from '@preau/contract/desired-state.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { erasePerson } from '#src/privacy/erase/erase.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { type City, makeCity, type TestAgent } from '#src/testing.fixture.ts';
import { readDesiredState } from '../desired/desired-state.ts';
import { listHomesWaiting } from './homes.ts';

let city: City;
let second: TestAgent;
const boot = { bootId: '00000000-0000-4000-8000-000000000000', restartNeeded: null };
beforeEach(async () => {
  city = await makeCity();
  second = await city.enrolServer('serveur-2');
  for (const agent of [city.agent, second])
    await acceptReport(city.platform, agent.actor, agent.report({ answers: [], boot }));
});
afterEach(() => city.close());

const stateOf = async ({ actor }: TestAgent): Promise<DesiredState> =>
  JSON.parse((await readDesiredState(city.platform, actor)).document) as DesiredState;
const waiting = async () =>
  (await listHomesWaiting(city.platform, city.administrator)).map(({ serverName, homes }) => [
    serverName,
    homes,
  ]);

test('each server erases the homes when it comes, and is waited for until it has', async () => {
  const tom = await city.account('tom', 'pupil');
  expect((await stateOf(second)).erasedHomes).toBeUndefined();
  await erasePerson(city.platform, city.administrator, city.pupil.id, 'lea');
  expect(city.woken).toContain(`agent:${second.actor.id}`);
  expect(await waiting()).toEqual([
    ['serveur-1', 1],
    ['serveur-2', 1],
  ]);
  for (const agent of [city.agent, second])
    expect((await stateOf(agent)).erasedHomes).toEqual({ upTo: 1, homes: [city.pupil.id] });

  await acceptReport(
    city.platform,
    city.agent.actor,
    city.agent.report({ answers: [], boot, erasedHomes: 1 }),
  );
  expect(await waiting()).toEqual([['serveur-2', 1]]);
  // Another one is erased meanwhile; the server that was away gets both.
  await erasePerson(city.platform, city.administrator, tom.id, 'tom');
  expect((await stateOf(city.agent)).erasedHomes).toEqual({ upTo: 2, homes: [tom.id] });
  expect((await stateOf(second)).erasedHomes?.homes).toEqual([city.pupil.id, tom.id]);
  for (const agent of [city.agent, second])
    await acceptReport(
      city.platform,
      agent.actor,
      agent.report({ answers: [], boot, erasedHomes: 2 }),
    );
  expect(await waiting()).toEqual([]);
  expect((await listHomesWaiting(city.platform, city.contact)).length).toBe(0);
});

test('an agent of before is not asked, and is waited for', async () => {
  await acceptReport(city.platform, second.actor, second.report());
  await erasePerson(city.platform, city.administrator, city.pupil.id, 'lea');
  expect((await stateOf(second)).erasedHomes).toBeUndefined();
  expect(await waiting()).toContainEqual(['serveur-2', 1]);
  // Brought along: it is asked with its next state, and cannot say more than it was asked.
  await acceptReport(city.platform, second.actor, second.report({ answers: [], boot }));
  await acceptReport(
    city.platform,
    second.actor,
    second.report({ answers: [], boot, erasedHomes: 99 }),
  );
  expect(await waiting()).toEqual([['serveur-1', 1]]);
});

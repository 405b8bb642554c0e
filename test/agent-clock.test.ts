/** A school server whose clock is wrong goes on working by the city's time, and its page says so. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ControllerLink, openLink } from '../agent/src/controller-link.ts';
import { createCityClock } from '../contract/src/city-clock.ts';
import { selectServer } from '../controller/src/servers/fleet/store.ts';
import { until } from '../dev/services.ts';
import { type FailingCity, openFailingCity } from './dependencies.fixture.ts';

const day = 86_400_000;
let folder: string;
let edge: FailingCity;
let link: ControllerLink | null = null;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preau-agent-clock-'));
  edge = await openFailingCity(':memory:', { PREAU_DATA: folder });
});
afterEach(async () => {
  link?.close();
  await edge.close();
  rmSync(folder, { recursive: true });
});

const agent = () => edge.city.agent;
const database = () => edge.city.platform.database;
const page = () => selectServer(database(), agent().actor.id, Date.now());
const events = async () =>
  (
    await database()
      .selectFrom('audit_events')
      .select('action')
      .where('action', 'in', ['server.clock_wrong', 'server.clock_right'])
      .orderBy('at')
      .execute()
  ).map(({ action }) => action);
const report = (skewMs: number | null) => {
  const made = agent().report();
  return skewMs === null ? made : { ...made, health: { ...made.health, clockSkewMs: skewMs } };
};
const linkWith = (skewMs: number) => {
  link = openLink(
    {
      serverId: agent().actor.id,
      controllerUrl: edge.url,
      controllerKey: '',
      privateKey: agent().privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    },
    createCityClock(() => Date.now() + skewMs),
  );
  return link;
};

test.each([
  ['a day behind', -day],
  ['a day ahead', day],
  ['two minutes ahead, which is tolerated', 120_000],
])(
  'a clock %s: calls and wake-ups go through, and the page says how far it is off',
  async (...it) => {
    const [, skewMs] = it;
    const made = linkWith(skewMs);
    await made.readDesiredState(null);
    const known = made.clockSkewMs() ?? 0;
    expect(Math.abs(known - skewMs)).toBeLessThan(2000);
    await made.sendReport(report(known));
    await until('the wake-ups', () => made.connected(), 20_000);
    const shown = await page();
    expect(shown?.health).toBe('online');
    expect(Math.abs((shown?.clockSkewMs ?? 0) - skewMs)).toBeLessThan(2000);
    await made.sendReport(report(known + 300));
    expect(await events()).toEqual(['server.clock_wrong']);
    await made.sendReport(report(40));
    expect((await page())?.clockSkewMs).toBe(null);
    expect(await events()).toEqual(['server.clock_wrong', 'server.clock_right']);
  },
);

test('an agent that does not know better is refused, and its page names the clock', async () => {
  await database()
    .updateTable('servers')
    .set({ last_seen_at: Date.now() - 60_000 })
    .execute();
  const body = JSON.stringify(report(null));
  const call = async (at: number) =>
    (await (
      await fetch(`${edge.url}/api/agent/report`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: agent().authorization('POST', '/api/agent/report', body, at),
        },
        body,
      })
    ).json()) as { code?: string; details?: object };
  expect(await call(Date.now() - day)).toMatchObject({
    code: 'CLOCK_SKEWED',
    details: { controllerTime: expect.any(Number), skewMs: expect.any(Number) },
  });
  const shown = await page();
  expect(shown?.health).toBe('offline');
  expect(Math.abs((shown?.clockSkewMs ?? 0) + day)).toBeLessThan(5000);
  expect(await events()).toEqual(['server.clock_wrong']);
});

test('an old call that is sent again says nothing about a server that is heard', async () => {
  await database().updateTable('servers').set({ last_seen_at: Date.now() }).execute();
  const headers = {
    authorization: agent().authorization('GET', '/api/agent/desired-state', null, Date.now() - day),
  };
  expect((await fetch(`${edge.url}/api/agent/desired-state`, { headers })).status).toBe(401);
  expect((await page())?.clockSkewMs).toBe(null);
});

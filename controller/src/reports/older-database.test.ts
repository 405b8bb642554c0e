/** Yesterday's database under today's servers: each heals with its first report. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DesiredState } from '@preau/contract/desired-state.ts';
import type { Report } from '@preau/contract/report.ts';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { readDesiredState } from '#src/servers/desired/desired-state.ts';
import { launch } from '#src/sessions/launch.ts';
import { selectSession } from '#src/sessions/store.ts';
import { sweep } from '#src/sessions/sweep.ts';
import { type City, makeCity, readySession } from '#src/testing.fixture.ts';
import { acceptReport } from './accept-report.ts';

const tuxpaint = { application: 'tuxpaint', language: 'fr' } as const;
let city: City;
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preau-older-'));
  city = await makeCity(join(folder, 'city.sqlite'));
});
afterEach(async () => {
  await city.close();
  rmSync(folder, { recursive: true });
});

/** The agent's side of generations: it obeys nothing older than the newest it has accepted. */
function makeAgent() {
  let newest = 0;
  return {
    /** The state it now follows; null when the controller's is refused as older. */
    obey: async (platform: Platform): Promise<DesiredState | null> => {
      const signed = await readDesiredState(platform, city.agent.actor);
      const state = JSON.parse(signed.document) as DesiredState;
      if (state.generation <= newest) return null;
      newest = state.generation;
      return state;
    },
    report: (platform: Platform, more: Partial<Report> = {}) =>
      acceptReport(platform, city.agent.actor, city.agent.report({ generation: newest, ...more })),
    newest: () => newest,
  };
}

/** Everything after this is lost when the copy is used. */
function copyOfToday(): Platform {
  const copy = join(folder, 'copy.sqlite');
  const file = new SqliteDatabase(join(folder, 'city.sqlite'));
  file.prepare('vacuum into ?').run(copy);
  file.close();
  return { ...city.platform, database: openDatabase(copy) };
}

test.each([
  ['has applied everything', 0],
  ['is still at work on the newest state', 1],
])('a launch before the first report reaches a server that %s', async (_name, pending) => {
  const agent = makeAgent();
  await agent.obey(city.platform);
  await agent.report(city.platform);
  const older = copyOfToday();
  for (const person of [city.pupil, city.teacher, city.contact])
    await launch(city.platform, person, tuxpaint);
  await agent.obey(city.platform);
  await agent.report(city.platform);
  const before = agent.newest();

  const { session } = await launch(older, city.pupil, tuxpaint);
  expect(await agent.obey(older)).toBeNull();
  city.woken.length = 0;
  const reply = await agent.report(older, { generation: before - pending });
  expect(reply.generation).toBeGreaterThan(before);
  expect(city.woken).toContain(`agent:${city.agent.actor.id}`);
  const state = await agent.obey(older);
  expect(state?.sessions.map(({ sessionId }) => sessionId)).toEqual([session.id]);
  await agent.report(older, { sessions: [readySession(session.id, 1)] });
  city.time.at += 61_000;
  await sweep(older);
  expect(await selectSession(older.database, session.id)).toMatchObject({
    state: 'ready',
    failureCode: null,
  });
  // From now on generations go on by one, and nothing is said twice.
  const healed = agent.newest();
  await agent.report(older, { sessions: [readySession(session.id, 1)] });
  await launch(older, city.teacher, tuxpaint);
  expect((await agent.obey(older))?.generation).toBe(healed + 1);
  const told = await older.database
    .selectFrom('audit_events')
    .select('details')
    .where('action', '=', 'server.caught_up')
    .execute();
  expect(told).toHaveLength(1);
  await older.database.destroy();
});

test('sessions that ran when the backup was made and run no more have ended; others run on', async () => {
  const agent = makeAgent();
  const gone = (await launch(city.platform, city.pupil, tuxpaint)).session;
  const stays = (await launch(city.platform, city.teacher, tuxpaint)).session;
  await agent.obey(city.platform);
  await agent.report(city.platform, {
    sessions: [readySession(gone.id, 1), readySession(stays.id, 1)],
  });
  const older = copyOfToday();
  await launch(city.platform, await city.account('nora', 'teacher'), tuxpaint);
  await launch(city.platform, city.contact, tuxpaint);
  await agent.obey(city.platform);
  await agent.report(older, { sessions: [readySession(stays.id, 1)] });
  expect(await selectSession(older.database, gone.id)).toMatchObject({
    state: 'ended',
    endReason: 'lost',
  });
  const state = await agent.obey(older);
  expect(state?.sessions.map(({ sessionId }) => sessionId)).toEqual([stays.id]);
  await older.database.destroy();
});

test('rules that the older database wants are not taken for applied', async () => {
  const agent = makeAgent();
  const older = copyOfToday();
  for (const person of [city.pupil, city.teacher]) await launch(city.platform, person, tuxpaint);
  await agent.obey(city.platform);
  await agent.report(older);
  const row = await older.database
    .selectFrom('servers')
    .select(['generation', 'policy_generation', 'applied_generation'])
    .where('id', '=', city.agent.actor.id)
    .executeTakeFirstOrThrow();
  expect(row.policy_generation).toBe(row.generation);
  expect(row.applied_generation).toBeLessThan(row.policy_generation);
  await older.database.destroy();
});

/** The drill, by the commands alone: yesterday's database under today's servers and sessions. Within
 * two minutes everything runs again, no generation has gone back, and nobody has touched a server. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { enrol } from '../agent/src/enrol.ts';
import { makeFolder } from '../agent/src/files.ts';
import { databaseTarget, openDatabase } from '../controller/src/platform/database.ts';
import { Client } from '../dev/client.ts';
import { GivenUp, until } from '../dev/services.ts';
import {
  type SimulatedCity,
  startSimulatedCity,
  wantEverywhere,
} from '../dev/simulated-schools.ts';
import { buildCity } from '../dev/world.ts';
import { newBackupKey, preau } from './local-command.fixture.ts';
import { type Postgres, startPostgres } from './postgres.fixture.ts';

const people = { teachers: 6, pupils: 1 };
const world = buildCity(2026, people);
const withServer = [0, 1, 2];
const schoolName = (at: number) => world.schools[at]?.name ?? '';
const teacherOf = (at: number) =>
  world.people.find(({ role, school }) => role === 'teacher' && school === at)?.login ?? '';
const application = 'galculator';
const orderedLater = 'mousepad';

describe.each([
  ['SQLite', false],
  ['PostgreSQL', true],
])('%s', (_, withPostgres) => {
  const folder = mkdtempSync(join(tmpdir(), 'preau-drill-'));
  const keyFile = join(folder, 'key.txt');
  let city: SimulatedCity;
  let settings: Record<string, string>;
  let postgres: Postgres | undefined;
  beforeAll(async () => {
    if (withPostgres) postgres = await startPostgres();
    settings = {
      ...(postgres === undefined ? {} : { PREAU_DATABASE_URL: await postgres.newDatabase() }),
      PREAU_BACKUP_KEY: await newBackupKey(keyFile),
      PREAU_BACKUP_TO: join(folder, 'backups'),
    };
    city = await startSimulatedCity({
      folder: join(folder, 'city'),
      people,
      stageMs: 5,
      installMs: 20,
      only: withServer.map(schoolName),
      settings,
    });
    await wantEverywhere(city, application);
  });
  afterAll(async () => {
    await city?.stop();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const data = () => join(folder, 'city/controller');
  const teachers = new Map<number, Client>();
  async function teacher(at: number): Promise<Client> {
    const known = teachers.get(at);
    if (known !== undefined) return known;
    const client = new Client(city.url);
    await client.signIn(teacherOf(at), city.password);
    teachers.set(at, client);
    return client;
  }
  /** Returns once the program is ready; a launch that fails ends the test. */
  async function open(at: number, slug = application): Promise<string> {
    const client = await teacher(at);
    const { session } = await client.call('launchSession', {
      body: { application: slug, language: 'fr' },
    });
    await until(
      `a program at ${schoolName(at)}`,
      async () => {
        const { state, failureCode } = await client.call('readSession', {
          params: { id: session.id },
        });
        if (failureCode !== null) throw new GivenUp(`launch at ${schoolName(at)}: ${failureCode}`);
        return state === 'ready';
      },
      60_000,
    );
    return session.id;
  }
  const end = async (at: number, id: string) =>
    (await teacher(at)).call('endSession', { params: { id } });
  /** By server: the generation that the database has reached. */
  async function generations(): Promise<Map<string, number>> {
    const PREAU_DATABASE_URL = settings['PREAU_DATABASE_URL'] ?? '';
    const database = openDatabase(databaseTarget({ PREAU_DATA: data(), PREAU_DATABASE_URL }));
    try {
      const rows = await database.selectFrom('servers').select(['id', 'generation']).execute();
      return new Map(rows.map(({ id, generation }) => [id, generation]));
    } finally {
      await database.destroy();
    }
  }
  /** What the server's own disk says it obeys. */
  const obeyed = (uai: string): number => {
    const signed = JSON.parse(
      readFileSync(join(folder, 'city/agents', uai, 'desired.json'), 'utf8'),
    ) as { document: string };
    return (JSON.parse(signed.document) as { generation: number }).generation;
  };
  const uaiOf = (at: number) => world.schools[at]?.uai ?? '';

  test('yesterday’s database under today’s servers', async () => {
    // The first school's program runs on while the backup is made, and ends later.
    let ofYesterday = '';
    await until('the program at every school', async () => {
      for (const at of withServer) {
        const id = await open(at);
        if (at === 0) ofYesterday = id;
        else await end(at, id);
      }
      return true;
    });
    const backedUp = await preau(['backup'], { PREAU_DATA: data(), ...settings });
    expect(backedUp).toMatchObject({ code: 0, err: '' });

    // A day passes.
    await end(0, ofYesterday);
    for (const at of withServer)
      for (let count = 0; count < 4; count += 1) await end(at, await open(at));
    const running = await open(1);
    await wantEverywhere(city, orderedLater);
    await until(`${orderedLater} at school 2`, async () => {
      await end(2, await open(2, orderedLater));
      return true;
    });
    const site = (await city.technician.call('listSites', {})).items.find(
      ({ name }) => name === schoolName(3),
    );
    const code = await city.technician.call('createEnrolmentCode', {
      params: { id: site?.id ?? '' },
      body: { serverName: 'Serveur de demain' },
    });
    makeFolder(join(folder, 'later'), 0o700);
    await enrol(join(folder, 'later'), { ...code, controllerUrl: city.url });

    await city.controller.stop();
    const before = await generations();
    const startedAt = performance.now();
    const restored = await preau(['restore', '--key', keyFile, '--replace'], {
      PREAU_DATA: data(),
      ...settings,
    });
    expect(restored).toMatchObject({ code: 0, err: '' });
    expect(restored.out).toContain('to be enrolled anew: Serveur de demain.');
    const older = await generations();
    for (const { serverId } of city.schools)
      expect(older.get(serverId)).toBeLessThan(before.get(serverId) ?? 0);

    city.controller.restart();
    await until(
      'the controller',
      async () => (await fetch(`${city.url}/api/health/live`)).ok,
      60_000,
    );
    // Sign-ins of yesterday hold; nobody touches a server.
    const ids = await Promise.all(withServer.map((at) => open(at)));
    expect((performance.now() - startedAt) / 1000).toBeLessThan(120);
    expect(ids).not.toContain(running);
    for (const at of withServer) {
      const serverId = city.schools.find(({ name }) => name === schoolName(at))?.serverId ?? '';
      await until(
        `a new state at ${schoolName(at)}`,
        () => obeyed(uaiOf(at)) > (before.get(serverId) ?? 0),
      );
    }
    // Both what ran yesterday and what began since are over; what was opened now is all there is. Who
    // clicks before the server has called takes up yesterday's program, and clicks once more.
    await until('one program at each school', async () => {
      await Promise.all(withServer.map((at) => open(at)));
      const { items } = await city.technician.call('listSessions', { query: { state: 'live' } });
      return items.length === withServer.length;
    });
    // What was ordered after the backup is on the servers' disks; ordered again, it is taken up.
    await wantEverywhere(city, orderedLater);
    await until(`${orderedLater} again`, async () => {
      await end(2, await open(2, orderedLater));
      return true;
    });
    expect(await city.technician.call('verifyAudit', { query: {} })).toMatchObject({
      intact: true,
    });
  }, 240_000);
});

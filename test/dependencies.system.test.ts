/** What people are told when something that the controller stands on fails: its own code and
 * sentence on every route, nothing lost or half done, and all well again when it is back. SQLite,
 * disk, data folder, Redis, guacd, clock: real ones, broken on purpose. */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { checkRedis } from '../controller/src/platform/health/checks.ts';
import { openRedis } from '../controller/src/platform/redis.ts';
import { createWakeups } from '../controller/src/wakeups.ts';
import { signal } from '../dev/lab/host.ts';
import { freePort, root, type Service, startGuacd, startRedis, until } from '../dev/services.ts';
import { allAre, allOk, calls, type FailingCity, openFailingCity } from './dependencies.fixture.ts';
import { processesWith } from './processes.fixture.ts';

let folder: string;
let data: string;
let city: FailingCity;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'preau-failing-'));
  data = join(folder, 'data');
  mkdirSync(data);
});
afterEach(async () => {
  await city.close().catch(() => undefined);
  spawnSync('umount', ['-l', data], { stdio: 'ignore' });
  rmSync(folder, { recursive: true, force: true });
});

const open = async (settings: Record<string, string> = {}) => {
  city = await openFailingCity(join(data, 'preau.sqlite'), {
    PREAU_DATA: data,
    PREAU_GUACD_PORT: '1',
    ...settings,
  });
};
const mount = (...options: string[]) => {
  const { status, stderr } = spawnSync('mount', options, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount: ${stderr}`);
};

/** A whole copy, as a backup makes one; in WAL mode, as ours is. */
function copyDatabase(from: string, to: string): void {
  const script = `
    import SqliteDatabase from 'better-sqlite3';
    new SqliteDatabase(process.argv[1]).exec("vacuum into '" + process.argv[2] + "'");
    new SqliteDatabase(process.argv[2]).pragma('journal_mode = WAL');`;
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', script, from, to],
    { cwd: join(root, 'controller'), encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`copy: ${stderr}`);
}

/** Another process that holds the database for so long; resolves when it does. */
async function holdDatabase(ms: number): Promise<{ over: Promise<void> }> {
  const script = `
    import SqliteDatabase from 'better-sqlite3';
    const database = new SqliteDatabase(process.argv[1]);
    database.exec('begin immediate');
    console.log('held');
    setTimeout(() => database.exec('commit'), ${ms});`;
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', script, join(data, 'preau.sqlite')],
    { cwd: join(root, 'controller'), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const over = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  return { over };
}

describe('the database file', () => {
  test('another process holds it for a second: everybody is served, a little later', async () => {
    await open();
    const held = await holdDatabase(1000);
    expect(await city.codes()).toEqual(allOk);
    await held.over;
  });

  test('another process holds it: who writes is told BUSY, who reads is served', async () => {
    await open();
    const before = await city.counts();
    const held = await holdDatabase(12_000);
    const [launch, list] = await Promise.all([city.call('launch'), city.call('list')]);
    expect(launch).toMatchObject({ status: 503, code: 'BUSY', retryAfter: '5' });
    expect(launch.tookMs).toBeGreaterThan(4500);
    expect(list).toMatchObject({ status: 200 });
    expect(list.tookMs).toBeLessThan(500);
    expect(await city.part('database')).toBe('503 down: down BUSY');
    expect(await city.counts()).toEqual(before);
    await held.over;
    expect(await city.codes()).toEqual(allOk);
    expect(await city.part('database')).toMatch(/: ok$/);
  });

  test('it is damaged: DATABASE_BROKEN, and a restored one serves without a restart', async () => {
    await open();
    const path = join(data, 'preau.sqlite');
    const copy = join(folder, 'copy.sqlite');
    copyDatabase(path, copy);
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    writeFileSync(path, Buffer.alloc(200_000, 'this is no database. '));
    await pause(300);
    expect(await city.codes(['signIn', 'launch', 'list', 'report'])).toEqual({
      signIn: 'DATABASE_BROKEN',
      launch: 'DATABASE_BROKEN',
      list: 'DATABASE_BROKEN',
      report: 'DATABASE_BROKEN',
    });
    expect(await city.part('database')).toBe('503 down: down DATABASE_BROKEN');
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    copyFileSync(copy, path);
    await pause(300);
    expect(await city.codes()).toEqual(allOk);
    expect(await city.part('database')).toMatch(/: ok$/);
  });
});

describe('the disk', () => {
  test('it is full: DISK_FULL, nothing half done, and all well when there is room', async () => {
    mount('-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', data);
    await open();
    const before = await city.counts();
    const filler = join(data, 'filler');
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k'], { stdio: 'ignore' });
    const told = await city.codes();
    expect(told).toMatchObject({ list: 'ok', upload: 'DISK_FULL' });
    // The journal of the database may have a little room left: then a call is served, or refused.
    for (const name of ['signIn', 'launch', 'report'] as const)
      expect(['ok', 'DISK_FULL']).toContain(told[name]);
    for (let more = 0; more < 40 && (await city.codes(['signIn']))['signIn'] === 'ok'; more += 1);
    expect(await city.codes()).toEqual({ ...allAre('DISK_FULL'), list: 'ok' });
    expect(await city.part('disk')).toBe('503 down: down DISK_FULL');
    expect((await city.counts()).files).toBe(before.files);
    rmSync(filler);
    expect(await city.codes()).toEqual(allOk);
  });

  test('it holds no more files, though it has room: DISK_FULL', async () => {
    mount('-t', 'tmpfs', '-o', 'size=3g,nr_inodes=300', 'tmpfs', data);
    await open();
    const filler = join(data, 'filler');
    mkdirSync(filler);
    spawnSync('sh', ['-c', 'i=0; while : > "$0/$i"; do i=$((i + 1)); done', filler]);
    expect(await city.codes(['upload', 'list', 'signIn'])).toEqual({
      upload: 'DISK_FULL',
      list: 'ok',
      signIn: 'ok',
    });
    expect(await city.part('disk')).toBe('503 down: down DISK_FULL');
    rmSync(filler, { recursive: true });
    expect(await city.codes()).toEqual(allOk);
  });

  test('the folder of files has become read-only: said so, and all well when it is not', async () => {
    await open();
    const files = join(data, 'packages');
    mkdirSync(files, { recursive: true });
    mount('-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', files);
    try {
      mount('-o', 'remount,ro', files);
      expect(await city.codes()).toEqual({ ...allOk, upload: 'DATA_FOLDER_UNUSABLE' });
      mount('-o', 'remount,rw', files);
      expect(await city.codes()).toEqual(allOk);
    } finally {
      spawnSync('umount', ['-l', files]);
    }
  });

  test('the data folder is gone: nothing is written elsewhere, and all well when it is back', async () => {
    await open();
    const before = await city.counts();
    renameSync(data, join(folder, 'moved'));
    await pause(300);
    expect(await city.codes()).toEqual({
      ...allAre('DATABASE_UNAVAILABLE'),
    });
    expect(await city.part('database')).toBe('503 down: down DATABASE_UNAVAILABLE');
    renameSync(join(folder, 'moved'), data);
    await pause(300);
    expect(await city.counts()).toEqual(before);
    expect(await city.codes()).toEqual(allOk);
  });

  test('the database may only be read: DATABASE_READ_ONLY, lists go on, all well afterwards', async () => {
    await open();
    const path = join(data, 'preau.sqlite');
    copyDatabase(path, join(folder, 'copy.sqlite'));
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    copyFileSync(join(folder, 'copy.sqlite'), path);
    // Root writes to what is protected by its mode; an immutable file is protected from root too.
    const protect = (flag: string) => spawnSync('chattr', [flag, path]).status === 0;
    if (!protect('+i')) {
      console.log('skipped: this file system knows no immutable files');
      return;
    }
    try {
      await pause(300);
      expect(await city.codes()).toEqual({ ...allAre('DATABASE_READ_ONLY'), list: 'ok' });
      expect(await city.part('database')).toBe('503 down: down DATABASE_READ_ONLY');
    } finally {
      protect('-i');
    }
    await pause(300);
    expect(await city.codes()).toEqual(allOk);
  });
});

describe('Redis', () => {
  let redis: ReturnType<typeof startRedis>;
  let connection: Redis;
  beforeEach(async () => {
    redis = startRedis(join(folder, 'redis'));
    await until('Redis', redis.ready);
    connection = openRedis(redis.url, 'wakeups');
    connection.on('error', () => undefined);
    await until('a connection', async () => (await connection.ping()) === 'PONG');
    city = await openFailingCity(
      join(data, 'preau.sqlite'),
      { PREAU_DATA: data, PREAU_GUACD_PORT: '1' },
      { more: (watch) => [checkRedis(connection, watch)] },
    );
  });
  afterEach(async () => {
    connection.disconnect();
    await redis.service.kill();
  });
  const set = (...words: string[]) => spawnSync('redis-cli', ['-s', redis.url.slice(7), ...words]);

  test('the controller’s clock is an hour off: health says CLOCK_WRONG, and it serves on', async () => {
    await city.close();
    city = await openFailingCity(
      join(data, 'another.sqlite'),
      { PREAU_DATA: data, PREAU_GUACD_PORT: '1' },
      { more: (watch) => [checkRedis(connection, watch)], now: () => Date.now() + 3_600_000 },
    );
    await city.part('redis');
    expect(await city.part('clock')).toBe('200 degraded: degraded CLOCK_WRONG');
    expect(await city.codes(['list', 'launch'])).toEqual({ list: 'ok', launch: 'ok' });
  });

  test('what one controller wakes, another one hears, once; while it is away each hears itself', async () => {
    const connections: Redis[] = [];
    const controller = () => {
      const [publisher, subscriber] = [openRedis(redis.url, 'wakeups'), openRedis(redis.url)];
      connections.push(publisher, subscriber);
      for (const each of connections) each.on('error', () => undefined);
      const wakeups = createWakeups({ publisher, subscriber }, city.city.platform.log);
      const heard: string[] = [];
      wakeups.listen((topics) => heard.push(topics.join(' ')));
      return { wakeups, heard };
    };
    const [here, there] = [controller(), controller()];
    try {
      await until('both to hear', async () => {
        here.wakeups.wake(['portal']);
        await pause(20);
        return there.heard.length > 0;
      });
      await pause(100);
      for (const { heard } of [here, there]) heard.length = 0;
      here.wakeups.wake(['rules', 'agent:srv_1']);
      there.wakeups.wake(['sessions']);
      await until(
        'what the other one woke',
        async () => here.heard.length + there.heard.length > 3,
      );
      expect(here.heard.sort()).toEqual(['rules agent:srv_1', 'sessions']);
      expect(there.heard.sort()).toEqual(['rules agent:srv_1', 'sessions']);
      await redis.service.kill();
      here.wakeups.wake(['people']);
      expect(here.heard.at(-1)).toBe('people');
      await redis.service.restart();
      await until('it to cross again', async () => {
        there.wakeups.wake(['sites']);
        await pause(50);
        return here.heard.includes('sites');
      });
    } finally {
      for (const each of connections) each.disconnect();
    }
  });

  const failures: [string, () => Promise<void> | void, () => Promise<void> | void][] = [
    ['stopped', () => redis.service.kill(), () => redis.service.restart()],
    [
      'paused',
      () => process.kill(redis.service.pid(), 'SIGSTOP') as unknown as void,
      () => process.kill(redis.service.pid(), 'SIGCONT') as unknown as void,
    ],
    [
      'out of memory',
      () => void set('config', 'set', 'maxmemory', '1'),
      () => void set('config', 'set', 'maxmemory', '0'),
    ],
    [
      'a replica that may only be read',
      () => void set('replicaof', '127.0.0.1', '1'),
      () => void set('replicaof', 'no', 'one'),
    ],
  ];
  test.each(failures)(
    '%s: the city serves on, and health says REDIS_UNAVAILABLE',
    async (...it) => {
      const [, breakIt, mendIt] = it;
      expect(await city.part('redis')).toMatch(/: ok$/);
      await breakIt();
      expect(await city.part('redis')).toBe('200 degraded: down REDIS_UNAVAILABLE');
      expect(await city.codes()).toEqual(allOk);
      await mendIt();
      await until(
        'Redis to be well again',
        async () => /: ok$/.test(await city.part('redis')),
        30_000,
      );
    },
  );
});

describe('guacd', () => {
  let guacd: Service;
  let port: number;
  beforeAll(async () => {
    port = await freePort();
  });
  beforeEach(async () => {
    guacd = startGuacd(join(folder, 'guacd'), port);
    await open({ PREAU_GUACD_PORT: String(port) });
    await until('guacd', async () => /: ok$/.test(await city.part('gateway')), 30_000);
  });
  afterEach(() => guacd.kill());

  /** guacd runs below bubblewrap. */
  const signalGuacd = (name: NodeJS.Signals) => {
    for (const pid of processesWith(`/usr/sbin/guacd -f -b 127.0.0.1 -l ${port}`))
      signal(pid, name);
  };

  test.each([
    ['stopped', () => guacd.kill(), () => guacd.restart()],
    ['paused', () => signalGuacd('SIGSTOP'), () => signalGuacd('SIGCONT')],
  ] as [string, () => unknown, () => unknown][])(
    '%s: no program is launched into a spinner, the portal says so, and opens again',
    async (_, breakIt, mendIt) => {
      const stop = city.health.watch();
      expect((await city.portal()).cannotOpen).toBe(null);
      await breakIt();
      await until(
        'the portal to say so',
        async () => (await city.portal()).cannotOpen === 'GATEWAY_UNREACHABLE',
        60_000,
      );
      const before = await city.counts();
      expect(await city.codes()).toEqual({ ...allOk, launch: 'GATEWAY_UNREACHABLE' });
      expect((await city.counts()).sessions).toBe(before.sessions);
      expect(await city.part('gateway')).toBe('200 degraded: down GATEWAY_UNREACHABLE');
      await mendIt();
      await until(
        'programs to open again',
        async () => (await city.portal()).cannotOpen === null,
        60_000,
      );
      expect(await city.codes()).toEqual(allOk);
      stop();
    },
  );
});

describe('health itself', () => {
  test('it is alive without anything, tells no secret, and is not asked more than once at a time', async () => {
    await open({ PREAU_GUACD_HOST: '127.0.0.9' });
    renameSync(data, join(folder, 'moved'));
    await pause(300);
    const live = await fetch(`${city.url}/api/health/live`);
    expect([live.status, await live.json()]).toEqual([200, { status: 'ok' }]);
    const started = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 200 }, async () => (await fetch(`${city.url}/api/health`)).text()),
    );
    expect(performance.now() - started).toBeLessThan(6000);
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).not.toMatch(/127\.0\.0|preau-failing|\d+\.\d+\.\d+/);
    renameSync(join(folder, 'moved'), data);
  });

  test('technicians are told since when, why, and what to do', async () => {
    await open();
    const response = await fetch(`${city.url}/api/health/report`, {
      headers: { cookie: city.technician },
    });
    const { parts } = (await response.json()) as {
      parts: { part: string; since: number; why: string; runbook: string }[];
    };
    expect(parts.find(({ part }) => part === 'gateway')).toMatchObject({
      state: 'down',
      code: 'GATEWAY_UNREACHABLE',
      since: expect.any(Number),
      why: expect.stringContaining('ECONNREFUSED'),
      runbook: 'gateway.md#injoignable',
    });
  });
});

test('there is a call of each kind', () => {
  expect(calls.length).toBe(5);
});

/** What keeping costs: a backup beside SQLite's own copy and tar of the same, launches while one is
 * made, and how long a city is away until it is restored. */

import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../agent/src/command.ts';
import { sha256 } from '../../controller/src/platform/secrets.ts';
import { Client } from '../client.ts';
import { root, until } from '../services.ts';
import { type SimulatedCity, startSimulatedCity, wantEverywhere } from '../simulated-schools.ts';
import { demoLogins } from '../world.ts';
import { type Figure, median, quantile, round } from './figures.ts';
import { upgradeGap } from './keep-upgrade.ts';

const application = 'galculator';
const packages = 8;
const packageBytes = 64 * 1_048_576;
const pairs = 3;
const launches = 60;

export async function measureKeep(
  tell: (text: string) => void,
  signal: AbortSignal,
): Promise<Figure[]> {
  const folder = join(root, '.data/bench-keep');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const keyFile = join(folder, 'key.txt');
  const data = join(folder, 'city/controller');
  const backups = join(folder, 'backups');
  const made = await run('age-keygen', ['-o', keyFile], { timeoutMs: 10_000 });
  const key = /age1[0-9a-z]+/.exec(`${made.stdout}${made.stderr}`)?.[0] ?? '';
  const settings = { PREAU_BACKUP_KEY: key, PREAU_BACKUP_TO: backups };
  tell('a city of 27 schools, 10,000 pupils, half a gigabyte of packages');
  const city = await startSimulatedCity({
    folder: join(folder, 'city'),
    people: { teachers: 27, pupils: 10_000 },
    stageMs: 5,
    installMs: 20,
    settings,
  });
  try {
    mkdirSync(join(data, 'packages'), { recursive: true });
    for (let count = 0; count < packages; count += 1) {
      const bytes = randomBytes(packageBytes);
      writeFileSync(join(data, 'packages', sha256(bytes)), bytes);
    }
    await wantEverywhere(city, application);
    const preau = async (args: readonly string[]) => {
      const words = ['PREAU_DATA', 'PREAU_BACKUP_KEY', 'PREAU_BACKUP_TO'] as const;
      const values = { ...settings, PREAU_DATA: data };
      const env = words.map((name) => `${name}=${values[name]}`);
      const done = await run('env', [...env, join(root, 'packaging/preau'), ...args], {
        timeoutMs: 300_000,
      });
      if (done.code !== 0) throw new Error(`preau ${args[0]}: ${done.stderr}`);
    };
    signal.throwIfAborted();
    const figures = [
      await backupRatio({ tell, folder, data, backups, preau }),
      await launchRatio({ tell, city, backups, preau }),
      await restoreSeconds({ tell, city, data, keyFile, preau }),
    ];
    return [...figures, await upgradeGap(tell)];
  } finally {
    await city.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Preau = (args: readonly string[]) => Promise<void>;

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
};

/** In pairs, one after the other; each writes everything anew. */
async function backupRatio(city: {
  tell: (text: string) => void;
  folder: string;
  data: string;
  backups: string;
  preau: Preau;
}): Promise<Figure> {
  const plain = join(city.folder, 'plain');
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    rmSync(plain, { recursive: true, force: true });
    mkdirSync(plain);
    const script = `sqlite3 "$1/preau.sqlite" ".backup '$2/preau.sqlite'" && cp "$1/secret" "$2/" &&
      tar -c -f "$2/all.tar" -C "$2" preau.sqlite secret -C "$1" packages && sync "$2/all.tar"`;
    theirs.push(
      await seconds(async () => {
        const done = await run('sh', ['-c', script, 'sh', city.data, plain], {
          timeoutMs: 300_000,
        });
        if (done.code !== 0) throw new Error(`sqlite3 and tar: ${done.stderr}`);
      }),
    );
    rmSync(city.backups, { recursive: true, force: true });
    ours.push(await seconds(() => city.preau(['backup'])));
    city.tell(
      `pair ${pair + 1}: ${theirs.at(-1)?.toFixed(1)} s plain, ${ours.at(-1)?.toFixed(1)} s preau`,
    );
  }
  const value = median(ours) / median(theirs);
  return {
    id: 'keep.backup_ratio',
    value: round(value, 2),
    unit: 'ratio',
    aim: '≤ 1.5',
    holds: value <= 1.5,
    detail: { ours, theirs, note: 'preau also encrypts, reads back and compares' },
  };
}

async function launchRatio(parts: {
  tell: (text: string) => void;
  city: SimulatedCity;
  backups: string;
  preau: Preau;
}): Promise<Figure> {
  const teacher = new Client(parts.city.url);
  await teacher.signIn(demoLogins.teacher, parts.city.password);
  const launch = async (): Promise<number> => {
    const { reply, verbMs } = await teacher.callTimed('launchSession', {
      body: { application, language: 'fr' },
    });
    await teacher.call('endSession', { params: { id: reply.session.id } });
    return verbMs;
  };
  await until('a first launch', async () => (await launch()) > 0, 60_000);
  const quiet: number[] = [];
  for (let count = 0; count < launches; count += 1) quiet.push(await launch());
  const during: number[] = [];
  while (during.length < launches) {
    rmSync(parts.backups, { recursive: true, force: true });
    let over = false;
    const backup = parts.preau(['backup']).finally(() => {
      over = true;
    });
    while (!over) during.push(await launch());
    await backup;
  }
  const value = quantile(during, 0.95) / quantile(quiet, 0.95);
  parts.tell(`launches: ${quiet.length} quiet, ${during.length} during backups`);
  return {
    id: 'keep.backup_launch_ms_ratio',
    value: round(value, 2),
    unit: 'ratio',
    aim: '≤ 2',
    holds: value <= 2,
    detail: { quietP95: quantile(quiet, 0.95), duringP95: quantile(during, 0.95) },
  };
}

/** From a bare data folder to the first launch that is ready. */
async function restoreSeconds(parts: {
  tell: (text: string) => void;
  city: SimulatedCity;
  data: string;
  keyFile: string;
  preau: Preau;
}): Promise<Figure> {
  const { city } = parts;
  await city.controller.stop();
  rmSync(parts.data, { recursive: true });
  const value = await seconds(async () => {
    await parts.preau(['restore', '--key', parts.keyFile]);
    city.controller.restart();
    await until(
      'the controller',
      async () => (await fetch(`${city.url}/api/health/live`)).ok,
      90_000,
    );
    const teacher = new Client(city.url);
    await teacher.signIn(demoLogins.teacher, city.password);
    await until(
      'the first launch',
      async () => {
        const { session } = await teacher.call('launchSession', {
          body: { application, language: 'fr' },
        });
        const { state } = await teacher.call('readSession', { params: { id: session.id } });
        return state === 'ready';
      },
      120_000,
    );
  });
  parts.tell(`restored and launched after ${value.toFixed(1)} s`);
  return {
    id: 'keep.restore_s',
    value: round(value, 1),
    unit: 's',
    aim: '≤ 120',
    holds: value <= 120,
    detail: { schools: city.schools.length },
  };
}

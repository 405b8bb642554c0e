/** A private PostgreSQL for one test file: its own folder, a unix socket, no network, removed
 * afterwards. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { signal } from '../dev/lab/host.ts';
import { freePort } from '../dev/services.ts';
import { met, versionIn } from './met.ts';
import { childrenOf } from './processes.fixture.ts';

const versions = '/usr/lib/postgresql';

/** The programs of the newest installed version. */
function findBinaries(): string {
  const found = existsSync(versions)
    ? readdirSync(versions).sort((a, b) => Number(a) - Number(b))
    : [];
  const binaries = join(versions, found.at(-1) ?? '', 'bin');
  if (!existsSync(join(binaries, 'initdb')))
    throw new Error(`no PostgreSQL in ${versions}: apt-get install postgresql`);
  return binaries;
}

export interface Postgres {
  /** Creates an empty database, or a copy of `template` (nobody may be connected to it), and
   * returns its address. */
  newDatabase: (template?: string) => Promise<string>;
  stop: () => Promise<void>;
  /** Kills it, as a crash would; `restart` starts it again at the same address. */
  crash: () => Promise<void>;
  restart: () => Promise<void>;
  /** Stops every process of it where it stands, until `thaw`. */
  freeze: () => void;
  thaw: () => void;
  /** Fills its disk to the last byte; only with `megabytes`. */
  fill: () => void;
  makeRoom: () => void;
}

/** `megabytes`: its disk is a file system of its own of that size. `settings`: `name=value`. */
export async function startPostgres({
  megabytes,
  settings: more = [],
}: {
  megabytes?: number;
  settings?: readonly string[];
} = {}): Promise<Postgres> {
  const binaries = findBinaries();
  const [, , uid = '', gid = ''] = spawnSync('getent', ['passwd', 'postgres'], {
    encoding: 'utf8',
  }).stdout.split(':');
  const folder = mkdtempSync(join(tmpdir(), 'preau-postgres-'));
  const asPostgres =
    process.getuid?.() === 0
      ? ['--reuid', uid, '--regid', gid, '--clear-groups']
      : ['--no-new-privs'];
  if (megabytes !== undefined)
    spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
  const removeFolder = () => {
    if (megabytes !== undefined) spawnSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  };
  if (process.getuid?.() === 0) chownSync(folder, Number(uid), Number(gid));
  const data = join(folder, 'data');
  const env = { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' };
  const made = spawnSync(
    'setpriv',
    [
      ...asPostgres,
      join(binaries, 'initdb'),
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'trust',
      '--no-sync',
      '-E',
      'UTF8',
      '--locale',
      'C.UTF-8',
    ],
    { encoding: 'utf8', env, cwd: folder },
  );
  if (made.status !== 0) {
    removeFolder();
    throw new Error(`initdb: ${made.stderr}`);
  }
  const port = await freePort();
  const settings = [
    'listen_addresses=',
    `unix_socket_directories=${folder}`,
    'fsync=off',
    'full_page_writes=off',
    'autovacuum=off',
    'max_connections=200',
    ...more,
  ].flatMap((setting) => ['-c', setting]);
  let output = '';
  let server: ChildProcess;
  let exited: Promise<void>;
  const launch = () => {
    server = spawn(
      'setpriv',
      [...asPostgres, join(binaries, 'postgres'), '-D', data, '-p', String(port), ...settings],
      { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const stream of [server.stdout, server.stderr])
      stream?.on('data', (bytes: Buffer) => {
        output = (output + bytes.toString()).slice(-4000);
      });
    exited = new Promise<void>((resolve) => server.on('exit', () => resolve()));
  };
  launch();
  const signalAll = (name: NodeJS.Signals) => {
    const { pid: first = 0 } = server;
    for (const pid of [first, ...childrenOf(first)]) signal(pid, name);
  };
  const address = (name: string) =>
    `postgres://postgres@${encodeURIComponent(folder)}:${port}/${name}`;
  const ask = async (sql: string): Promise<string> => {
    const client = new pg.Client({ connectionString: address('postgres') });
    await client.connect();
    const { rows } = await client.query<{ version?: string }>(sql);
    await client.end();
    return rows[0]?.version ?? '';
  };
  const stop = async () => {
    // SIGINT is PostgreSQL's fast shutdown: open connections are closed.
    if (server.exitCode === null && server.signalCode === null) server.kill('SIGINT');
    await exited;
    removeFolder();
  };
  const answers = async () => {
    const deadline = Date.now() + 20_000;
    while (
      !(await ask('select 1').then(
        () => true,
        () => false,
      ))
    ) {
      if (Date.now() > deadline || server.exitCode !== null) {
        await stop();
        throw new Error(`PostgreSQL did not start: ${output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await answers();
  const version = await ask('select version()');
  met('postgresql', versionIn({ stdout: version, stderr: '' }), 'select version()');
  let count = 0;
  return {
    newDatabase: async (template) => {
      count += 1;
      const name = template === undefined ? null : (/\/(city_\d+)$/.exec(template)?.[1] ?? null);
      await ask(`create database city_${count}${name === null ? '' : ` template ${name}`}`);
      return address(`city_${count}`);
    },
    stop,
    crash: async () => {
      signalAll('SIGKILL');
      await exited;
    },
    restart: async () => {
      rmSync(join(data, 'postmaster.pid'), { force: true });
      launch();
      await answers();
    },
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    fill: () =>
      void spawnSync('dd', ['if=/dev/zero', `of=${join(folder, 'filler')}`, 'bs=4k'], {
        stdio: 'ignore',
      }),
    makeRoom: () => rmSync(join(folder, 'filler')),
  };
}

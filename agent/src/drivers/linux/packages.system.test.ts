/** Real apt and dpkg, on this machine, with packages made for the test and taken away after it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openBundles } from '#src/bundles.ts';
import { run } from '#src/command.ts';
import type { Applied, Installable } from '#src/drivers/driver.ts';
import { type Identity, newKeyPair } from '#src/identity.ts';
import { metRecipe } from '../../../../test/met.ts';
import { openRepository, type Repository } from './packages.fixture.ts';
import { application, id } from './packages-root.fixture.ts';
import { createSoftware, type Software } from './software.ts';

const root = mkdtempSync(join(tmpdir(), 'preau-packages-'));
let repository: Repository;
const open: Software[] = [];
const keys = new Map<string, ReturnType<typeof newKeyPair>>();

function server(name: string): Software {
  const folder = join(root, name);
  for (const each of ['sources', 'lists/partial', 'cache/archives/partial', 'run'])
    mkdirSync(join(folder, each), { recursive: true });
  const pair = keys.get(name) ?? newKeyPair();
  keys.set(name, pair);
  const identity: Identity = {
    serverId: id('srv', name),
    controllerUrl: 'http://127.0.0.1:9',
    controllerKey: newKeyPair().publicKey,
    privateKey: pair.privateKey,
  };
  const software = createSoftware({
    stateFolder: join(folder, 'state'),
    runFolder: join(folder, 'run'),
    applications: join(folder, 'opt'),
    installSeconds: 7200,
    identity,
    cache: { host: '127.0.0.1', port: 0, maxBytes: 1e9, slowestBytesPerSecond: 1000 },
    limits: { windowMs: 2000, pauseMs: 50 },
    readPackage: async () => Promise.reject(new AppError('NOT_FOUND')),
    bundles: openBundles(join(folder, 'state')),
    running: { sha256: null, launched: false },
    restart: () => undefined,
    now: () => Date.now(),
    sourcesFolder: join(folder, 'sources'),
    aptOptions: [
      'Dir::Etc::sourcelist=/dev/null',
      `Dir::Etc::sourceparts=${folder}/sources`,
      `Dir::State::lists=${folder}/lists`,
      `Dir::Cache=${folder}/cache`,
      'APT::Sandbox::User=root',
      'Acquire::Languages=none',
      'APT::Update::Post-Invoke-Success::=',
      'DPkg::Post-Invoke::=',
    ].flatMap((option) => ['-o', option]),
  });
  open.push(software);
  return software;
}

const app = (
  name: string,
  { version = '1.0', ...more }: Parameters<typeof application>[2] & { version?: string } = {},
): Installable => ({ ...application(`preau-test-${name}`, repository, more), version });

const staging = (
  progress: (done: number, total: number | null, wan: number) => void = () => undefined,
  signal = new AbortController().signal,
) => ({ kibibytesPerSecond: null, progress, signal });
async function change(
  software: Software,
  key: string,
  applications: Installable[],
  timeoutMs = 60_000,
): Promise<Applied[]> {
  await software.stage(key, applications, staging());
  return software.apply(key, applications, {
    progress: () => undefined,
    signal: new AbortController().signal,
    timeoutMs,
  });
}
const codes = (applied: Applied[]) => applied.map(({ code }) => code);
const installed = async () =>
  (
    await run(
      '/usr/bin/dpkg-query',
      ['-W', '-f', '${Package} ${Version} ${db:Status-Status}\n', 'preau-test-*'],
      { timeoutMs: 10_000 },
    )
  ).stdout
    .split('\n')
    .filter((line) => line.endsWith(' installed'))
    .map((line) => line.replace(/ installed$/, ''));
const broken = async () =>
  (await run('/usr/bin/dpkg', ['--audit'], { timeoutMs: 10_000 })).stdout
    .split('\n')
    .filter((line) => line.includes('preau-test'));
async function purge(): Promise<void> {
  const names = (
    await run('/usr/bin/dpkg-query', ['-W', '-f', '${Package}\n', 'preau-test-*'], {
      timeoutMs: 10_000,
    })
  ).stdout
    .split('\n')
    .filter((name) => name.startsWith('preau-test-'));
  if (names.length > 0)
    await run('/usr/bin/dpkg', ['--purge', '--force-all', ...names], { timeoutMs: 30_000 });
}
const code = async (promise: Promise<unknown>) =>
  promise.then(
    () => 'no refusal',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );

beforeAll(async () => {
  await purge();
  repository = await openRepository(join(root, 'repository'));
  await repository.publish([
    { name: 'preau-test-a', version: '1.0' },
    { name: 'preau-test-a', version: '2.0' },
    { name: 'preau-test-b', version: '1.0', depends: 'preau-test-lib', ballast: 300_000 },
    { name: 'preau-test-lib', version: '1.0' },
    { name: 'preau-test-bad', version: '1.0', postinst: 'echo broken on purpose; exit 7' },
    { name: 'preau-test-asks', version: '1.0', postinst: 'read answer || exit 9' },
    { name: 'preau-test-sleeps', version: '1.0', postinst: 'sleep 600' },
    { name: 'preau-test-slow', version: '1.0', postinst: 'sleep 4' },
    { name: 'preau-test-big', version: '1.0', ballast: 3_000_000 },
  ]);
});
afterEach(async () => {
  repository.reset();
  await purge();
});
afterAll(async () => {
  for (const software of open) await software.stop();
  await repository.close();
  await purge();
  rmSync(root, { recursive: true, force: true });
});

describe('an order', () => {
  test('several at once, with what they need; a pin, an upgrade, back again, and away', async () => {
    const software = server('one');
    expect(
      codes(
        await change(software, 'ord_1', [app('a', { packages: ['preau-test-a=1.0'] }), app('b')]),
      ),
    ).toEqual([null, null]);
    expect(await installed()).toEqual([
      'preau-test-a 1.0',
      'preau-test-b 1.0',
      'preau-test-lib 1.0',
    ]);
    expect(software.logOf('ord_1').match(/^Reading package lists/gm)).toHaveLength(1);
    expect(await software.detect(app('a'))).toBe('1.0');
    expect(
      codes(await change(software, 'ord_2', [app('a', { packages: ['preau-test-a=2.0'] })])),
    ).toEqual([null]);
    expect(await software.detect(app('a'))).toBe('2.0');
    expect(
      codes(await change(software, 'ord_3', [app('a', { packages: ['preau-test-a=1.0'] })])),
    ).toEqual([null]);
    expect(await software.detect(app('a'))).toBe('1.0');
    const gone = [app('a', { want: 'absent' }), app('b', { want: 'absent' })];
    await software.stage('ord_4', gone, staging());
    expect(
      codes(
        await software.apply('ord_4', gone, {
          progress: () => undefined,
          signal: new AbortController().signal,
          timeoutMs: 60_000,
          wanted: [{ slug: 'another', packages: ['preau-test-b'] }],
        }),
      ),
    ).toEqual([null, null]);
    expect(await installed()).toEqual(['preau-test-b 1.0', 'preau-test-lib 1.0']);
    const debian = `Debian ${readFileSync('/etc/debian_version', 'utf8').split('.')[0]}`;
    for (const step of ['install', 'detect', 'upgrade', 'remove'] as const)
      metRecipe('apt', step, debian);
  });

  test('one of three fails: the two others are there, and dpkg is whole', async () => {
    const applied = await change(server('one'), 'ord_5', [app('a'), app('bad'), app('b')]);
    expect(codes(applied)).toEqual([null, 'INSTALL_FAILED', null]);
    expect(applied[1]?.message).toContain('broken on purpose');
    expect(await installed()).toEqual([
      'preau-test-a 2.0',
      'preau-test-b 1.0',
      'preau-test-lib 1.0',
    ]);
    expect(await broken()).toEqual([]);
  });

  test('one that asks gets no answer, one that never ends is killed, the third is there', async () => {
    const applied = await change(
      server('one'),
      'ord_6',
      [app('sleeps'), app('asks'), app('a')],
      25_000,
    );
    expect(codes(applied)).toEqual(['INSTALL_TIMED_OUT', 'INSTALL_FAILED', null]);
    expect(await installed()).toEqual(['preau-test-a 2.0']);
    expect(await broken()).toEqual([]);
    const { stdout } = await run(
      '/bin/sh',
      ['-c', 'ps -eo args | grep -c "^sleep 60[0]" || true'],
      { timeoutMs: 5000 },
    );
    expect(stdout.trim()).toBe('0');
  });

  test('a package nobody has, a source with a foreign key', async () => {
    const software = server('one');
    expect(await code(software.stage('ord_7', [app('nothing')], staging()))).toBe(
      'PACKAGE_NOT_FOUND',
    );
    const { recipes } = app('foreign', { packages: ['preau-test-a'] });
    if (recipes.linux?.kind !== 'apt' || recipes.linux.source === undefined)
      throw new Error('an apt recipe with a source');
    const foreign = app('foreign', {
      recipe: { ...recipes.linux, source: { ...recipes.linux.source, key: repository.foreignKey } },
    });
    expect(await code(software.stage('ord_8', [foreign], staging()))).toBe('SOURCE_REFUSED');
  });

  test('an agent that died left its installer at work: the next one waits for it', async () => {
    const software = server('one');
    await software.stage('ord_9', [app('slow')], staging());
    const applying = software.apply('ord_9', [app('slow')], {
      progress: () => undefined,
      signal: new AbortController().signal,
      timeoutMs: 60_000,
    });
    await expect
      .poll(async () => server('one').installerOf('ord_9') !== null, { timeout: 5000 })
      .toBe(true);
    await server('one').installerOf('ord_9');
    expect(await server('one').detect(app('slow'))).toBe('1.0');
    expect(codes(await applying)).toEqual([null]);
    expect(server('one').installerOf('ord_9')).toBeNull();
  });
});

describe('a source', () => {
  test('that breaks off is followed to the end, and sends nothing twice', async () => {
    const software = server('flaky');
    repository.faults.set('preau-test-b', 'truncated');
    const seen: number[] = [];
    await software.stage(
      'ord_1',
      [app('b')],
      staging((done) => seen.push(done)),
    );
    expect(seen.at(-1)).toBeGreaterThan(300_000);
    expect(repository.sent()).toBeLessThan(320_000);
  });
  const faults = [
    ['endless', 'HASH_MISMATCH'],
    ['trickle', 'DOWNLOAD_FAILED'],
    ['changed', 'HASH_MISMATCH'],
  ] as const;
  test.each(faults)('that is %s is given up: %s', async (fault, refusal) => {
    const software = server(`fault-${fault}`);
    repository.faults.set('preau-test-big', fault);
    expect(await code(software.stage('ord_1', [app('big')], staging()))).toBe(refusal);
    repository.faults.clear();
    await software.stage('ord_1', [app('big')], staging());
  });
});

describe('neighbours', () => {
  test('the second server fetches nothing from outside, whoever asks first; a stranger gets nothing', async () => {
    const first = server('first');
    const second = server('second');
    const publicKey = keys.get('second')?.publicKey ?? '';
    first.setNeighbours({ cache: null, peers: [{ serverId: id('srv', 'second'), publicKey }] });
    const { cache } = await first.inventory();
    if (cache === null) throw new Error('the first server does not serve');
    // The first server knows the source, and has nothing yet.
    await first.stage('ord_0', [app('a')], staging());
    repository.reset();
    second.setNeighbours({ cache: { serverId: id('srv', 'first'), ...cache }, peers: [] });
    const wan = { first: 0, second: 0 };
    await Promise.all([
      second.stage(
        'ord_1',
        [app('big')],
        staging((_, __, bytes) => {
          wan.second = bytes;
        }),
      ),
      first.stage(
        'ord_1',
        [app('big')],
        staging((_, __, bytes) => {
          wan.first = bytes;
        }),
      ),
    ]);
    expect(repository.requests()).toBe(1);
    expect(wan.first + wan.second).toBe(repository.sent());
    await first.stage('ord_2', [app('b')], staging());
    const before = repository.sent();
    let over = -1;
    await second.stage(
      'ord_2',
      [app('b')],
      staging((_, __, bytes) => {
        over = bytes;
      }),
    );
    expect(over).toBe(0);
    expect(repository.sent()).toBe(before);

    const stranger = server('stranger');
    stranger.setNeighbours({ cache: { serverId: id('srv', 'first'), ...cache }, peers: [] });
    let strangers = 0;
    await stranger.stage(
      'ord_3',
      [app('big')],
      staging((_, __, bytes) => {
        strangers = bytes;
      }),
    );
    expect(strangers).toBeGreaterThan(2_900_000);
    const answer = await new Promise<number>((resolve, reject) => {
      import('node:http').then(
        ({ get }) =>
          get({ ...cache, path: `/packages/${'0'.repeat(64)}` }, (response) =>
            resolve(response.statusCode ?? 0),
          ).on('error', reject),
        reject,
      );
    });
    expect(answer).toBe(403);
  });
});

test('exit code 0 is not proof; a script nobody reviewed and another system’s rule are refused', async () => {
  const software = server('held');
  const file = { name: 'x', sha256: '0'.repeat(64), size: 1 };
  const detect = { kind: 'file' as const, path: '/opt/preau-test-nowhere' };
  const hollow = app('hollow', {
    recipe: {
      kind: 'apt',
      packages: ['preau-test-a'],
      source: { uri: repository.uri, suite: 'test', components: ['main'], key: repository.key },
      detect,
    },
  });
  expect(codes(await change(software, 'ord_h', [hollow]))).toEqual([null]);
  expect(await software.detect(hollow)).toBeNull();
  expect(
    software.refuses(
      app('script', {
        recipe: { kind: 'script', script: 'x', install: file, signature: 'A'.repeat(86), detect },
      }),
    ),
  ).toBe('SCRIPT_REFUSED');
  expect(
    software.refuses(
      app('registry', {
        recipe: {
          kind: 'archive',
          format: 'zip',
          file,
          detect: { kind: 'registry', key: 'a', value: 'b' },
        },
      }),
    ),
  ).toBe('NOT_APPLICABLE');
  expect(software.refuses({ ...app('windows'), recipes: {} })).toBe('NOT_APPLICABLE');
});

test('what was staged is held without the network', async () => {
  const software = server('held');
  await software.stage('ord_1', [app('a')], staging());
  const requests = repository.requests();
  expect(
    codes(
      await software.apply('ord_1', [app('a')], {
        progress: () => undefined,
        signal: new AbortController().signal,
        timeoutMs: 60_000,
      }),
    ),
  ).toEqual([null]);
  expect(repository.requests()).toBe(requests);
  expect(readFileSync('/usr/share/preau-test-a/version', 'utf8')).toBe('2.0\n');
  software.discard('ord_1');
});

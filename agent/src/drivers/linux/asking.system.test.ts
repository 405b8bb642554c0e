/** apt is asked first, and what is somebody else's is left alone: with real apt and dpkg, in a
 * folder of their own. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { follow } from '#src/command.ts';
import { makePackage, openRepository, type Repository } from './packages.fixture.ts';
import { application, type PackagesRoot, packagesRoot, refusal } from './packages-root.fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'preau-asking-'));
let repository: Repository;
let server: PackagesRoot;
let made = 0;
const app = (slug: string, more: Parameters<typeof application>[2] = {}) =>
  application(slug, repository, more);
const wants = (...slugs: string[]) => slugs.map((slug) => ({ slug, packages: [slug] }));

beforeAll(async () => {
  repository = await openRepository(join(root, 'repository'));
  await repository.publish([
    { name: 'pt-a', version: '1.0' },
    { name: 'pt-a', version: '2.0' },
    { name: 'pt-lib', version: '1.0' },
    { name: 'pt-b', version: '1.0', depends: 'pt-lib' },
    { name: 'pt-left', version: '1.0', control: 'Conflicts: pt-right\n' },
    { name: 'pt-right', version: '1.0' },
    { name: 'pt-one', version: '1.0', control: 'Provides: pt-choice, pt-sole\n' },
    { name: 'pt-two', version: '1.0', control: 'Provides: pt-choice\n' },
    { name: 'pt-needs-2', version: '1.0', depends: 'pt-a (>= 2.0)' },
    { name: 'pt-on-b', version: '1.0', depends: 'pt-b' },
    { name: 'pt-flaky', version: '1.0', postinst: 'test -e "$DPKG_ROOT/well"' },
    { name: 'pt-bad', version: '1.0', postinst: 'echo broken on purpose; exit 7' },
    {
      name: 'pt-asks',
      version: '1.0',
      postinst: 'printf "Continue? [y/n] "; read answer || exit 9',
    },
    { name: 'pt-dies', version: '1.0', postinst: 'kill -9 $PPID' },
    {
      name: 'pt-phased',
      version: '1.0',
    },
    { name: 'pt-phased', version: '2.0', control: 'Phased-Update-Percentage: 0\n' },
  ]);
});
beforeEach(() => {
  made += 1;
  server = packagesRoot(join(root, `server-${made}`));
});
afterAll(async () => {
  await repository.close();
  rmSync(root, { recursive: true, force: true });
});

const codes = (applied: { code: string | null }[]) => applied.map(({ code }) => code);

describe('what would be removed', () => {
  test('two wanted programs that conflict: one is here, the other is refused, with both names', async () => {
    expect(codes(await server.change('ord_1', [app('pt-right')]))).toEqual([null]);
    const said = await refusal(
      server.change('ord_2', [app('pt-left')], { wanted: wants('pt-right') }),
    );
    expect(said).toMatch(/^PACKAGE_CONFLICT pt-left: installing pt-left would remove pt-right 1.0/);
    expect(said).toContain('which pt-right needs');
    expect(await server.packages()).toEqual(['pt-right 1.0 installed']);
  });
  test('both in one order: the first comes, the second is refused, again and again', async () => {
    const both = [app('pt-right'), app('pt-left')];
    const wanted = wants('pt-right', 'pt-left');
    for (const key of ['ord_1', 'ord_2']) {
      const applied = await server
        .change(key, both, { wanted })
        .catch((error: { code: string }) => [{ code: null }, { code: error.code, message: '' }]);
      expect(codes(applied)).toEqual([null, 'PACKAGE_CONFLICT']);
    }
    expect(await server.packages()).toEqual(['pt-right 1.0 installed']);
  });
  test('what an administrator installed stays; what Préau installed and nobody wants goes', async () => {
    await server.software.stage('lists', [app('pt-a')], {
      kibibytesPerSecond: null,
      progress: () => undefined,
      signal: new AbortController().signal,
    });
    await server.apt('install', 'pt-right');
    expect(await refusal(server.change('ord_1', [app('pt-left')]))).toBe(
      'PACKAGE_CONFLICT pt-left: installing pt-left would remove pt-right 1.0, which Préau did not install',
    );
    await server.apt('remove', 'pt-right');
    expect(codes(await server.change('ord_2', [app('pt-right')]))).toEqual([null]);
    expect(codes(await server.change('ord_3', [app('pt-left')]))).toEqual([null]);
    expect(await server.packages()).toEqual(['pt-left 1.0 installed']);
  });
  test('an order that replaces one by another that conflicts with it', async () => {
    await server.software.stage('lists', [app('pt-a')], {
      kibibytesPerSecond: null,
      progress: () => undefined,
      signal: new AbortController().signal,
    });
    await server.apt('install', 'pt-right');
    const order = [app('pt-right', { want: 'absent' }), app('pt-left')];
    expect(codes(await server.change('ord_1', order))).toEqual([null, null]);
    expect(await server.packages()).toEqual(['pt-left 1.0 installed']);
  });
  test('removing takes what came with it, and is refused when something else would go', async () => {
    await server.change('ord_1', [app('pt-b')]);
    await server.apt('install', 'pt-on-b');
    const gone = [app('pt-b', { want: 'absent' })];
    const [refused] = await server.change('ord_2', gone);
    expect(refused).toMatchObject({ code: 'PACKAGE_CONFLICT' });
    expect(refused?.message).toContain('pt-on-b 1.0, which Préau did not install');
    expect(await server.packages()).toHaveLength(3);
    await server.apt('remove', 'pt-on-b');
    expect(codes(await server.change('ord_3', gone))).toEqual([null]);
    expect(await server.packages()).toEqual([]);
  });
});

describe('what cannot be installed', () => {
  test('a virtual package, with several providers or one: named, and nothing is left behind', async () => {
    expect(
      await refusal(server.change('ord_1', [app('game', { packages: ['pt-choice'] })])),
    ).toMatch(/^PACKAGE_VIRTUAL game: pt-choice is provided by pt-(one, pt-two|two, pt-one)$/);
    expect(await refusal(server.change('ord_2', [app('game', { packages: ['pt-sole'] })]))).toBe(
      'PACKAGE_VIRTUAL game: pt-sole is no package of its own; apt would install pt-one',
    );
    expect(await server.packages()).toEqual([]);
  });
  test('a held package: itself, or as what another one needs', async () => {
    await server.change('ord_1', [app('pt-a', { packages: ['pt-a=1.0'] })]);
    writeFileSync(join(server.folder, 'selections'), 'pt-a hold\n');
    await server.dpkg('--set-selections').catch(() => '');
    const status = join(server.folder, 'root/var/lib/dpkg/status');
    writeFileSync(
      status,
      readFileSync(status, 'utf8').replace('Status: install ok', 'Status: hold ok'),
    );
    expect(await refusal(server.change('ord_2', [app('pt-a', { packages: ['pt-a=2.0'] })]))).toBe(
      'PACKAGE_HELD pt-a: pt-a needs a change of what is held: pt-a 1.0',
    );
    expect(await refusal(server.change('ord_3', [app('pt-needs-2')]))).toBe(
      'PACKAGE_HELD pt-needs-2: pt-needs-2 needs a change of what is held: pt-a 1.0',
    );
    expect(await server.packages()).toEqual(['pt-a 1.0 installed']);
  });
  test('an update that is phased is no pending update, and nothing fails', async () => {
    await server.change('ord_1', [app('pt-phased', { packages: ['pt-phased=1.0'] })]);
    const updates = app('updates', {
      recipe: { kind: 'updates', scope: 'all', detect: { kind: 'updates' } },
    });
    expect(codes(await server.change('ord_2', [updates]))).toEqual([null]);
    expect(await server.packages()).toEqual(['pt-phased 1.0 installed']);
    expect(await server.software.detect(updates)).toBe('1.0');
  });
});

test('an order knows what was published a moment after the lists were read', async () => {
  await server.change('ord_1', [app('pt-right')]);
  const later = app('pt-later', {
    recipe: {
      kind: 'apt',
      packages: ['pt-later'],
      detect: { kind: 'package', package: 'pt-later' },
    },
  });
  expect(await refusal(server.change('ord_2', [later]))).toContain('PACKAGE_NOT_FOUND');
  await repository.publish([{ name: 'pt-later', version: '1.0' }]);
  expect(codes(await server.change('ord_3', [later]))).toEqual([null]);
});

describe('what somebody else left', () => {
  test('a half-configured package is not touched, whatever fails beside it', async () => {
    await server.software.stage('lists', [app('pt-a')], {
      kibibytesPerSecond: null,
      progress: () => undefined,
      signal: new AbortController().signal,
    });
    await server.apt('install', 'pt-flaky');
    expect(await server.packages()).toEqual(['pt-flaky 1.0 half-configured']);
    const [bad] = await server.change('ord_1', [app('pt-bad')]);
    expect(bad?.code).toBe('INSTALL_FAILED');
    expect(bad?.message).toContain('broken on purpose');
    expect(await server.packages()).toEqual(['pt-flaky 1.0 half-configured']);
    expect(codes(await server.change('ord_2', [app('pt-a')]))).toEqual([null]);
    expect(await server.packages()).toEqual(['pt-a 2.0 installed', 'pt-flaky 1.0 half-configured']);
  });
  test('a package of somebody else without what it needs: told, and nothing is tried', async () => {
    await server.change('ord_1', [app('pt-lib')]);
    await server.dpkg('--force-depends', '-i', join(root, 'repository/pool/pt-on-b_1.0_all.deb'));
    expect(await refusal(server.change('ord_2', [app('pt-a')]))).toMatch(
      /^PACKAGES_BROKEN pt-a: .*pt-on-b : Depends: pt-b/s,
    );
    expect(await server.packages()).toHaveLength(2);
  });
  test('an interrupted dpkg is put right once, and told', async () => {
    await server.change('ord_1', [app('pt-lib')]);
    const folder = join(server.folder, 'root/var/lib/dpkg');
    copyFileSync(join(folder, 'status'), join(folder, 'updates/0001'));
    expect(codes(await server.change('ord_2', [app('pt-a')]))).toEqual([null]);
    expect(server.software.logOf('ord_2')).toContain('dpkg had been interrupted');
    expect(readdirSync(join(folder, 'updates'))).toEqual([]);
    expect(await server.packages()).toEqual(['pt-a 2.0 installed', 'pt-lib 1.0 installed']);
  });
  test('the lists are held by another program: waited for; for ever: named', async () => {
    const holding = (seconds: number) =>
      new Promise<{ stop: () => void }>((resolve) => {
        const holder = follow(
          '/usr/bin/perl',
          [
            '-e',
            `use Fcntl; open F,">>","${server.folder}/lists/lock" or die; my $l=pack("s s x4 q q ` +
              `i",F_WRLCK,0,0,0,0); fcntl(F,F_SETLK,$l) or die; $|=1; print "held\\n"; sleep ${seconds}`,
          ],
          {},
          () => resolve(holder),
        );
      });
    await holding(2);
    expect(codes(await server.change('ord_1', [app('pt-a')]))).toEqual([null]);
    expect(server.software.logOf('ord_1')).toMatch(/waiting: perl \(process \d+\) holds/);
    const long = await holding(60);
    const other = application('pt-b', { ...repository, uri: `${repository.uri}./` });
    expect(await refusal(server.change('ord_2', [other]))).toMatch(
      /^PACKAGES_LOCKED pt-b: perl \(process \d+\) holds the package lists$/,
    );
    long.stop();
  });
  test('a dead source of somebody else does not stop ours, and is named', async () => {
    await server.change('ord_1', [app('pt-lib')]);
    writeFileSync(
      join(server.folder, 'sources/vendor.sources'),
      `Types: deb\nURIs: ${repository.uri.replace('127.0.0.1', 'localhost')}\n` +
        `Suites: test\nComponents: main\nSigned-By:\n${repository.foreignKey
          .trim()
          .split('\n')
          .map((line) => ` ${line || '.'}\n`)
          .join('')}`,
    );
    expect(await refusal(server.change('ord_2', [app('pt-nowhere')]))).toMatch(
      /^SOURCE_UNREADABLE pt-nowhere: no package pt-nowhere .*; cannot be read: http\S+ test: .*(NO_PUBKEY|key)/i,
    );
    expect(server.software.unreadSources().map(({ source }) => source)).toEqual([
      expect.stringMatching(/^http:\/\/localhost:\d+ test$/),
    ]);
    expect(codes(await server.change('ord_3', [app('pt-a')]))).toEqual([null]);
  });
});

describe('what fails in the middle', () => {
  test('a question, and a killed dpkg: the sentence says so, and nothing is left', async () => {
    const [asks] = await server.change('ord_1', [app('pt-asks')]);
    expect(asks?.code).toBe('INSTALL_ASKS');
    const [dies] = await server.change('ord_2', [app('pt-dies')]);
    expect(dies?.code).toBe('INSTALL_FAILED');
    expect(await server.packages()).toEqual([]);
    expect(codes(await server.change('ord_3', [app('pt-a')]))).toEqual([null]);
  });
});

/** A package that no source has, and that needs one that a source has. */
const debOf = async (name: string) => ({
  kind: 'deb' as const,
  file: server.upload(
    await makePackage(join(root, 'local'), { name, version: '1.0', depends: 'pt-lib' }),
  ),
  package: name,
  detect: { kind: 'package' as const, package: name },
});

test('a package from a file, with what it needs from a source; away again', async () => {
  const deb = app('pt-file', { recipe: await debOf('pt-file') });
  await server.change('ord_1', [app('pt-a')]);
  expect(codes(await server.change('ord_2', [deb]))).toEqual([null]);
  expect(await server.packages()).toEqual([
    'pt-a 2.0 installed',
    'pt-file 1.0 installed',
    'pt-lib 1.0 installed',
  ]);
  expect(await server.software.detect(deb)).toBe('1.0');
  expect(codes(await server.change('ord_3', [{ ...deb, want: 'absent' }]))).toEqual([null]);
  expect(await server.packages()).toEqual(['pt-a 2.0 installed']);
});

describe('a question', () => {
  const ask = (slug: string, more = {}, wanted = wants('pt-right')) =>
    server.software.foresee(app(slug, more), { wanted, signal: new AbortController().signal });

  test('what would be installed, fetched and removed; nothing of the server changes', async () => {
    await server.change('ord_1', [app('pt-right')]);
    const before = readdirSync(server.folder, { recursive: true }).length;
    expect(await ask('pt-b')).toMatchObject({
      installs: 2,
      upgrades: 0,
      removes: [],
      refusal: null,
    });
    expect((await ask('pt-b')).downloadBytes).toBeGreaterThan(500);
    expect(await ask('pt-left')).toMatchObject({
      installs: 1,
      removes: [{ name: 'pt-right', version: '1.0', wantedBy: 'pt-right' }],
      refusal: { code: 'PACKAGE_CONFLICT' },
    });
    expect(await ask('pt-right')).toMatchObject({ installs: 0, upgrades: 0, refusal: null });
    expect(await ask('pt-nowhere')).toMatchObject({ refusal: { code: 'PACKAGE_NOT_FOUND' } });
    expect(readdirSync(server.folder, { recursive: true })).toHaveLength(before);
    expect(existsSync(join(server.folder, 'sources/preau-pt-b.sources'))).toBe(false);
  });
  test('a package published since the lists were read is known', async () => {
    await server.change('ord_1', [app('pt-right')]);
    await repository.publish([{ name: 'pt-late', version: '1.0' }]);
    const recipe = {
      kind: 'apt',
      packages: ['pt-late'],
      detect: { kind: 'package', package: 'pt-late' },
    };
    expect(await ask('pt-late', { recipe })).toMatchObject({ installs: 1, refusal: null });
  });
  test('a file is looked into, and stays for the installation', async () => {
    await server.change('ord_1', [app('pt-a')]);
    expect(await ask('pt-asked', { recipe: await debOf('pt-asked') })).toMatchObject({
      installs: 2,
      refusal: null,
    });
  });
});

import { describe, expect, test } from 'vitest';
import { newKeyPair, signCall } from '#src/identity.ts';
import { callerOf } from '#src/packages/peers.ts';
import { packageOf } from '#src/packages/wanted.ts';
import { runsOf } from './apply.ts';
import { sourceFile } from './apt.ts';
import {
  codeOf,
  lockHolder,
  parseChanges,
  parseFailing,
  parseHeld,
  parsePending,
  parseSources,
  parseUnknown,
  parseUnmet,
  parseUris,
  parseVirtual,
} from './apt-output.ts';
import { parseAutomatic, parseStatus } from './dpkg.ts';

const sha = 'c8bf1fa578f14feb3f6043ceba44095355eb385642f111e35623937e5c90d735';
describe('what apt prints', () => {
  test('files, with their hash', () => {
    expect(
      parseUris(
        `'http://x/pool/a%2bb_1.deb' a+b_1%3a2_amd64.deb 69120 SHA256:${sha}\n'file:/tmp/c.deb' ` +
          `c.deb 5 SHA256:${sha}\n`,
      ),
    ).toEqual([
      { uri: 'http://x/pool/a%2bb_1.deb', name: 'a+b_1%3a2_amd64.deb', size: 69_120, sha256: sha },
    ]);
    expect(() =>
      parseUris("'http://x/a.deb' a.deb 1 MD5Sum:a3a893e7bbe4dff0b53db7aaba84aac9\n"),
    ).toThrow('HASH_MISMATCH');
  });
  test('packages nobody has', () =>
    expect(
      parseUnknown(
        "E: Unable to locate package a\nE: Version '9' for 'b' was not found\n" +
          "E: Package 'c' has no installation candidate\n",
      ),
    ).toEqual(['a', 'b=9', 'c']));
  test('updates, and which are for security', () => {
    expect(
      parsePending(
        'Inst apt [2.6.1] (2.6.2 Debian:12.12/oldstable [amd64]) []\n' +
          'Inst bash:amd64 [5] (5.1 Debian:12/oldstable, Debian-Security:12/oldstable-security ' +
          '[amd64])\nInst fresh (1 Debian:12 [all])\nConf apt (2.6.2)\n',
      ),
    ).toEqual([
      { name: 'apt', version: '2.6.2', security: false },
      { name: 'bash', version: '5.1', security: true },
    ]);
  });
  test('a source carries its key', () =>
    expect(
      sourceFile({
        uri: 'https://x/',
        suite: 's',
        components: ['main'],
        key: '-----BEGIN\n\nabc\n',
      }),
    ).toBe(
      'Types: deb\nURIs: https://x/\nSuites: s\nComponents: main\nSigned-By:\n -----BEGIN\n .\n abc\n',
    ));
  test('who dpkg names', () =>
    expect(
      parseFailing(
        'dpkg: error processing package bad (--configure):\nx\nErrors were encountered while ' +
          'processing:\n bad\n other:amd64\nE: x',
      ),
    ).toEqual(['bad', 'bad', 'other']));
  test('what a run would change', () =>
    expect(
      parseChanges(
        'Remv old [1.0] [x:amd64 ]\nPurg older:amd64 [0.9]\nInst new (2.0 Debian:12 [all]) []\n' +
          'Inst lib:i386 [1] (2 Debian:12 [i386])\nConf new (2.0 Debian:12 [all])\n',
      ),
    ).toEqual({
      installs: [{ name: 'new', version: '2.0' }],
      upgrades: [{ name: 'lib', version: '2' }],
      removes: [
        { name: 'old', version: '1.0' },
        { name: 'older', version: '0.9' },
      ],
    }));
  test('why it will not: virtual, held, unmet', () => {
    expect(
      parseVirtual(
        'Package mta is a virtual package provided by:\n  postfix 3.7\n  exim4 4.9\n' +
          "You should explicitly select one to install.\n\nE: Package 'mta' has no installation candidate\n",
      ),
    ).toEqual([{ name: 'mta', providers: ['postfix', 'exim4'] }]);
    expect(
      parseHeld(
        'The following held packages will be changed:\n  a b\nThe following packages will be upgraded:\n  a b c\n',
      ),
    ).toEqual(['a', 'b']);
    expect(
      parseUnmet(
        'The following packages have unmet dependencies:\n x : Depends: y (>= 2) but 1 is to ' +
          'be installed\n     Conflicts: z but 3 is to be installed\nE: Unable to correct problems\n',
      ),
    ).toEqual([
      { name: 'x', relation: 'Depends', other: 'y' },
      { name: 'x', relation: 'Conflicts', other: 'z' },
    ]);
  });
  test('who holds a lock, and which source is dead', () => {
    expect(
      lockHolder(
        'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 71 (apt-get)\n',
      ),
    ).toBe('apt-get (process 71)');
    expect(lockHolder('E: Could not get lock /x. It is held by process 9')).toBe(
      'another program (process 9)',
    );
    expect(lockHolder('E: Unable to locate package x')).toBeNull();
    expect(
      parseSources(
        'Hit:1 http://d/debian bookworm InRelease\nErr:2 http://v x InRelease\n  NO_PUBKEY 1\n' +
          'Err:3 http://m y Packages\n  404\nGet:3 http://m y Packages [9 B]\n',
      ),
    ).toEqual({ unread: [{ source: 'http://v x', why: 'NO_PUBKEY 1' }], read: 2 });
  });
  const failures = [
    ['No space left on device', 'DISK_FULL'],
    ['E: Unable to lock directory /var/lib/apt/lists/', 'PACKAGES_LOCKED'],
    ['E: dpkg was interrupted, you must manually run', 'PACKAGES_BROKEN'],
    ['E: Packages need to be removed but remove is disabled.', 'PACKAGE_CONFLICT'],
    ['Setting up x\nContinue? [y/n] dpkg: error processing package x', 'INSTALL_ASKS'],
    ['Ready? yes\nUnpacking\nSetting up x\ndpkg: error processing x', 'INSTALL_FAILED'],
    ['E: Unable to locate package x', 'PACKAGE_NOT_FOUND'],
    ['E: Unable to fetch some archives', 'DOWNLOAD_FAILED'],
    ['E: Sub-process returned', 'INSTALL_FAILED'],
  ] as const;
  test.each(failures)('%s is %s', (tail, code) =>
    expect(codeOf({ tail, timedOut: false })).toBe(code),
  );
});

describe('what dpkg keeps', () => {
  const text =
    'Package: a\nStatus: install ok installed\nArchitecture: amd64\nPriority: optional\n' +
    'Version: 1\n\nPackage: a\nStatus: install ok half-configured\nArchitecture: i386\n' +
    'Version: 2\n\nPackage: base\nEssential: yes\nStatus: install ok installed\n' +
    'Version: 3\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 4\n';
  test('one entry a name: the installed one', () => {
    expect(
      [...parseStatus(text)].map(([name, { version, status, base }]) => [
        name,
        version,
        status,
        base,
      ]),
    ).toEqual([
      ['a', '1', 'installed', false],
      ['base', '3', 'installed', true],
      ['gone', '4', 'config-files', false],
    ]);
  });
  test('what came along', () =>
    expect([
      ...parseAutomatic(
        'Package: lib\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: tool\nAuto-Installed: 0\n',
      ),
    ]).toEqual(['lib']));
  const names = [
    ['a_1.0_all.deb', 'a=1.0'],
    ['a+b_1%3a2_amd64.deb', 'a+b:amd64=1:2'],
    ['../a_1_all.deb', null],
    ['-o_1_all.deb', null],
    ['a.deb', null],
  ] as const;
  test.each(names)('%s is %s', (name, wanted) => expect(packageOf(name)).toBe(wanted));
});

test('runs are as few as the order allows; the agent itself comes last', () => {
  const one = (kind: string, want: 'present' | 'absent' = 'present') =>
    ({ want, recipes: { linux: { kind } } }) as Parameters<typeof runsOf>[0][number];
  expect(
    runsOf([
      one('agent'),
      one('apt'),
      one('deb'),
      one('script'),
      one('apt'),
      one('apt', 'absent'),
    ]).map(({ lane, applications }) => `${lane} ${applications.length}`),
  ).toEqual(['bring 2', 'alone 1', 'bring 1', 'take 1', 'alone 1']);
});

describe('who may ask for packages', () => {
  const { privateKey, publicKey } = newKeyPair();
  const serverId = `srv_${'a'.repeat(22)}`;
  const peers = [{ serverId, publicKey }];
  const path = `/packages/${sha}`;
  const signed = (
    at: number,
    over: { method?: string; path?: string; body?: string | null } = {},
    key = privateKey,
  ) => {
    const identity = { serverId, controllerUrl: '', controllerKey: '', privateKey: key };
    const proof = signCall(identity, { method: 'GET', path, body: null, at, ...over });
    return `Preau ${serverId} ${at} ${proof}`;
  };
  const asked = (authorization: string | undefined, now = 1_000_000, known = peers) =>
    callerOf({ authorization, method: 'GET', path, body: null }, known, now);
  test('a peer', () => expect(asked(signed(1_000_000))).toBe(serverId));
  // biome-ignore format: a table
  const refused: [name: string, authorization: string | undefined][] = [
    ['nobody', undefined], ['another key', signed(1_000_000, {}, newKeyPair().privateKey)], ['another file', signed(1_000_000, { path: `/packages/${'0'.repeat(64)}` })], ['another method', signed(1_000_000, { method: 'POST' })],
    ['another body', signed(1_000_000, { body: '{}' })], ['long ago', signed(600_000)], ['a word too many', `${signed(1_000_000)} x`], ['no time', `Preau ${serverId} now x`],
  ];
  test.each(refused)('not %s', (_name, authorization) => expect(asked(authorization)).toBeNull());
  test('not one the city took out', () =>
    expect(asked(signed(1_000_000), 1_000_000, [])).toBeNull());
});

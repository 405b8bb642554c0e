/** Which xrdp gets which files: 0.9 of Debian 12 meets sesman on a port, 0.10 of Debian 13 on a
 * socket. */
import { describe, expect, test } from 'vitest';
import { type Sesman, sesmanIni, sesmanOf, sesrunArguments } from './xrdp-files.ts';

const port: Sesman = { kind: 'port', port: 3350 };
const socket: Sesman = { kind: 'socket', path: '/run/preau/xrdp/sockdir/sesman.socket' };

/** The settings of one section. */
const section = (ini: string, name: string): Record<string, string> => {
  const text = ini.split(/^\[/m).find((part) => part.startsWith(`${name}]`)) ?? '';
  return Object.fromEntries(
    text
      .split('\n')
      .slice(1)
      .filter((line) => line !== '')
      .map((line) => line.split('=') as [string, string]),
  );
};

describe('sesman.ini', () => {
  test('before 0.10: a port of the loopback, and the group of sockets is not named', () => {
    expect(section(sesmanIni(port), 'Globals')).toMatchObject({
      ListenAddress: '127.0.0.1',
      ListenPort: '3350',
    });
    expect(section(sesmanIni(port), 'Security')).not.toHaveProperty('SessionSockdirGroup');
  });

  test('since 0.10: a socket, no address, and the sockets are for xrdp', () => {
    const globals = section(sesmanIni(socket), 'Globals');
    expect(globals['ListenPort']).toBe('/run/preau/xrdp/sockdir/sesman.socket');
    expect(globals).not.toHaveProperty('ListenAddress');
    expect(section(sesmanIni(socket), 'Security')['SessionSockdirGroup']).toBe('xrdp');
  });

  test('everything else is the same for both', () => {
    const rest = (ini: string) =>
      ini.split('\n').filter((line) => !/^(Listen|SessionSockdirGroup)/.test(line));
    expect(rest(sesmanIni(socket))).toEqual(rest(sesmanIni(port)));
    expect(section(sesmanIni(socket), 'Security')['AllowRootLogin']).toBe('false');
  });
});

describe('xrdp-sesrun', () => {
  test.each([
    ['port', ['-s', '::1', '-c', '/etc/own/sesman.ini']],
    ['socket', ['-c', '/etc/own/sesman.ini', '-t', 'Xorg']],
  ] as const)('%s', (kind, begins) => {
    const given = sesrunArguments(kind, '::1', '/etc/own/sesman.ini', 'preau-1');
    expect(given.slice(0, 4)).toEqual(begins);
    expect(given.at(-1)).toBe('preau-1');
  });
});

describe('the X servers', () => {
  const words = [...sesmanIni(port).matchAll(/^param=(.*)$/gm)].map(([, word]) => word);
  test.each([
    ['-extension', 'MIT-SHM'],
    ['-nolisten', 'local'],
    ['-nolisten', 'tcp'],
  ])('%s %s', (...pair) => {
    expect(words.some((word, at) => word === pair[0] && words[at + 1] === pair[1])).toBe(true);
  });
});

describe('where sesman listens', () => {
  test('is read from its configuration', () => {
    expect([sesmanOf(sesmanIni(port)), sesmanOf(sesmanIni(socket)), sesmanOf('')]).toEqual([
      port,
      socket,
      null,
    ]);
  });
});

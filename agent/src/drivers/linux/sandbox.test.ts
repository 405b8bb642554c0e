import { describe, expect, test } from 'vitest';
import {
  enterScript,
  groupFile,
  launchScript,
  passwdFile,
  type Sandbox,
  sandboxArguments,
} from './sandbox.ts';

const sandbox: Sandbox = {
  sessionId: 'ses_1',
  login: 'lea',
  uid: 61_001,
  display: 12,
  socket: '/run/preau-agent/tmp/.X11-unix/X12',
  home: '/var/lib/preau-agent/homes/acc_lea',
  files: '/run/preau-agent/sessions/ses_1',
  etc: [
    { name: 'fonts', link: null },
    { name: 'mtab', link: '/proc/mounts' },
    { name: 'passwd', link: null },
    { name: 'passwd-', link: null },
    { name: 'group', link: null },
    { name: 'shadow', link: null },
    { name: 'subuid', link: null },
  ],
  locale: 'fr_FR.UTF-8',
  command: ['/usr/bin/geogebra', '--title', 'a b; rm -rf /', '$(id)'],
  exchangeFolder: null,
  printer: null,
  prints: '/var/lib/preau-agent/prints/ses_1',
};
const args = sandboxArguments(sandbox);

/** Every occurrence of an option with the `count` words after it. */
const all = (option: string, count: number) =>
  args.flatMap((word, at) =>
    word === option && at < args.indexOf('/usr/bin/setpriv')
      ? [args.slice(at + 1, at + 1 + count)]
      : [],
  );
const environment = new Map(all('--setenv', 2).map(([name, value]) => [name, value]));
const position = (...words: string[]) =>
  args.findIndex((_, at) => words.every((word, offset) => args[at + offset] === word));

describe('sandboxArguments', () => {
  test('the system is read-only, and that comes first', () => {
    expect(args.slice(0, 3)).toEqual(['--ro-bind', '/', '/']);
  });

  test('only the person’s home and runtime folder are writable', () => {
    expect(all('--bind', 2)).toEqual([
      [sandbox.home, '/home/lea'],
      [`${sandbox.files}/runtime`, '/run/user/61001'],
    ]);
    for (const option of ['--bind-try', '--dev-bind', '--dev-bind-try', '--overlay'])
      expect(args).not.toContain(option);
  });

  test(
    'other homes, root’s files, run files and temporary files are hidden before anything is ' +
      'mounted into them',
    () => {
      expect(all('--tmpfs', 1).flat().sort()).toEqual([
        '/dev/shm',
        '/etc',
        '/home',
        '/root',
        '/run',
        '/tmp',
        '/var/tmp',
      ]);
      expect(position('--tmpfs', '/home')).toBeLessThan(position('--bind', sandbox.home));
      expect(position('--tmpfs', '/run')).toBeLessThan(position('--ro-bind', sandbox.files));
      expect(position('--tmpfs', '/tmp')).toBeLessThan(position('--ro-bind', sandbox.socket));
    },
  );

  test('one display’s socket, its own passwd and group, and nothing else of the host', () => {
    expect(all('--ro-bind', 2)).toEqual([
      ['/', '/'],
      ['/etc', '/run/etc'],
      [sandbox.socket, '/tmp/.X11-unix/X12'],
      [sandbox.files, '/run/preau'],
      [`${sandbox.files}/passwd`, '/etc/passwd'],
      [`${sandbox.files}/group`, '/etc/group'],
    ]);
  });

  test('/etc leads to the host’s files, except to those about accounts', () => {
    expect(all('--symlink', 2)).toEqual([
      ['/run/etc/fonts', '/etc/fonts'],
      ['/proc/mounts', '/etc/mtab'],
    ]);
    expect(position('--tmpfs', '/etc')).toBeLessThan(
      position('--ro-bind', `${sandbox.files}/passwd`, '/etc/passwd'),
    );
  });

  test('shared memory is the sandbox’s own, writable, and bounded', () => {
    const at = position('--tmpfs', '/dev/shm');
    expect(args.slice(at - 4, at)).toEqual(['--size', String(512 * 1_048_576), '--perms', '1777']);
    expect(at).toBeGreaterThan(position('--dev', '/dev'));
  });

  test('the home is entered by the person, not by root', () => {
    expect(all('--chdir', 1)).toEqual([['/']]);
    expect(enterScript).toContain('\ncd "$HOME" || exit 71\n');
  });

  test('processes are alone', () => {
    for (const option of ['--unshare-pid', '--unshare-ipc', '--as-pid-1', '--clearenv'])
      expect(args).toContain(option);
    expect(all('--proc', 1)).toEqual([['/proc']]);
    expect(all('--dev', 1)).toEqual([['/dev']]);
  });

  test('capabilities are dropped, none can be gained, and the account changes before the application starts', () => {
    const setpriv = args.slice(args.indexOf('/usr/bin/setpriv'), args.lastIndexOf('/bin/sh'));
    expect(setpriv).toEqual([
      '/usr/bin/setpriv',
      '--reuid',
      '61001',
      '--regid',
      '61001',
      '--clear-groups',
      '--no-new-privs',
      '--bounding-set=-all',
      '--inh-caps=-all',
    ]);
  });

  test('the command is the end of the list, word by word', () => {
    expect(args.slice(-sandbox.command.length)).toEqual(sandbox.command);
    expect(args.slice(args.lastIndexOf('/bin/sh'), -sandbox.command.length)).toEqual([
      '/bin/sh',
      '/run/preau/enter',
    ]);
    expect(enterScript).toContain(
      '\nexec /usr/bin/dbus-run-session -- /bin/sh /run/preau/launch "$@"\n',
    );
  });

  test('the environment is made, not inherited', () => {
    expect(environment.get('PREAU_SESSION')).toBe('ses_1');
    expect(environment.get('HOME')).toBe('/home/lea');
    expect(environment.get('DISPLAY')).toBe(':12');
    expect(environment.get('XAUTHORITY')).toBe('/run/preau/cookie');
    expect(environment.get('LANG')).toBe('fr_FR.UTF-8');
    expect(environment.get('LANGUAGE')).toBe('fr');
    expect([...environment.keys()].filter((name) => name?.startsWith('PREAU_'))).toEqual([
      'PREAU_SESSION',
    ]);
    expect(args.indexOf('--clearenv')).toBeLessThan(args.indexOf('--setenv'));
  });

  const locales: [locale: string, language: string][] = [
    ['fr_FR.UTF-8', 'fr'],
    ['en_GB.UTF-8', 'en'],
    ['C.UTF-8', 'en'],
  ];
  test.each(locales)('locale %s speaks %s', (locale, language) => {
    const words = sandboxArguments({ ...sandbox, locale });
    expect(words[words.indexOf('LANGUAGE') + 1]).toBe(language);
  });
});

describe('the files inside', () => {
  const names: [name: string, shown: string][] = [
    ['Léa Martin', 'Léa Martin'],
    ['x:0:0', 'x 0 0'],
    ['a,b', 'a b'],
    ['a\nroot2:x:0:0::/:/bin/sh', 'a root2 x 0 0  / /bin/sh'],
  ];
  test.each(names)('the name %j cannot add an account', (name, shown) => {
    const lines = passwdFile('lea', 61_001, name).trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[1]).toBe(`lea:x:61001:61001:${shown}:/home/lea:/bin/sh`);
    for (const line of lines) expect(line.split(':')).toHaveLength(7);
  });
  test('one group', () =>
    expect(groupFile('lea', 61_001)).toBe('root:x:0:\nlea:x:61001:\nnogroup:x:65534:\n'));
  test('the launcher runs its words as they are', () => {
    expect(launchScript).toContain('\nPREAU_PROGRAM=1 "$@"\n');
    expect(launchScript).not.toMatch(/eval|\$\*/);
  });
});

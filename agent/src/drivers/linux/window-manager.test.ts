import { describe, expect, test } from 'vitest';
import { openboxConfiguration, windowManagerArguments } from './window-manager.ts';

const args = windowManagerArguments({
  uid: 990,
  number: 12,
  socket: '/run/preau-agent/tmp/.X11-unix/X12',
  cookie: '/run/preau-agent/displays/preau-ab/.Xauthority',
  folder: '/run/preau-agent/displays/preau-ab/window-manager',
});
const pairsOf = (option: string) =>
  args.flatMap((word, at) => (word === option ? [[args[at + 1], args[at + 2]]] : []));

describe('the window manager of a display', () => {
  test('has no key and no menu', () =>
    expect(openboxConfiguration).not.toMatch(/<keybind|<action name="Execute"/));
  test('writes into its own folder only', () =>
    expect(pairsOf('--bind')).toEqual([
      ['/run/preau-agent/displays/preau-ab/window-manager', '/own'],
    ]));
  test('sees programs, fonts and its own display', () =>
    expect([...pairsOf('--ro-bind'), ...pairsOf('--ro-bind-try')]).toEqual([
      ['/usr', '/usr'],
      ['/etc/fonts', '/etc/fonts'],
      ['/run/preau-agent/tmp/.X11-unix/X12', '/tmp/.X11-unix/X12'],
      ['/run/preau-agent/displays/preau-ab/.Xauthority', '/run/cookie'],
      ['/var/cache/fontconfig', '/var/cache/fontconfig'],
    ]));
  test.each(['--unshare-ipc', '--unshare-pid', '--clearenv', '--no-new-privs'])('%s', (word) =>
    expect(args).toContain(word),
  );
  test('its network is empty before the sandbox is made', () =>
    expect(args.slice(0, 3)).toEqual(['--net', '--', '/usr/bin/bwrap']));
  test('has the rights of the display account', () =>
    expect(args.slice(args.indexOf('--reuid'), args.indexOf('--reuid') + 4)).toEqual([
      '--reuid',
      '990',
      '--regid',
      '990',
    ]));
});

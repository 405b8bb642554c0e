/** The window manager of one display. It starts with the display, long before somebody clicks,
 * because a window that is mapped while it starts is never managed. */
import { join } from 'node:path';
import { startDetached } from '#src/command.ts';
import { exists, makeFolder, write } from '#src/files.ts';
import { systemPrograms, withRightsOf } from './as-person.ts';
import { waitUntil } from './display-server.ts';
import type { Layout } from './layout.ts';

export interface ManagedDisplay {
  uid: number;
  number: number;
  /** The display's socket and its cookie, on the host. */
  socket: string;
  cookie: string;
  /** Host folder that becomes the manager's own, made here. */
  folder: string;
}

/** Full screen, no decoration, no menu, no key binding of the window manager: only the
 * application. */
export const openboxConfiguration = `<?xml version="1.0" encoding="UTF-8"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <focus><focusNew>yes</focusNew><followMouse>no</followMouse></focus>
  <placement><policy>Smart</policy><center>yes</center></placement>
  <desktops><number>1</number><popupTime>0</popupTime></desktops>
  <resize><popupShow>Never</popupShow></resize>
  <applications>
    <application class="*" type="normal">
      <decor>no</decor><position force="yes"><x>center</x><y>center</y></position>
      <maximized>true</maximized><focus>yes</focus>
    </application>
    <application class="*" type="dialog"><decor>yes</decor><focus>yes</focus></application>
  </applications>
</openbox_config>
`;

/** When memory runs out, the kernel may take it, but not the agent, from which the value is
 * inherited. The file `managed` appears once windows are managed. */
const script =
  '{ echo 0 > /proc/self/oom_score_adj; } 2>/dev/null; ' +
  'exec /usr/bin/openbox --config-file /own/openbox.xml --startup \'/bin/sh -c ": > /own/managed"\'';

/** Arguments of `unshare`. Programs send the window manager messages, so it is held for as hostile
 * as they are: it has the display account's rights, no network, and sees fonts, themes and its own
 * display only. Its network is empty before bubblewrap starts, because bubblewrap's own way also
 * brings up a loopback address, which fails on some servers. Pure. */
export const windowManagerArguments = (display: ManagedDisplay): string[] => [
  '--net',
  '--',
  '/usr/bin/bwrap',
  ...systemPrograms,
  '--tmpfs',
  '/tmp',
  // Folders that bubblewrap makes by itself are root's alone.
  ...['/etc', '/run', '/var', '/var/cache', '/tmp/.X11-unix'].flatMap((folder) => [
    '--perms',
    '0755',
    '--dir',
    folder,
  ]),
  '--ro-bind',
  '/etc/fonts',
  '/etc/fonts',
  '--ro-bind-try',
  '/var/cache/fontconfig',
  '/var/cache/fontconfig',
  '--proc',
  '/proc',
  '--dev',
  '/dev',
  '--ro-bind',
  display.socket,
  `/tmp/.X11-unix/X${display.number}`,
  '--bind',
  display.folder,
  '/own',
  '--ro-bind',
  display.cookie,
  '/run/cookie',
  // The host name stays: X finds its cookie by it.
  '--unshare-pid',
  '--unshare-ipc',
  '--as-pid-1',
  '--clearenv',
  ...Object.entries({
    DISPLAY: `:${display.number}`,
    XAUTHORITY: '/run/cookie',
    HOME: '/own',
    LANG: 'C.UTF-8',
    PATH: '/usr/bin',
  }).flatMap(([name, value]) => ['--setenv', name, value]),
  '--chdir',
  '/own',
  ...withRightsOf(display.uid),
  '--inh-caps=-all',
  '/bin/sh',
  '-c',
  script,
];

/** Resolves once windows are managed. It ends with its display, whose account it runs under. Throws
 * AppError DISPLAY_FAILED. */
export async function startWindowManager(layout: Layout, display: ManagedDisplay): Promise<void> {
  makeFolder(display.folder, 0o700, { uid: display.uid, gid: display.uid });
  write(join(display.folder, 'openbox.xml'), openboxConfiguration, 0o644);
  const log = join(layout.logs, 'window-manager.log');
  const { exited } = await startDetached('/usr/bin/unshare', windowManagerArguments(display), log);
  await waitUntil(async () => exists(join(display.folder, 'managed')), {
    what: `the window manager of :${display.number}`,
    log: 'window-manager.log',
    timeoutMs: 15_000,
    exited,
  });
}

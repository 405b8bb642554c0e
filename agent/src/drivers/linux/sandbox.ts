/** What one application sees of the machine, as an argument list for bubblewrap. Pure. The system
 * is read-only; other people's homes and the host's /run are hidden; passwd names no person
 * but the session's own. The application's processes are alone in their pid namespace, so that
 * ending the first ends all; they hold no capability and can gain none. */
import { withRightsOf } from './as-person.ts';
import { printerFolder, printFolder, printSocket } from './printing.ts';
import { placeFirstFiles } from './session-settings.ts';

export interface Sandbox {
  sessionId: string;
  login: string;
  uid: number;
  display: number;
  /** The display's socket on the host. */
  socket: string;
  /** The person's home directory on the host. */
  home: string;
  /** Host folder with this session's launcher, cookie, passwd, group and runtime folder. */
  files: string;
  /** Names in the host's /etc; `link` is the target of those that are symbolic links. */
  etc: readonly { name: string; link: string | null }[];
  locale: string;
  command: readonly string[];
  /** Name of the exchange folder to create in the home; null: none. */
  exchangeFolder: string | null;
  /** Host folder with what a printer needs; null: none. */
  printer: string | null;
  /** Host folder for this session's pages. */
  prints: string;
}

/** Marks the processes of the application itself, within the sandbox. */
const programMarker = 'PREAU_PROGRAM';

const sharedMemoryBytes = 512 * 1_048_576;

/** The marker by which a session's sandbox is found again in the process table. */
export const sessionMarker = 'PREAU_SESSION';

export function sandboxArguments(sandbox: Sandbox): string[] {
  const { uid } = sandbox;
  const home = `/home/${sandbox.login}`;
  const runtime = `/run/user/${uid}`;
  const environment: Record<string, string> = {
    [sessionMarker]: sandbox.sessionId,
    HOME: home,
    USER: sandbox.login,
    LOGNAME: sandbox.login,
    SHELL: '/bin/sh',
    PATH: '/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games',
    DISPLAY: `:${sandbox.display}`,
    XAUTHORITY: '/run/preau/cookie',
    XDG_RUNTIME_DIR: runtime,
    XDG_CONFIG_DIRS: '/run/preau/xdg:/etc/xdg',
    // GTK 2 knows no such folder: its own two files, and ours.
    GTK2_RC_FILES: `/etc/gtk-2.0/gtkrc:${home}/.gtkrc-2.0:/run/preau/xdg/gtk-2.0/gtkrc`,
    LANG: sandbox.locale,
    LANGUAGE: sandbox.locale.slice(0, 2) === 'C.' ? 'en' : sandbox.locale.slice(0, 2),
    // There is no accessibility bus yet: without this, each start waits for one.
    NO_AT_BRIDGE: '1',
    GTK_A11Y: 'none',
    GTK_USE_PORTAL: '0',
    GDK_BACKEND: 'x11',
    QT_QPA_PLATFORM: 'xcb',
    // KDE programs write their shortcuts' marks into titles unless the style removes them. Where the
    // style is not installed, Qt takes its own.
    QT_STYLE_OVERRIDE: 'breeze',
    LIBGL_ALWAYS_SOFTWARE: '1',
    SDL_AUDIODRIVER: 'dummy',
    // A display without a viewer has no RandR output, and SDL gives up. Without RandR, SDL takes
    // the plain screen size.
    SDL_VIDEO_X11_XRANDR: '0',
    // A program without a printer of its own must not find the machine's.
    CUPS_SERVER: printSocket,
    ...(sandbox.exchangeFolder === null ? {} : { PREAU_EXCHANGE: sandbox.exchangeFolder }),
  };
  return [
    '--ro-bind',
    '/',
    '/',
    '--dev',
    '/dev',
    // Semaphores and shared memory of the program's own processes.
    '--size',
    String(sharedMemoryBytes),
    '--perms',
    '1777',
    '--tmpfs',
    '/dev/shm',
    '--proc',
    '/proc',
    '--perms',
    '0755',
    '--tmpfs',
    '/run',
    // A private /etc that links to the host's. If passwd were bound over the host's own file, the
    // next useradd, which renames a new file into its place, would remove the mount (detach_mounts
    // in the kernel's fs/namespace.c).
    '--perms',
    '0755',
    '--tmpfs',
    '/etc',
    '--ro-bind',
    '/etc',
    '/run/etc',
    ...sandbox.etc
      .filter(({ name }) => !/^(passwd|group|shadow|gshadow|subuid|subgid)/.test(name))
      .flatMap(({ name, link }) => ['--symlink', link ?? `/run/etc/${name}`, `/etc/${name}`]),
    '--perms',
    '0700',
    '--tmpfs',
    '/root',
    '--perms',
    '0755',
    '--tmpfs',
    '/home',
    '--perms',
    '1777',
    '--tmpfs',
    '/tmp',
    '--perms',
    '1777',
    '--tmpfs',
    '/var/tmp',
    '--perms',
    '0755',
    '--dir',
    '/tmp/.X11-unix',
    '--ro-bind',
    sandbox.socket,
    `/tmp/.X11-unix/X${sandbox.display}`,
    '--bind',
    sandbox.home,
    home,
    '--ro-bind',
    sandbox.files,
    '/run/preau',
    ...(sandbox.printer === null
      ? []
      : ['--ro-bind', sandbox.printer, printerFolder, '--bind', sandbox.prints, printFolder]),
    '--perms',
    '0755',
    '--dir',
    '/run/user',
    '--bind',
    `${sandbox.files}/runtime`,
    runtime,
    '--ro-bind',
    `${sandbox.files}/passwd`,
    '/etc/passwd',
    '--ro-bind',
    `${sandbox.files}/group`,
    '/etc/group',
    // The host name stays: X finds its cookie by it.
    '--unshare-pid',
    '--unshare-ipc',
    '--as-pid-1',
    '--clearenv',
    ...Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value]),
    '--chdir',
    '/',
    ...withRightsOf(uid),
    '--inh-caps=-all',
    '/bin/sh',
    '/run/preau/enter',
    ...sandbox.command,
  ];
}

/** Runs as the person: root may have no right to enter a home on a file server. When memory runs
 * out, the kernel takes a program before it takes the agent, from which the value is inherited. */
export const enterScript = `#!/bin/sh
{ echo 200 > /proc/self/oom_score_adj; } 2>/dev/null
cd "$HOME" || exit 71
exec /usr/bin/dbus-run-session -- /bin/sh /run/preau/launch "$@"
`;

/** Starts the application. Some programs start a second process and end the first: the session lasts
 * as long as there is a window or a process that the application started. Services that the message
 * bus started do not count: some of them never end. */
export const launchScript = `#!/bin/sh
${placeFirstFiles('/run/preau')}
if [ -n "$PREAU_EXCHANGE" ]; then
  mkdir -p "$HOME/$PREAU_EXCHANGE" "$HOME/.config/gtk-3.0"
  # The exchange folder stands in the side bar of file dialogs.
  place="file://$HOME/$(printf '%s' "$PREAU_EXCHANGE" | sed 's/ /%20/g')"
  bookmarks="$HOME/.config/gtk-3.0/bookmarks"
  grep -qsF "$place" "$bookmarks" || printf '%s %s\\n' "$place" "$PREAU_EXCHANGE" >> "$bookmarks"
fi
if [ -d ${printerFolder} ]; then
  (
    cd ${printFolder} && mkdir -p server spool/tmp cache state out &&
      cp -r ${printerFolder}/server/. server/ &&
      exec ${printerFolder}/cupsd -f -c ${printFolder}/server/cupsd.conf \\
        -s ${printFolder}/server/cups-files.conf
  ) > /dev/null 2>&1 &
fi
${programMarker}=1 "$@"
code=$?
windows() { xprop -root _NET_CLIENT_LIST 2>/dev/null | grep -q 0x; }
programs() {
  grep -lsz '^${programMarker}=' /proc/[0-9]*/environ |
    xargs -r grep -Lsz '^DBUS_STARTER_' | grep -q .
}
while windows || programs; do sleep 0.5; done
# Printed, and closed at once: the pages still have to be made, and fetched.
for second in 1 2 3 4 5 6 7; do
  ls ${printFolder}/spool ${printFolder}/out 2>/dev/null | grep -qE '^[cd][0-9]|\\.pdf$' || break
  sleep 1
done
exit $code
`;

/** Lists only root, the session's person and `nobody`. Colons and line breaks in `displayName`
 * would break the passwd line, and commas would split its name field. */
export const passwdFile = (login: string, uid: number, displayName: string): string =>
  `root:x:0:0:root:/root:/usr/sbin/nologin\n${login}:x:${uid}:${uid}:` +
  `${displayName.replace(/[:,\n]/g, ' ')}:/home/${login}` +
  ':/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n';
export const groupFile = (login: string, uid: number): string =>
  `root:x:0:\n${login}:x:${uid}:\nnogroup:x:65534:\n`;

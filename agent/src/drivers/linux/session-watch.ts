/** Derives a session's events from its display: a window opens, the last one closes, the
 * application or the X server ends. */
import { join } from 'node:path';
import { follow, run } from '#src/command.ts';
import type { SessionEvents } from '#src/drivers/driver.ts';
import { exists, readText, write } from '#src/files.ts';
import type { ControlGroups } from './control-groups.ts';
import { cookieOf, type Display, displayLives } from './displays.ts';
import type { Layout } from './layout.ts';
import { sandboxRuns } from './sandbox-processes.ts';

const displayEnded = {
  state: 'failed',
  code: 'DISPLAY_FAILED',
  message: 'the X server ended',
} as const;

const windowWithinMs = 90_000;
/** How long a program may run without a window after it had one: between a splash screen and the
 * main window there may be none. The launch script ends sooner when no process is left. */
const noWindowForMs = 60_000;

interface Watched {
  layout: Layout;
  sessionId: string;
  display: Display;
  /** The session's folder: its log, and whether its window has opened already. */
  files: string;
  /** Resolves with the exit code; null: another agent started it, so only its processes can be
   * checked. */
  exited: Promise<number | null> | null;
  groups: ControlGroups;
}

/** Watches the display's list of windows, and whether the sandbox still runs. */
export function watchSession(
  { layout, sessionId, display, files, exited, groups }: Watched,
  events: SessionEvents,
): () => void {
  let opened = exited === null && exists(join(files, 'opened'));
  let windows = opened ? 1 : 0;
  let noWindowSince = performance.now();
  let over = false;
  const finish = (outcome: Parameters<SessionEvents['over']>[0]) => {
    if (over) return;
    over = true;
    stop();
    events.over(outcome);
  };
  const closed = (code: number | null) =>
    finish(
      !displayLives(layout, display)
        ? displayEnded
        : opened
          ? { state: 'ended', reason: 'application_closed' }
          : {
              state: 'failed',
              code: 'APPLICATION_EXITED',
              message: `exit code ${code ?? 'unknown'}: ${(readText(join(files, 'log')) ?? '').slice(-1200)}`,
            },
    );
  const changed = (count: number) => {
    if (over) return;
    windows = count;
    if (windows === 0) noWindowSince = performance.now();
    else if (!opened) {
      opened = true;
      write(join(files, 'opened'), '', 0o600);
      events.opened();
    }
  };
  const spy = spyOnWindows(layout, display, changed);
  let isAsking = false;
  const ask = async () => {
    isAsking = true;
    const count = await countWindows(layout, display).finally(() => {
      isAsking = false;
    });
    if (count > 0) changed(count);
  };
  const startedAt = performance.now();
  const timer = setInterval(() => {
    // The spy misses a window that opens between its first look and its subscription.
    if (windows === 0 && !isAsking) void ask().catch(() => undefined);
    if (!displayLives(layout, display)) finish(displayEnded);
    else if (exited === null && !sandboxRuns(groups, sessionId)) closed(null);
    else if (opened && windows === 0 && performance.now() - noWindowSince > noWindowForMs)
      finish({ state: 'ended', reason: 'application_closed' });
    else if (!opened && performance.now() - startedAt > windowWithinMs)
      finish({
        state: 'failed',
        code: 'WINDOW_NOT_OPENED',
        message: `no window within ${windowWithinMs / 1000} s`,
      });
  }, 1000);
  const stop = () => {
    clearInterval(timer);
    spy.stop();
  };
  void exited?.then(closed);
  return () => {
    over = true;
    stop();
  };
}

/** Calls back with the number of windows at each change. */
const spyOnWindows = (layout: Layout, display: Display, changed: (windows: number) => void) =>
  follow(
    '/usr/bin/bwrap',
    readingRoot(layout, display, '-spy'),
    environmentFor(layout, display),
    (line) => {
      if (line.startsWith(windowList)) changed(windowsIn(line));
    },
  );

async function countWindows(layout: Layout, display: Display): Promise<number> {
  const { stdout } = await run('/usr/bin/bwrap', readingRoot(layout, display, '_NET_CLIENT_LIST'), {
    timeoutMs: 3000,
    env: environmentFor(layout, display),
  });
  return stdout.startsWith(windowList) ? windowsIn(stdout) : 0;
}

const windowList = '_NET_CLIENT_LIST(';
const windowsIn = (line: string): number => line.match(/0x[0-9a-f]+/g)?.length ?? 0;

const environmentFor = (layout: Layout, display: Display) => ({
  DISPLAY: `:${display.number}`,
  XAUTHORITY: cookieOf(layout, display.account),
});

/** Reads properties of the display's root window, as the display's own account. */
export const readingRoot = (
  layout: Layout,
  display: Pick<Display, 'uid'>,
  what: string,
): string[] => [
  '--dev-bind',
  '/',
  '/',
  '--bind',
  layout.displayTmp,
  '/tmp',
  '/usr/bin/setpriv',
  '--reuid',
  String(display.uid),
  '--regid',
  'nogroup',
  '--clear-groups',
  '/usr/bin/xprop',
  '-root',
  what,
];

/** The display server and the displays that stand by on it. */
import {
  type DisplayServer,
  runningServer,
  startDisplayServer,
  stopDisplayServer,
} from './display-server.ts';
import { createDisplay, type Display, destroyDisplay, displayLives } from './displays.ts';
import type { Layout } from './layout.ts';

export interface DisplayPool {
  /** Starts the display server, or what is left of it anew, unless it runs. */
  ensure: () => Promise<DisplayServer>;
  /** Where xrdp accepts connections; null before `ensure`. */
  rdpPort: () => number | null;
  /** Starts one more standby display. Throws AppError DISPLAY_FAILED. */
  prepare: () => Promise<void>;
  /** How many stand by and live. */
  ready: () => number;
  /** Takes a display, standby or new, for a session. Throws AppError DISPLAY_FAILED. */
  claim: () => Promise<Display>;
  /** Call when a session's display is gone: the display server of an earlier agent is replaced once
   * nobody uses it. */
  released: () => Promise<void>;
  stop: () => Promise<void>;
}

/** `inUse`: whether a session has a display. */
export function createDisplayPool(
  layout: Layout,
  wantedPort: number,
  inUse: () => boolean,
): DisplayPool {
  const standby: Display[] = [];
  let server: DisplayServer | null = null;
  let starting: Promise<DisplayServer> | null = null;
  /** Displays that are being made or handed over. */
  let claims = 0;

  const lives = (display: Display) => displayLives(layout, display);
  const ensure = async (): Promise<DisplayServer> => {
    // Several displays may start at once: they share one start of the display server.
    starting ??= startDisplayServer(layout, wantedPort).finally(() => {
      starting = null;
    });
    server = await starting;
    return server;
  };

  const stop = async () => {
    for (const display of standby.splice(0))
      await destroyDisplay(layout, display.account, display.number);
    await stopDisplayServer(layout);
    server = null;
  };

  const create = async (): Promise<Display> => {
    try {
      return await createDisplay(layout, await ensure());
    } catch {
      // Right after a crash the display server may still be cleaning up. One that answers and still
      // makes no display is replaced, unless somebody uses it.
      if (!inUse() && claims === 1 && runningServer(layout) !== null) await stop();
      return createDisplay(layout, await ensure());
    }
  };

  const claiming = async <T>(task: () => Promise<T>): Promise<T> => {
    claims += 1;
    try {
      return await task();
    } finally {
      claims -= 1;
    }
  };

  return {
    ensure,
    rdpPort: () => server?.rdp ?? null,
    prepare: () =>
      claiming(async () => {
        for (const display of standby.filter((one) => !lives(one))) {
          standby.splice(standby.indexOf(display), 1);
          await destroyDisplay(layout, display.account, display.number);
        }
        standby.push(await create());
      }),
    ready: () => standby.filter(lives).length,
    claim: () =>
      claiming(async () => {
        // A display that lives has its display server. Only one of an earlier agent may have lost a
        // part.
        if (server?.isCurrent !== true) await ensure();
        for (let display = standby.shift(); display !== undefined; display = standby.shift()) {
          if (lives(display)) return display;
          await destroyDisplay(layout, display.account, display.number);
        }
        return create();
      }),
    released: async () => {
      if (server !== null && !server.isCurrent && !inUse() && claims === 0) await stop();
    },
    stop,
  };
}

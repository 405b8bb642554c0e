/** The windows of a session's display, as xprop and xwininfo tell them, and what is wrong with them
 * for a program of the catalogue. Pure. */
import type { Program } from './programs.ts';

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Window extends Box {
  windowClass: string;
  title: string;
  /** A banner that goes away by itself. */
  isSplash: boolean;
}

export interface Screen {
  width: number;
  height: number;
  /** Those that are shown, in the order in which they were opened. */
  windows: readonly Window[];
}

/** What one launch came to. */
export interface Launch extends Screen {
  /** From the click to the program's own window; null: it never came. */
  seconds: number | null;
  /** How many colours the picture has. */
  colours: number;
}

/** Seconds. */
export const windowWithin = 20;
/** A picture with fewer is a plain surface. */
const fewestColours = 16;
/** Openbox leaves a window that moves itself this far off its place. Pixels. */
const off = 2;

/** Prints the root window, then each window of the display, with an empty line between them. */
export const askingScript = `xwininfo -root
for id in $(xprop -root _NET_CLIENT_LIST | grep -o '0x[0-9a-f]*'); do
  echo
  xprop -id $id WM_CLASS WM_NAME _NET_WM_NAME _NET_WM_WINDOW_TYPE
  xwininfo -id $id
done`;

/** Reads what `askingScript` printed. */
export function readScreen(printed: string): Screen {
  const [root = '', ...rest] = printed.split(/\n\s*\n(?=WM_CLASS)/);
  const { width, height } = boxOf(root);
  const windows = rest
    .filter((told) => /Map State: IsViewable/.test(told))
    .map((told) => ({
      ...boxOf(told),
      windowClass: /^WM_CLASS\(.*\) = ".*", "(.*)"$/m.exec(told)?.[1] ?? '',
      title:
        /^_NET_WM_NAME\(.*\) = "(.*)"$/m.exec(told)?.[1] ??
        /^WM_NAME\(.*\) = "(.*)"$/m.exec(told)?.[1] ??
        '',
      isSplash: /_NET_WM_WINDOW_TYPE_SPLASH/.test(told),
    }));
  return { width, height, windows };
}

function boxOf(told: string): Box {
  const number = (name: string) =>
    Number(new RegExp(`^ *${name}: +(-?\\d+)$`, 'm').exec(told)?.[1] ?? Number.NaN);
  return {
    x: number('Absolute upper-left X'),
    y: number('Absolute upper-left Y'),
    width: number('Width'),
    height: number('Height'),
  };
}

export const isOwn = (program: Program, window: Window): boolean =>
  window.windowClass === program.windowClass && program.title.test(window.title);

/** One sentence for each thing that is wrong. */
export function faultsOf(program: Program, launch: Launch): string[] {
  const { seconds, windows, colours, width, height } = launch;
  const faults: string[] = [];
  const own = windows.find((window) => isOwn(program, window));
  if (own === undefined) {
    const seen = windows.map((window) => `${window.windowClass} “${window.title}”`).join(', ');
    faults.push(
      `no window ${program.windowClass} ${program.title.source}; there is ${seen || 'none'}`,
    );
  }
  if (seconds !== null && seconds > windowWithin)
    faults.push(`its window came after ${seconds.toFixed(0)} s`);
  for (const window of windows) {
    if (own !== undefined && window !== own) faults.push(`a second window: “${window.title}”`);
    const isInside =
      window.x >= -off &&
      window.y >= -off &&
      window.x + window.width <= width + off &&
      window.y + window.height <= height + off;
    if (!isInside)
      faults.push(
        `“${window.title}” reaches out of the screen: ` +
          `${window.width} × ${window.height} at ${window.x}, ${window.y}`,
      );
  }
  if (colours <= fewestColours) faults.push(`its picture has ${colours} colours`);
  return faults;
}

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCatalogue } from '../city.ts';
import { root } from '../services.ts';
import { programs } from './programs.ts';
import { faultsOf, type Launch, readScreen, type Window } from './windows.ts';

/** As xwininfo and xprop 1.2 of Debian 12 print it; shortened. */
const printed = `
xwininfo: Window id: 0x43c (the root window) (has no name)

  Absolute upper-left X:  0
  Absolute upper-left Y:  0
  Width: 1280
  Height: 720
  Map State: IsViewable

WM_CLASS(STRING) = "kig", "kig"
WM_NAME(COMPOUND_TEXT) = "Kig"
_NET_WM_NAME(UTF8_STRING) = "Kig"
_NET_WM_WINDOW_TYPE(ATOM) = _NET_WM_WINDOW_TYPE_NORMAL

xwininfo: Window id: 0x1c00006 "Kig"

  Absolute upper-left X:  0
  Absolute upper-left Y:  0
  Width: 1280
  Height: 720
  Map State: IsViewable
  -geometry 1280x720+0+0

WM_CLASS(STRING) = "kig", "kig"
WM_NAME(STRING) = "Astuce du jour"
_NET_WM_NAME:  not found.
_NET_WM_WINDOW_TYPE(ATOM) = _NET_WM_WINDOW_TYPE_DIALOG

xwininfo: Window id: 0x1c0002f "Astuce du jour"

  Absolute upper-left X:  55
  Absolute upper-left Y:  -39
  Width: 511
  Height: 322
  Map State: IsViewable

WM_CLASS(STRING) = "kig", "kig"
_NET_WM_NAME(UTF8_STRING) = "Caché"

xwininfo: Window id: 0x1c0003f "Caché"

  Absolute upper-left X:  0
  Absolute upper-left Y:  0
  Width: 1
  Height: 1
  Map State: IsUnMapped
`;
const kig: Window = {
  ...{ x: 0, y: 0, width: 1280, height: 720 },
  windowClass: 'kig',
  title: 'Kig',
  isSplash: false,
};
const tip: Window = {
  ...{ x: 55, y: -39, width: 511, height: 322 },
  windowClass: 'kig',
  title: 'Astuce du jour',
  isSplash: false,
};

test('reads the windows that are shown, and not those that are hidden', () => {
  expect(readScreen(printed)).toEqual({ width: 1280, height: 720, windows: [kig, tip] });
});

test('an empty display has no window', () => {
  const [root = ''] = printed.split('\nWM_CLASS');
  expect(readScreen(root)).toEqual({ width: 1280, height: 720, windows: [] });
});

describe('what is wrong with a launch', () => {
  const program = { windowClass: 'kig', title: /^Kig$/ };
  const good: Launch = { width: 1280, height: 720, windows: [kig], seconds: 3, colours: 200 };
  const faults = (change: Partial<Launch>) => faultsOf(program, { ...good, ...change });
  // biome-ignore format: a table
  test.each<[string, Partial<Launch>, RegExp[]]>([
    ['nothing', {}, []],
    ['two pixels off', { windows: [{ ...kig, x: 2, y: -2 }] }, []],
    ['no window', { windows: [], seconds: null }, [/no window kig .*there is none/]],
    ['another program’s window', { windows: [{ ...kig, windowClass: 'gimp' }] }, [/no window kig .*gimp “Kig”/]],
    ['a title in English', { windows: [{ ...kig, title: 'Untitled' }] }, [/no window kig .*“Untitled”/]],
    ['too late', { seconds: 20.4 }, [/after 20 s/]],
    ['just in time', { seconds: 20 }, []],
    ['a wizard before it', { windows: [kig, { ...tip, y: 39 }] }, [/a second window: “Astuce du jour”/]],
    ['below the edge', { windows: [{ ...kig, y: 644 }] }, [/out of the screen: 1280 × 720 at 0, 644/]],
    ['beyond the right edge', { windows: [{ ...kig, x: 3 }] }, [/out of the screen/]],
    ['above the edge', { windows: [{ ...kig, y: -3 }] }, [/out of the screen/]],
    ['a white page', { colours: 16 }, [/16 colours/]],
  ])('%s', (_, change, expected) => {
    const told = faults(change);
    expect(told).toHaveLength(expected.length);
    for (const [at, pattern] of expected.entries()) expect(told[at]).toMatch(pattern);
  });
});

describe('every program of the starter catalogue that has a window', () => {
  const slugs = readCatalogue()
    .filter(({ recipes }) => recipes.linux?.launch !== undefined)
    .map(({ slug }) => slug);

  test('is known by its window', () => expect(Object.keys(programs)).toEqual(slugs));

  test('has its picture, and no other is kept', () => {
    const kept = join(root, 'docs/images/catalogue');
    const pictures = readdirSync(kept);
    expect(pictures.sort()).toEqual(slugs.map((slug) => `${slug}.png`).sort());
    for (const picture of pictures)
      expect(statSync(join(kept, picture)).size, picture).toBeLessThanOrEqual(60 * 1024);
  });
});

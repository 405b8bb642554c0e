/** Launches programs of the catalogue on a school's server as a teacher does, in Chromium, and
 * measures what opens. */
import { statSync, writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { openBrowser } from '../browser.ts';
import type { Client } from '../client.ts';
import { must } from '../lab/host.ts';
import type { Machine } from '../machines/machine.ts';
import type { SchoolServer } from '../machines/school-server.ts';
import { until } from '../services.ts';
import { demoLogins } from '../world.ts';
import { type Program, programs } from './programs.ts';
import {
  askingScript,
  faultsOf,
  isOwn,
  type Launch,
  readScreen,
  type Screen,
  windowWithin,
} from './windows.ts';

export interface Launched extends Launch {
  slug: string;
  /** What is wrong, a sentence each. */
  faults: string[];
  /** The picture in the browser, as PNG. */
  png: Buffer;
}

export interface Launcher {
  launch: (slug: string) => Promise<Launched>;
  close: () => Promise<void>;
}

/** How long nothing new must open until the program counts as open: a late wizard is seen, and a
 * title screen is over. */
const quietMs = 7000;
/** Also when it never opens: a program that is late is told as late. */
const giveUpMs = (windowWithin + 20) * 1000;

/** `school` has an enrolled server with the programs installed. */
export async function openLauncher(school: SchoolServer): Promise<Launcher> {
  // The session's bar takes the rest: the screen is as large as the first picture of a display.
  const browser = await openBrowser(1280, 768);
  const page = await browser.context.newPage();
  const bench = browser.context.pages()[0] ?? (await browser.context.newPage());
  try {
    await signIn(page, school);
  } catch (error) {
    await browser.close();
    throw error;
  }
  return {
    launch: (slug) => launch({ school, page, bench, slug }),
    close: browser.close,
  };
}

async function signIn(page: Page, { centre }: SchoolServer): Promise<void> {
  await page.goto(centre.url);
  await page.fill('input[name=login]', demoLogins.teacher);
  await page.fill('input[name=password]', centre.password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('input[name=password]', { state: 'detached' });
}

interface On {
  school: SchoolServer;
  page: Page;
  /** An empty page, in which pictures are decoded. */
  bench: Page;
  slug: string;
}

async function launch({ school, page, bench, slug }: On): Promise<Launched> {
  const program = programs[slug];
  if (program === undefined) throw new Error(`${slug} is not known by its window`);
  const clicked = Date.now();
  await page.goto(`${school.centre.url}/launch/${slug}`);
  const session = await sessionOf(school.technician, slug);
  try {
    const { seconds, screen } = await watch(school.machine, session, program, clicked);
    const png = await page.locator('.screen').screenshot();
    const seen = { ...screen, seconds, colours: await countColours(bench, png) };
    return { slug, ...seen, faults: faultsOf(program, seen), png };
  } finally {
    await page.goto('about:blank');
    await end(school.technician, session);
  }
}

async function sessionOf(technician: Client, slug: string): Promise<string> {
  let id = '';
  await until(
    `a session of ${slug}`,
    async () => {
      const { items } = await technician.call('listSessions', { query: { state: 'live' } });
      id = items.find(({ applicationSlug }) => applicationSlug === slug)?.id ?? '';
      return id !== '';
    },
    10_000,
  );
  return id;
}

async function end(technician: Client, id: string): Promise<void> {
  await technician.call('endSession', { params: { id } }).catch(() => undefined);
  await until('the end of the session', async () => {
    const { items } = await technician.call('listSessions', { query: { state: 'live' } });
    return items.every((session) => session.id !== id);
  });
}

/** Looks until the program's own window is there and nothing has opened or closed for a while. */
async function watch(
  machine: Machine,
  session: string,
  program: Program,
  clicked: number,
): Promise<{ seconds: number | null; screen: Screen }> {
  let seconds: number | null = null;
  let screen: Screen = { width: 0, height: 0, windows: [] };
  let seen = '';
  let since = Date.now();
  while (Date.now() - clicked < giveUpMs) {
    screen = await screenOf(machine, session);
    if (seconds === null && screen.windows.some((window) => isOwn(program, window)))
      seconds = (Date.now() - clicked) / 1000;
    const now = JSON.stringify(screen);
    if (now !== seen) [seen, since] = [now, Date.now()];
    if (seconds !== null && Date.now() - since > quietMs) break;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  return { seconds, screen };
}

/** Asks the session's X server from inside its sandbox, where the program asks it too. */
async function screenOf(machine: Machine, session: string): Promise<Screen> {
  const { stdout } = await machine.run(
    `for path in $(grep -lsz '^PREAU_SESSION=${session}$' /proc/[0-9]*/environ); do
       process=\${path%/environ}
       [ "$(cat $process/comm)" = dbus-run-sessio ] || continue
       export $(tr '\\0' '\\n' < $path | grep -E '^(DISPLAY|XAUTHORITY)=')
       exec nsenter --target \${process#/proc/} --mount sh -c "$ASKING"
     done`,
    { env: { ASKING: askingScript }, timeoutMs: 10_000 },
  );
  return readScreen(stdout);
}

/** Decodes the picture where a decoder is: in the browser. */
const countColours = async (bench: Page, png: Buffer): Promise<number> =>
  Number(
    await bench.evaluate(`(async () => {
      const bytes = await (await fetch('data:image/png;base64,${png.toString('base64')}')).blob();
      const picture = await createImageBitmap(bytes);
      const canvas = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
      canvas.drawImage(picture, 0, 0);
      const { data } = canvas.getImageData(0, 0, picture.width, picture.height);
      return new Set(new Uint32Array(data.buffer)).size;
    })()`),
  );

/** Writes the picture to a file of at most `maxBytes`: with fewer colours until it fits, and at the
 * last without a pattern of dots in between. */
export async function keepPicture(png: Buffer, path: string, maxBytes: number): Promise<void> {
  const ways = [['256'], ['64'], ['--nofs', '64'], ['--nofs', '32'], ['--nofs', '12']];
  for (const way of ways) {
    writeFileSync(path, png);
    const options = ['--force', '--speed', '1', '--strip', '--output', path];
    await must(['/usr/bin/pngquant', ...options, ...way, path]);
    if (statSync(path).size <= maxBytes) return;
  }
}

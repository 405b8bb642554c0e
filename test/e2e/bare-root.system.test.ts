/** The README's first promise, kept on a Debian with nothing but git, Node and npm: `npm start` says
 * that it is ready, a pupil clicks a tile and sees the program, Ctrl-C leaves nothing. */

import { freemem } from 'node:os';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type BareRoot,
  insideMarker,
  openBareRoot,
  prepareBase,
  suites,
} from '../../dev/bare-root.ts';
import { type OpenBrowser, openBrowser } from '../../dev/browser.ts';
import { freePort, GivenUp, until } from '../../dev/services.ts';
import { demoLogins } from '../../dev/world.ts';
import { leftOut, met } from '../met.ts';
import { coloursOf } from '../picture.fixture.ts';
import { signInPage } from '../sign-in-page.fixture.ts';

const isInside = process.env[insideMarker] !== undefined;
if (isInside) leftOut('a bare root is not tried inside of a bare root');

let bare: BareRoot | null = null;
let browser: OpenBrowser | null = null;

afterEach(async () => {
  await browser?.close().catch(() => undefined);
  await bare?.close();
  [browser, bare] = [null, null];
});

/** What a start may leave behind, in the words of the root itself. */
async function traces(root: BareRoot): Promise<Record<string, string[]>> {
  const look = async (line: string) => {
    const { code, stdout, stderr } = await root.run(line);
    if (code !== 0) throw new Error(`${line}: ${stderr}`);
    return stdout.split('\n').filter((found) => found !== '');
  };
  return {
    // Its own `ps` is not there: each process says who it is; the shell that asks does not count.
    processes: (
      await look("for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline 2>/dev/null; echo; done || :")
    ).filter((command) => !/^(sh|bash|\/bin\/bash|tr) /.test(command)),
    mounts: await look('cut -d" " -f2 /proc/mounts | sort'),
    run: await look('ls /run | grep preau || :'),
    displays: await look('grep -E "^pd[0-9a-f]{6}-" /etc/passwd || :'),
  };
}

describe.skipIf(isInside).each(suites)('on a bare %s', (suite) => {
  beforeAll(() => prepareBase(suite), 600_000);

  it('npm start opens a program in a browser, and ends without a trace', async () => {
    const memory = freemem() > 10 * 1024 ** 3 ? 5120 : 0;
    bare = await openBareRoot(suite, { network: 'shared', memory });
    const root = bare;
    const port = await freePort();
    const before = await traces(root);
    const started = root.start('npm start', { PORT: String(port) });
    await until(
      'npm start',
      () => {
        if (started.code() !== null) throw new GivenUp(started.said());
        return started.said().includes('Préau is ready');
      },
      480_000,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${started.said().slice(-3000)}`);
    });
    console.log(`${suite}\n${started.said()}`);
    const { stdout: password } = await root.run('cat .data/demo/demo-password');

    browser = await openBrowser();
    const page = browser.context.pages()[0] ?? (await browser.context.newPage());
    const city = { url: `http://127.0.0.1:${port}`, password };
    await signInPage(page, city, demoLogins.pupil, '/');
    await page.click('a[href="/launch/tuxpaint"]');
    await page.waitForSelector('.screen');
    await page.waitForSelector('.veil', { state: 'detached', timeout: 60_000 });
    await until('the program in the picture', async () => (await coloursOf(page)) > 20);

    const version = (await root.run('cat /etc/debian_version')).stdout;
    if (suite === 'bookworm') met('debian12', version, '/etc/debian_version');
    else met('debian13', version, '/etc/debian_version');

    started.interrupt();
    await started.ended;
    // npm itself ends by the signal, whatever the rest does.
    const last = started.said().split('Ctrl-C ends everything').at(-1) ?? '';
    expect(last).toContain('Ending sessions, displays and services');
    expect(last).not.toMatch(/error/i);
    expect(await traces(root)).toEqual(before);
    await root.close();
  }, 600_000);
});

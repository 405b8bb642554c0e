/** Homes on real file systems: one whose server says nothing, and one whose owner's number
 * changes. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '#src/command.ts';
import { type RealDriver, realDriver } from './driver.fixture.ts';
import { homeFor } from './homes.ts';

let homes: string;
let silent: ChildProcess | null = null;
beforeEach(() => {
  homes = mkdtempSync(join(tmpdir(), 'preau-homes-'));
});
afterEach(async () => {
  // Ending the process that holds the device wakes everything that waits.
  silent?.kill('SIGKILL');
  silent = null;
  await run(
    '/bin/sh',
    ['-c', 'for m in "$0"/*; do umount -l "$m" 2>/dev/null; done; true', homes],
    {
      timeoutMs: 10_000,
    },
  );
  rmSync(homes, { recursive: true, force: true });
});

/** A file system whose server never answers: every call to it waits. */
async function mountSilent(path: string): Promise<void> {
  mkdirSync(path, { recursive: true });
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other';
  silent = spawn(
    '/bin/bash',
    [
      '-c',
      `exec 3<>/dev/fuse && mount -i -t fuse -o ${options} silent "$0" && echo mounted && exec sleep 600`,
      path,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise<void>((resolve, reject) => {
    silent?.stdout?.once('data', () => resolve());
    silent?.once('exit', () => reject(new Error('no silent file system here')));
  });
}
/** The longest time in which this process did nothing else. */
async function longestStop(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 20);
  await work();
  clearInterval(timer);
  return longest;
}
const account = (letter: string) => `acc_${letter.repeat(22)}`;
const wanted = (letter: string) => ({ homes, accountId: account(letter), inUse: false });

describe('a file server that says nothing', () => {
  test('its home is given up in time, and nobody waits for it', async () => {
    await mountSilent(join(homes, account('a')));
    let failed: unknown;
    const stop = await longestStop(async () => {
      await homeFor(wanted('a')).catch((error: unknown) => {
        failed = error;
      });
    });
    expect(failed).toMatchObject({ code: 'HOME_UNREACHABLE' });
    expect(stop).toBeLessThan(1000);
  });

  describe('one person’s home of a running school', () => {
    let real: RealDriver;
    afterEach(() => real.end());
    test('the person is told, everybody else’s programs open', async () => {
      real = realDriver();
      await real.driver.start();
      const own = homes;
      homes = real.layout.homes;
      rmSync(own, { recursive: true });
      await mountSilent(join(homes, account('a')));
      const window = ['/usr/bin/xmessage', 'bonjour'];
      let failed: unknown;
      const stop = await longestStop(async () => {
        await real.open('a', 'a', window).catch((error: unknown) => {
          failed = error;
        });
        const other = await real.open('b', 'b', window, { uid: 800_001 });
        for (let tries = 0; tries < 100 && !other.opened; tries += 1)
          await new Promise((resolve) => setTimeout(resolve, 100));
        expect(other.opened).toBe(true);
        expect(
          await real.driver.offeredFiles(other.sessionId, { files: true, pages: true }),
        ).toEqual([]);
      });
      expect(failed).toMatchObject({ code: 'HOME_UNREACHABLE' });
      expect(stop).toBeLessThan(1500);
      silent?.kill('SIGKILL');
      await run('/usr/bin/umount', ['-l', join(homes, account('a'))], { timeoutMs: 5000 });
    });
  });
});

describe('numbers of people', () => {
  test('the city’s number is taken; without one the server counts its own', async () => {
    expect((await homeFor({ ...wanted('a'), uid: 812_345 })).uid).toBe(812_345);
    expect((await homeFor(wanted('b'))).uid).toBe(700_001);
    expect((await homeFor(wanted('c'))).uid).toBe(700_002);
    expect(statSync(join(homes, account('a')))).toMatchObject({ uid: 812_345, gid: 812_345 });
    expect(statSync(join(homes, account('a'))).mode & 0o777).toBe(0o700);
    // Known by its owner.
    expect((await homeFor(wanted('a'))).uid).toBe(812_345);
  });

  test('a home moves to the city’s number once, with everything in it and nothing beside it', async () => {
    const { path } = await homeFor(wanted('a'));
    const outside = join(homes, 'outside');
    writeFileSync(outside, 'root’s');
    mkdirSync(join(path, 'dossier'));
    for (const name of ['dossier/devoir', '-rf', "l'été"]) writeFileSync(join(path, name), name);
    symlinkSync(outside, join(path, 'lien'));
    writeFileSync(join(path, 'foreign'), 'somebody else’s');
    for (const name of ['dossier', 'dossier/devoir', '-rf', "l'été"])
      chownSync(join(path, name), 700_001, 700_001);
    const move = { ...wanted('a'), uid: 812_345 };
    // Not under a session that runs.
    expect((await homeFor({ ...move, inUse: true })).uid).toBe(700_001);
    expect((await homeFor(move)).uid).toBe(812_345);
    for (const name of ['', 'dossier', 'dossier/devoir', '-rf', "l'été"])
      expect(lstatSync(join(path, name)), name).toMatchObject({ uid: 812_345, gid: 812_345 });
    expect([statSync(outside).uid, statSync(join(path, 'foreign')).uid]).toEqual([0, 0]);
    expect(readFileSync(join(path, 'dossier/devoir'), 'utf8')).toBe('dossier/devoir');
    expect(existsSync(path)).toBe(true);
  });
});

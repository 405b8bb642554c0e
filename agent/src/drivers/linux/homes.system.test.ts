/** Homes on real file systems: one whose server says nothing, and one whose owner's number
 * changes. */
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run, startDetached } from '#src/command.ts';
import { type RealDriver, realDriver } from './driver.fixture.ts';
import { eraseHome, homeFor } from './homes.ts';
import { enterScript, groupFile, passwdFile, sandboxArguments } from './sandbox.ts';

let homes: string;
let silent = 0;
beforeEach(() => {
  homes = mkdtempSync(join(tmpdir(), 'preau-homes-'));
});
afterEach(async () => {
  // Ending the process that holds the device wakes everything that waits.
  endSilent();
  await run(
    '/bin/sh',
    ['-c', 'for m in "$0"/*; do umount -l "$m" 2>/dev/null; done; true', homes],
    {
      timeoutMs: 10_000,
    },
  );
  rmSync(homes, { recursive: true, force: true });
});

const endSilent = () => {
  if (silent > 0) process.kill(silent, 'SIGKILL');
  silent = 0;
};

/** A file system whose server never answers: every call to it waits. */
async function mountSilent(path: string): Promise<void> {
  mkdirSync(path, { recursive: true });
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other';
  const { pid, exited } = await startDetached(
    '/bin/bash',
    [
      '-c',
      // A container may have no such device; opened for writing, it would become a file.
      '[ -c /dev/fuse ] || mknod -m 666 /dev/fuse c 10 229; exec 3<>/dev/fuse && ' +
        `mount -i -t fuse -o ${options} silent "$0" && exec sleep 600`,
      path,
    ],
    join(tmpdir(), 'preau-silent.log'),
  );
  silent = pid;
  let isOver = false;
  void exited.then(() => {
    isOver = true;
    // By then another one may be mounted.
    if (silent === pid) silent = 0;
  });
  while (!readFileSync('/proc/self/mounts', 'utf8').includes(` ${path} fuse `)) {
    if (isOver) throw new Error('no silent file system here: see preau-silent.log');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
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

/** Root without these capabilities is to a person's folder what it is on a file server that gives
 * root no right to it: somebody else. */
const asNobody = ['--bounding-set=-dac_override,-dac_read_search', '--'];

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
        await real.open('a', window).catch((error: unknown) => {
          failed = error;
        });
        const other = await real.open('b', window, { uid: 800_001 });
        for (let tries = 0; tries < 100 && !other.opened; tries += 1)
          await new Promise((resolve) => setTimeout(resolve, 100));
        expect(other.opened).toBe(true);
        expect(
          await real.driver.offeredFiles(other.sessionId, { files: true, pages: true }),
        ).toEqual([]);
      });
      expect(failed).toMatchObject({ code: 'HOME_UNREACHABLE' });
      expect(stop).toBeLessThan(1500);
      endSilent();
      await run('/usr/bin/umount', ['-l', join(homes, account('a'))], { timeoutMs: 5000 });
    });
  });
});

describe('a file server that gives root no right to a home', () => {
  test('the sandbox opens, in the home', async () => {
    const { path, uid } = await homeFor(wanted('a'));
    const files = join(homes, 'session');
    mkdirSync(join(files, 'runtime'), { recursive: true });
    chownSync(join(files, 'runtime'), uid, uid);
    for (const [name, text] of [
      ['enter', enterScript],
      ['launch', '"$@"\n'],
      ['passwd', passwdFile('lea', uid, 'Léa')],
      ['group', groupFile('lea', uid)],
      ['socket', ''],
    ] as const)
      writeFileSync(join(files, name), text, { mode: 0o644 });
    const done = await run(
      '/usr/bin/setpriv',
      [
        ...asNobody,
        '/usr/bin/bwrap',
        ...sandboxArguments({
          sessionId: 'ses_1',
          login: 'lea',
          uid,
          display: 99,
          socket: join(files, 'socket'),
          home: path,
          files,
          etc: [],
          locale: 'C.UTF-8',
          command: ['/bin/sh', '-c', 'pwd; echo here > file; cat file'],
          exchangeFolder: null,
          printer: null,
          prints: homes,
        }),
      ],
      { timeoutMs: 20_000 },
    );
    expect(done).toMatchObject({ code: 0, stdout: '/home/lea\nhere\n' });
  });

  test('files go in and out', async () => {
    const { path, uid } = await homeFor(wanted('a'));
    const given = join(homes, 'given');
    writeFileSync(given, 'bonjour', { mode: 0o644 });
    const of = JSON.stringify({ uid, base: path, folder: 'Mon appareil' });
    const module = join(import.meta.dirname, 'exchange.ts');
    const script = `
      const { placeIn, listFiles, copyOut } = await import(${JSON.stringify(module)});
      await placeIn(${of}, 'a.txt', ${JSON.stringify(given)});
      await copyOut(${of}, 'a.txt', ${JSON.stringify(join(homes, 'copy'))}, 100);
      console.log((await listFiles(${of}, 'file')).map(({ name }) => name).join());`;
    const done = await run(
      '/usr/bin/setpriv',
      [...asNobody, process.execPath, '--input-type=module', '--eval', script],
      { timeoutMs: 20_000 },
    );
    expect(done).toMatchObject({ code: 0, stdout: 'a.txt\n' });
    expect(readFileSync(join(homes, 'copy'), 'utf8')).toBe('bonjour');
  });
});

describe('the home of an erased person', () => {
  /** Folders and files as a person may leave them. */
  function fill(path: string, uid: number): void {
    const names = ['-rf', "l'été", 'deux\nlignes', '.caché', 'x'.repeat(250), '\ud83d\ude00'];
    for (const name of names) writeFileSync(join(path, name), 'Margaux Lenoir');
    let deep = path;
    for (let depth = 0; depth < 60; depth += 1) {
      deep = join(deep, `dossier ${depth}`);
      mkdirSync(deep);
      writeFileSync(join(deep, 'devoir'), 'Margaux Lenoir', { mode: 0o000 });
      chownSync(deep, uid, uid);
    }
    for (const [name, mode] of [
      ['fermé', 0o000],
      ['lecture', 0o500],
      ['collant', 0o1777],
      ['setgid', 0o2070],
    ] as const) {
      mkdirSync(join(path, name));
      writeFileSync(join(path, name, 'devoir'), 'Margaux Lenoir', { mode: 0o000 });
      for (const each of [join(path, name, 'devoir'), join(path, name)]) chownSync(each, uid, uid);
      chmodSync(join(path, name), mode);
    }
    for (const name of names) chownSync(join(path, name), uid, uid);
  }

  test('nothing of it is left, however it was protected, and nothing beside it goes', async () => {
    const { path, uid } = await homeFor({ ...wanted('a'), uid: 812_345 });
    const other = await homeFor(wanted('b'));
    writeFileSync(join(other.path, 'mine'), 'stays');
    fill(path, uid);
    symlinkSync(other.path, join(path, 'lien'));
    symlinkSync(join(other.path, 'mine'), join(path, 'lien fichier'));
    chmodSync(path, 0o000);
    await eraseHome(homes, account('a'));
    expect(existsSync(path)).toBe(false);
    expect(readFileSync(join(other.path, 'mine'), 'utf8')).toBe('stays');
    // Again, and for somebody who was never here.
    await eraseHome(homes, account('a'));
    await eraseHome(homes, account('z'));
  });

  test('also on a file server that gives root no right to it', async () => {
    const { path, uid } = await homeFor({ ...wanted('a'), uid: 812_345 });
    fill(path, uid);
    const module = join(import.meta.dirname, 'homes.ts');
    const done = await run(
      '/usr/bin/setpriv',
      [
        ...asNobody,
        process.execPath,
        '--input-type=module',
        '--eval',
        `const { eraseHome } = await import(${JSON.stringify(module)});
         await eraseHome(${JSON.stringify(homes)}, ${JSON.stringify(account('a'))});`,
      ],
      { timeoutMs: 20_000 },
    );
    expect(done).toMatchObject({ code: 0 });
    expect(existsSync(path)).toBe(false);
  });

  test('one that is a file system of its own is emptied', async () => {
    const { path } = await homeFor(wanted('a'));
    await run('/usr/bin/mount', ['-t', 'tmpfs', 'home', path], { timeoutMs: 5000 });
    writeFileSync(join(path, 'devoir'), 'Margaux Lenoir');
    await eraseHome(homes, account('a'));
    expect(readdirSync(path)).toEqual([]);
  });

  test('on a file server that says nothing: said in time, and nobody waits', async () => {
    await mountSilent(join(homes, account('a')));
    let failed: unknown;
    const stop = await longestStop(async () => {
      failed = await eraseHome(homes, account('a')).catch((error: unknown) => error);
    });
    expect(failed).toMatchObject({ code: 'HOME_UNREACHABLE' });
    expect(stop).toBeLessThan(1000);
  });

  test('a person whose program runs keeps it until it has ended', async () => {
    const real = realDriver();
    await real.driver.start();
    try {
      const { sessionId } = await real.open('a', ['/usr/bin/xmessage', 'bonjour']);
      expect(await real.driver.eraseHome(account('a'))).toBe(false);
      expect(existsSync(join(real.layout.homes, account('a')))).toBe(true);
      await real.driver.endSession(sessionId);
      expect(await real.driver.eraseHome(account('a'))).toBe(true);
      expect(existsSync(join(real.layout.homes, account('a')))).toBe(false);
    } finally {
      await real.end();
    }
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

  test('at the same time: every new person another number, one person one home', async () => {
    const found = await Promise.all([...'abcdeaa'].map((letter) => homeFor(wanted(letter))));
    expect(new Set(found.slice(0, 5).map(({ uid }) => uid)).size).toBe(5);
    expect(new Set([found[0], found[5], found[6]].map((home) => home?.uid)).size).toBe(1);
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

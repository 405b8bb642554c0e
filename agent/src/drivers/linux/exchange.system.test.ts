/** Real programs with a person's rights, on a real disk: what lies in a child's home may be
 * anything. */
import {
  chmodSync,
  chownSync,
  existsSync,
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
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from '#src/command.ts';
import {
  copyOut,
  listFiles,
  numbered,
  type PersonFolder,
  placeIn,
  removeFile,
} from './exchange.ts';

const root = mkdtempSync(join(tmpdir(), 'preau-exchange-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const [lea, tom] = [712_345, 712_346];
let of: PersonFolder;
let homes: string;
let given: string;

/** As the agent keeps them: nobody but root gets past the folder of homes. */
const home = (name: string, uid: number): string => {
  const path = join(homes, name);
  mkdirSync(path);
  chmodSync(path, 0o700);
  chownSync(path, uid, uid);
  return path;
};
const must = async (program: string, ...args: string[]) => {
  const done = await run(program, args, { timeoutMs: 10_000 });
  if (done.code !== 0) throw new Error(`${program}: ${done.stderr}`);
};
/** In that folder, which the person may not come to from above. */
const as = (uid: number, folder: string, ...command: string[]) =>
  must(
    '/bin/sh',
    '-c',
    'cd "$1" && shift && exec setpriv --reuid "$0" --regid "$0" --clear-groups "$@"',
    String(uid),
    folder,
    ...command,
  );
beforeEach(() => {
  const folder = mkdtempSync(join(root, 'server-'));
  homes = join(folder, 'homes');
  mkdirSync(homes, { mode: 0o700 });
  chmodSync(root, 0o755);
  chmodSync(folder, 0o755);
  of = { uid: lea, base: home('lea', lea), folder: 'Mon appareil' };
  given = join(folder, 'given');
  writeFileSync(given, 'bonjour');
});
const copy = async (name: string, maxBytes = 100) => {
  const to = join(homes, 'copy');
  await copyOut(of, name, to, maxBytes);
  return readFileSync(to, 'utf8');
};

describe('the exchange folder', () => {
  test('a file goes in under its name, a second of that name beside it, and both come out again', async () => {
    expect(await listFiles(of, 'file')).toEqual([]);
    await placeIn(of, 'l’été.txt', given);
    writeFileSync(given, 'encore');
    await placeIn(of, 'l’été.txt', given);
    expect((await listFiles(of, 'file')).map(({ name, bytes }) => [name, bytes]).sort()).toEqual([
      ['l’été (2).txt', 6],
      ['l’été.txt', 7],
    ]);
    expect([await copy('l’été.txt'), await copy('l’été (2).txt')]).toEqual(['bonjour', 'encore']);
    expect(statSync(join(of.base, of.folder, 'l’été.txt')).uid).toBe(lea);
    await removeFile(of, 'l’été.txt');
    expect(readdirSync(join(of.base, of.folder))).toEqual(['l’été (2).txt']);
  });

  test('names that begin like options, or hold what a shell would read, are names', async () => {
    for (const name of ['-rf', '$(touch x)', 'a;b', "d'accord", '#']) {
      await placeIn(of, name, given);
      expect(await copy(name)).toBe('bonjour');
    }
    expect(await listFiles(of, 'file')).toHaveLength(5);
    expect(existsSync(join(of.base, 'x'))).toBe(false);
  });

  test('what no device should see is passed over: hidden, folders, links, pipes, names of two lines', async () => {
    const folder = join(of.base, of.folder);
    await as(lea, of.base, '/bin/mkdir', of.folder, `${of.folder}/dossier`);
    await as(lea, folder, '/bin/ln', '-s', '/etc/shadow', 'mots.txt');
    await as(lea, folder, '/usr/bin/mkfifo', 'tuyau');
    await as(
      lea,
      folder,
      '/usr/bin/touch',
      '.cache',
      'deux\nlignes',
      'retourné\u202etxt.exe',
      'bon.txt',
    );
    expect((await listFiles(of, 'file')).map(({ name }) => name)).toEqual(['bon.txt']);
    for (const name of ['mots.txt', 'dossier', 'absent'])
      await expect(copy(name)).rejects.toMatchObject({ code: 'FILE_GONE' });
    // A pipe nobody writes to is empty, and holds nobody up.
    expect(await copy('tuyau')).toBe('');
  });

  test('a link in place of the folder leads nowhere the person may not go', async () => {
    const other = home('tom', tom);
    mkdirSync(join(other, 'Documents'), { mode: 0o755 });
    writeFileSync(join(other, 'Documents/secret.txt'), 'de Tom');
    for (const target of [join(other, 'Documents'), '/root', '/etc/ssl/private']) {
      rmSync(join(of.base, of.folder), { force: true });
      symlinkSync(target, join(of.base, of.folder));
      expect(await listFiles(of, 'file')).toEqual([]);
      await expect(copy('secret.txt')).rejects.toMatchObject({ code: 'FILE_GONE' });
      await expect(placeIn(of, 'a.txt', given)).rejects.toThrow();
    }
    expect(readdirSync(join(other, 'Documents'))).toEqual(['secret.txt']);
    // A link put in the file's place is not written through.
    rmSync(join(of.base, of.folder));
    await as(lea, of.base, '/bin/mkdir', of.folder);
    writeFileSync(join(of.base, 'mine'), 'old');
    await as(lea, join(of.base, of.folder), '/bin/ln', '-s', '../mine', 'a.txt');
    await placeIn(of, 'a.txt', given);
    expect(readFileSync(join(of.base, 'mine'), 'utf8')).toBe('old');
    expect(readFileSync(join(of.base, of.folder, 'a (2).txt'), 'utf8')).toBe('bonjour');
  });

  test('one byte more than allowed tells that there is more; a full disk is told and nothing is left', async () => {
    await placeIn(of, 'long.txt', given);
    expect(await copy('long.txt', 3)).toHaveLength(4);
    await must(
      'mount',
      ...[
        '-t',
        'tmpfs',
        '-o',
        `size=64k,uid=${lea},mode=700`,
        'preau-exchange',
        join(of.base, of.folder),
      ],
    );
    try {
      writeFileSync(given, Buffer.alloc(200_000));
      await expect(placeIn(of, 'gros.bin', given)).rejects.toMatchObject({ code: 'DISK_FULL' });
      expect(readdirSync(join(of.base, of.folder))).toEqual([]);
    } finally {
      await must('umount', join(of.base, of.folder));
    }
  });

  test('a number goes before the ending', () => {
    expect([numbered('a.tar.gz', 2), numbered('LISEZMOI', 3), numbered('a', 1)]).toEqual([
      'a.tar (2).gz',
      'LISEZMOI (3)',
      'a',
    ]);
  });
});

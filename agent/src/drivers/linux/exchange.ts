/** Accesses people's files with their own rights only: the agent is root, and anything in a child's
 * home may be a link to anywhere. Each listing and each copy is a program that runs as the person,
 * and sees their folder and the system's programs, nothing else. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import { maxOffered, OfferedFile } from '@preau/contract/exchange.ts';
import { Compile } from 'typebox/compile';
import { type RunOptions, run } from '#src/command.ts';
import { folderStamp, readText } from '#src/files.ts';
import { asPerson } from './as-person.ts';
import { isRemote } from './homes.ts';

/** `base`: a folder made by the agent that the person owns or may enter; `folder`: a path within
 * it, owned by the person. */
export interface PersonFolder {
  uid: number;
  base: string;
  folder: string;
}

const isOffered = Compile(OfferedFile);
const lookWithinMs = 5000;
const copyWithinMs = 120_000;

const as = (
  { uid, base }: PersonFolder,
  program: string,
  args: readonly string[],
  options: RunOptions,
) =>
  run(
    '/usr/bin/bwrap',
    // On a file server root may have no right to enter the folder.
    [...asPerson(uid, base), '/bin/sh', '-c', 'cd /own && exec "$0" "$@"', program, ...args],
    options,
  );

/** Differs when names in the folder came or went; null on a file server, which is asked only in a
 * process with a deadline. */
export function stampOf({ base, folder }: PersonFolder): string | null {
  const path = join(base, folder);
  return isRemote(path, readText('/proc/self/mountinfo') ?? '') ? null : (folderStamp(path) ?? '');
}

/** The files, newest first. A name that no device should see is skipped. */
export async function listFiles(
  of: PersonFolder,
  kind: OfferedFile['kind'],
): Promise<OfferedFile[]> {
  // The trailing slash follows a link that the person made there, with the person's rights. Pipes,
  // devices and links are excluded by `-type f`.
  const found = await as(
    of,
    '/usr/bin/find',
    [`./${of.folder}/`, '-maxdepth', '1', '-type', 'f', '-printf', '%s %T@ %f\\0'],
    { timeoutMs: lookWithinMs },
  );
  return found.stdout
    .split('\0')
    .flatMap((entry): OfferedFile[] => {
      const [, size = '', at = '', name = ''] = /^(\d+) (\d+)[.\d]* (.*)$/s.exec(entry) ?? [];
      const file = { kind, name, bytes: Number(size), changedAt: Number(at) * 1000 };
      // A file that a report may not contain must not make the whole report invalid.
      return isOffered.Check(file) && (kind === 'file' || name.endsWith('.pdf')) ? [file] : [];
    })
    .toSorted((a, b) => b.changedAt - a.changedAt || (a.name < b.name ? -1 : 1))
    .slice(0, maxOffered);
}

/** Copies at most one byte more than `maxBytes`. Throws AppError FILE_GONE. */
export async function copyOut(
  of: PersonFolder,
  name: string,
  to: string,
  maxBytes: number,
): Promise<void> {
  // `nonblock`: a pipe put in its place meanwhile does not block the agent.
  const copied = await as(
    of,
    '/usr/bin/dd',
    [
      `if=./${of.folder}/${name}`,
      'iflag=nofollow,nonblock,count_bytes,fullblock',
      `count=${maxBytes + 1}`,
      'bs=1M',
      'status=none',
    ],
    { timeoutMs: copyWithinMs, stdoutFile: to },
  );
  if (copied.code !== 0)
    throw new AppError('FILE_GONE', { name, why: copied.stderr.slice(0, 200) });
}

/** Puts the file at `from` into the folder, which is created when missing; a name that is taken
 * gets a number. Throws AppError DISK_FULL, INTERNAL. */
export async function placeIn(of: PersonFolder, name: string, from: string): Promise<void> {
  const folder = `./${of.folder}`;
  await as(of, '/bin/mkdir', ['-p', '--', folder], { timeoutMs: lookWithinMs });
  const part = `${folder}/.${randomBytes(8).toString('hex')}.part`;
  try {
    const copied = await as(
      of,
      '/usr/bin/dd',
      [`of=${part}`, 'oflag=nofollow', 'conv=excl,fsync', 'bs=1M', 'status=none'],
      { timeoutMs: copyWithinMs, stdinFile: from },
    );
    if (copied.code !== 0)
      throw new AppError(/no space|quota/i.test(copied.stderr) ? 'DISK_FULL' : 'INTERNAL', {
        name,
        why: copied.stderr.slice(0, 200),
      });
    for (let number = 1; number <= 100; number += 1) {
      // `ln` fails when the name is taken.
      const linked = await as(
        of,
        '/bin/ln',
        ['-T', '--', part, `${folder}/${numbered(name, number)}`],
        { timeoutMs: lookWithinMs },
      );
      if (linked.code === 0) return;
    }
    throw new AppError('INTERNAL', { name, why: 'no free name' });
  } finally {
    await as(of, '/bin/rm', ['-f', '--', part], { timeoutMs: lookWithinMs });
  }
}

export async function removeFile(of: PersonFolder, name: string): Promise<void> {
  await as(of, '/bin/rm', ['-f', '--', `./${of.folder}/${name}`], { timeoutMs: lookWithinMs });
}

/** Adds a number to a name: "devoir.odt", "devoir (2).odt". Pure. */
export function numbered(name: string, number: number): string {
  if (number === 1) return name;
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? `${name} (${number})` : `${name.slice(0, dot)} (${number})${name.slice(dot)}`;
}

/** A Debian repository in one folder: its index and its signed Release file, with a key made for
 * the lab and stored nowhere else. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { must, run } from './host.ts';

const keyName = 'Préau lab <lab@preau.invalid>';

export interface Repository {
  /** The folder the mirror serves. */
  folder: string;
  /** The public key, in the format apt expects. */
  keyPath: string;
  /** Adds packages, or replaces those of the same file name, and signs the index again. */
  add: (debs: readonly string[]) => Promise<void>;
  remove: (fileNames: readonly string[]) => Promise<void>;
}

/** The entry of a package in the index. */
export async function describePackage(path: string): Promise<string> {
  const bytes = readFileSync(path);
  const control = (await must(['dpkg-deb', '-f', path])).trim();
  return (
    `${control}\nFilename: ./${basename(path)}\nSize: ${bytes.length}\nSHA256: ` +
    `${createHash('sha256').update(bytes).digest('hex')}\n`
  );
}

/** `known`: index entries by file name, of packages that never change. */
export async function createRepository(
  folder: string,
  known: ReadonlyMap<string, string>,
): Promise<Repository> {
  const served = join(folder, 'served');
  const home = join(folder, 'key');
  const keyPath = join(folder, 'lab.asc');
  mkdirSync(served, { recursive: true });
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const gpg = (...args: string[]) =>
    must([
      'gpg',
      '--homedir',
      home,
      '--batch',
      '--yes',
      '--quiet',
      '--pinentry-mode',
      'loopback',
      '--passphrase',
      '',
      ...args,
    ]);
  // gpg leaves an agent process running for its folder.
  const endAgent = () => run(['gpgconf', '--homedir', home, '--kill', 'all']);
  try {
    await gpg('--quick-generate-key', keyName, 'ed25519', 'sign', '7d');
    await gpg('--armor', '--output', keyPath, '--export');
  } finally {
    await endAgent();
  }
  // Each package is described only once: three hundred take many seconds.
  const described = new Map(known);
  const sign = async () => {
    const names = readdirSync(served)
      .filter((name) => name.endsWith('.deb'))
      .sort();
    for (const name of [...described.keys()]) if (!names.includes(name)) described.delete(name);
    const fresh = names.filter((name) => !described.has(name));
    for (let start = 0; start < fresh.length; start += 8)
      await Promise.all(
        fresh
          .slice(start, start + 8)
          .map(async (name) => described.set(name, await describePackage(join(served, name)))),
      );
    const index = Buffer.from(names.map((name) => described.get(name) ?? '').join('\n'));
    const files = new Map([
      ['Packages', index],
      ['Packages.gz', gzipSync(index)],
    ]);
    const sums = [...files].map(
      ([name, bytes]) =>
        ` ${createHash('sha256').update(bytes).digest('hex')} ${bytes.length} ${name}`,
    );
    const release =
      'Origin: Preau lab\nLabel: Preau lab\nSuite: stable\nCodename: lab\nArchitectures: amd64 ' +
      'arm64 all\nDate: ' +
      `${new Date().toUTCString().replace('GMT', 'UTC')}\nSHA256:\n${sums.join('\n')}\n`;
    const plain = join(folder, 'Release');
    writeFileSync(plain, release);
    try {
      await gpg('--output', join(folder, 'InRelease.new'), '--clear-sign', plain);
    } finally {
      await endAgent();
    }
    for (const [name, bytes] of files) writeFileSync(join(served, name), bytes);
    renameSync(join(folder, 'InRelease.new'), join(served, 'InRelease'));
  };
  return {
    folder: served,
    keyPath,
    add: async (debs) => {
      for (const path of debs) {
        const target = join(served, basename(path));
        if (existsSync(target)) {
          rmSync(target);
          described.delete(basename(path));
        }
        linkSync(path, target);
      }
      await sign();
    },
    remove: async (fileNames) => {
      for (const name of fileNames) rmSync(join(served, basename(name)), { force: true });
      await sign();
    },
  };
}

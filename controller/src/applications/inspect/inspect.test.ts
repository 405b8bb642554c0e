import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { InspectedPackage } from '@preau/contract/catalogue.ts';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { Compile } from 'typebox/compile';
import { afterAll, describe, expect, test } from 'vitest';
import { application } from '#src/builders.fixture.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { makeCity } from '#src/testing.fixture.ts';
import { createApplication } from '../create.ts';
import { uploadPackage } from '../packages/packages.ts';
import { parseDesktopEntry } from './desktop-entry.ts';
import { inspectPackage } from './inspect.ts';
import { inspect } from './worker.ts';

const root = mkdtempSync(join(tmpdir(), 'preau-inspect-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const isInspected = Compile(InspectedPackage);
let count = 0;
const look = async (content: Buffer, name = 'file') => {
  count += 1;
  const path = join(root, `${count}`);
  writeFileSync(path, content);
  const told = await inspect(path, name);
  expect(isInspected.Check(told)).toBe(true);
  return told;
};

async function tar(files: Record<string, string | Buffer>): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
function ar(members: Record<string, Buffer>): Buffer {
  const parts: Buffer[] = [Buffer.from('!<arch>\n')];
  for (const [name, content] of Object.entries(members))
    parts.push(
      Buffer.from(
        `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}` +
          `${'100644'.padEnd(8)}${String(content.length).padEnd(10)}\`\n`,
      ),
      content,
      Buffer.alloc(content.length % 2),
    );
  return Buffer.concat(parts);
}
/** One pixel wide as far as its header says. */
const png = (width: number): Buffer => {
  const bytes = Buffer.alloc(40);
  bytes.write('89504e470d0a1a0a', 'hex');
  bytes.write('IHDR', 12);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(width, 20);
  return bytes;
};
const control =
  'Package: jeu\nVersion: 1:2.0-1\nArchitecture: amd64\nDescription: a game\n longer\n';
const entry =
  '[Desktop Entry]\nName=Game\nName[fr]=Jeu\nExec="/usr/games/my game" --full %f ' +
  '%%\nIcon=jeu\nCategories=Game;\n[Desktop Action New]\nName=Other\nExec=other\n';
const data = {
  './usr/share/applications/jeu.desktop': entry,
  './usr/share/applications/hidden.desktop': entry.replace(
    'Name=Game',
    'NoDisplay=true\nName=Game',
  ),
  './usr/share/icons/hicolor/48x48/apps/jeu.png': png(48),
  './usr/share/icons/hicolor/128x128/apps/jeu.png': png(128),
  './usr/share/icons/hicolor/512x512/apps/jeu.png': png(512),
  './usr/games/jeu': Buffer.alloc(200_000),
};
const deb = async (
  packed: (bytes: Buffer) => Buffer,
  ending: string,
  content: Record<string, string | Buffer> = data,
) =>
  ar({
    'debian-binary': Buffer.from('2.0\n'),
    [`control.tar${ending}`]: packed(
      await tar({ './control': control, './md5sums': '', './conffiles': '' }),
    ),
    [`data.tar${ending}`]: packed(await tar(content)),
  });

describe('a Debian package', () => {
  test.each([
    ['', (bytes: Buffer) => bytes],
    ['.gz', (bytes: Buffer) => gzipSync(bytes)],
    ['.zst', (bytes: Buffer) => zstdCompressSync(bytes)],
  ] as const)(
    'packed as %s says who it is and what can be clicked',
    async (ending, packed: (bytes: Buffer) => Buffer) => {
      const told = await look(await deb(packed, ending));
      expect(told).toMatchObject({
        kind: 'deb',
        package: 'jeu',
        version: '1:2.0-1',
        architecture: 'amd64',
        summary: 'a game',
        cutShort: false,
      });
      expect(told.programs).toEqual([
        {
          desktopFile: 'jeu.desktop',
          name: { fr: 'Jeu', en: 'Game' },
          description: null,
          command: ['/usr/games/my game', '--full', '%'],
          category: 'games',
          icon: png(128).toString('base64'),
        },
      ]);
    },
  );

  test('with more pictures than are held tells its programs all the same', async () => {
    const pictures = Object.fromEntries(
      Array.from({ length: 110 }, (_, n) => [`./opt/jeu/${n}.png`, Buffer.alloc(250_000)]),
    );
    expect(await look(await deb((bytes) => bytes, '', { ...pictures, ...data }))).toMatchObject({
      programs: [{ desktopFile: 'jeu.desktop' }],
      cutShort: true,
    });
  });

  test('that is cut off tells what could be read', async () => {
    const whole = await deb((bytes) => gzipSync(bytes), '.gz');
    expect(await look(whole.subarray(0, whole.length - 60))).toMatchObject({
      kind: 'deb',
      package: 'jeu',
      cutShort: true,
    });
    expect(await look(ar({ 'debian-binary': Buffer.from('2.0\n') }))).toMatchObject({
      kind: 'unknown',
    });
  });

  test('with hostile names and words says nothing that a form would not take', async () => {
    const evil = {
      './usr/share/applications/../../../etc/x.desktop': entry,
      './usr/share/applications/a.desktop':
        '[Desktop ' +
        `Entry]\nName=\u202e${'x'.repeat(500)}\nName[fr]=../../etc\nComment=\u0007\nExec=` +
        `${'a '.repeat(300)}\nIcon=/etc/passwd\n`,
      '/etc/passwd': 'root',
    };
    const told = await look(await deb((bytes) => bytes, '', evil));
    expect(told.programs).toHaveLength(1);
    expect(told.programs[0]).toMatchObject({ name: { fr: 'etc' }, icon: null });
    expect(told.programs[0]?.command).toHaveLength(32);
  });

  test('of any bytes at all never throws', async () => {
    const whole = await deb((bytes) => gzipSync(bytes), '.gz');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 12 }),
        async (changes) => {
          const spoilt = Buffer.from(whole);
          for (const [at, byte] of changes) spoilt[at] = byte;
          await look(spoilt);
        },
      ),
      { numRuns: 60 },
    );
  });
});

test('other files are told by their first bytes', async () => {
  const appimage = Buffer.alloc(600);
  appimage.write('7f454c46020101004149', 'hex');
  for (const [content, name, kind] of [
    [appimage, 'x', 'appimage'],
    [Buffer.from('PK\u0003\u0004rest'), 'a.deb', 'zip'],
    [await tar({ a: 'b' }), 'x', 'tar'],
    [gzipSync(await tar({ a: 'b' })), 'a.tar.gz', 'tar'],
    [gzipSync('text'), 'a.txt.gz', 'unknown'],
    [Buffer.from('MZ nothing'), 'a.exe', 'program'],
    [Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'a.msi', 'installer'],
    [png(32), 'a.png', 'picture'],
    [Buffer.from('#!/bin/sh\n'), 'a.deb', 'unknown'],
    [Buffer.from(''), 'a.deb', 'unknown'],
  ] as const)
    expect((await look(content, name)).kind, name).toBe(kind);
});

test('a .desktop file: quotes, escapes, what is no program', () => {
  expect(
    parseDesktopEntry('[Desktop Entry]\nName=A\nExec=sh -c "echo \\\\"a b\\\\"" %U\n'),
  ).toMatchObject({ command: ['sh', '-c', 'echo "a b"'], category: null });
  for (const text of [
    '',
    '[Desktop Entry]\nName=A\n',
    '[Desktop Entry]\nType=Link\nName=A\nExec=a\n',
    '[Desktop Entry]\nTerminal=true\nName=A\nExec=a\n',
    '[Other]\nName=A\nExec=a\n',
  ])
    expect(parseDesktopEntry(text)).toBeNull();
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseDesktopEntry(`[Desktop Entry]\nExec=${text}`);
    }),
  );
});

const execs: [exec: string, command: string[]][] = [
  // The window is titled with the program's French name, not with the option that follows.
  [
    'kbruch -qwindowtitle %c -qwindowicon fractions %u',
    ['kbruch', '-qwindowtitle', 'Jeu de mots', '-qwindowicon', 'fractions'],
  ],
  ['khangman %i -caption %c', ['khangman', '--icon', 'jeu', '-caption', 'Jeu de mots']],
  ['a %f', ['a']],
  ['a %F %u %U', ['a']],
  ['a %d %D %n %N %v %m', ['a']],
  ['a --title=%c --file=%f', ['a', '--title=Jeu de mots', '--file=']],
  ['a %k', ['a', '/usr/share/applications/jeu.desktop']],
  ['a 100%% %%f', ['a', '100%', '%f']],
  ['"/opt/a b/c" "%c" d', ['/opt/a b/c', '%c', 'd']],
  ['sh -c "echo \\\\$HOME \\\\`id\\\\`"', ['sh', '-c', 'echo $HOME `id`']],
  ['a\\sb', ['a', 'b']],
  ['a ""', ['a', '']],
];
test.each(execs)('Exec=%j', (exec, command) => {
  expect(
    parseDesktopEntry(
      `[Desktop Entry]\nName=Word game\nName[fr]=Jeu de mots\nIcon=jeu\nExec=${exec}\n`,
      '/usr/share/applications/jeu.desktop',
    )?.command,
  ).toEqual(command);
});
test('Exec without an icon or a place: their codes leave nothing behind', () => {
  expect(parseDesktopEntry('[Desktop Entry]\nName=A\nExec=a %i -x %k\n')?.command).toEqual([
    'a',
    '-x',
  ]);
});

test('is read in a thread of its own, one after the other; unknown files are refused', async () => {
  const city = await makeCity(':memory:', { PREAU_DATA: mkdtempSync(join(root, 'city-')) });
  const content = await deb((bytes) => gzipSync(bytes), '.gz');
  const hash = sha256(content);
  await uploadPackage(
    city.platform,
    city.technician,
    { name: 'jeu.deb', sha256: hash, size: String(content.length) },
    (async function* () {
      yield content;
    })(),
  );
  expect(await inspectPackage(city.platform, hash)).toMatchObject({
    kind: 'deb',
    package: 'jeu',
    programs: [{ desktopFile: 'jeu.desktop' }],
  });
  await expect(inspectPackage(city.platform, 'a'.repeat(64))).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  expect(
    (await Promise.all([1, 2, 3].map(() => inspectPackage(city.platform, hash)))).map(
      ({ kind }) => kind,
    ),
  ).toEqual(['deb', 'deb', 'deb']);
  // The icon fits what an application takes.
  const made = await createApplication(
    city.platform,
    city.technician,
    application('jeu', {
      recipes: {
        linux: {
          kind: 'deb',
          package: 'jeu',
          file: { name: 'jeu.deb', sha256: hash, size: content.length },
          detect: { kind: 'package', package: 'jeu' },
        },
      },
    }),
  );
  expect(made.slug).toBe('jeu');
  await city.close();
});

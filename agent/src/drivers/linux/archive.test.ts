import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { AppError } from '@preau/contract/errors.ts';
import { afterAll, describe, expect, test } from 'vitest';
import { type Item, tar, zip } from './archive.fixture.ts';
import { unpack, usualBounds } from './archive.ts';

const root = mkdtempSync(join(tmpdir(), 'preau-archive-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
async function unpacked(format: 'zip' | 'tar' | 'appimage', bytes: Buffer, bounds = usualBounds) {
  const place = join(root, `case-${++count}`);
  const path = join(root, `archive-${count}`);
  writeFileSync(path, bytes);
  const before = (await readdir(root)).length;
  const refusal = await unpack(
    { path, format, name: 'app' },
    { root: place, slug: 'app', version: '1.0' },
    new AbortController().signal,
    bounds,
  ).then(
    () => null,
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
  const left = (await readdir(place, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(place.length + 1))
    .sort();
  return { refusal, left, outside: (await readdir(root)).length - before - 1, place };
}

// biome-ignore format: a table
const attacks: [name: string, items: Item[]][] = [
  ['climbs', [{ name: 'good', content: Buffer.from('x') }, { name: '../../outside', content: Buffer.from('x') }]],
  ['climbs inside', [{ name: 'a/../../outside' }]],
  ['is absolute', [{ name: '/etc/preau-attack' }]],
  ['has a drive', [{ name: 'C:/windows/x' }]],
  ['has a backslash', [{ name: '..\\outside' }]],
  ['has a link', [{ name: 'link', type: 'symlink', to: '/etc' }, { name: 'link/preau-attack' }]],
  ['names a file twice', [{ name: 'a', content: Buffer.from('1') }, { name: './a', content: Buffer.from('2') }]],
  ['puts a file into a file', [{ name: 'a' }, { name: 'a/b' }]],
];
describe.each(['zip', 'tar'] as const)('%s', (format) => {
  const make = (items: Item[]) => (format === 'zip' ? Promise.resolve(zip(items)) : tar(items));
  test('is unpacked, executable or not, and nothing else of its modes', async () => {
    const { refusal, left, place } = await unpacked(
      format,
      await make([
        { name: 'bin/run', content: Buffer.from('#!'), mode: 0o4755 },
        { name: 'read me', content: Buffer.from('hello') },
      ]),
    );
    expect({ refusal, left }).toEqual({
      refusal: null,
      left: ['app/1.0/bin/run', 'app/1.0/read me'],
    });
    expect(statSync(join(place, 'app/1.0/bin/run')).mode & 0o7777).toBe(0o755);
    expect(statSync(join(place, 'app/1.0/read me')).mode & 0o7777).toBe(0o644);
    expect(readFileSync(join(place, 'app/1.0/read me'), 'utf8')).toBe('hello');
  });
  test.each(attacks)('one that %s is refused, and writes nothing', async (_name, items) => {
    expect(await unpacked(format, await make(items))).toMatchObject({
      refusal: 'ARCHIVE_REFUSED',
      left: [],
      outside: 0,
    });
  });
  const bombs = [
    ['more than the disk holds', { ...usualBounds, free: () => 6_000_000 }],
    ['bytes', { ...usualBounds, bytes: 1_000_000 }],
    ['ratio', { ...usualBounds, ratioFromBytes: 1_000_000 }],
    ['entries', { ...usualBounds, entries: 1 }],
  ] as const;
  test.each(bombs)('a bomb of %s is refused', async (_name, bounds) => {
    const bytes = await make([
      { name: 'zeros', content: Buffer.alloc(5_000_000) },
      { name: 'more', content: Buffer.alloc(5_000_000) },
    ]);
    expect(
      await unpacked(format, format === 'tar' ? gzipSync(bytes) : bytes, bounds),
    ).toMatchObject({ refusal: 'ARCHIVE_REFUSED', left: [] });
  });
  test('half of one, and what is none', async () => {
    const whole = await make([{ name: 'a', content: Buffer.from('a'.repeat(5000)) }]);
    expect(
      await unpacked(
        format,
        format === 'tar' ? gzipSync(whole).subarray(0, 60) : whole.subarray(0, 60),
      ),
    ).toMatchObject({ refusal: 'ARCHIVE_REFUSED', left: [] });
    expect(await unpacked(format, Buffer.from('a page of a proxy, not an archive'))).toMatchObject({
      refusal: 'ARCHIVE_REFUSED',
      left: [],
    });
  });
});
test.each(['link', 'character-device', 'fifo'] as const)('tar: a %s is refused', async (type) => {
  expect(await unpacked('tar', await tar([{ name: 'x', type, to: '/etc/passwd' }]))).toMatchObject({
    refusal: 'ARCHIVE_REFUSED',
    left: [],
  });
});
describe('the versions of one application', () => {
  const place = join(root, 'versions');
  const install = async (version: string, content: string) => {
    const path = join(root, `versions-${version}`);
    writeFileSync(path, zip([{ name: content, content: Buffer.from(content) }]));
    await unpack(
      { path, format: 'zip', name: 'app' },
      { root: place, slug: 'app', version },
      new AbortController().signal,
    );
    // The next one is newer, also on a file system that counts in seconds.
    const at = 1_000_000 + Number(version.replace('.', ''));
    utimesSync(join(place, 'app', version), at, at);
    return (await readdir(join(place, 'app'))).sort();
  };
  test('the one before stays for the sessions that run it, and no older one', async () => {
    expect(await install('1.0', 'a')).toEqual(['1.0']);
    expect(await install('2.0', 'b')).toEqual(['1.0', '2.0']);
    expect(readFileSync(join(place, 'app/1.0/a'), 'utf8')).toBe('a');
    expect(await install('3.0', 'c')).toEqual(['2.0', '3.0']);
    expect(await install('1.0', 'd')).toEqual(['1.0', '3.0']);
    expect(await readdir(join(place, 'app/1.0'))).toEqual(['d']);
  });
  test('the same once more replaces it whole, and takes no other away', async () => {
    expect(await install('1.0', 'e')).toEqual(['1.0', '3.0']);
    expect(await readdir(join(place, 'app/1.0'))).toEqual(['e']);
  });
});
test('an AppImage is one executable file', async () => {
  const { left, place } = await unpacked('appimage', Buffer.from('ELF'));
  expect(left).toEqual(['app/1.0/app']);
  expect(statSync(join(place, 'app/1.0/app')).mode & 0o777).toBe(0o755);
});

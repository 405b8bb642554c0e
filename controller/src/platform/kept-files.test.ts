import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { keptFiles } from './kept-files.ts';

const root = mkdtempSync(join(tmpdir(), 'preau-files-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(root, 'data-'));
});

const filesOf = (data: string) => keptFiles(join(data, 'packages'), /^[0-9a-f]{64}$/);
const hashOf = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
async function* of(...chunks: (string | Error)[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    if (chunk instanceof Error) throw chunk;
    yield Buffer.from(chunk);
  }
}
/** Everything in the folder, however deep. */
const everything = () =>
  existsSync(join(folder, 'packages'))
    ? readdirSync(join(folder, 'packages'), { recursive: true })
        .map(String)
        .filter((name) => name !== '.incoming')
    : [];
const withCode = (code: string) => Object.assign(new Error(code), { code });

describe('receiving a file', () => {
  test('keeps it under its hash', async () => {
    await filesOf(folder).receive(
      hashOf('one two'),
      { sha256: hashOf('one two'), size: 7 },
      of('one', ' ', 'two'),
    );
    expect(everything()).toEqual([hashOf('one two')]);
    expect(await readFile(join(folder, 'packages', hashOf('one two')), 'utf8')).toBe('one two');
  });

  // biome-ignore format: a table
  const refused: [name: string, sha256: string, size: number, chunks: (string | Error)[], code: string][] = [
    ['another content', hashOf('one'), 3, ['two'], 'UPLOAD_REFUSED'],
    ['too short', hashOf('one'), 3, ['on'], 'UPLOAD_REFUSED'],
    ['nothing', hashOf('one'), 3, [], 'UPLOAD_REFUSED'],
    ['too long', hashOf('one'), 3, ['one', 'x'], 'UPLOAD_REFUSED'],
    ['endless: the rest is not read', hashOf('one'), 3, ['one', 'x', new Error('read on')], 'UPLOAD_REFUSED'],
    ['cut off', hashOf('one'), 3, ['on', withCode('ECONNRESET')], 'UPLOAD_REFUSED'],
    ['a full disk', hashOf('one'), 3, ['on', withCode('ENOSPC')], 'DISK_FULL'],
    ['a name that climbs', `../${'a'.repeat(61)}`, 3, ['one'], 'NOT_FOUND'],
  ];
  test.each(refused)(
    'refuses %s and leaves nothing behind',
    async (_name, sha256, size, chunks, code) => {
      await expect(
        filesOf(folder).receive(sha256, { sha256, size }, of(...chunks)),
      ).rejects.toMatchObject({ code });
      expect(everything()).toEqual([]);
    },
  );

  test('the file that is there stays whole while a bad copy of it is sent', async () => {
    const files = filesOf(folder);
    await files.receive(hashOf('one'), { sha256: hashOf('one'), size: 3 }, of('one'));
    await expect(
      files.receive(hashOf('one'), { sha256: hashOf('one'), size: 3 }, of('two')),
    ).rejects.toMatchObject({ code: 'UPLOAD_REFUSED' });
    expect((await files.read(hashOf('one')))?.toString()).toBe('one');
    await files.remove(hashOf('one'));
    expect([await files.read(hashOf('one')), await files.sizeOf(hashOf('one'))]).toEqual([
      undefined,
      null,
    ]);
  });

  test('200 MiB pass without being held', async () => {
    const chunk = Buffer.alloc(1_048_576, 'x');
    const hash = createHash('sha256');
    for (let count = 0; count < 200; count += 1) hash.update(chunk);
    let most = 0;
    const before = process.memoryUsage.rss();
    async function* flood(): AsyncGenerator<Buffer> {
      for (let count = 0; count < 200; count += 1) {
        most = Math.max(most, process.memoryUsage.rss() - before);
        yield chunk;
      }
    }
    await filesOf(folder).receive(
      'a'.repeat(64),
      { sha256: hash.digest('hex'), size: 200 * 1_048_576 },
      flood(),
    );
    expect(most / 1_048_576).toBeLessThan(64);
  });

  test('what a crash left is thrown away after a day', async () => {
    const incoming = join(folder, 'packages/.incoming');
    await mkdir(incoming, { recursive: true });
    for (const name of ['old', 'new']) writeFileSync(join(incoming, name), 'x');
    utimesSync(join(incoming, 'old'), 1_700_000_000, 1_700_000_000);
    utimesSync(join(incoming, 'new'), 1_700_086_000, 1_700_086_000);
    await filesOf(folder).tidy(1_700_086_401_000);
    expect(readdirSync(incoming)).toEqual(['new']);
  });
});

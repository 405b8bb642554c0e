import { createHash } from 'node:crypto';
import {
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { openStore, type Store } from './store.ts';

const root = mkdtempSync(join(tmpdir(), 'preau-store-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder: string;
let at: number;
beforeEach(() => {
  folder = join(mkdtempSync(join(root, 'server-')), 'packages');
  at = Date.now();
});

const open = (boot: string, maxBytes = 1_000_000): Store =>
  openStore({ folder, maxBytes, boot, now: () => at });
const file = (text: string) => ({
  text,
  sha256: createHash('sha256').update(text).digest('hex'),
  size: Buffer.byteLength(text),
});
const bring = async (store: Store, text: string) => {
  const made = file(text);
  writeFileSync(store.partOf(made.sha256), text);
  await store.adopt([made]);
  return made;
};

describe('what is taken in', () => {
  test('is what it should be; what is not is gone, and the others are there', async () => {
    const store = open('a');
    const [good, bad, short] = [file('bon'), file('mauvais'), file('entier')];
    writeFileSync(store.partOf(good.sha256), good.text);
    writeFileSync(store.partOf(bad.sha256), 'MAUVAIS');
    writeFileSync(store.partOf(short.sha256), 'ent');
    await expect(store.adopt([bad, good, short])).rejects.toMatchObject({ code: 'HASH_MISMATCH' });
    expect([good, bad, short].map(({ sha256 }) => store.has(sha256))).toEqual([true, false, false]);
    expect(readFileSync(store.pathOf(good.sha256), 'utf8')).toBe('bon');
    expect(() => readFileSync(store.partOf(bad.sha256))).toThrow(/ENOENT/);
  });

  test('many at once, each by its own bytes', async () => {
    const store = open('a');
    const files = Array.from({ length: 40 }, (_, n) => file(`paquet ${n} `.repeat(n + 1)));
    for (const { sha256, text } of files) writeFileSync(store.partOf(sha256), text);
    await Promise.all(files.map((each) => store.adopt([each])));
    expect(files.every(({ sha256 }) => store.has(sha256))).toBe(true);
  });

  test('goes when room is needed, what was used longest ago first', async () => {
    const store = open('a', 20);
    const first = await bring(store, 'premier...');
    at += 1000;
    const second = await bring(store, 'deuxieme..');
    at += 1000;
    store.has(first.sha256);
    at += 1000;
    const third = await bring(store, 'troisieme.');
    expect([first, second, third].map(({ sha256 }) => store.has(sha256))).toEqual([
      true,
      false,
      true,
    ]);
  });
});

describe('after the machine has started anew', () => {
  test('what came last proves itself again, without being fetched; what a power cut spoilt cannot', async () => {
    const before = open('a');
    const old = await bring(before, 'ancien');
    at += 2 * 3_600_000;
    const [good, spoilt] = [await bring(before, 'recent'), await bring(before, 'coupe en deux')];
    truncateSync(before.pathOf(spoilt.sha256), 5);
    utimesSync(before.pathOf(spoilt.sha256), at / 1000, at / 1000);
    const after = open('b');
    expect([old, good, spoilt].map(({ sha256 }) => after.has(sha256))).toEqual([
      true,
      false,
      false,
    ]);
    await after.adopt([good]);
    expect(after.has(good.sha256)).toBe(true);
    await expect(after.adopt([spoilt])).rejects.toMatchObject({ code: 'HASH_MISMATCH' });
    expect(after.has(spoilt.sha256)).toBe(false);
  });

  test('an agent that only starts anew itself trusts what is there', async () => {
    const made = await bring(open('a'), 'le meme demarrage');
    expect(open('a').has(made.sha256)).toBe(true);
    expect(open('b').has(made.sha256)).toBe(false);
  });
});

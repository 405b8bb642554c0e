import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ChainedEvent,
  hashOf,
  headText,
  type Link,
  markOf,
  noLink,
  valuesOf,
} from '@preau/contract/audit-chain.ts';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { linkFrom, verifyFiles } from './audit.ts';

const folder = mkdtempSync(join(tmpdir(), 'preau-audit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const keysOf = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    key: publicKey.export({ format: 'der', type: 'spki' }).subarray(12).toString('base64url'),
    privateKey,
  };
};
const city = keysOf();

/** As the controller writes it: events from..to, signed. */
function fileOf(
  chain: readonly ChainedEvent[],
  from: number,
  to: number,
  by: { key: string; privateKey: KeyObject } = city,
): string[] {
  const at = (seq: number): Link =>
    seq === 0 ? noLink : { seq, hash: chain[seq - 1]?.hash ?? '' };
  const text = headText(at(to), 1000);
  return [
    { preau: 'audit', key: by.key, start: at(from), removal: null },
    ...chain.slice(from, to),
    {
      end: {
        ...at(to),
        at: 1000,
        signature: sign(null, Buffer.from(text), by.privateKey).toString('base64url'),
      },
      last: to === chain.length,
    },
  ].map((line) => JSON.stringify(line));
}
function chainOf(length: number): ChainedEvent[] {
  let head = noLink;
  return Array.from({ length }, (_, index) => {
    const event = {
      id: `0000000000_${index}`,
      at: index,
      action: 'session.launched' as const,
      actorKind: 'account' as const,
      actorId: `acc_${'a'.repeat(22)}`,
      actorName: 'Léa',
      subjectId: null,
      subjectName: 'GIMP',
      siteId: null,
      details: { index, list: [1, 'é'] },
    };
    const salts = ['A', 'B', 'C'].map((letter) => letter.repeat(22));
    const marks = valuesOf(event).map((value, field) =>
      markOf(sha256, salts[field] ?? '', field, value),
    );
    head = { seq: head.seq + 1, hash: hashOf(sha256, head, event, marks) };
    return { ...event, ...head, salts, marks };
  });
}
const chain = chainOf(12);
let count = 0;
const verdictOf = (parts: string[][], given: { key?: string; known?: Link | null } = {}) => {
  const paths = parts.map((lines) => {
    count += 1;
    const path = join(folder, `${count}.jsonl`);
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  });
  return verifyFiles(paths, { key: given.key, known: given.known ?? null });
};

describe('an exported audit', () => {
  test('proves itself, whole, in parts, and up to where a part ends', async () => {
    const whole = fileOf(chain, 0, 12);
    expect(await verdictOf([whole], { key: city.key })).toMatchObject({
      intact: true,
      events: 12,
      last: true,
      key: city.key,
      head: { seq: 12 },
    });
    expect(await verdictOf([fileOf(chain, 0, 5), fileOf(chain, 5, 12)])).toMatchObject({
      intact: true,
      events: 12,
      last: true,
    });
    expect(await verdictOf([[...fileOf(chain, 0, 5), ...fileOf(chain, 5, 12)]])).toMatchObject({
      intact: true,
      last: true,
    });
    expect(await verdictOf([fileOf(chain, 0, 5)])).toMatchObject({
      intact: true,
      events: 5,
      last: false,
    });
    expect(await verdictOf([fileOf(chain, 5, 12)])).toMatchObject({
      intact: true,
      events: 7,
      start: { seq: 5 },
    });
  });

  test('is found out when a line is changed, taken out, repeated, moved, or the end is cut', async () => {
    const lines = fileOf(chain, 0, 12);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 13 }), fc.nat({ max: 13 }), async (at, other) => {
        const line = lines[at] ?? '';
        const broken = async (tampered: string[]) =>
          expect((await verdictOf([tampered], { key: city.key })).intact).toBe(false);
        await broken(lines.toSpliced(at, 1));
        if (at > 0) await broken(lines.toSpliced(at, 0, line));
        if (at !== other) await broken(lines.with(at, lines[other] ?? '').with(other, line));
        await broken(lines.slice(0, at));
        await broken(
          lines.with(
            at,
            line.replace(
              /"GIMP"|"hash":"./,
              (found) =>
                `${found.slice(0, -1)}${found.endsWith('"') ? 'x"' : found.endsWith('0') ? '1' : '0'}`,
            ),
          ),
        );
      }),
      { numRuns: 20 },
    );
  });

  test('another city’s signature, a forged tail, a missing part, and a later place', async () => {
    const evil = keysOf();
    const forged = fileOf(chainOf(12), 0, 12, evil);
    expect(await verdictOf([forged])).toMatchObject({ intact: true, key: evil.key });
    expect(await verdictOf([forged], { key: city.key })).toMatchObject({
      intact: false,
      broken: { problem: 'forged' },
    });
    const ownEnd = [
      ...fileOf(chain, 0, 5).slice(0, -1),
      ...fileOf(chainOf(5), 0, 5, evil).slice(-1),
    ];
    expect(await verdictOf([ownEnd], { key: city.key })).toMatchObject({
      broken: { problem: 'forged' },
    });
    expect(await verdictOf([fileOf(chain, 0, 4), fileOf(chain, 5, 12)])).toMatchObject({
      intact: false,
      broken: { problem: 'missing' },
    });
    expect(
      await verdictOf([fileOf(chain, 0, 5)], { known: { seq: 9, hash: chain[8]?.hash ?? '' } }),
    ).toMatchObject({ intact: false, broken: { problem: 'cut' } });
    expect(
      await verdictOf([fileOf(chain, 0, 12)], { known: { seq: 9, hash: chain[8]?.hash ?? '' } }),
    ).toMatchObject({ intact: true });
    expect(
      await verdictOf([fileOf(chain, 0, 12)], { known: { seq: 9, hash: 'a'.repeat(64) } }),
    ).toMatchObject({ intact: false, broken: { problem: 'other_chain' } });
    expect(await verdictOf([['not json']])).toMatchObject({ intact: false });
    expect(await verdictOf([['']])).toMatchObject({ intact: false, events: 0 });
  });

  test('places and files are read, or refused with a sentence', async () => {
    expect(linkFrom(undefined)).toBeNull();
    expect(linkFrom(`12:${'a'.repeat(64)}`)).toEqual({ seq: 12, hash: 'a'.repeat(64) });
    expect(() => linkFrom('12')).toThrow('badHead');
    await expect(
      verifyFiles([join(folder, 'none')], { key: undefined, known: null }),
    ).rejects.toThrow('unreadable');
    await expect(verifyFiles([], { key: 'short', known: null })).rejects.toThrow('badKey');
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Call } from './call.ts';
import { readDrafts, withdraw } from './catalogue.ts';

const version = (number: string, withdrawnAt: number | null = null) => ({
  versionId: `ver-${number}`,
  version: number,
  withdrawnAt,
});
const answers: Record<string, unknown> = {
  'listApplications {}': { items: [{ id: 'jeu', slug: 'jeu' }] },
  'listWithdrawnApplications {}': { items: [{ id: 'parti', slug: 'parti' }] },
  'listVersions {"params":{"id":"jeu"}}': {
    items: [version('2.0'), version('1.0'), version('0.9', 7)],
  },
  'listVersions {"params":{"id":"parti"}}': { items: [version('3.0', 8), version('2.0', 9)] },
};
/** Answers what is read, and keeps what is changed. */
async function moved(named: string, withdrawn: boolean): Promise<unknown[]> {
  const asked: unknown[] = [];
  const call = (async (name: string, input: unknown) => {
    if (name === 'withdrawVersions') asked.push(input);
    return answers[`${name} ${JSON.stringify(input)}`] ?? { items: [] };
  }) as unknown as Call;
  await withdraw(call, named, withdrawn);
  return asked;
}
const body = (id: string, withdrawn: boolean, ...versionIds: string[]) => [
  { params: { id }, body: { withdrawn, versionIds } },
];

describe('what leaves the catalogue', () => {
  test('is one version, or all of them', async () => {
    expect(await moved('jeu@1.0', true)).toEqual(body('jeu', true, 'ver-1.0'));
    expect(await moved('jeu', true)).toEqual(body('jeu', true, 'ver-2.0', 'ver-1.0'));
  });
  test('comes back: that version, or the last that was there', async () => {
    expect(await moved('jeu@0.9', false)).toEqual(body('jeu', false, 'ver-0.9'));
    expect(await moved('parti', false)).toEqual(body('parti', false, 'ver-2.0'));
  });
  test.each([
    ['jeu@9', true, 'unknownVersion'],
    ['jeu@0.9', true, 'unknownVersion'],
    ['autre', true, 'unknownApplication'],
    ['jeu@2.0', false, 'unknownVersion'],
    ['jeu', false, 'nameVersion'],
    ['jeu,parti', true, 'unknownApplication'],
  ] as const)('%s is not there to be moved', async (named, withdrawn, word) => {
    await expect(moved(named, withdrawn)).rejects.toMatchObject({ name: 'UsageError', word });
  });
});

describe('a folder of drafts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'preau-drafts-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'icons'));
  writeFileSync(join(folder, 'icons/jeu.svg'), '<svg/>');
  const read = (draft: object) => {
    writeFileSync(join(folder, 'draft.json'), JSON.stringify(draft));
    return readDrafts(folder);
  };
  test('brings the drawings that lie beside it', () => {
    expect(read({ slug: 'jeu', icon: 'icons/jeu.svg' })).toEqual([{ slug: 'jeu', icon: '<svg/>' }]);
    expect(read({ slug: 'jeu' })).toEqual([{ slug: 'jeu' }]);
  });
  test('reads no other file', () => {
    const draft = { slug: 'jeu', icon: 'icons/../../etc/passwd.svg' };
    expect(read(draft)).toEqual([draft]);
  });
  test('says which drawing is missing', () => {
    expect(() => read({ slug: 'jeu', icon: 'icons/other.svg' })).toThrow(
      expect.objectContaining({ name: 'UsageError', word: 'unreadable' }),
    );
  });
});

/** Files that should harm nobody: each is refused with its line and a sentence in both languages,
 * or read, and the controller serves everybody meanwhile. */

import { AppError } from '@preau/contract/errors.ts';
import { noChoices } from '@preau/contract/people-import.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { longestStop } from '#src/platform/heavy/longest-stop.fixture.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { previewImport } from './preview.ts';

let city: City;
beforeAll(async () => {
  city = await makeCity();
  // The first thread reads the modules from the disk.
  await told(Buffer.from('Nom;Prénom\nPETIT;Léo\n'));
});
afterAll(() => city.close());

/** The sentences of the refusal; null when the file is read. */
async function told(file: Buffer): Promise<{ fr: string; en: string } | null> {
  try {
    await previewImport(city.platform, city.contact, city.site.id, file, noChoices);
    return null;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'IMPORT_REFUSED') throw error;
    return error.details['why'] as { fr: string; en: string };
  }
}
const header = 'Nom;Prénom;Classe\n';
const text = (words: string) => Buffer.from(words);
const zip = Buffer.concat([Buffer.from('504b030414000600', 'hex'), Buffer.alloc(5_000_000)]);
const utf32 = Buffer.concat([
  Buffer.from('fffe0000', 'hex'),
  Buffer.from('N\0\0\0o\0\0\0', 'latin1'),
]);

const refused: [name: string, file: () => Buffer, fr: RegExp][] = [
  [
    'one name on 40,000 lines',
    () => text(header + 'MARTIN;Léa;CP\n'.repeat(40_000)),
    /^Ligne 62 : plus de 60 lignes s’appellent « Léa Martin » à École Victor-Hugo/,
  ],
  ['19 MB of semicolons', () => Buffer.alloc(19_000_000, ';'), /^Ligne 1 : plus de 200 colonnes/],
  [
    '19 MB of semicolons after a header',
    () => Buffer.concat([text(header), Buffer.alloc(19_000_000, ';')]),
    /^Ligne 2 : plus de 200 colonnes/,
  ],
  [
    '100,000 columns',
    () => text(Array.from({ length: 100_000 }, (_, at) => `c${at}`).join(';')),
    /^Ligne 1 : plus de 200 colonnes/,
  ],
  [
    'columns on end, each with a line break in quotes',
    () => text(`${header}${'"\n";'.repeat(200_000)}`),
    /^Ligne \d+/,
  ],
  ['300 columns', () => text(`Nom;Prénom${';x'.repeat(298)}\n`), /^Ligne 1 : plus de 200 colonnes/],
  [
    'a line of 10 MB without end',
    () => text(header + 'x'.repeat(10_000_000)),
    /^Ligne 2, colonne 1 : plus de 100000 caractères/,
  ],
  [
    'one absurd cell',
    () => text(`${header}PETIT;${'é'.repeat(20_000)};CP\n`),
    /^Ligne 2, colonne 2 : plus de 10000 caractères/,
  ],
  [
    'zero bytes',
    () => text(`${header}PETIT;L\0o;CP\n`),
    /^Ligne 2, caractère 8 : ce n’est pas du texte/,
  ],
  ['19 MB of zero bytes', () => Buffer.alloc(19_000_000), /^Ligne 1, caractère 1 : /],
  [
    'a quote that never ends',
    () => text(`${header}PETIT;"Léo;CP\n${'MARTIN;Léa;CP\n'.repeat(100_000)}`),
    /^Ligne \d+/,
  ],
  ['quotes on end', () => text(`${header}${`${'"'.repeat(90_000)}\n`.repeat(100)}`), /^Ligne \d+/],
  [
    'more lines than a city has people',
    () => text(header + 'A;B;C\n'.repeat(200_002)),
    /^Ligne 200002 : ce fichier a plus de 200000 lignes/,
  ],
  ['a workbook, or a bomb that looks like one', () => zip, /^Ce fichier est un classeur/],
  ['UTF-32', () => utf32, /^Ligne 1, caractère \d : ce n’est pas du texte/],
  ['nothing', () => Buffer.alloc(0), /^Ce fichier est vide/],
  ['a mark and nothing else', () => text('\ufeff'), /^Ce fichier est vide/],
];

describe('a file that no office saves', () => {
  test.each(refused)('%s: refused with its line, and nobody waits', async (_name, make, fr) => {
    const file = make();
    let why: Awaited<ReturnType<typeof told>> = null;
    const before = process.memoryUsage().rss;
    const stop = await longestStop(async () => {
      why = await told(file);
    });
    expect(why).toMatchObject({
      fr: expect.stringMatching(fr),
      en: expect.stringMatching(/^.{20,}/),
    });
    expect(stop).toBeLessThan(200);
    expect((process.memoryUsage().rss - before) / 1e6).toBeLessThan(150);
  });

  const readable: [name: string, file: () => Buffer][] = [
    ['people of one name in a family', () => text(header + 'MARTIN;Léa;CP\n'.repeat(60))],
    [
      'names of many letters that fold to few',
      () => text(header + `${'\u0301'.repeat(390)}A;${'ﷺ'.repeat(390)};CP\n`.repeat(5000)),
    ],
    ['long remarks', () => text(`${header}PETIT;Léo;${'mot '.repeat(2000)}\n`)],
    ['200,000 schools', () => text(`Nom;Prénom;UAI\n${'A;B;C\n'.repeat(50_000)}`)],
  ];
  test.each(readable)('%s: read, and nobody waits', async (_name, make) => {
    const file = make();
    let why: Awaited<ReturnType<typeof told>> | undefined;
    const stop = await longestStop(async () => {
      why = await told(file);
    });
    expect(why).toBeNull();
    expect(stop).toBeLessThan(200);
  });
});

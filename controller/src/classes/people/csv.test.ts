/** Files as offices save them. */
import { guessColumns } from '@preau/contract/people-import.ts';
import { describe, expect, test } from 'vitest';
import { readTable, separatorOf } from './csv.ts';
import { levelOf, titled } from './names.ts';

function table(bytes: Buffer) {
  const rows: string[][] = [];
  const lines: number[] = [];
  const { encoding, separator, header } = readTable(bytes, (cells, at) => {
    rows.push(cells);
    lines.push(at);
  });
  return { encoding, separator, header, rows, lines };
}

describe('files', () => {
  const plain = 'Nom;Prénom;Classe\r\nLEFÈVRE;Anaïs;CM1\r\nD’AMICO;Œdipe;CM2\r\n';
  const read = {
    header: ['Nom', 'Prénom', 'Classe'],
    rows: [
      ['LEFÈVRE', 'Anaïs', 'CM1'],
      ['D’AMICO', 'Œdipe', 'CM2'],
    ],
  };
  const windows = Buffer.from(
    plain.replace(/[ÈïŒé’]/g, (letter) =>
      String.fromCharCode({ È: 0xc8, ï: 0xef, Œ: 0x8c, é: 0xe9, '’': 0x92 }[letter] ?? 63),
    ),
    'latin1',
  );
  const wide = Buffer.from(`\ufeff${plain}`, 'utf16le');
  // biome-ignore format: a table
  const cases: [name: string, bytes: Buffer, encoding: string, separator: string][] = [
    ['UTF-8', Buffer.from(plain), 'utf-8', ';'], ['UTF-8 with its mark', Buffer.from(`\ufeff${plain}`), 'utf-8', ';'], ['Windows-1252', windows, 'windows-1252', ';'], ['UTF-16', wide, 'utf-16', ';'], ['UTF-16, the other way round', Buffer.from(wide).swap16(), 'utf-16', ';'],
    ['commas', Buffer.from(plain.replaceAll(';', ',')), 'utf-8', ','], ['tabs', Buffer.from(plain.replaceAll(';', '\t')), 'utf-8', 'tab'], ['bars, and line ends of Unix', Buffer.from(plain.replaceAll(';', '|').replaceAll('\r', '')), 'utf-8', '|'], ['no end of the last line', Buffer.from(plain.trimEnd()), 'utf-8', ';'], ['empty lines', Buffer.from(plain.replaceAll('\r\n', '\r\n\r\n;;\r\n')), 'utf-8', ';'],
  ];
  test.each(cases)('%s', (_name, bytes, encoding, separator) =>
    expect(table(bytes)).toMatchObject({ ...read, encoding, separator }),
  );
  test('quotes hold separators, quotes and line ends; lines are counted as an editor does', () => {
    const { rows, lines } = table(
      Buffer.from('Nom;Prénom\n"DURAND; fils";"Léo ""le grand"""\n"DE\nLA TOUR";Zoé\nPETIT;Tom\n'),
    );
    expect(rows).toEqual([
      ['DURAND; fils', 'Léo "le grand"'],
      ['DE\nLA TOUR', 'Zoé'],
      ['PETIT', 'Tom'],
    ]);
    expect(lines).toEqual([2, 4, 5]);
  });
  test('a letter cut between two parts of a file stays one letter', () => {
    const { rows, encoding } = table(Buffer.from(`N;P\n${'é'.repeat(399)};x\n`.repeat(200)));
    expect([encoding, rows.every(([name]) => name === 'é'.repeat(399) || name === 'N')]).toEqual([
      'utf-8',
      true,
    ]);
  });
  test('separators inside of quotes do not count', () =>
    expect(['"a,b,c,d";e', 'a\tb;c\td', 'seul', '\ufeffa,b'].map(separatorOf)).toEqual([
      ';',
      '\t',
      ';',
      ',',
    ]));
  test('ONDE’s titles are understood', () => {
    expect(
      guessColumns([
        'Nom élève',
        'Nom d’usage élève',
        'Prénom élève',
        'Prénom 2',
        'Date naissance',
        'Sexe',
        'INE',
        'Libellé classe',
        'Niveau',
        'UAI',
        'Nom école',
        'Commune école',
      ]),
    ).toEqual([
      'lastName',
      null,
      'firstName',
      null,
      null,
      null,
      'externalId',
      'className',
      'level',
      'uai',
      'siteName',
      'city',
    ]);
    expect(guessColumns(['first name', 'Last Name', 'class', 'e-mail', 'Rôle'])).toEqual([
      'firstName',
      'lastName',
      'className',
      'mail',
      'role',
    ]);
  });
  test('levels and names as people mean them', () => {
    expect(
      ['CM2 B', 'cm2 - Cours moyen 2e année', 'CE1/CE2', 'Grande section', '6ème A', ''].map(
        levelOf,
      ),
    ).toEqual(['CM2', 'CM2', null, null, '6E', null]);
    expect(['DUPONT-LÉON', "D'AMICO", 'de La Tour', '  jean   paul '].map(titled)).toEqual([
      'Dupont-Léon',
      "D'Amico",
      'de La Tour',
      'jean paul',
    ]);
  });
});

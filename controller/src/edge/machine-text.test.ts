import { Report } from '@preau/contract/report.ts';
import { Line } from '@preau/contract/schema.ts';
import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { expect, test } from 'vitest';
import { makeCity } from '#src/testing.fixture.ts';
import { checker } from './check.ts';
import { machineTextCases } from './machine-text.cases.ts';
import { cleanMachineText, holdsNul } from './machine-text.ts';

machineTextCases(() => makeCity());

// biome-ignore format: a table
const cases: [name: string, told: unknown, kept: unknown][] = [
  ['plain text', { log: 'a\nb', name: 'é 🎨' }, { log: 'a\nb', name: 'é 🎨' }],
  ['NUL', { log: 'a\u0000b', name: '\u0000a\u0000' }, { log: 'ab', name: 'a' }],
  ['lines where one is expected', { name: 'a\r\nb\tc' }, { name: 'a b c' }],
  ['colours and titles of a terminal', { message: '\u001b[1;31mno\u001b[0m \u001b]0;t\u0007' }, { message: 'no ' }],
  ['half a pair', { message: 'a\ud83cb\udfa8c' }, { message: 'abc' }],
  ['nothing left', { name: '\u0007' }, { name: '?' }],
  ['empty stays empty', { message: '', name: '' }, { message: '', name: '' }],
  ['a path upwards, a blank in front', { name: ' ../etc' }, { name: '…/etc' }],
  ['lists and numbers', [{ n: 1, at: null, names: ['a\u0000'] }], [{ n: 1, at: null, names: ['a'] }]],
];
test.each(cases)('%s', (_name, told, kept) => {
  expect(cleanMachineText(told)).toEqual(kept);
});

test('whatever the bytes, a line is a line', () => {
  const line = Compile(Line(100_000));
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), (text) => {
      expect(line.Check((cleanMachineText({ name: text }) as { name: string }).name)).toBe(true);
    }),
  );
});

test('what a person sends is refused when it holds a NUL', () => {
  const check = checker(undefined, 'query');
  expect(check('\u0000')).toBeUndefined();
  expect(holdsNul({ a: ['b', { c: 'd\u0000' }] })).toBe(true);
  expect(holdsNul({ a: ['b', 1, null] })).toBe(false);
});

test('the schema of a report refuses what was not cleaned', () => {
  const { log } = Report.properties.orders.items.properties;
  expect(() => checker(log, 'log')('a\u0000')).toThrow('VALIDATION_FAILED');
  expect(checker(log, 'log')('a\n\tb é')).toBe('a\n\tb é');
});

import { maxAdditionLog } from '@preau/contract/fleet.ts';
import { describe, expect, test } from 'vitest';
import { append, cleanOutput } from './log.ts';

describe('cleanOutput', () => {
  // biome-ignore format: a table
  const cases: [name: string, text: string, clean: string][] = [
    ['words stay', '• agent into /opt/preau\nfini : été\n', '• agent into /opt/preau\nfini : été\n'],
    ['colours go', '\u001b[1;31mE: \u001b[0mno space', 'E: no space'],
    ['a title for the terminal goes', '\u001b]0;owned\u0007hello', 'hello'],
    ['a progress line becomes lines', '10%\r20%\r\n', '10%\n20%\n'],
    ['bells, tabs and nulls go', 'a\u0007b\u0000c\td', 'abcd'],
    ['text that turns around goes', 'a\u202eb\u2066c', 'abc'],
    ['a secret that the machine repeats', 'sudo: secret-word? no: secret-word', 'sudo: •••? no: •••'],
  ];
  test.each(cases)('%s', (_name, text, clean) => {
    expect(cleanOutput(text, ['secret-word', 'ab'])).toBe(clean);
  });
});

test('the log is bounded, keeps its end, and begins with a whole line', () => {
  let log = '';
  for (let line = 0; line < 20_000; line += 1) log = append(log, `line ${line}\n`);
  expect(log.length).toBeLessThanOrEqual(maxAdditionLog);
  expect(log).toMatch(/^…\nline \d+\n/);
  expect(log).toMatch(/\nline 19999\n$/);
  expect(append('', 'x'.repeat(200_000)).length).toBeLessThanOrEqual(maxAdditionLog);
});

import { expect, test } from 'vitest';
import { toCsv } from './csv.ts';

// biome-ignore format: a table
test.each([
  ['a', 'a'], ['', ''], ['a b ', 'a b '], ['a,b', 'a,b'], ['É', 'É'],
  ['a;b', '"a;b"'], ['a"b', '"a""b"'], ['a\nb', '"a\nb"'], ['a\rb', '"a\rb"'], ['a\r\nb', '"a\r\nb"'],
  ['=1+1', "'=1+1"], ['+1', "'+1"], ['-1', "'-1"], ['@a', "'@a"], ['\ta', "'\ta"], ['\ra', '"\'\ra"'], ['＝1', "'＝1"], ['=a;"b"', '"\'=a;""b"""'],
])('%j is written as %j', (cell, written) => {
  expect(toCsv([[cell, 'z']], { bom: false, lineEnd: '\r\n' })).toBe(`${written};z\r\n`);
  expect(toCsv([[cell, 'z'], ['y', 'x']], { lineEnd: '\n' })).toBe(`\ufeff${written};z\ny;x\n`);
});

import { expect, test } from 'vitest';
import { toCsv } from './csv.ts';
import { longestStop } from './heavy/longest-stop.fixture.ts';

// biome-ignore format: a table
test.each([
  ['a', 'a'], ['', ''], ['a b ', 'a b '], ['a,b', 'a,b'], ['É', 'É'],
  ['a;b', '"a;b"'], ['a"b', '"a""b"'], ['a\nb', '"a\nb"'], ['a\rb', '"a\rb"'], ['a\r\nb', '"a\r\nb"'],
  ['=1+1', "'=1+1"], ['+1', "'+1"], ['-1', "'-1"], ['@a', "'@a"], ['\ta', "'\ta"], ['\ra', '"\'\ra"'], ['＝1', "'＝1"], ['=a;"b"', '"\'=a;""b"""'],
])('%j is written as %j', async (cell, written) => {
  expect(await toCsv([cell, 'z'], [], '\r\n')).toBe(`\ufeff${written};z\r\n`);
  expect(await toCsv(['y', 'x'], [[cell, 'z']], '\n')).toBe(`\ufeffy;x\n${written};z\n`);
});

test('a long table is written in parts, whole, and nobody waits for it', async () => {
  const rows = Array.from({ length: 100_001 }, (_, at) => [String(at), '=cmd()']);
  let text = '';
  const stop = await longestStop(async () => {
    text = await toCsv(['n', 'x'], rows, '\n');
  });
  const lines = text.split('\n');
  expect([lines.length, lines[1], lines[1001], lines[100_001]]).toEqual([
    100_003,
    "0;'=cmd()",
    "1000;'=cmd()",
    "100000;'=cmd()",
  ]);
  expect(stop).toBeLessThan(200);
});

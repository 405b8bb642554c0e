import { expect, test } from 'vitest';
import { batchesOf } from './fetch.ts';
import type { FileToFetch } from './wanted.ts';

const file = (
  name: string,
  size: number,
  uri: string | null = `http://source/${name}`,
): FileToFetch => ({ name, size, sha256: name, uri, origin: 'apt' });
const told = (files: FileToFetch[]) =>
  batchesOf(files).map((batch) => batch.map(({ name }) => name).join(' '));

test('small files of a source go together, up to a size and a number', () => {
  expect(told([])).toEqual([]);
  expect(told([file('a', 1)])).toEqual([]);
  expect(
    told([file('a', 1), file('big', 9_000_000), file('b', 2), file('uploaded', 3, null)]),
  ).toEqual(['a b']);
  expect(told(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => file(name, 7_000_000)))).toEqual([
    'a b c',
    'd e f',
  ]);
  expect(
    batchesOf(Array.from({ length: 90 }, (_, at) => file(String(at), 10))).map(
      (batch) => batch.length,
    ),
  ).toEqual([40, 40, 10]);
});

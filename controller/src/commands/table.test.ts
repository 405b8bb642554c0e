/** The wrapper that people call knows the same words as the table. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { commands } from './table.ts';

const wrapperText = readFileSync(
  fileURLToPath(new URL('../../../packaging/preau', import.meta.url)),
  'utf8',
);

test('a command has no background work of the engine to wait for when it ends', () =>
  expect(wrapperText).toContain('exec "$node" --single-threaded "$root/controller/src/main.ts"'));

test('packaging/preau sends exactly these words to the controller', () => {
  const words = /^ {2}([a-z][a-z |-]+)\)$/m.exec(wrapperText)?.[1]?.split(' | ') ?? [];
  expect(words.sort()).toEqual(Object.keys(commands).sort());
});

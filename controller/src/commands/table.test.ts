/** The wrapper that people call knows the same words as the table. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { commands } from './table.ts';

test('packaging/preau sends exactly these words to the controller', () => {
  const wrapper = readFileSync(
    fileURLToPath(new URL('../../../packaging/preau', import.meta.url)),
    'utf8',
  );
  const words = /^ {2}([a-z][a-z |-]+)\)$/m.exec(wrapper)?.[1]?.split(' | ') ?? [];
  expect(words.sort()).toEqual(Object.keys(commands).sort());
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readTail } from './files.ts';

const root = mkdtempSync(join(tmpdir(), 'preau-files-'));
afterAll(() => rmSync(root, { recursive: true }));

test('the end of a log that a power cut has filled with NUL bytes', () => {
  const log = join(root, 'log');
  writeFileSync(log, 'Unpacking\u001b[1m é\tok\r\n\0\0\0\u0007');
  expect(readTail(log, 100)).toEqual({ text: 'Unpacking[1m é\tok\r\n', size: 25 });
});

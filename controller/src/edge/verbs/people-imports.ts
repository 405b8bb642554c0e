/** A file of people is one line of choices as JSON, then the file's own bytes. Nothing of the file
 * is kept. */

import { buffer } from 'node:stream/consumers';
import { AppError } from '@preau/contract/errors.ts';
import { ImportChoices, maxImportBytes } from '@preau/contract/people-import.ts';
import { applyImport } from '#src/classes/people/apply.ts';
import { previewImport } from '#src/classes/people/preview.ts';

import { checker } from '../check.ts';
import type { EdgeDeps, Places, StreamVerbs, Upload } from './verb.ts';

/** Who leaves, and who is who, in a file of a hundred thousand. */
const maxChoicesBytes = 6_000_000;
const maxBytes = maxImportBytes + maxChoicesBytes;
/** Each holds a file in memory. */
const places: Places = { most: 3 };

export const importStreams = {
  previewImport: {
    maxBytes,
    places,
    receive: async (deps, actor, { query }, upload) => {
      const { choices, bytes } = await readImport(upload);
      return previewImport(deps, actor, query.site ?? null, bytes, choices);
    },
  },
  applyImport: {
    maxBytes,
    places,
    receive: async (deps, actor, { query }, upload) => {
      const { choices, bytes } = await readImport(upload);
      return alone(deps, () => applyImport(deps, actor, query.site ?? null, bytes, choices));
    },
  },
} satisfies Partial<StreamVerbs>;

const checkChoices = checker(ImportChoices, 'body');
const noChoices = () =>
  new AppError('VALIDATION_FAILED', {
    issues: [{ field: 'body', problem: 'must begin with one line of JSON' }],
  });

async function readImport({
  body,
  guard,
}: Upload): Promise<{ choices: ImportChoices; bytes: Buffer }> {
  const whole = await buffer(body);
  const end = whole.indexOf(10);
  if (end < 0 || end > maxChoicesBytes) throw noChoices();
  const choices = checkChoices(parsed(whole.subarray(0, end).toString('utf8'))) as ImportChoices;
  await guard(choices);
  const bytes = whole.subarray(end + 1);
  if (bytes.length > maxImportBytes) throw new AppError('PAYLOAD_TOO_LARGE');
  return { choices, bytes };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw noChoices();
  }
}

const applying = new WeakSet<EdgeDeps['database']>();
/** Two at once could add one child twice. Refuses with BUSY. */
async function alone<T>({ database }: EdgeDeps, work: () => Promise<T>): Promise<T> {
  if (applying.has(database)) throw new AppError('BUSY');
  applying.add(database);
  try {
    return await work();
  } finally {
    applying.delete(database);
  }
}

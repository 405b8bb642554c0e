/** The body of an import is one line of choices as JSON, then the bytes of the file of people. The
 * file is not stored. */
import { AppError } from '@preau/contract/errors.ts';
import { ImportChoices } from '@preau/contract/people-import.ts';
import { applyImport } from '#src/classes/people/apply.ts';
import { previewImport } from '#src/classes/people/preview.ts';
import { budget } from '#src/platform/budget.ts';

import { checker } from '../check.ts';
import { checkJsonBounds } from '../json-bounds.ts';
import type { EdgeDeps, Places, StreamVerbs, Upload } from './verb.ts';

const { fileBytes, choicesBytes, choicesValues, atOnce } = budget.imports;
const maxBytes = fileBytes + choicesBytes;
const places: Places = { most: atOnce };

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
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  const end = whole.indexOf(10);
  if (end < 0 || end > choicesBytes) throw noChoices();
  checkJsonBounds(whole.subarray(0, end), choicesValues);
  const choices = checkChoices(parsed(whole.subarray(0, end).toString('utf8'))) as ImportChoices;
  await guard(choices);
  const bytes = whole.subarray(end + 1);
  if (bytes.length > fileBytes) throw new AppError('PAYLOAD_TOO_LARGE');
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
/** Runs one import at a time, because two at once could add the same child twice. Refuses with
 * BUSY. */
async function alone<T>({ database }: EdgeDeps, work: () => Promise<T>): Promise<T> {
  if (applying.has(database)) throw new AppError('BUSY', { retryAfterS: 10 });
  applying.add(database);
  try {
    return await work();
  } finally {
    applying.delete(database);
  }
}

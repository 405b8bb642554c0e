/** Reads a file of people and returns what it would change, without changing anything. The file
 * is not stored: the browser sends it again to apply it. */
import type { ImportChoices, ImportPreview } from '@preau/contract/people-import.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { readFacts } from './facts.ts';
import { type PlanOutput, planning } from './plan-shapes.ts';

export type ImportDeps = Pick<Platform, 'database' | 'secrets' | 'heavy'>;

/** `siteId` null: the caller looks after the whole city, and lines say which school they are of.
 * Refuses with IMPORT_REFUSED, FILE_TOO_COMPLEX and BUSY. */
export async function planFile(
  deps: ImportDeps,
  actor: Actor,
  file: { siteId: string | null; bytes: Uint8Array; choices: ImportChoices },
  packed: boolean,
): Promise<PlanOutput> {
  const salt = sha256(deps.secrets.sign('preau fingerprints of people'));
  // Handed over, not shared: what arrives is often a part of larger memory.
  const bytes = new Uint8Array(file.bytes);
  return deps.heavy.run(
    planning,
    { ...file, bytes, salt, packed },
    {
      transfer: [bytes.buffer],
      answer: (asked) => readFacts(deps, actor, asked, file.siteId),
    },
  );
}

export async function previewImport(
  deps: ImportDeps,
  actor: Actor,
  siteId: string | null,
  bytes: Uint8Array,
  choices: ImportChoices,
): Promise<ImportPreview> {
  const { preview } = await planFile(deps, actor, { siteId, bytes, choices }, false);
  return preview;
}

/** What an uploaded file says of itself. Read in a thread of its own, with bounds on memory and time. */
import { Worker } from 'node:worker_threads';
import { InspectedPackage } from '@preau/contract/catalogue.ts';
import { AppError } from '@preau/contract/errors.ts';
import { Compile } from 'typebox/compile';
import type { Platform } from '#src/platform/platform.ts';
import { packageFiles } from '../files.ts';
import { selectPackages } from '../store.ts';

const withinMs = 30_000;
const maxMiB = 256;
const atOnce = 2;
const underWay = new WeakMap<object, number>();
const isInspected = Compile(InspectedPackage);

/** Refuses with NOT_FOUND, and with BUSY when others are being read. What takes too long is `cutShort`, with nothing known. */
export async function inspectPackage(deps: Pick<Platform, 'config' | 'database'>, sha256: string): Promise<InspectedPackage> {
  const known = (await selectPackages(deps.database, sha256))[0];
  const path = packageFiles(deps.config.PREAU_DATA).pathOf(sha256);
  if (known === undefined) throw new AppError('NOT_FOUND', { package: sha256 });
  const now = underWay.get(deps.database) ?? 0;
  if (now >= atOnce) throw new AppError('BUSY');
  underWay.set(deps.database, now + 1);
  try {
    return await inThread(path, known.name);
  } finally {
    underWay.set(deps.database, (underWay.get(deps.database) ?? 1) - 1);
  }
}

function inThread(path: string, name: string): Promise<InspectedPackage> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { path, name }, resourceLimits: { maxOldGenerationSizeMb: maxMiB }, env: {}, stdout: true, stderr: true });
  return new Promise<InspectedPackage>((resolve) => {
    const unknown: InspectedPackage = { kind: 'unknown', package: null, version: null, summary: null, architecture: null, programs: [], cutShort: true };
    const timer = setTimeout(() => resolve(unknown), withinMs);
    worker.once('message', (told: unknown) => resolve(isInspected.Check(told) ? told : unknown));
    worker.once('error', () => resolve(unknown));
    worker.once('exit', () => {
      clearTimeout(timer);
      resolve(unknown);
    });
  }).finally(() => worker.terminate());
}

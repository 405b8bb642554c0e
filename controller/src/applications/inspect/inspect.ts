/** Inspects an uploaded file, in a separate thread with bounds on memory and time. */
import { Worker } from 'node:worker_threads';
import { InspectedPackage } from '@preau/contract/catalogue.ts';
import { AppError } from '@preau/contract/errors.ts';
import { Compile } from 'typebox/compile';
import type { Platform } from '#src/platform/platform.ts';
import { packageFiles } from '../packages/files.ts';
import { selectPackages } from '../packages/store.ts';

const withinMs = 30_000;
const maxMiB = 256;
/** Inspections run one at a time; others wait in this queue. */
const queues = new WeakMap<object, Promise<unknown>>();
const isInspected = Compile(InspectedPackage);

/** Refuses with NOT_FOUND. An inspection that takes too long is `cutShort`, with what was known
 * by then. */
export async function inspectPackage(
  deps: Pick<Platform, 'config' | 'database'>,
  sha256: string,
): Promise<InspectedPackage> {
  const known = (await selectPackages(deps.database, sha256))[0];
  const path = packageFiles(deps.config.PREAU_DATA).pathOf(sha256);
  if (known === undefined) throw new AppError('NOT_FOUND', { package: sha256 });
  const turn = (queues.get(deps.database) ?? Promise.resolve()).then(() =>
    inThread(path, known.name),
  );
  queues.set(deps.database, turn);
  return turn;
}

/** Never rejects. */
function inThread(path: string, name: string): Promise<InspectedPackage> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { path, name },
    resourceLimits: { maxOldGenerationSizeMb: maxMiB },
    env: {},
    stdout: true,
    stderr: true,
  });
  return new Promise<InspectedPackage>((resolve) => {
    let soFar: InspectedPackage = {
      kind: 'unknown',
      package: null,
      version: null,
      summary: null,
      architecture: null,
      programs: [],
      cutShort: true,
    };
    const end = () => resolve(soFar);
    const timer = setTimeout(end, withinMs);
    worker.on('message', ({ told, over }: { told: unknown; over: boolean }) => {
      if (isInspected.Check(told)) soFar = told;
      if (over) end();
    });
    worker.once('error', end);
    worker.once('exit', () => {
      clearTimeout(timer);
      end();
    });
  }).finally(() => worker.terminate());
}

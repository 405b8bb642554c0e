/** Repairs the packages after a run that failed or hung, as far as dpkg can. Only what the run
 * itself left broken is touched: a package that was broken before belongs to somebody else. Broken
 * packages that were not there before are removed. */
import type { Change } from './change.ts';
import { gone, type Packages, versionOf } from './dpkg.ts';

const restful = new Set(['installed', ...gone]);
const mendWithinMs = 120_000;
// Never aborted: the repair must leave a system that works.
const limits = () => ({ timeoutMs: mendWithinMs, signal: new AbortController().signal });

export async function mend(
  { run, dpkg }: Pick<Change, 'run' | 'dpkg'>,
  before: Packages,
  hung: boolean,
): Promise<void> {
  const wasWhole = (name: string) => restful.has(before.get(name)?.status ?? 'not-installed');
  const broken = async () =>
    [...(await dpkg.packagesNow())].filter(
      ([name, { status }]) => !restful.has(status) && wasWhole(name),
    );
  const drop = async (packages: Awaited<ReturnType<typeof broken>>) => {
    const names = packages.map(([name]) => name).filter((name) => versionOf(before, name) === null);
    if (names.length > 0)
      await run(
        '/usr/bin/dpkg',
        [...dpkg.options, '--remove', '--force-remove-reinstreq', '--force-depends', ...names],
        limits(),
      );
  };
  // A half-configured package's script was killed while it ran, and would hang again.
  if (hung) await drop((await broken()).filter(([, { status }]) => status === 'half-configured'));
  const names = (await broken()).map(([name]) => name);
  if (names.length > 0)
    await run(
      '/usr/bin/dpkg',
      [...dpkg.options, '--configure', '--force-confold', ...names],
      limits(),
    );
  await drop(await broken());
}

/** Settles the journal of a run of dpkg that somebody interrupted: apt refuses all work while there
 * is one. No package is configured by it. */
export async function settleJournal({
  run,
  dpkg,
  note,
}: Pick<Change, 'run' | 'dpkg' | 'note'>): Promise<void> {
  if (!dpkg.hasJournal()) return;
  // An empty list of selections changes nothing, but dpkg then writes its journal into its status.
  // It fails at once while another dpkg is at work, whose journal this then is.
  const { code } = await run('/usr/bin/dpkg', [...dpkg.options, '--set-selections'], limits());
  if (code === 0) note('dpkg had been interrupted; its journal was put right');
}

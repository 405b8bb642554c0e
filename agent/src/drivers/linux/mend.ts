/** Repairs the packages after a run that failed or hung, as far as dpkg can. Broken packages that
 * were not there before are removed. */
import type { Change } from './change.ts';
import { type Packages, versionOf } from './dpkg.ts';

/** States of a package that is not installed. */
export const gone = new Set(['config-files', 'not-installed']);
const restful = new Set(['installed', ...gone]);
const mendWithinMs = 120_000;

export async function mend(
  { run, dpkg }: Pick<Change, 'run' | 'dpkg'>,
  before: Packages,
  hung: boolean,
): Promise<void> {
  // Never aborted: the repair must leave a system that works.
  const limits = { timeoutMs: mendWithinMs, signal: new AbortController().signal };
  const broken = async (only?: string) =>
    [...(await dpkg.packagesNow())]
      .filter(
        ([name, { status }]) =>
          !restful.has(status) &&
          (only === undefined || status === only) &&
          versionOf(before, name) === null,
      )
      .map(([name]) => name);
  const drop = async (names: string[]) => {
    if (names.length > 0)
      await run(
        '/usr/bin/dpkg',
        ['--remove', '--force-remove-reinstreq', '--force-depends', ...names],
        limits,
      );
  };
  // A half-configured package's script was killed while it ran, and would hang again.
  if (hung) await drop(await broken('half-configured'));
  if ([...(await dpkg.packagesNow()).values()].some(({ status }) => !restful.has(status)))
    await run('/usr/bin/dpkg', ['--configure', '-a', '--force-confold'], limits);
  await drop(await broken());
}

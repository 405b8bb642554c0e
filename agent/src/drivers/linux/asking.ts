/** Answers what installing an application would do, without changing anything: apt is asked in a
 * scratch copy of its lists, to which the recipe's own source is added. */
import { join } from 'node:path';
import { type AppError, errorAsTold } from '@preau/contract/errors.ts';
import { packagesOf } from '@preau/contract/recipe-kinds.ts';
import { run } from '#src/command.ts';
import type { Driver, Installable } from '#src/drivers/driver.ts';
import { reasonOf } from '#src/failures.ts';
import { entries, exists, linkNamed, makeFolder, remove } from '#src/files.ts';
import { ofPackageFile } from '#src/packages/wanted.ts';
import { type Apt, createApt, unattended } from './apt.ts';
import { judgeInstall, type Known, removalsOf } from './foresee.ts';
import { driverOf } from './recipes/table.ts';
import type { PlanningDeps } from './stage.ts';
import { filesOf, type Staged, stagedUnder } from './staged.ts';

interface AskingDeps extends PlanningDeps {
  /** Scratch folder; emptied each time. */
  root: string;
  refuses: Driver['refuses'];
}

export function createForeseer(deps: AskingDeps): Driver['foresee'] {
  const { store, dpkg, placed } = deps;
  const missingBytes = (files: readonly { sha256: string; size: number }[]): number =>
    files
      .filter(({ sha256 }) => !exists(store.pathOf(sha256)))
      .reduce((sum, { size }) => sum + size, 0);

  return async (application, { wanted, signal }) => {
    const { applicationId, slug, recipes } = application;
    const nothing = { applicationId, installs: 0, upgrades: 0, removes: [], downloadBytes: 0 };
    const code = deps.refuses(application);
    if (code !== null) return { ...nothing, refusal: { code, message: slug } };
    const { linux } = recipes;
    const driver = driverOf(linux);
    const own = missingBytes(filesOf(application));
    if (linux === undefined || driver?.by !== 'apt-get')
      return { ...nothing, downloadBytes: own, refusal: null };
    try {
      const staged = emptyStage(deps.root);
      await fetchInto(staged, application, deps, signal);
      const apt = await scratchOf(deps, staged);
      await driver.prepare?.(linux, slug, {
        apt,
        staged,
        patience: { signal },
        freshLists: async () => undefined,
        blame: (error) => error as Error,
      });
      const args = ['install', ...driver.arguments(linux, staged)];
      if (args.length === 1) return { ...nothing, downloadBytes: own, refusal: null };
      const ask = () => Promise.all([apt.simulate(args), apt.plan(args)]);
      let [asked, { files, unknown }] = await ask();
      if (unknown.length > 0) {
        // It may have been published since the lists were read; an installation reads them again too.
        await apt.update({ signal });
        [asked, { files, unknown }] = await ask();
      }
      const known: Known = {
        wanted: wanted.filter((each) => each.slug !== slug),
        placed: placed.all(),
        packages: await dpkg.packagesNow(),
      };
      return {
        applicationId,
        installs: asked.installs.length,
        upgrades: asked.upgrades.length,
        removes: removalsOf(asked, known).slice(0, 50),
        downloadBytes: own + missingBytes(files),
        refusal: judgeInstall({ slug, packages: packagesOf(linux) }, asked, known),
      };
    } catch (error) {
      signal.throwIfAborted();
      return { ...nothing, downloadBytes: own, refusal: reasonOf(error) };
    } finally {
      remove(deps.root);
    }
  };
}

function emptyStage(root: string): Staged {
  remove(root);
  const staged = stagedUnder(root, 'asked');
  for (const folder of [root, staged.folder, staged.archives]) makeFolder(folder, 0o700);
  return staged;
}

/** Only a Debian package must be looked into. It stays in the store, so the installation itself
 * does not fetch it again. */
async function fetchInto(
  staged: Staged,
  application: Installable,
  { store, fetcher, neighbour }: AskingDeps,
  signal: AbortSignal,
): Promise<void> {
  for (const file of filesOf(application)) {
    await fetcher.fetchAll([ofPackageFile(file)], neighbour(), {
      kibibytesPerSecond: null,
      signal,
      progress: () => undefined,
    });
    store.link(file.sha256, staged.pathOf(file));
  }
}

/** apt with the same sources and lists as the real one, and room for another source. */
async function scratchOf({ apt, now }: AskingDeps, { folder }: Staged): Promise<Apt> {
  const { stdout } = await run(
    '/usr/bin/apt-config',
    [...apt.options, 'shell', 'PARTS', 'Dir::Etc::sourceparts/d', 'LISTS', 'Dir::State::lists/d'],
    { timeoutMs: 30_000, env: unattended },
  );
  const configured = (name: string) =>
    new RegExp(`^${name}='(.*?)/?'$`, 'm').exec(stdout)?.[1] ?? '';
  const [parts, lists] = [join(folder, 'sources'), join(folder, 'lists')];
  makeFolder(parts, 0o755);
  for (const { name } of entries(configured('PARTS')))
    linkNamed(join(configured('PARTS'), name), join(parts, name));
  // Hard links: apt replaces a list, it never writes into one.
  const copied = await run('/bin/cp', ['-al', configured('LISTS'), lists], { timeoutMs: 30_000 });
  if (copied.code !== 0) throw failed(`the package lists cannot be read: ${copied.stderr}`);
  remove(join(lists, 'lock'));
  return createApt({
    options: [
      ...apt.options,
      ...[
        `Dir::Etc::sourceparts=${parts}`,
        `Dir::State::lists=${lists}`,
        'Dir::Cache::pkgcache=',
        'Dir::Cache::srcpkgcache=',
        'APT::Sandbox::User=root',
      ].flatMap((option) => ['-o', option]),
    ],
    sourcesFolder: parts,
    stampFile: join(folder, 'lists-read'),
    now,
  });
}

const failed = (why: string): AppError => errorAsTold('INTERNAL', { why });

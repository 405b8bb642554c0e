/** Installs and removes with apt-get. dpkg is slow to start, so a group shares one run. When that
 * run fails, the applications that dpkg names are set aside, the system is repaired, and the others
 * are tried again. */
import type { LinuxRecipe } from '@preau/contract/application.ts';
import { packagesOf } from '@preau/contract/recipe-kinds.ts';
import { run } from '#src/command.ts';
import type { Installable } from '#src/drivers/driver.ts';
import { exists } from '#src/files.ts';
import { codeOf, lastWords, parseFailing, parseUnknown } from './apt-output.ts';
import type { Change } from './change.ts';
import type { Ran } from './installer.ts';
import { gone, mend } from './mend.ts';
import type { AptGetRecipe, Outcome } from './recipes/recipe.ts';

/** An application that apt-get installs, with its recipe and the driver of that kind. */
export interface ByAptGet {
  application: Installable;
  recipe: LinuxRecipe;
  driver: AptGetRecipe<LinuxRecipe>;
}

/** A group gets 60 % of the time left: if it hangs, its members can still be tried again. */
const timeFor = (group: readonly unknown[], change: Change): number =>
  group.length > 1 ? change.left() * 0.6 : change.left();

export async function bring(group: readonly ByAptGet[], change: Change): Promise<void> {
  const { staged, settle, dpkg } = change;
  const started = performance.now();
  const share = () => (performance.now() - started) / group.length;
  const before = await dpkg.packagesNow();
  const args = group.flatMap(({ driver, recipe }) => driver.arguments(recipe, staged));
  if (args.length === 0) {
    for (const { application } of group) settle(application, null, share());
    return;
  }
  const automatic = await automaticOf(
    group.flatMap(({ driver, recipe }) => driver.nobodysChoice?.(recipe, staged) ?? []),
  );
  for (const { application } of group) change.begin(application);
  const ran = await change.aptGet(['install', ...args], timeFor(group, change));
  if (automatic.length > 0)
    await run('/usr/bin/apt-mark', ['auto', ...automatic], { timeoutMs: 60_000 });
  if (ran.code === 0) {
    for (const { application, recipe, driver } of group) {
      const outcome = await driver.confirm?.(recipe, await dpkg.packagesNow(), staged);
      settle(application, outcome ?? null, share());
    }
    return;
  }
  const blamed = await blame(ran, change);
  await mend(change, before, ran.timedOut);
  const done: Installable[] = [];
  const others: ByAptGet[] = [];
  for (const one of group) {
    const packages = packagesOf(one.recipe);
    if ((await one.driver.isThere(one.recipe, await dpkg.packagesNow(), staged)) === null)
      done.push(one.application);
    else if (group.length === 1 || packages.some((name) => blamed.named.has(name)))
      settle(one.application, verdict(ran, packages, blamed.failing), share());
    else others.push(one);
  }
  for (const application of done) settle(application, null, share());
  if (others.length === 0) return;
  // dpkg named none of them: try each alone.
  if (others.length < group.length) await bring(others, change);
  else for (const one of others) await bring([one], change);
}

/** `failing`: packages that failed by themselves; `named`: these and the packages that hung. Call
 * it before the system is repaired. */
async function blame(
  ran: Ran,
  { dpkg }: Change,
): Promise<Record<'failing' | 'named', Set<string>>> {
  const hanging = ran.timedOut
    ? [...(await dpkg.packagesNow())]
        .filter(([, { status }]) => status === 'half-configured' || status === 'half-installed')
        .map(([name]) => name)
    : [];
  const failing = new Set([
    ...parseFailing(ran.tail),
    ...parseUnknown(ran.tail).map((name) => name.split('=')[0] ?? name),
  ]);
  return { failing, named: new Set([...failing, ...hanging]) };
}

/** A package that failed by itself before another one hung did not time out. */
const verdict = (ran: Ran, packages: readonly string[], failing: ReadonlySet<string>): Outcome => ({
  code: codeOf({
    tail: ran.tail,
    timedOut: ran.timedOut && !packages.some((name) => failing.has(name)),
  }),
  message: `apt-get ended with ${ran.timedOut ? 'its time over' : ran.code}: ${lastWords(ran)}`,
});

export async function take(group: readonly ByAptGet[], change: Change): Promise<void> {
  const { apt, settle } = change;
  const started = performance.now();
  const packages = await change.dpkg.packagesNow();
  const keep = new Set(change.options.keep);
  const going = group
    .flatMap(({ recipe }) => packagesOf(recipe))
    .filter((name) => !keep.has(name) && !gone.has(packages.get(name)?.status ?? 'not-installed'));
  const names = [...new Set(going)];
  for (const { application } of group) change.begin(application);
  const ran =
    names.length === 0 ? null : await change.aptGet(['remove', ...names], timeFor(group, change));
  if (ran === null || ran.code === 0) {
    for (const { application, recipe, driver } of group) {
      driver.gone?.(recipe, application.slug, apt);
      settle(application, null, (performance.now() - started) / group.length);
    }
    return;
  }
  await mend(change, packages, ran.timedOut);
  if (group.length > 1) {
    for (const one of group) await take([one], change);
    return;
  }
  for (const { application } of group)
    settle(
      application,
      {
        code: codeOf(ran, 'REMOVE_FAILED'),
        message: `apt-get ended with ${ran.code}: ${lastWords(ran)}`,
      },
      performance.now() - started,
    );
}

/** Those of these updates whose packages were installed automatically. An update must not mark them
 * as chosen. */
async function automaticOf(updates: readonly string[]): Promise<string[]> {
  const names = updates.map((update) => update.split('=')[0] ?? update);
  if (names.length === 0 || !exists('/usr/bin/apt-mark')) return [];
  const { stdout } = await run('/usr/bin/apt-mark', ['showauto', ...names], { timeoutMs: 60_000 });
  return stdout.split('\n').filter((name) => name !== '');
}

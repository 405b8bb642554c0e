/** Installs and removes with apt-get. dpkg is slow to start, so a group shares one run. When that
 * run fails, the applications that dpkg names are set aside, the system is repaired, and the others
 * are tried again. */
import type { LinuxRecipe } from '@preau/contract/application.ts';
import { packagesOf } from '@preau/contract/recipe-kinds.ts';
import { run } from '#src/command.ts';
import type { Installable } from '#src/drivers/driver.ts';
import { exists, names } from '#src/files.ts';
import { codeOf, lastWords, parseFailing, parseUnknown } from './apt-output.ts';
import type { Change } from './change.ts';
import { gone, type Packages } from './dpkg.ts';
import { judgeInstall, judgeRemoval, type Known } from './foresee.ts';
import { howItEnded, type Ran } from './installer.ts';
import { mend } from './mend.ts';
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
    change.apt.options,
    group.flatMap(({ driver, recipe }) => driver.nobodysChoice?.(recipe, staged) ?? []),
  );
  change.placed.expect(comingWith(group, change), before);
  for (const { application } of group) change.begin(application);
  const ran = await change.aptGet(['install', '--no-remove', ...args], timeFor(group, change));
  if (automatic.length > 0)
    await run('/usr/bin/apt-mark', [...change.apt.options, 'auto', ...automatic], {
      timeoutMs: 60_000,
    });
  await conclude(group, change, { ran, before, share });
}

/** A run of apt-get that has ended. */
interface Past {
  ran: Ran;
  /** Packages before it. */
  before: Packages;
  /** Each application's share of the time, ms. */
  share: () => number;
}

async function conclude(
  group: readonly ByAptGet[],
  change: Change,
  { ran, before, share }: Past,
): Promise<void> {
  const { staged, settle, dpkg } = change;
  if (ran.code === 0) {
    for (const { application, recipe, driver } of group) {
      const outcome = await driver.confirm?.(recipe, await dpkg.packagesNow(), staged);
      settle(application, outcome ?? null, share());
    }
    return;
  }
  const [only] = group;
  if (group.length === 1 && only !== undefined && changedNothing(ran))
    return alone(only, change, { ran, before, share });
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

/** apt refused before it changed anything. */
const changedNothing = ({ tail }: Ran): boolean =>
  !/^(Unpacking|Setting up|Removing|\(Reading database)/m.test(tail);

/** apt refused an application: asks what it would have done, and either says why not, or removes
 * what Préau itself installed and nobody needs any more. */
async function alone(one: ByAptGet, change: Change, past: Past): Promise<void> {
  const { application, recipe, driver } = one;
  const { dpkg, staged } = change;
  const args = ['install', ...driver.arguments(recipe, staged)];
  const asked = await change.apt.simulate(args);
  const packages = packagesOf(recipe);
  const refusal = judgeInstall(
    { slug: application.slug, packages },
    asked,
    known(change, await dpkg.packagesNow(), [application]),
  );
  if (refusal !== null) return change.settle(application, refusal, past.share());
  if (asked.removes.length === 0)
    return change.settle(application, verdict(past.ran, packages, new Set()), past.share());
  const ran = await change.aptGet(args, change.left());
  if (ran.code === 0) return conclude([one], change, { ...past, ran });
  await mend(change, past.before, ran.timedOut);
  change.settle(application, verdict(ran, packages, new Set()), past.share());
}

const known = (
  { options, placed }: Change,
  packages: Packages,
  without: readonly Installable[],
): Known => ({
  packages,
  placed: placed.all(),
  wanted: (options.wanted ?? []).filter(({ slug }) => without.every((each) => each.slug !== slug)),
});

/** Packages that a run may install, each with the application it is for, as far as that is known. */
function comingWith(group: readonly ByAptGet[], { staged }: Change): Map<string, string> {
  const coming = new Map<string, string>();
  const [only, ...others] = group;
  const slug = others.length === 0 ? (only?.application.slug ?? '') : '';
  // A file of the archives is named `name_version_architecture.deb`.
  for (const file of names(staged.archives))
    if (file.endsWith('.deb')) coming.set(file.split('_')[0] ?? file, slug);
  for (const { application, recipe } of group)
    for (const name of packagesOf(recipe)) coming.set(name, application.slug);
  return coming;
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
function verdict(ran: Ran, packages: readonly string[], failing: ReadonlySet<string>): Outcome {
  const timedOut = ran.timedOut && !packages.some((name) => failing.has(name));
  return {
    code: codeOf({ tail: ran.tail, timedOut }),
    message: `${howItEnded('apt-get', ran)}: ${lastWords(ran)}`,
  };
}

export async function take(group: readonly ByAptGet[], change: Change): Promise<void> {
  const { apt, settle } = change;
  const started = performance.now();
  const packages = await change.dpkg.packagesNow();
  const names = goingWith(group, change, packages);
  for (const { application } of group) change.begin(application);
  const share = () => (performance.now() - started) / group.length;
  const done = () => {
    for (const { application, recipe, driver } of group) {
      driver.gone?.(recipe, application.slug, apt);
      settle(application, null, share());
    }
  };
  if (names.length === 0) return done();
  const asked = await askToRemove(group, change, names, packages);
  if (asked.refusal === null) {
    const ran = await change.aptGet(['remove', ...asked.names], timeFor(group, change));
    if (ran.code === 0) return done();
    await mend(change, packages, ran.timedOut);
    asked.refusal = {
      code: codeOf(ran, 'REMOVE_FAILED'),
      message: `${howItEnded('apt-get', ran)}: ${lastWords(ran)}`,
    };
  }
  if (group.length > 1) {
    for (const one of group) await take([one], change);
    return;
  }
  for (const { application } of group) settle(application, asked.refusal, share());
}

/** Packages of these applications that are here and that no other application lists. */
function goingWith(group: readonly ByAptGet[], { options }: Change, packages: Packages): string[] {
  const keep = new Set((options.wanted ?? []).flatMap((each) => [...each.packages]));
  const going = group
    .flatMap(({ recipe }) => packagesOf(recipe))
    .filter((name) => !keep.has(name) && !gone.has(packages.get(name)?.status ?? 'not-installed'));
  return [...new Set(going)];
}

/** Asks what else would go. What Préau installed only for these applications goes with them; what
 * is somebody else's, or needed by another application, stays, and then they stay too. */
async function askToRemove(
  group: readonly ByAptGet[],
  change: Change,
  names: readonly string[],
  packages: Packages,
): Promise<{ names: string[]; refusal: Outcome }> {
  const facts = known(
    change,
    packages,
    group.map(({ application }) => application),
  );
  const listed = new Set(facts.wanted.flatMap((each) => [...each.packages]));
  const { removes } = await change.apt.simulate(['remove', '--auto-remove', ...names]);
  const orphans = removes
    .map(({ name }) => name)
    .filter((name) => Object.hasOwn(facts.placed, name) && !listed.has(name));
  const all = [...new Set([...names, ...orphans])];
  const slug = group.map(({ application }) => application.slug).join(', ');
  const asked = await change.apt.simulate(['remove', ...all]);
  return { names: all, refusal: judgeRemoval(slug, new Set(all), asked, facts) };
}

/** Those of these updates whose packages were installed automatically. An update must not mark them
 * as chosen. */
async function automaticOf(
  options: readonly string[],
  updates: readonly string[],
): Promise<string[]> {
  const names = updates.map((update) => update.split('=')[0] ?? update);
  if (names.length === 0 || !exists('/usr/bin/apt-mark')) return [];
  const { stdout } = await run('/usr/bin/apt-mark', [...options, 'showauto', ...names], {
    timeoutMs: 60_000,
  });
  return stdout.split('\n').filter((name) => name !== '');
}

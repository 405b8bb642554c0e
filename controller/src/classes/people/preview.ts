/** Reads a file of people and returns what it would change, without changing anything. The file
 * is not stored: the browser sends it again to apply it. */
import { type ImportChoices, type ImportPreview, shownMax } from '@preau/contract/people-import.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { breathe } from './csv.ts';
import { readFacts } from './facts.ts';
import { planImport } from './plan.ts';
import { emptyPlan, type KnownPerson, type Plan } from './plan-shapes.ts';
import { type ImportTable, readRows } from './rows.ts';

export type ImportDeps = Pick<Platform, 'database' | 'secrets'>;
const sliceMs = 8;

export interface PlannedFile {
  table: ImportTable;
  /** Null while required columns are missing. */
  plan: Plan | null;
  /** Identifies this plan: another file, other choices or changed accounts give another hash.
   * Null without a plan. */
  hash: string | null;
}

/** Runs a generator of steps, and yields to the event loop every few milliseconds. */
async function inSteps<T>(steps: Generator<undefined, T>): Promise<T> {
  let began = performance.now();
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    if (performance.now() - began < sliceMs) continue;
    await breathe();
    began = performance.now();
  }
}

async function hashOf(plan: Plan, choices: ImportChoices): Promise<string> {
  let hash = sha256(
    JSON.stringify([plan.counts, plan.newSites, plan.newClasses, choices.createSites]),
  );
  const add = async (items: readonly unknown[]) => {
    for (let at = 0; at < items.length; at += 500) {
      hash = sha256(hash + JSON.stringify(items.slice(at, at + 500)));
      await breathe();
    }
  };
  await add(plan.additions);
  await add(plan.updates);
  await add(plan.missing.filter(({ leaves }) => leaves).map(({ person }) => person.id));
  return hash;
}

/** `siteId` null: the caller looks after the whole city, and lines say which school they are of. */
export async function planFile(
  deps: ImportDeps,
  actor: Actor,
  siteId: string | null,
  bytes: Buffer,
  choices: ImportChoices,
): Promise<PlannedFile> {
  const { table, rows } = await readRows(deps, bytes, choices, siteId);
  if (table.absent.length > 0) return { table, plan: null, hash: null };
  const plan = await inSteps(planImport(rows, await readFacts(deps, actor, rows, siteId), choices));
  return { table, plan, hash: await hashOf(plan, choices) };
}

export async function previewImport(
  deps: ImportDeps,
  actor: Actor,
  siteId: string | null,
  bytes: Buffer,
  choices: ImportChoices,
): Promise<ImportPreview> {
  const { table, plan: planned, hash } = await planFile(deps, actor, siteId, bytes, choices);
  const plan = planned ?? emptyPlan(0);
  const some = <T>(items: readonly T[]) => items.slice(0, shownMax);
  const classNames = (person: KnownPerson) => person.classes.map(({ name }) => name);
  return {
    encoding: table.encoding,
    separator: table.separator,
    header: table.header,
    samples: table.samples,
    columns: table.columns,
    absent: table.absent,
    counts: { ...plan.counts, lines: table.lines },
    added: some(plan.additions).map(({ line, name, siteName, className }) => ({
      line,
      name,
      siteName,
      className,
    })),
    changed: some(plan.updates).map(
      ({ line, name, siteName, className, changes, before, after }) => ({
        line,
        name,
        siteName,
        className,
        changes,
        before,
        after,
      }),
    ),
    homonyms: some(plan.questions).map(
      ({ line, name, siteName, className, level, is, twins, people }) => ({
        line,
        name,
        siteName,
        className,
        level,
        is,
        twins: twins.slice(0, 20),
        people: people.slice(0, 20).map((person) => ({
          id: person.id,
          name: person.name,
          login: person.login,
          classes: classNames(person),
          level: person.level,
        })),
      }),
    ),
    missing: some(plan.missing).map(({ person, siteName, leaves }) => ({
      id: person.id,
      name: person.name,
      siteName,
      classes: classNames(person),
      leaves,
    })),
    newClasses: some(plan.newClasses).map(({ siteName, name }) => ({ siteName, name })),
    newSites: some(plan.newSites),
    problems: some(plan.problems),
    plan: hash,
  };
}

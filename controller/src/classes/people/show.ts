/** What a person reads of a plan before they confirm it. Pure. */
import { type ImportPreview, shownMax } from '@preau/contract/people-import.ts';
import type { KnownPerson, Plan } from './plan-shapes.ts';
import type { ImportTable } from './rows.ts';

/** `hash`: identifies the plan; null without one. */
export function previewOf(table: ImportTable, plan: Plan, hash: string | null): ImportPreview {
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

/** Compares a line of the file with a known person: what would change, and whether they may be
 * the same person. Pure. */
import { foldName } from '@preau/contract/fold.ts';
import type { Change } from '@preau/contract/people-import.ts';
import { follows, mailOf } from './names.ts';
import type { PlacedRow } from './plan-rows.ts';
import type { Addition, ImportFacts, KnownPerson, Plan, Update } from './plan-shapes.ts';

const sameName = (a: string, b: string) => foldName(a) === foldName(b);

/** Whether the line changes the person's class. A teacher may have several classes; a pupil has
 * one. */
export function changesClass(one: PlacedRow, person: KnownPerson, className: string | null) {
  if (className === null) return false;
  if (one.row.role === 'teacher')
    return !person.classes.some(({ name }) => sameName(name, className));
  const [only, ...others] = person.classes;
  const isInClass =
    only !== undefined &&
    others.length === 0 &&
    sameName(only.name, className) &&
    person.siteId === one.site;
  return !isInClass;
}

export function changesOf(one: PlacedRow, person: KnownPerson, className: string | null): Change[] {
  const { role, externalId } = one.row;
  const found: readonly [Change, boolean][] = [
    ['class', changesClass(one, person, className)],
    ['level', role === 'pupil' && one.level !== null && one.level !== person.level],
    ['name', !sameName(one.name, person.name)],
    ['site', one.site !== person.siteId],
    ['returned', person.disabled],
    ['identifier', externalId !== null && person.externalId === null],
  ];
  return found.flatMap(([change, isThere]) => (isThere ? [change] : []));
}

const describe = (name: string, groups: string) =>
  [name, groups]
    .filter((part) => part !== '')
    .join(', ')
    .slice(0, 300);

/** Null: nothing changes. */
export function updateOf(
  one: PlacedRow,
  person: KnownPerson,
  className: string | null,
): Update | null {
  const changes = changesOf(one, person, className);
  if (changes.length === 0) return null;
  const renamed = changes.includes('name');
  return {
    line: one.row.line,
    accountId: person.id,
    role: one.row.role,
    site: one.site,
    siteName: one.siteName,
    name: one.name,
    changes,
    before: describe(
      renamed ? person.name : '',
      person.classes.map(({ name }) => name).join(' + '),
    ),
    after: describe(renamed ? one.name : '', className ?? ''),
    className: changes.includes('class') ? className : null,
    level: changes.includes('level') ? one.level : null,
    newName: renamed ? one.name : null,
    externalId: changes.includes('identifier') ? one.row.externalId : null,
    enable: person.disabled,
  };
}

export const additionOf = (one: PlacedRow, className: string | null): Addition => ({
  line: one.row.line,
  site: one.site,
  siteName: one.siteName,
  role: one.row.role,
  firstName: one.row.firstName,
  lastName: one.row.lastName,
  name: one.name,
  className,
  level: one.level,
  externalId: one.row.externalId,
  mail: mailOf(one.row.mail),
});

/** Uses the school's existing spelling of a class name; new classes are collected in
 * `newClasses`. */
export function createClassNames(classes: ImportFacts['classes']) {
  const bySite = new Map<string, Map<string, string>>();
  const namesAt = (site: string) => {
    const names = bySite.get(site) ?? new Map<string, string>();
    bySite.set(site, names);
    return names;
  };
  for (const { siteId, name } of classes) namesAt(siteId).set(foldName(name), name);
  const newClasses: Plan['newClasses'] = [];
  return {
    newClasses,
    nameOf({ row, site, siteName }: PlacedRow): string | null {
      if (row.className === '') return null;
      const names = namesAt(site);
      const folded = foldName(row.className);
      const name = names.get(folded);
      if (name !== undefined) return name;
      names.set(folded, row.className);
      newClasses.push({ site, siteName, name: row.className });
      return row.className;
    },
  };
}

/** Two different identifiers are two different people. */
export const mayBeOne = (a: string | null, b: string | null): boolean => a === null || b === null;

/** What to do with a line that is identified by its name only. A `match` is `certain` when it
 * needed no answer from the user. */
export type NameDecision =
  | { kind: 'skip' | 'add' | 'ask' }
  | { kind: 'match'; person: KnownPerson; certain: boolean };

/** `people`: known people it may be; `twins`: lines that may be the same person; `sharing`: how
 * many lines have this name; `answer`: the user's earlier choice: a person’s id, `new` or
 * `skip`. */
export function decideByName(
  level: string | null,
  found: { people: readonly KnownPerson[]; twins: number; sharing: number },
  answer: string | null,
): NameDecision {
  const { people, twins, sharing } = found;
  if (answer === 'skip') return { kind: 'skip' };
  if (answer === 'new') return { kind: 'add' };
  const chosen = people.find(({ id }) => id === answer);
  if (chosen !== undefined) return { kind: 'match', person: chosen, certain: false };
  const [first, ...others] = people;
  if (first === undefined) return { kind: twins === 0 ? 'add' : 'ask' };
  const isCertain =
    others.length === 0 && sharing === 1 && !first.disabled && follows(first.level, level);
  return isCertain ? { kind: 'match', person: first, certain: true } : { kind: 'ask' };
}

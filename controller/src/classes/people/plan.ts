/** What a file of people would change. Pure, and in steps: whoever runs it may breathe between two
 * of them.
 *
 *  A person is recognised by their identifier, else by school, role and name, if they have not left
 * and the level does not speak against it: the same, or one more than last year. Whoever could be
 * two people is asked about, never merged. Nobody leaves because they are not in the file: they are
 * listed. */
import {
  type Change,
  foldName,
  type ImportChoices,
  type ImportCounts,
  type ImportRole,
  type RowProblem,
} from '@preau/contract/people-import.ts';
import { Line } from '@preau/contract/schema.ts';
import { Compile } from 'typebox/compile';

/** A line of the file, as its columns say. Empty text: nothing there. `externalId` is a fingerprint
 * already. */
export interface ImportRow {
  line: number;
  lastName: string;
  firstName: string;
  className: string;
  level: string;
  externalId: string | null;
  uai: string;
  siteName: string;
  city: string;
  role: ImportRole;
  mail: string;
}

export interface KnownPerson {
  id: string;
  siteId: string;
  role: ImportRole;
  name: string;
  login: string;
  externalId: string | null;
  /** A directory looks after them: it says when they leave. */
  byDirectory: boolean;
  level: string | null;
  classes: readonly { id: string; name: string }[];
  disabled: boolean;
}

export interface ImportFacts {
  /** Those the caller looks after. */
  sites: readonly { id: string; uai: string; name: string }[];
  /** The school every line without one is of; null: lines must say. */
  siteId: string | null;
  /** UAI codes of schools that are in the city and not the caller's. */
  foreignUais: ReadonlySet<string>;
  people: readonly KnownPerson[];
  /** Identifiers of people in schools that are not the caller's. */
  foreignIds: ReadonlySet<string>;
  classes: readonly { id: string; siteId: string; name: string }[];
  mayCreateSites: boolean;
}

/** `site`: an id, or `new:` and the UAI of a school to be made. `className`, `level` null: as it
 * is. */
export interface Addition {
  line: number;
  site: string;
  siteName: string;
  role: ImportRole;
  firstName: string;
  lastName: string;
  name: string;
  className: string | null;
  level: string | null;
  externalId: string | null;
  mail: string | null;
}
export interface Update {
  line: number;
  accountId: string;
  role: ImportRole;
  site: string;
  siteName: string;
  name: string;
  changes: Change[];
  before: string;
  after: string;
  className: string | null;
  level: string | null;
  newName: string | null;
  externalId: string | null;
  enable: boolean;
}
export interface ImportQuestion {
  line: number;
  name: string;
  site: string;
  siteName: string;
  className: string | null;
  level: string | null;
  is: string | null;
  twins: number[];
  people: KnownPerson[];
}
export interface Plan {
  counts: ImportCounts;
  additions: Addition[];
  updates: Update[];
  questions: ImportQuestion[];
  missing: { person: KnownPerson; siteName: string; leaves: boolean }[];
  newClasses: { site: string; siteName: string; name: string }[];
  newSites: { uai: string; name: string; city: string; lines: number; created: boolean }[];
  problems: { line: number; problem: RowProblem; text: string }[];
}

const levels = ['TPS', 'PS', 'MS', 'GS', 'CP', 'CE1', 'CE2', 'CM1', 'CM2', '6E', '5E', '4E', '3E'];
/** `CM2 - cours moyen 2e année` and `CM2 B` are both CM2. Null: none is named, or several. */
export function levelOf(text: string): string | null {
  const named = new Set(
    text
      .toUpperCase()
      .replace(/([3-6])(ÈME|EME|E)\b/g, '$1E')
      .split(/[^A-Z0-9]+/)
      .filter((word) => levels.includes(word)),
  );
  return named.size === 1 ? ([...named][0] ?? null) : null;
}
/** The same year again, or the next. */
function follows(before: string | null, now: string | null): boolean {
  if (before === null || now === null || before === now) return true;
  const [from, to] = [levels.indexOf(before), levels.indexOf(now)];
  return from >= 0 && to === from + 1;
}

/** `DUPONT-LÉON` → `Dupont-Léon`; what is not all capitals was written with care. */
export const titled = (text: string): string => {
  const tidy = text.replace(/\s+/g, ' ').trim();
  return tidy !== tidy.toUpperCase()
    ? tidy
    : tidy
        .toLowerCase()
        .replace(
          /(^|[\s'’-])(\p{L})/gu,
          (_, before: string, letter: string) => before + letter.toUpperCase(),
        );
};

/** What accounts, classes, schools and audit lines can hold. */
const isName = Compile(Line(120));
const isShortName = Compile(Line(80));

interface Ready {
  row: ImportRow;
  site: string;
  siteName: string;
  name: string;
  key: string;
  level: string | null;
}

export function* planImport(
  rows: readonly ImportRow[],
  facts: ImportFacts,
  choices: Pick<ImportChoices, 'same' | 'leave' | 'createSites'>,
): Generator<undefined, Plan> {
  const plan: Plan = {
    counts: {
      lines: rows.length,
      added: 0,
      changed: 0,
      unchanged: 0,
      undecided: 0,
      skipped: 0,
      problems: 0,
      missing: 0,
      leaving: 0,
      newClasses: 0,
      newSites: 0,
    },
    additions: [],
    updates: [],
    questions: [],
    missing: [],
    newClasses: [],
    newSites: [],
    problems: [],
  };
  const problem = (line: number, kind: RowProblem, text: string) =>
    plan.problems.push({ line, problem: kind, text: text.slice(0, 200) });
  const siteByUai = new Map(facts.sites.map((site) => [site.uai, site]));
  const siteById = new Map(facts.sites.map((site) => [site.id, site]));
  const created = new Set(facts.mayCreateSites ? choices.createSites.map(({ uai }) => uai) : []);
  const unknown = new Map<string, Plan['newSites'][number]>();
  const keyOf = (site: string, role: ImportRole, name: string) =>
    `${site} ${role} ${foldName(name)}`;

  // ---- which school, which name ----
  const ready: Ready[] = [];
  for (const row of rows) {
    yield;
    const [firstName, lastName, className] = [
      titled(row.firstName),
      titled(row.lastName),
      row.className.replace(/\s+/g, ' ').trim(),
    ];
    const name = `${firstName} ${lastName}`.trim();
    const uai = row.uai.trim().toUpperCase();
    const own = uai === '' ? siteById.get(facts.siteId ?? '') : siteByUai.get(uai);
    if (firstName === '' || lastName === '') problem(row.line, 'no_name', name);
    else if (!isName.Check(name)) problem(row.line, 'bad_name', name);
    else if (className !== '' && !isShortName.Check(className))
      problem(row.line, 'bad_class', className);
    else if (uai === '' && own === undefined) problem(row.line, 'no_site', name);
    else if (own !== undefined && facts.siteId !== null && own.id !== facts.siteId)
      problem(row.line, 'foreign_site', own.name);
    else if (own !== undefined)
      ready.push({
        row: { ...row, firstName, lastName, className },
        site: own.id,
        siteName: own.name,
        name,
        key: keyOf(own.id, row.role, name),
        level: levelOf(row.level) ?? levelOf(className),
      });
    else if (facts.siteId !== null || facts.foreignUais.has(uai))
      problem(row.line, 'foreign_site', uai);
    else {
      const known = unknown.get(uai) ?? {
        uai,
        name: (titled(row.siteName) || uai).slice(0, 120),
        city: (titled(row.city) || '?').slice(0, 80),
        lines: 0,
        created:
          created.has(uai) &&
          /^[0-9]{7}[A-Z]$/.test(uai) &&
          isName.Check(titled(row.siteName) || uai) &&
          isShortName.Check(titled(row.city) || '?'),
      };
      known.lines += 1;
      unknown.set(uai, known);
      if (known.created)
        ready.push({
          row: { ...row, firstName, lastName, className },
          site: `new:${uai}`,
          siteName: known.name,
          name,
          key: keyOf(`new:${uai}`, row.role, name),
          level: levelOf(row.level) ?? levelOf(className),
        });
      else problem(row.line, 'unknown_site', uai);
    }
  }
  plan.newSites = [...unknown.values()];

  // ---- who is who ----
  const byExternalId = new Map<string, KnownPerson>();
  const byKey = new Map<string, KnownPerson[]>();
  for (const person of facts.people) {
    yield;
    if (person.externalId !== null) byExternalId.set(person.externalId, person);
    const key = keyOf(person.siteId, person.role, person.name);
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, [person]);
    else same.push(person);
  }
  const claimed = new Map<string, number>();
  const seenIds = new Map<string, number>();
  const asked = new Set<string>();
  const classesBySite = new Map<string, Map<string, string>>();
  for (const group of facts.classes) {
    const known = classesBySite.get(group.siteId) ?? new Map<string, string>();
    known.set(foldName(group.name), group.name);
    classesBySite.set(group.siteId, known);
  }
  /** As the school writes it already, where it does. */
  const classNamed = (one: Ready): string | null => {
    if (one.row.className === '') return null;
    const known = classesBySite.get(one.site) ?? new Map<string, string>();
    classesBySite.set(one.site, known);
    const folded = foldName(one.row.className);
    const name = known.get(folded);
    if (name !== undefined) return name;
    known.set(folded, one.row.className);
    plan.newClasses.push({ site: one.site, siteName: one.siteName, name: one.row.className });
    return one.row.className;
  };
  const add = (one: Ready) => {
    const { row } = one;
    plan.additions.push({
      line: row.line,
      site: one.site,
      siteName: one.siteName,
      role: row.role,
      firstName: row.firstName,
      lastName: row.lastName,
      name: one.name,
      className: classNamed(one),
      level: one.level,
      externalId: row.externalId,
      mail: mailOf(row.mail),
    });
  };
  const match = (one: Ready, person: KnownPerson) => {
    claimed.set(person.id, one.row.line);
    const className = classNamed(one);
    const changes: Change[] = [];
    const inClass =
      className === null ||
      (person.classes.length === 1 &&
        foldName(person.classes[0]?.name ?? '') === foldName(className) &&
        person.siteId === one.site);
    // A teacher may stand in front of several classes.
    const moves =
      one.row.role === 'teacher'
        ? className !== null &&
          !person.classes.some(({ name }) => foldName(name) === foldName(className))
        : !inClass;
    if (moves) changes.push('class');
    if (one.level !== null && one.level !== person.level && one.row.role === 'pupil')
      changes.push('level');
    if (foldName(one.name) !== foldName(person.name)) changes.push('name');
    if (one.site !== person.siteId) changes.push('site');
    if (person.disabled) changes.push('returned');
    if (one.row.externalId !== null && person.externalId === null) changes.push('identifier');
    if (changes.length === 0) {
      plan.counts.unchanged += 1;
      return;
    }
    const told = (name: string, groups: string) =>
      [name, groups]
        .filter((part) => part !== '')
        .join(', ')
        .slice(0, 300);
    plan.updates.push({
      line: one.row.line,
      accountId: person.id,
      role: one.row.role,
      site: one.site,
      siteName: one.siteName,
      name: one.name,
      changes,
      before: told(
        changes.includes('name') ? person.name : '',
        person.classes.map(({ name }) => name).join(' + '),
      ),
      after: told(changes.includes('name') ? one.name : '', className ?? ''),
      className: moves ? className : null,
      level: changes.includes('level') ? one.level : null,
      newName: changes.includes('name') ? one.name : null,
      externalId: changes.includes('identifier') ? one.row.externalId : null,
      enable: person.disabled,
    });
  };

  const rest: Ready[] = [];
  for (const one of ready) {
    yield;
    const { externalId, line, role } = one.row;
    if (externalId === null) rest.push(one);
    else if (seenIds.has(externalId)) problem(line, 'twice', one.name);
    else {
      seenIds.set(externalId, line);
      const person = byExternalId.get(externalId);
      if (person === undefined && facts.foreignIds.has(externalId))
        problem(line, 'known_elsewhere', one.name);
      else if (person === undefined) rest.push(one);
      else if (person.role !== role) problem(line, 'other_role', one.name);
      else match(one, person);
    }
  }
  const sharing = Map.groupBy(rest, ({ key }) => key);
  const decided = new Map(choices.same.map(({ line, is }) => [line, is]));
  for (const one of rest) {
    yield;
    const { externalId, line } = one.row;
    const same = sharing.get(one.key) ?? [];
    // Two different identifiers are two people; an account known by another identifier is somebody
    // else.
    const twins = same.filter(
      (other) => other !== one && (other.row.externalId === null || externalId === null),
    );
    const people = (byKey.get(one.key) ?? []).filter(
      (person) =>
        (claimed.get(person.id) ?? line) === line &&
        (person.externalId === null || externalId === null),
    );
    const [first] = people;
    const answer = decided.get(line) ?? null;
    if (answer === 'skip') plan.counts.skipped += 1;
    else if (answer === 'new') add(one);
    else if (answer !== null && people.some(({ id }) => id === answer))
      match(one, people.find(({ id }) => id === answer) ?? (first as KnownPerson));
    else if (people.length === 0 && twins.length === 0) add(one);
    else if (
      first !== undefined &&
      people.length === 1 &&
      same.length === 1 &&
      !first.disabled &&
      follows(first.level, one.level)
    ) {
      match(one, first);
      continue;
    } else {
      plan.counts.undecided += 1;
      for (const person of people) asked.add(person.id);
    }
    // Answered or not, the question stays on the page: an answer can be taken back.
    if (people.length > 0 || twins.length > 0)
      plan.questions.push({
        line,
        name: one.name,
        site: one.site,
        siteName: one.siteName,
        className: one.row.className === '' ? null : one.row.className,
        level: one.level,
        is: answer,
        twins: same.filter((other) => other !== one).map(({ row }) => row.line),
        people,
      });
  }

  // ---- who is not in the file ----
  const touched = new Set(ready.map(({ site, row }) => `${site} ${row.role}`));
  const leave = new Set(choices.leave);
  for (const person of facts.people) {
    yield;
    if (
      person.disabled ||
      person.byDirectory ||
      claimed.has(person.id) ||
      asked.has(person.id) ||
      !touched.has(`${person.siteId} ${person.role}`)
    )
      continue;
    plan.missing.push({
      person,
      siteName: siteById.get(person.siteId)?.name ?? '?',
      leaves: leave.has(person.id),
    });
  }
  Object.assign(plan.counts, {
    added: plan.additions.length,
    changed: plan.updates.length,
    problems: plan.problems.length,
    missing: plan.missing.length,
    leaving: plan.missing.filter(({ leaves }) => leaves).length,
    newClasses: plan.newClasses.length,
    newSites: plan.newSites.filter((site) => site.created).length,
  });
  return plan;
}

const mailOf = (text: string): string | null =>
  /^[^\s@]{1,64}@[^\s@]{1,190}$/.test(text.trim()) ? text.trim() : null;

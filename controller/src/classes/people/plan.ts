/** Plans what a file of people would change. Pure.
 *
 * A person is recognised by their identifier, otherwise by school, role and name, if they have not
 * left and the level is compatible: the same as last year, or the next. A line that could be two
 * people becomes a question; people are never merged. People who are not in the file are listed;
 * none is removed for that reason alone. */
import { type ImportChoices, type RowProblem, shownMax } from '@preau/contract/people-import.ts';
import { budget } from '#src/platform/budget.ts';
import { additionOf, createClassNames, decideByName, mayBeOne, updateOf } from './plan-matches.ts';
import { createSiteFinder, keyOf, type PlacedRow, placeRow } from './plan-rows.ts';
import {
  emptyPlan,
  type ImportFacts,
  type ImportRow,
  type KnownPerson,
  type Plan,
} from './plan-shapes.ts';
import { refusedFile } from './refused.ts';

type Choices = Pick<ImportChoices, 'same' | 'leave' | 'createSites'>;

/** A plan under construction. */
interface Draft {
  plan: Plan;
  facts: ImportFacts;
  classNames: ReturnType<typeof createClassNames>;
  byExternalId: Map<string, KnownPerson>;
  byKey: Map<string, KnownPerson[]>;
  /** Line number that each person is matched with, by account id. */
  claimed: Map<string, number>;
  /** People whom an open question may concern. */
  asked: Set<string>;
}

export function planImport(rows: readonly ImportRow[], facts: ImportFacts, choices: Choices): Plan {
  const plan = emptyPlan(rows.length);
  const classNames = createClassNames(facts.classes);
  const draft: Draft = {
    plan,
    facts,
    classNames,
    byExternalId: new Map(),
    byKey: new Map(),
    claimed: new Map(),
    asked: new Set(),
  };
  const placed = placeRows(draft, rows, choices);
  indexPeople(draft);
  const rest = matchByIdentifier(draft, placed);
  matchByName(draft, rest, choices);
  listMissing(draft, placed, choices);
  plan.newClasses = classNames.newClasses;
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

const addProblem = ({ plan }: Draft, line: number, problem: RowProblem, text: string) =>
  plan.problems.push({ line, problem, text: text.slice(0, 200) });

function placeRows(draft: Draft, rows: readonly ImportRow[], choices: Choices): PlacedRow[] {
  const finder = createSiteFinder(draft.facts, choices.createSites);
  const placed: PlacedRow[] = [];
  for (const row of rows) {
    const one = placeRow(row, finder);
    if ('problem' in one) addProblem(draft, row.line, one.problem, one.text);
    else placed.push(one);
  }
  draft.plan.newSites = finder.newSites();
  return placed;
}

function indexPeople({ facts, byExternalId, byKey }: Draft): void {
  for (const person of facts.people) {
    if (person.externalId !== null) byExternalId.set(person.externalId, person);
    const key = keyOf(person.siteId, person.role, person.name);
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, [person]);
    else same.push(person);
  }
}

const add = ({ plan, classNames }: Draft, one: PlacedRow) =>
  plan.additions.push(additionOf(one, classNames.nameOf(one)));

function match({ plan, classNames, claimed }: Draft, one: PlacedRow, person: KnownPerson): void {
  claimed.set(person.id, one.row.line);
  const update = updateOf(one, person, classNames.nameOf(one));
  if (update === null) plan.counts.unchanged += 1;
  else plan.updates.push(update);
}

/** Matches rows by identifier; returns those that no identifier decides. */
function matchByIdentifier(draft: Draft, placed: readonly PlacedRow[]): PlacedRow[] {
  const rest: PlacedRow[] = [];
  const seen = new Set<string>();
  for (const one of placed) {
    const { externalId, line, role } = one.row;
    if (externalId === null) {
      rest.push(one);
      continue;
    }
    if (seen.has(externalId)) {
      addProblem(draft, line, 'twice', one.name);
      continue;
    }
    seen.add(externalId);
    const person = draft.byExternalId.get(externalId);
    if (person === undefined && draft.facts.foreignIds.has(externalId))
      addProblem(draft, line, 'known_elsewhere', one.name);
    else if (person === undefined) rest.push(one);
    else if (person.role !== role) addProblem(draft, line, 'other_role', one.name);
    else match(draft, one, person);
  }
  return rest;
}

/** Lines that have a key in common. */
interface Namesakes {
  lines: PlacedRow[];
  /** How many of them have no identifier. */
  unidentified: number;
}

/** By key. Refuses with IMPORT_REFUSED a file in which too many lines have one name: a column was
 * taken for another one, and a question about each pair of them would help nobody. */
function namesakesOf(rows: readonly PlacedRow[]): Map<string, Namesakes> {
  const groups = new Map<string, Namesakes>();
  for (const one of rows) {
    const group = groups.get(one.key) ?? { lines: [], unidentified: 0 };
    group.lines.push(one);
    if (one.row.externalId === null) group.unidentified += 1;
    if (group.lines.length > budget.imports.namesakes) throw tooManyNamesakes(one);
    groups.set(one.key, group);
  }
  return groups;
}

const tooManyNamesakes = ({ name, siteName, row }: PlacedRow) =>
  refusedFile(
    `Ligne ${row.line} : plus de ${budget.imports.namesakes} lignes s’appellent « ${name} » à ` +
      `${siteName}. Vérifiez dans le fichier les colonnes « Nom » et « Prénom », puis recommencez.`,
    `Line ${row.line}: more than ${budget.imports.namesakes} lines are named "${name}" at ` +
      `${siteName}. Check the columns "Nom" and "Prénom" in the file, then try again.`,
  );

function matchByName(draft: Draft, rest: readonly PlacedRow[], choices: Choices): void {
  const namesakes = namesakesOf(rest);
  const answers = new Map(choices.same.map(({ line, is }) => [line, is]));
  for (const one of rest)
    matchOneByName(
      draft,
      one,
      namesakes.get(one.key) ?? { lines: [one], unidentified: 0 },
      answers.get(one.row.line) ?? null,
    );
}

/** `same`: every line with this key, including this one. */
function matchOneByName(
  draft: Draft,
  one: PlacedRow,
  same: Namesakes,
  answer: string | null,
): void {
  const { plan, byKey, claimed, asked } = draft;
  const { externalId, line, className } = one.row;
  const twins = externalId === null ? same.lines.length - 1 : same.unidentified;
  const people = (byKey.get(one.key) ?? []).filter(
    (person) =>
      (claimed.get(person.id) ?? line) === line && mayBeOne(person.externalId, externalId),
  );
  const decision = decideByName(one.level, { people, twins, sharing: same.lines.length }, answer);
  if (decision.kind === 'match') match(draft, one, decision.person);
  else if (decision.kind === 'add') add(draft, one);
  else if (decision.kind === 'skip') plan.counts.skipped += 1;
  else {
    plan.counts.undecided += 1;
    for (const person of people) asked.add(person.id);
  }
  // The question stays on the page even when answered, so that the answer can be changed.
  const isQuestion = people.length > 0 || twins > 0;
  if (!isQuestion || (decision.kind === 'match' && decision.certain)) return;
  if (plan.questions.length >= shownMax) return;
  plan.questions.push({
    line,
    name: one.name,
    site: one.site,
    siteName: one.siteName,
    className: className === '' ? null : className,
    level: one.level,
    is: answer,
    twins: same.lines.flatMap(({ row }) => (row === one.row ? [] : [row.line])),
    people,
  });
}

/** Lists people missing from the file, for the schools and roles that the file covers. */
function listMissing(draft: Draft, placed: readonly PlacedRow[], choices: Choices): void {
  const { plan, facts, claimed, asked } = draft;
  const siteNames = new Map(facts.sites.map(({ id, name }) => [id, name]));
  const touched = new Set(placed.map(({ site, row }) => `${site} ${row.role}`));
  const leave = new Set(choices.leave);
  for (const person of facts.people) {
    const isMissing =
      !person.disabled &&
      !person.byDirectory &&
      !claimed.has(person.id) &&
      !asked.has(person.id) &&
      touched.has(`${person.siteId} ${person.role}`);
    if (isMissing)
      plan.missing.push({
        person,
        siteName: siteNames.get(person.siteId) ?? '?',
        leaves: leave.has(person.id),
      });
  }
}

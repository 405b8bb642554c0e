/** Reads a file of people and says what it would change, without changing anything. The file is
 * kept nowhere: it is sent again to be applied, and columns nobody named (dates of birth) are
 * forgotten with it. */
import { AppError } from '@preau/contract/errors.ts';
import {
  foldName,
  guessColumns,
  type ImportChoices,
  type ImportField,
  type ImportPreview,
  type ImportRole,
  shownMax,
} from '@preau/contract/people-import.ts';
import { reachOf } from '#src/accounts/reach.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { selectClasses, selectSiteNames } from '../store.ts';
import { breathe, isCsvError, readTable, type Table } from './csv.ts';
import {
  type ImportFacts,
  type ImportRow,
  type KnownPerson,
  type Plan,
  planImport,
} from './plan.ts';
import { selectKnownElsewhere, selectKnownPeople } from './store.ts';

export type ImportDeps = Pick<Platform, 'database' | 'secrets'>;
const maxLines = 200_000;
const sliceMs = 8;

export interface Looked {
  table: Table & {
    samples: string[][];
    columns: (ImportField | null)[];
    absent: ImportField[];
    lines: number;
  };
  /** Null while columns are absent. */
  plan: Plan | null;
  /** Names this plan: another file, other choices or other people give another. */
  hash: string | null;
}

const roleOf = (text: string, otherwise: ImportRole): ImportRole => {
  const folded = foldName(text);
  return /^(eleve|pupil|student)/.test(folded)
    ? 'pupil'
    : /^(ens|prof|maitre|directeur|directrice|teacher|instit)/.test(folded)
      ? 'teacher'
      : otherwise;
};

/** Runs a decision made of steps, and gives the event loop back every few milliseconds. */
async function inSteps<T>(steps: Generator<undefined, T>): Promise<T> {
  let began = performance.now();
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    if (performance.now() - began < sliceMs) continue;
    await breathe();
    began = performance.now();
  }
}

/** Refuses with IMPORT_REFUSED what is no table. */
async function readRows(
  deps: ImportDeps,
  bytes: Buffer,
  choices: ImportChoices,
  siteId: string | null,
): Promise<{ table: Looked['table']; rows: ImportRow[] }> {
  // Identifiers of children are few enough to be guessed one by one: their fingerprints need a
  // secret. As fast as a hash.
  const salt = sha256(deps.secrets.sign('preau fingerprints of people'));
  const lines: { cells: string[]; at: number }[] = [];
  let found: Table;
  try {
    found = await readTable(bytes, (cells, at) => {
      if (lines.length >= maxLines)
        throw new AppError('IMPORT_REFUSED', {
          why: {
            fr: `Ce fichier a plus de ${maxLines} lignes.`,
            en: `This file has more than ${maxLines} lines.`,
          },
        });
      lines.push({ cells, at });
    });
  } catch (error) {
    if (!isCsvError(error)) throw error;
    const at = typeof error.lines === 'number' ? error.lines : 0;
    throw new AppError(
      'IMPORT_REFUSED',
      {
        why: {
          fr: `Le tableau n’est plus lisible à la ligne ${at} : un guillemet n’est peut-être pas refermé.`,
          en: `The table cannot be read at line ${at}: a quote may not be closed.`,
        },
      },
      { cause: error },
    );
  }
  if (found.header.length === 0)
    throw new AppError('IMPORT_REFUSED', {
      why: { fr: 'Ce fichier est vide.', en: 'This file is empty.' },
    });
  const columns = found.header.map(
    (_, at) => (choices.columns ?? guessColumns(found.header))[at] ?? null,
  );
  const columnOf = (field: ImportField) => columns.indexOf(field);
  const needed: ImportField[] =
    siteId === null ? ['lastName', 'firstName', 'uai'] : ['lastName', 'firstName'];
  const absent = needed.filter((field) => columnOf(field) < 0);
  const table = {
    ...found,
    columns,
    absent,
    lines: lines.length,
    samples: lines.slice(0, 3).map(({ cells }) => cells),
  };
  const at = {
    lastName: columnOf('lastName'),
    firstName: columnOf('firstName'),
    className: columnOf('className'),
    level: columnOf('level'),
    externalId: columnOf('externalId'),
    uai: columnOf('uai'),
    siteName: columnOf('siteName'),
    city: columnOf('city'),
    role: columnOf('role'),
    mail: columnOf('mail'),
  };
  const rows: ImportRow[] = [];
  for (const { cells, at: line } of absent.length === 0 ? lines : []) {
    const cell = (field: ImportField) => cells[at[field]] ?? '';
    const identifier = cell('externalId').replace(/\s+/g, '').toUpperCase();
    rows.push({
      line,
      lastName: cell('lastName'),
      firstName: cell('firstName'),
      className: cell('className'),
      level: cell('level'),
      externalId: identifier === '' ? null : `id:${sha256(`${salt} ${identifier}`).slice(0, 40)}`,
      uai: cell('uai'),
      siteName: cell('siteName'),
      city: cell('city'),
      role: roleOf(cell('role'), choices.who),
      mail: cell('mail'),
    });
    if (rows.length % 1000 === 0) await breathe();
  }
  return { table, rows };
}

async function readFacts(
  deps: ImportDeps,
  actor: Actor,
  rows: readonly ImportRow[],
  siteId: string | null,
): Promise<ImportFacts> {
  const all = await selectSiteNames(deps.database);
  const named = new Set(rows.map(({ uai }) => uai.trim().toUpperCase()));
  const reach = reachOf(actor);
  const mine = all.filter(({ id }) =>
    siteId === null ? reach === null || reach.includes(id) : id === siteId,
  );
  const touched = mine.filter(({ id, uai }) => id === siteId || named.has(uai));
  const ids = new Set(touched.map(({ id }) => id));
  const people: KnownPerson[] = [];
  for (const { id } of touched) {
    people.push(...(await selectKnownPeople(deps.database, id)));
    await breathe();
  }
  const elsewhere: KnownPerson[] = [];
  const externalIds = [
    ...new Set(rows.flatMap(({ externalId }) => (externalId === null ? [] : [externalId]))),
  ];
  for (let at = 0; at < externalIds.length; at += 400) {
    elsewhere.push(
      ...(await selectKnownElsewhere(deps.database, externalIds.slice(at, at + 400), ids)),
    );
    await breathe();
  }
  const isMine = ({ siteId: site }: KnownPerson) =>
    mine.some(({ id }) => id === site) && siteId === null;
  return {
    sites: mine.map(({ id, uai, name }) => ({ id, uai, name })),
    siteId,
    people: [...people, ...elsewhere.filter(isMine)],
    foreignUais: new Set(all.filter((site) => !mine.includes(site)).map(({ uai }) => uai)),
    foreignIds: new Set(
      elsewhere.filter((person) => !isMine(person)).flatMap(({ externalId }) => externalId ?? []),
    ),
    classes: await selectClasses(
      deps.database,
      touched.map(({ id }) => id),
    ),
    mayCreateSites: reach === null && siteId === null,
  };
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
export async function lookAtPeople(
  deps: ImportDeps,
  actor: Actor,
  siteId: string | null,
  bytes: Buffer,
  choices: ImportChoices,
): Promise<Looked> {
  const { table, rows } = await readRows(deps, bytes, choices, siteId);
  if (table.absent.length > 0) return { table, plan: null, hash: null };
  const plan = await inSteps(planImport(rows, await readFacts(deps, actor, rows, siteId), choices));
  return { table, plan, hash: await hashOf(plan, choices) };
}

const nothing: Plan = {
  counts: {
    lines: 0,
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

export async function previewImport(
  deps: ImportDeps,
  actor: Actor,
  siteId: string | null,
  bytes: Buffer,
  choices: ImportChoices,
): Promise<ImportPreview> {
  const { table, plan: planned, hash } = await lookAtPeople(deps, actor, siteId, bytes, choices);
  const plan = planned ?? nothing;
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

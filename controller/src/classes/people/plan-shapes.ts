/** Input and output types of planning an import, here and in the thread that plans. */
import type {
  Change,
  ImportChoices,
  ImportCounts,
  ImportPreview,
  ImportRole,
  RowProblem,
} from '@preau/contract/people-import.ts';
import { budget } from '#src/platform/budget.ts';
import type { HeavyTask } from '#src/platform/heavy/heavy-work.ts';

/** A line of the file, by column. Empty text: no value. `externalId` is already a fingerprint. */
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
  /** A directory manages this account and reports when the person leaves. */
  byDirectory: boolean;
  level: string | null;
  classes: readonly { id: string; name: string }[];
  disabled: boolean;
}

export interface ImportFacts {
  /** Schools that the caller looks after. */
  sites: readonly { id: string; uai: string; name: string }[];
  /** The school of lines that name none; null: every line must name one. */
  siteId: string | null;
  /** UAI codes of schools of the city that are out of the caller's reach. */
  foreignUais: ReadonlySet<string>;
  people: readonly KnownPerson[];
  /** Identifiers of people in schools out of the caller's reach. */
  foreignIds: ReadonlySet<string>;
  classes: readonly { id: string; siteId: string; name: string }[];
  mayCreateSites: boolean;
}

/** `site`: an id, or `new:` and the UAI of a school to be created. `className`, `level` null:
 * unchanged. */
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
interface ImportQuestion {
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

export const emptyPlan = (lines: number): Plan => ({
  counts: {
    lines,
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
});

// ---- between the serving thread and the thread that plans ------------------------------------

/** Lists cross between threads as texts of some rows each: the serving thread reads one text at a
 * time, and never a whole city at once. */
export type Parts = string[];

export function inParts(items: readonly unknown[]): Parts {
  const parts: Parts = [];
  const most = budget.imports.rowsAtATime;
  for (let at = 0; at < items.length; at += most)
    parts.push(JSON.stringify(items.slice(at, at + most)));
  return parts;
}
/** The caller says of which type the rows are: they were packed by this program. */
export const ofPart = <T>(part: string): T[] => JSON.parse(part) as T[];

/** What the thread must know of the city, once it has read the file. */
export interface FactsQuestion {
  /** UAI codes that the file names, in capitals. */
  uais: string[];
  externalIds: string[];
}
export type PackedFacts = Omit<ImportFacts, 'people'> & { people: Parts };

/** What applying a plan needs. */
export interface PackedPlan {
  counts: ImportCounts;
  newSites: Plan['newSites'];
  newClasses: Plan['newClasses'];
  /** Of `Addition`, of `Update`, and of `Leaver`. */
  additions: Parts;
  updates: Parts;
  leavers: Parts;
  /** For the audit. `site`: as in an addition. */
  perSite: { site: string; name: string; added: number; changed: number; disabled: number }[];
}
export interface Leaver {
  id: string;
  name: string;
  siteId: string;
}

/** `packed`: whether the plan itself is needed too. */
export interface PlanInput {
  bytes: Uint8Array;
  choices: ImportChoices;
  siteId: string | null;
  salt: string;
  packed: boolean;
}
export interface PlanOutput {
  preview: ImportPreview;
  /** Null unless asked for, and while required columns are missing. */
  plan: PackedPlan | null;
}

export const planning: HeavyTask<PlanInput, PlanOutput, FactsQuestion, PackedFacts> = {
  kind: 'people_import',
  worker: new URL('./worker.ts', import.meta.url),
};

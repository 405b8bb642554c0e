/** Input and output types of planning an import. */
import type {
  Change,
  ImportCounts,
  ImportRole,
  RowProblem,
} from '@preau/contract/people-import.ts';

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

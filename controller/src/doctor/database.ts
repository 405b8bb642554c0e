/** The database: whether it can be read, is whole, and is of this version. */
import { stat } from 'node:fs/promises';
import { appliedMigrations, sqlitePathIn } from '#src/platform/database.ts';
import { within } from '#src/platform/deadlines.ts';
import { failureOf } from '#src/platform/failures.ts';
import { type Examination, type Found, NotLookedAt, wordsOf } from './examination.ts';
import type { Patient } from './patient.ts';
import {
  checkTables,
  expectedSchema,
  type PostgresFacts,
  readSchema,
  type Schema,
  selectPostgres,
} from './store.ts';

const openMs = 10_000;
const checkMs = 60_000;
const mebibyte = 1_048_576;

export interface DatabaseFacts {
  migrations: { ours: readonly string[]; applied: readonly string[] };
  schema: { ours: Schema; found: Schema };
  problems: readonly string[];
  /** Tables that were not checked in time. */
  unchecked: number;
  /** Of the SQLite file and of its log of changes; null with PostgreSQL. */
  file: { bytes: number; logBytes: number } | null;
  postgres: PostgresFacts | null;
}

const sizeOf = async (path: string): Promise<number | null> => {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
};

export const database: Examination = {
  withinMs: openMs + checkMs,
  look: async (patient) => {
    try {
      const path = sqlitePathIn(patient.config.PREAU_DATA);
      const isFile = patient.config.PREAU_DATABASE_URL === '';
      if (isFile && (await within(openMs, sizeOf(path))) === null)
        return [{ code: 'DATABASE_MISSING', why: path }];
      return judgeDatabase(await gatherDatabase(patient, isFile ? path : null));
    } catch (error) {
      if (error instanceof NotLookedAt) throw error;
      const isBroken = failureOf(error)?.code === 'DATABASE_BROKEN';
      return [
        { code: isBroken ? 'DATABASE_DAMAGED' : 'DATABASE_UNREACHABLE', why: wordsOf(error) },
      ];
    }
  },
};

async function gatherDatabase(patient: Patient, path: string | null): Promise<DatabaseFacts> {
  const rows = patient.rows();
  const found = await within(openMs, readSchema(rows));
  const ours = await expectedSchema();
  const applied = found.has('servers') ? await within(openMs, appliedMigrations(rows)) : [];
  const until = performance.now() + checkMs;
  const known = [...found.keys()].filter((table) => ours.schema.has(table));
  const { problems, unchecked } = await within(
    checkMs + openMs,
    checkTables(rows, known, () => performance.now() > until),
  );
  return {
    migrations: { ours: ours.migrations, applied },
    schema: { ours: ours.schema, found },
    problems,
    unchecked,
    file:
      path === null
        ? null
        : { bytes: (await sizeOf(path)) ?? 0, logBytes: (await sizeOf(`${path}-wal`)) ?? 0 },
    postgres: path === null ? await within(openMs, selectPostgres(rows)) : null,
  };
}

/** Tables and columns of ours that are not there. */
function missingIn({ ours, found }: DatabaseFacts['schema']): string[] {
  return [...ours].flatMap(([table, columns]) => {
    const there = found.get(table);
    if (there === undefined) return [table];
    return columns.filter((column) => !there.includes(column)).map((name) => `${table}.${name}`);
  });
}

function judgeMigrations({ migrations: { ours, applied }, schema }: DatabaseFacts): Found[] {
  const newer = applied.filter((name) => !ours.includes(name));
  if (newer.length > 0) return [{ code: 'DATABASE_NEWER', why: newer.join(', ') }];
  const older = ours.filter((name) => !applied.includes(name));
  if (older.length > 0)
    return [
      {
        code: 'DATABASE_OLDER',
        why: `${older.length} steps are missing, the first is ${older[0]}`,
        counts: { steps: older.length },
      },
    ];
  const missing = missingIn(schema);
  return missing.length === 0
    ? []
    : [
        {
          code: 'DATABASE_HALF',
          why: `missing: ${missing.slice(0, 10).join(', ')}`,
          counts: { missing: missing.length },
        },
      ];
}

export function judgeDatabase(facts: DatabaseFacts): Found[] {
  const { problems, unchecked, file, postgres } = facts;
  const found: Found[] = [];
  if (problems.length > 0) found.push({ code: 'DATABASE_DAMAGED', why: problems.join('; ') });
  if (unchecked > 0)
    found.push({
      code: 'DATABASE_UNCHECKED',
      why: `${unchecked} tables were not checked`,
      counts: { tables: unchecked },
    });
  found.push(...judgeMigrations(facts));
  // It is moved into the file at each 32 MiB; beyond several times that, something keeps it.
  if (file !== null && file.logBytes > Math.max(256 * mebibyte, file.bytes))
    found.push({
      code: 'DATABASE_LOG_LARGE',
      why: `${Math.round(file.logBytes / mebibyte)} MiB, the database has ${Math.round(file.bytes / mebibyte)}`,
    });
  if (postgres === null) return found;
  const major = Math.floor(postgres.version / 10_000);
  if (major < 14)
    found.push({ code: 'POSTGRES_OLD', why: `version ${major}`, counts: { version: major } });
  if (postgres.connections > postgres.mostConnections * 0.9)
    found.push({
      code: 'POSTGRES_CROWDED',
      why: `${postgres.connections} of ${postgres.mostConnections}`,
      counts: { used: postgres.connections, most: postgres.mostConnections },
    });
  return found;
}

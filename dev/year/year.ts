/** A year of a town with version 0.1.0, written into an empty database at that version's schema:
 * what an upgrade, a restore and a move are tried with. Takes seconds; only what is sealed differs
 * from time to time. */
import { type Kysely, sql } from 'kysely';
import {
  hashOf,
  headText,
  type Link,
  markOf,
  noLink,
  valuesOf,
} from '../../contract/src/audit-chain.ts';
import {
  type Database,
  migrateTo,
  openDatabase,
  releasedMigration,
} from '../../controller/src/platform/database.ts';
import { createSecrets, type Secrets } from '../../controller/src/platform/secrets.ts';
import { buildDecisions } from './decisions.ts';
import { buildLife, buildSessions } from './life.ts';
import { buildTown, hashed, type Row, saltOf, type TableRows, type Town, yearEnd } from './town.ts';

/** The town's secret, in hexadecimal. */
export const yearSecret = '07'.repeat(32);

type Event = Omit<Parameters<typeof hashOf>[2] & Parameters<typeof valuesOf>[0], 'id'>;

function eventsOf(town: Town, sessions: readonly Row[], tables: readonly TableRows[]): Event[] {
  const technician = {
    ...{ actorKind: 'account' as const, actorId: town.technician, actorName: 'Dominique Lefort' },
  };
  const names = new Map(town.accounts.map((row) => [row['id'], String(row['display_name'])]));
  const programs = new Map(town.applications.map((row) => [row['id'], String(row['name_fr'])]));
  const events: Event[] = [];
  for (const site of town.sites)
    events.push({
      ...technician,
      ...{ at: Number(site['created_at']), action: 'site.created' },
      ...{ subjectId: String(site['id']), subjectName: String(site['name']) },
      ...{ siteId: String(site['id']), details: {} },
    });
  for (const one of sessions) {
    const of = {
      subjectId: String(one['id']),
      subjectName: programs.get(one['application_id'] ?? null) ?? '',
      siteId: String(one['site_id']),
    };
    events.push({
      ...of,
      ...{ actorKind: 'account', actorId: String(one['account_id']) },
      actorName: names.get(one['account_id'] ?? null) ?? '',
      ...{ at: Number(one['started_at']), action: 'session.launched', details: {} },
    });
    if (one['ended_at'] === null) continue;
    events.push({
      ...of,
      ...{ actorKind: 'agent', actorId: String(one['server_id']), actorName: 'serveur-1' },
      at: Number(one['ended_at']),
      action: one['state'] === 'failed' ? 'session.failed' : 'session.ended',
      details: { reason: one['end_reason'] ?? null, code: one['failure_code'] ?? null },
    });
  }
  const rowsOf = (name: string) => tables.find(({ table }) => table === name)?.rows ?? [];
  for (const rule of rowsOf('rule_versions'))
    events.push({
      ...technician,
      at: Number(rule['since']),
      action: rule['version'] === 1 ? 'rule.created' : 'rule.changed',
      ...{ subjectId: String(rule['rule_id']), subjectName: 'règle', siteId: null, details: {} },
    });
  for (const rollout of rowsOf('rollouts'))
    events.push({
      ...technician,
      ...{ at: Number(rollout['started_at']), action: 'rollout.started' },
      ...{ subjectId: String(rollout['id']), subjectName: String(rollout['name']) },
      ...{ siteId: null, details: { servers: 28 } },
    });
  return events.sort((a, b) => a.at - b.at);
}

/** Linked as the city links them; the last three are still to be linked. */
function chainOf(events: readonly Event[], secrets: Secrets): { rows: Row[]; chain: Row } {
  let head: Link = noLink;
  const rows = events.map((event, number): Row => {
    const id =
      `${event.at.toString(36).padStart(10, '0')}_${number.toString(36).padStart(4, '0')}` +
      `${saltOf('event', number).slice(0, 10)}`;
    const row = {
      ...{ id, at: event.at, action: event.action, actor_kind: event.actorKind },
      ...{ actor_id: event.actorId, actor_name: event.actorName, subject_id: event.subjectId },
      ...{ subject_name: event.subjectName, site_id: event.siteId },
      details: JSON.stringify(event.details),
    };
    if (number >= events.length - 3)
      return { ...row, seq: null, hash: null, salts: null, marks: null };
    const salts = [0, 1, 2].map((field) => saltOf('event', number, field));
    const marks = valuesOf(event).map((value, field) =>
      markOf(hashed, salts[field] ?? '', field, value),
    );
    head = { seq: head.seq + 1, hash: hashOf(hashed, head, { ...event, id }, marks) };
    return { ...row, ...head, salts: salts.join('.'), marks: marks.join('.') };
  });
  const signature = secrets.sign(headText(head, yearEnd));
  return { rows, chain: { seq: head.seq, hash: head.hash, at: yearEnd, signature } };
}

export interface Year {
  town: Town;
  /** In an order that foreign keys allow. */
  tables: TableRows[];
  chain: Row;
}

function buildYear(secrets: Secrets = createSecrets(Buffer.from(yearSecret, 'hex'))): Year {
  const town = buildTown();
  const sessions = buildSessions(town, secrets);
  const tables = [
    ...town.tables,
    ...buildDecisions(town, secrets),
    ...buildLife(town, secrets, sessions),
  ];
  const { rows, chain } = chainOf(eventsOf(town, sessions, tables), secrets);
  return { town, tables: [...tables, { table: 'audit_events', rows }], chain };
}

/** Parameters of one statement: fewer than SQLite takes. */
const parametersAtOnce = 9000;

/** Migrates the empty database to version 0.1.0 and writes the year into it. */
export async function fillYear(database: Database, postgres: boolean): Promise<Year> {
  await migrateTo(database, postgres, releasedMigration);
  const year = buildYear();
  await (database as unknown as Kysely<Record<string, Row>>).transaction().execute(async (rows) => {
    for (const { table, rows: found } of year.tables) {
      const columns = Object.keys(found[0] ?? {}).length;
      const size = Math.floor(parametersAtOnce / Math.max(columns, 1));
      for (let from = 0; from < found.length; from += size)
        await rows
          .insertInto(table)
          .values(found.slice(from, from + size))
          .execute();
    }
    await rows.updateTable('audit_chain').set(year.chain).execute();
  });
  return year;
}

/** The same at an address: a postgres:// address, or a file. */
export async function fillYearAt(target: string): Promise<Year> {
  const database = openDatabase(target);
  try {
    return await fillYear(database, target.startsWith('postgres'));
  } finally {
    await database.destroy();
  }
}

/** Every table of a database but those of the migrations themselves. */
export async function tablesOf(database: Database): Promise<string[]> {
  const tables = await database.introspection.getTables();
  return tables.map(({ name }) => name).sort();
}

/** Every row of a table as text, sorted, without the columns `omit`; bytes as hexadecimal. */
export async function rowsOf(
  database: Database,
  table: string,
  omit: readonly string[] = [],
): Promise<string[]> {
  const { rows } = await sql<Row>`select * from ${sql.table(table)}`.execute(database);
  return rows
    .map((row) =>
      JSON.stringify(
        Object.entries(row)
          .filter(([name]) => !omit.includes(name))
          .map(([name, value]) => [name, Buffer.isBuffer(value) ? value.toString('hex') : value])
          .sort(),
      ),
    )
    .sort();
}

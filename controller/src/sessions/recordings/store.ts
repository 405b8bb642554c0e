/** All SQL of recordings. */
import type { Recording } from '@preau/contract/recording.ts';
import { sql } from 'kysely';
import type { Rows } from '#src/platform/database.ts';

const columns = (rows: Rows) =>
  rows
    .selectFrom('recordings as r')
    .innerJoin('accounts as p', 'p.id', 'r.account_id')
    .innerJoin('sites as s', 's.id', 'r.site_id')
    .innerJoin('applications as a', 'a.id', 'r.application_id')
    .selectAll('r')
    .select(['p.display_name', 's.name as site_name', 'a.name_fr', 'a.name_en']);
type Row = Awaited<ReturnType<ReturnType<typeof columns>['execute']>>[number];
const toRecording = (row: Row): Recording => ({
  id: row.id,
  sessionId: row.session_id,
  accountId: row.account_id,
  personName: row.display_name,
  siteId: row.site_id,
  siteName: row.site_name,
  applicationId: row.application_id,
  applicationName: { fr: row.name_fr, en: row.name_en },
  startedAt: row.started_at,
  endedAt: row.ended_at,
  bytes: row.bytes,
  isWhole: row.whole === 1,
});

export async function insertRecording(
  rows: Rows,
  recording: Pick<
    Recording,
    'id' | 'sessionId' | 'accountId' | 'siteId' | 'applicationId' | 'startedAt'
  >,
): Promise<void> {
  const { id, sessionId, accountId, siteId, applicationId, startedAt } = recording;
  await rows
    .insertInto('recordings')
    .values({
      id,
      session_id: sessionId,
      account_id: accountId,
      site_id: siteId,
      application_id: applicationId,
      started_at: startedAt,
      ended_at: null,
      bytes: 0,
      whole: 0,
    })
    .execute();
}

export async function closeRecording(
  rows: Rows,
  id: string,
  end: { at: number; bytes: number; isWhole: boolean },
): Promise<void> {
  await rows
    .updateTable('recordings')
    .set({ ended_at: end.at, bytes: end.bytes, whole: end.isWhole ? 1 : 0 })
    .where('id', '=', id)
    .execute();
}

export async function selectRecording(rows: Rows, id: string): Promise<Recording | undefined> {
  const row = await columns(rows).where('r.id', '=', id).executeTakeFirst();
  return row && toRecording(row);
}

/** Newest first, after this cursor. `siteIds` null: the whole city. */
export async function selectRecordings(
  rows: Rows,
  asked: {
    search: string;
    after: { startedAt: number; id: string } | null;
    limit: number;
    siteIds: readonly string[] | null;
  },
): Promise<Recording[]> {
  const like = `%${asked.search
    .trim()
    .toLowerCase()
    .replace(/[\\%_]/g, '')}%`;
  const { after, siteIds } = asked;
  let query = columns(rows)
    .orderBy('r.started_at', 'desc')
    .orderBy('r.id', 'desc')
    .limit(asked.limit)
    .where((w) =>
      w.or([
        w(sql<string>`lower(p.display_name)`, 'like', like),
        w(sql<string>`lower(s.name)`, 'like', like),
        w(sql<string>`lower(a.name_fr)`, 'like', like),
        w(sql<string>`lower(a.name_en)`, 'like', like),
      ]),
    );
  if (siteIds !== null) query = query.where('r.site_id', 'in', [...siteIds]);
  if (after !== null)
    query = query.where((w) =>
      w.or([
        w('r.started_at', '<', after.startedAt),
        w.and([w('r.started_at', '=', after.startedAt), w('r.id', '<', after.id)]),
      ]),
    );
  return (await query.execute()).map(toRecording);
}

export async function selectRecordingIds(rows: Rows, older?: number): Promise<string[]> {
  const query = rows.selectFrom('recordings').select('id');
  return (
    await (older === undefined ? query : query.where('started_at', '<', older)).execute()
  ).map((row) => row.id);
}

export async function selectRecordingIdsOf(
  rows: Rows,
  accountIds: readonly string[],
): Promise<string[]> {
  const found = await rows
    .selectFrom('recordings')
    .select('id')
    .where('account_id', 'in', [...accountIds])
    .execute();
  return found.map(({ id }) => id);
}

/** Recordings that started before this time and have not ended, though no browser is attached. */
export async function selectUnattached(rows: Rows, before: number): Promise<string[]> {
  const found = await rows
    .selectFrom('recordings as r')
    .leftJoin('sessions as s', 's.id', 'r.session_id')
    .select('r.id')
    .where('r.ended_at', 'is', null)
    .where('r.started_at', '<', before)
    .where((w) => w.or([w('s.id', 'is', null), w('s.state', '!=', 'active')]))
    .execute();
  return found.map((row) => row.id);
}

export async function deleteRecordingRow(rows: Rows, id: string): Promise<boolean> {
  return (
    (await rows.deleteFrom('recordings').where('id', '=', id).executeTakeFirst()).numDeletedRows >
    0n
  );
}

export async function selectSitesOfRecordings(
  rows: Rows,
  ids: readonly string[],
): Promise<string[]> {
  const found = await rows
    .selectFrom('recordings')
    .select('site_id')
    .distinct()
    .where('id', 'in', [...ids])
    .execute();
  return found.map((row) => row.site_id);
}

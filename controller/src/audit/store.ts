/** All SQL of the audit. Events are inserted and read, never changed. */
import type { AuditEvent } from '@preau/contract/audit.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';

/** Ids sort by time: 10 digits of base 36 milliseconds, then randomness. */
const eventId = (at: number) => `${at.toString(36).padStart(10, '0')}_${newId('e').slice(2, 14)}`;

export async function insertAuditEvent(rows: Rows, event: Omit<AuditEvent, 'id'>): Promise<void> {
  await rows
    .insertInto('audit_events')
    .values({
      id: eventId(event.at),
      at: event.at,
      action: event.action,
      actor_kind: event.actorKind,
      actor_id: event.actorId,
      actor_name: event.actorName,
      subject_id: event.subjectId,
      subject_name: event.subjectName,
      site_id: event.siteId,
      details: JSON.stringify(event.details),
    })
    .execute();
}

/** Newest first, strictly before the event `before`. */
export async function selectAuditEvents(rows: Rows, filter: { before: string | null; limit: number; search: string | null; siteIds?: readonly string[] | null }): Promise<AuditEvent[]> {
  let query = rows.selectFrom('audit_events').selectAll().orderBy('id', 'desc').limit(filter.limit);
  if (filter.before !== null) query = query.where('id', '<', filter.before);
  if (filter.siteIds != null) query = query.where('site_id', 'in', [...filter.siteIds]);
  if (filter.search !== null) {
    const like = `%${filter.search.toLowerCase().replace(/[\\%_]/g, '')}%`;
    query = query.where((where) =>
      where.or([
        where(where.fn<string>('lower', ['actor_name']), 'like', like),
        where(where.fn<string>('lower', ['subject_name']), 'like', like),
        where('action', 'like', like),
      ]),
    );
  }
  return (await query.execute()).map((row) => ({
    id: row.id,
    at: row.at,
    action: row.action as AuditEvent['action'],
    actorKind: row.actor_kind as AuditEvent['actorKind'],
    actorId: row.actor_id,
    actorName: row.actor_name,
    subjectId: row.subject_id,
    subjectName: row.subject_name,
    siteId: row.site_id,
    details: JSON.parse(row.details) as Record<string, unknown>,
  }));
}

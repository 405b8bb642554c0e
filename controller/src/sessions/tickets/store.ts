/** All SQL of what connects a browser to a session: tickets, and the sealed credentials of the
 * display. Each is used once. */
import type { Rows } from '#src/platform/database.ts';

export async function insertTicket(
  rows: Rows,
  ticket: {
    hash: string;
    sessionId: string;
    accountId: string;
    serial: number;
    expiresAt: number;
    recording: boolean;
  },
): Promise<void> {
  await rows
    .insertInto('tickets')
    .values({
      hash: ticket.hash,
      session_id: ticket.sessionId,
      account_id: ticket.accountId,
      serial: ticket.serial,
      expires_at: ticket.expiresAt,
      used_at: null,
      recording: ticket.recording ? 1 : 0,
    })
    .execute();
}

/** One use: the update is the check. Undefined for an unknown, used, expired or foreign ticket
 * alike. */
export async function takeTicket(
  rows: Rows,
  hash: string,
  accountId: string,
  now: number,
): Promise<{ sessionId: string; serial: number; recording: boolean } | undefined> {
  const row = await rows
    .updateTable('tickets')
    .set({ used_at: now })
    .where('hash', '=', hash)
    .where('account_id', '=', accountId)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .returning(['session_id', 'serial', 'recording'])
    .executeTakeFirst();
  return row && { sessionId: row.session_id, serial: row.serial, recording: row.recording === 1 };
}

export async function deleteOldTickets(rows: Rows, before: number): Promise<void> {
  await rows.deleteFrom('tickets').where('expires_at', '<', before).execute();
}

export async function saveCredentials(
  rows: Rows,
  id: string,
  serial: number,
  sealed: string,
): Promise<boolean> {
  const result = await rows
    .updateTable('sessions')
    .set({ attachment: sealed, attachment_serial: serial })
    .where('id', '=', id)
    .where('attachment_serial', '<', serial)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** Takes the sealed credentials of this serial, once. */
export async function takeCredentials(
  rows: Rows,
  id: string,
  serial: number,
): Promise<string | undefined> {
  const session = await rows
    .selectFrom('sessions')
    .select('attachment')
    .where('id', '=', id)
    .where('attachment_serial', '=', serial)
    .where('attachment', 'is not', null)
    .executeTakeFirst();
  if (session === undefined || session.attachment === null) return undefined;
  const taken = await rows
    .updateTable('sessions')
    .set({ attachment: null })
    .where('id', '=', id)
    .where('attachment', '=', session.attachment)
    .executeTakeFirst();
  return taken.numUpdatedRows > 0n ? session.attachment : undefined;
}

/** Keeps the session at least until `keptUntil` (epoch ms), for the browser that now comes. */
export async function nextAttachSerial(rows: Rows, id: string, keptUntil: number): Promise<number> {
  const row = await rows
    .updateTable('sessions')
    .set((e) => ({
      attach_serial: e('attach_serial', '+', 1),
      grace_until: e
        .case()
        .when('grace_until', '<', keptUntil)
        .then(keptUntil)
        .else(e.ref('grace_until'))
        .end(),
    }))
    .where('id', '=', id)
    .returning('attach_serial')
    .executeTakeFirstOrThrow();
  return row.attach_serial;
}

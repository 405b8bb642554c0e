/** All SQL of enrolment: codes, and creating and retiring the rows of servers. */
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';
import type { KnownDisplay } from '../displays.ts';

export const newServerId = () => newId('srv');

export async function insertEnrolmentCode(
  rows: Rows,
  code: {
    hash: string;
    siteId: string;
    serverName: string;
    createdBy: string;
    now: number;
    expiresAt: number;
  },
): Promise<void> {
  await rows
    .insertInto('enrolment_codes')
    .values({
      hash: code.hash,
      site_id: code.siteId,
      server_name: code.serverName,
      created_by: code.createdBy,
      created_at: code.now,
      expires_at: code.expiresAt,
      used_at: null,
      server_id: null,
    })
    .execute();
}

/** Takes the code if it is unused and not expired. The update is the lock, so of many concurrent
 * calls exactly one gets it. */
export async function takeEnrolmentCode(
  rows: Rows,
  hash: string,
  serverId: string,
  now: number,
): Promise<{ siteId: string; serverName: string } | undefined> {
  const row = await rows
    .updateTable('enrolment_codes')
    .set({ used_at: now, server_id: serverId })
    .where('hash', '=', hash)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .returning(['site_id', 'server_name'])
    .executeTakeFirst();
  return row && { siteId: row.site_id, serverName: row.server_name };
}

export async function deleteOldEnrolmentCodes(rows: Rows, before: number): Promise<void> {
  await rows
    .deleteFrom('enrolment_codes')
    .where('expires_at', '<', before)
    .where('used_at', 'is', null)
    .execute();
}

export async function publicKeyIsKnown(rows: Rows, publicKey: string): Promise<boolean> {
  return (
    (await rows
      .selectFrom('servers')
      .select('id')
      .where('public_key', '=', publicKey)
      .executeTakeFirst()) !== undefined
  );
}

export async function insertServer(
  rows: Rows,
  server: {
    id: string;
    siteId: string;
    name: string;
    publicKey: string;
    maxSessions: number;
    now: number;
    display: KnownDisplay | null;
  },
): Promise<void> {
  await rows
    .insertInto('servers')
    .values({
      id: server.id,
      site_id: server.siteId,
      name: server.name,
      roles: JSON.stringify(['execution']),
      public_key: server.publicKey,
      generation: 0,
      applied_generation: 0,
      epoch: null,
      seq: 0,
      last_seen_at: null,
      health: null,
      inventory: null,
      failed_steps: '[]',
      max_sessions: server.maxSessions,
      created_at: server.now,
      retired_at: null,
      display: server.display === null ? null : JSON.stringify(server.display),
    })
    .execute();
}

export async function markRetired(rows: Rows, serverId: string, now: number): Promise<void> {
  await rows.updateTable('servers').set({ retired_at: now }).where('id', '=', serverId).execute();
}

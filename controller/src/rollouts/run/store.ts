/** SQL for a running rollout: the state of its servers, and how long installing took. */

import { inFlightStates } from '@preau/contract/rollout-states.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';

/** Servers that have an order of another rollout in flight. */
export async function selectBusyServers(rows: Rows, exceptRolloutId: string): Promise<Set<string>> {
  const found = await rows
    .selectFrom('rollout_targets')
    .select('server_id')
    .where('rollout_id', '<>', exceptRolloutId)
    .where('state', 'in', [...inFlightStates])
    .execute();
  return new Set(found.map((row) => row.server_id));
}

/** The present state of each target's server. */
export async function selectReach(
  rows: Rows,
  rolloutId: string,
): Promise<Map<string, { lastSeenAt: number | null; gone: boolean; draining: boolean }>> {
  const found = await rows
    .selectFrom('rollout_targets as t')
    .innerJoin('servers as s', 's.id', 't.server_id')
    .select(['s.id', 's.last_seen_at', 's.retired_at', 's.quarantined_at', 's.draining_since'])
    .where('t.rollout_id', '=', rolloutId)
    .execute();
  return new Map(
    found.map((row) => [
      row.id,
      {
        lastSeenAt: row.last_seen_at,
        gone: row.retired_at !== null || row.quarantined_at !== null,
        draining: row.draining_since !== null,
      },
    ]),
  );
}

export async function insertHistory(
  rows: Rows,
  entry: {
    applicationId: string;
    versionId: string;
    serverId: string;
    bytes: number | null;
    ms: number;
    at: number;
  },
): Promise<void> {
  await rows
    .insertInto('install_history')
    .values({
      id: newId('his'),
      application_id: entry.applicationId,
      version_id: entry.versionId,
      server_id: entry.serverId,
      bytes: entry.bytes,
      ms: entry.ms,
      at: entry.at,
    })
    .execute();
}

export async function saveLog(
  rows: Rows,
  rolloutId: string,
  serverId: string,
  log: string,
): Promise<void> {
  await rows
    .insertInto('rollout_logs')
    .values({ rollout_id: rolloutId, server_id: serverId, log })
    .onConflict((conflict) => conflict.columns(['rollout_id', 'server_id']).doUpdateSet({ log }))
    .execute();
}

/** Stored once per order and sequence number, at most 20 for one target. */
export async function saveEvidence(
  rows: Rows,
  evidence: {
    rolloutId: string;
    serverId: string;
    orderId: string;
    seq: number;
    text: string;
    now: number;
  },
): Promise<void> {
  const known = await rows
    .selectFrom('rollout_evidence')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('rollout_id', '=', evidence.rolloutId)
    .where('server_id', '=', evidence.serverId)
    .executeTakeFirst();
  if (Number(known?.n ?? 0) >= 20) return;
  await rows
    .insertInto('rollout_evidence')
    .values({
      id: `${evidence.orderId}:${evidence.seq}`,
      rollout_id: evidence.rolloutId,
      server_id: evidence.serverId,
      at: evidence.now,
      text: evidence.text,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}

/** SQL of restarts. */
import type { Boot } from '@preau/contract/asking.ts';
import type { FailedStep } from '@preau/contract/report.ts';
import {
  openRestartStates,
  type RestartReason,
  type RestartState,
  type ServerRestart,
} from '@preau/contract/restart.ts';
import { inFlightStates } from '@preau/contract/rollout-states.ts';
import { offlineAfterMs } from '@preau/contract/server.ts';
import { liveStates } from '@preau/contract/session.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';
import type { RestartFacts } from './advance.ts';

const open = [...openRestartStates];
const untilBegun = ['waiting', 'told'];
const wellSteps: readonly string[] = ['start_displays', 'prepare_display'];

export async function insertRestart(
  rows: Rows,
  restart: {
    serverId: string;
    siteId: string;
    bootId: string;
    at: number;
    createdByName: string;
    now: number;
  },
): Promise<void> {
  await rows
    .insertInto('restarts')
    .values({
      id: newId('rst'),
      server_id: restart.serverId,
      site_id: restart.siteId,
      state: 'waiting',
      boot_id: restart.bootId,
      at: restart.at,
      told_at: null,
      begun_at: null,
      ended_at: null,
      reason: null,
      created_by_name: restart.createdByName,
      created_at: restart.now,
    })
    .execute();
}

/** Ends the open restarts of this server that have not begun. True when there was one. */
export async function cancelRestart(rows: Rows, serverId: string, now: number): Promise<boolean> {
  const done = await rows
    .updateTable('restarts')
    .set({ state: 'cancelled', ended_at: now })
    .where('server_id', '=', serverId)
    .where('state', 'in', untilBegun)
    .executeTakeFirst();
  return Number(done.numUpdatedRows) > 0;
}

/** Compare-and-set on the state. */
export async function changeRestart(
  rows: Rows,
  id: string,
  from: RestartState,
  to: { state: RestartState; at?: number; reason?: RestartReason; now: number },
): Promise<boolean> {
  const { state, at, reason, now } = to;
  const done = await rows
    .updateTable('restarts')
    .set({
      state,
      at,
      reason,
      ...(state === 'told' ? { told_at: now } : {}),
      ...(state === 'restarting' ? { begun_at: now } : {}),
      ...((open as readonly RestartState[]).includes(state) ? {} : { ended_at: now }),
    })
    .where('id', '=', id)
    .where('state', '=', from)
    .executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** Of those servers, the ones with a restart that has begun. */
export async function selectRestarting(
  rows: Rows,
  serverIds: readonly string[],
): Promise<Set<string>> {
  const found: string[] = [];
  for (let at = 0; at < serverIds.length; at += 500)
    found.push(
      ...(
        await rows
          .selectFrom('restarts')
          .select('server_id')
          .where('server_id', 'in', serverIds.slice(at, at + 500))
          .where('state', '=', 'restarting')
          .execute()
      ).map((row) => row.server_id),
    );
  return new Set(found);
}

/** Schools with open restarts. */
export async function selectRestartingSites(rows: Rows): Promise<string[]> {
  const found = await rows
    .selectFrom('restarts')
    .select('site_id')
    .distinct()
    .where('state', 'in', open)
    .execute();
  return found.map((row) => row.site_id);
}

/** The open restarts of a school in their order, with the names of their servers. */
export async function selectLine(
  rows: Rows,
  siteId: string,
  now: number,
): Promise<(RestartFacts & { serverName: string })[]> {
  const found = await rows
    .selectFrom('restarts as r')
    .innerJoin('servers as v', 'v.id', 'r.server_id')
    .select(['r.id', 'r.server_id', 'r.state', 'r.at', 'r.begun_at', 'r.boot_id'])
    .select(['v.name', 'v.boot', 'v.last_seen_at', 'v.failed_steps'])
    .select(['v.retired_at', 'v.quarantined_at'])
    .select((e) => [
      e
        .selectFrom('sessions as x')
        .select((f) => f.fn.countAll<number>().as('n'))
        .whereRef('x.server_id', '=', 'r.server_id')
        .where('x.state', 'in', [...liveStates])
        .as('live'),
      e
        .selectFrom('rollout_targets as t')
        .select((f) => f.fn.countAll<number>().as('n'))
        .whereRef('t.server_id', '=', 'r.server_id')
        .where('t.state', 'in', [...inFlightStates])
        .as('orders'),
    ])
    .where('r.site_id', '=', siteId)
    .where('r.state', 'in', open)
    .orderBy('r.at')
    .orderBy('v.created_at')
    .orderBy('v.name')
    .orderBy('r.id')
    .execute();
  return found.map((row) => ({
    id: row.id,
    serverId: row.server_id,
    serverName: row.name,
    state: row.state as RestartFacts['state'],
    at: row.at,
    begunAt: row.begun_at,
    bootId: row.boot_id,
    server: {
      bootId: row.boot === null ? null : (JSON.parse(row.boot) as Boot).bootId,
      online: row.last_seen_at !== null && now - row.last_seen_at < offlineAfterMs,
      well: (JSON.parse(row.failed_steps) as FailedStep[]).every(
        ({ step }) => !wellSteps.includes(step),
      ),
      gone: row.retired_at !== null || row.quarantined_at !== null,
      busy: Number(row.orders ?? 0) > 0,
      liveSessions: Number(row.live ?? 0),
    },
  }));
}

/** When the servers whose people have been told restart, by server id. */
export async function selectTold(rows: Rows): Promise<Map<string, number>> {
  const found = await rows
    .selectFrom('restarts')
    .select(['server_id', 'at'])
    .where('state', 'in', ['told', 'restarting'])
    .execute();
  return new Map(found.map((row) => [row.server_id, row.at]));
}

/** The last restart of each server since `since`, or its open one, without those that were
 * cancelled. */
export async function selectLastRestarts(
  rows: Rows,
  since: number,
  serverId?: string,
): Promise<Map<string, ServerRestart>> {
  let query = rows
    .selectFrom('restarts')
    .select(['server_id', 'state', 'at', 'reason', 'ended_at', 'created_by_name'])
    .where((w) => w.or([w('state', 'in', open), w('ended_at', '>', since)]))
    .where('state', '!=', 'cancelled')
    .orderBy('created_at')
    .orderBy('id');
  if (serverId !== undefined) query = query.where('server_id', '=', serverId);
  return new Map(
    (await query.execute()).map((row) => [
      row.server_id,
      {
        state: row.state as RestartState,
        at: row.at,
        reason: row.reason as RestartReason | null,
        endedAt: row.ended_at,
        createdByName: row.created_by_name,
      },
    ]),
  );
}

export async function deleteOldRestarts(rows: Rows, before: number): Promise<void> {
  await rows.deleteFrom('restarts').where('ended_at', '<', before).execute();
}

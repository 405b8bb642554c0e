/** SQL for what the console shows about targets. */

import type { ReportedItem } from '@preau/contract/order.ts';
import type { Target } from '@preau/contract/rollout.ts';
import { isFinal, isWaiting, type TargetState } from '@preau/contract/rollout-states.ts';
import type { Rows } from '#src/platform/database.ts';

export interface TargetFilter {
  rolloutId: string;
  after: { site: string; server: string } | null;
  limit: number;
  states: readonly TargetState[] | null;
  wave: number | null;
  search: string | null;
  serverId?: string;
}

/** Sorted by the school's name, then by server; only those after `after`. */
export async function selectTargetPage(rows: Rows, filter: TargetFilter): Promise<Target[]> {
  let query = rows
    .selectFrom('rollout_targets as t')
    .innerJoin('servers as s', 's.id', 't.server_id')
    .innerJoin('sites as p', 'p.id', 't.site_id')
    .selectAll('t')
    .select(['s.name as server_name', 'p.name as site_name'])
    .where('t.rollout_id', '=', filter.rolloutId)
    .orderBy('p.name')
    .orderBy('t.server_id')
    .limit(filter.limit);
  const { after, states, search, serverId } = filter;
  if (serverId !== undefined) query = query.where('t.server_id', '=', serverId);
  if (after !== null)
    query = query.where((e) =>
      e.or([
        e('p.name', '>', after.site),
        e.and([e('p.name', '=', after.site), e('t.server_id', '>', after.server)]),
      ]),
    );
  if (states !== null) query = query.where('t.state', 'in', [...states]);
  if (filter.wave !== null) query = query.where('t.wave', '=', filter.wave);
  if (search !== null)
    query = query.where((e) =>
      e(
        e.fn<string>('lower', ['p.name']),
        'like',
        `%${search.toLowerCase().replace(/[\\%_]/g, '')}%`,
      ),
    );
  return (await query.execute()).map((row) => ({
    serverId: row.server_id,
    serverName: row.server_name,
    siteId: row.site_id,
    siteName: row.site_name,
    wave: row.wave,
    state: row.state as TargetState,
    reason: row.reason,
    action: row.action === 'restore' ? 'restore' : 'install',
    attempt: row.attempt,
    code: row.code,
    message: row.message,
    badge: row.badge as Target['badge'],
    bytesDone: row.bytes_done,
    bytesTotal: row.bytes_total,
    items: JSON.parse(row.items) as ReportedItem[],
    offeredAt: row.offered_at,
    finishedAt: row.finished_at,
    deadlineAt: isFinal(row.state as TargetState) ? null : row.deadline_at,
    opensAt: row.opens_at,
  }));
}

/** Of the last attempt; empty when none wrote one. */
export async function selectLog(rows: Rows, rolloutId: string, serverId: string): Promise<string> {
  const row = await rows
    .selectFrom('rollout_logs')
    .select('log')
    .where('rollout_id', '=', rolloutId)
    .where('server_id', '=', serverId)
    .executeTakeFirst();
  return row?.log ?? '';
}

export async function selectEvidence(
  rows: Rows,
  rolloutId: string,
  serverId: string,
): Promise<{ at: number; text: string }[]> {
  return rows
    .selectFrom('rollout_evidence')
    .select(['at', 'text'])
    .where('rollout_id', '=', rolloutId)
    .where('server_id', '=', serverId)
    .orderBy('at')
    .execute();
}

/** The durations of successful targets from offer to end, and how many targets wait for a silent
 * school. */
export async function selectPace(
  rows: Rows,
  rolloutId: string,
  silentBefore: number,
): Promise<{ took: number[]; left: number; inFlight: number; silent: number }> {
  const found = await rows
    .selectFrom('rollout_targets as t')
    .innerJoin('servers as s', 's.id', 't.server_id')
    .select(['t.state', 't.offered_at', 't.finished_at', 's.last_seen_at'])
    .where('t.rollout_id', '=', rolloutId)
    .execute();
  const open = found.filter((row) => !isFinal(row.state as TargetState));
  const silent = open.filter(
    (row) =>
      isWaiting(row.state as TargetState) &&
      (row.last_seen_at === null || row.last_seen_at < silentBefore),
  ).length;
  return {
    took: found
      .flatMap((row) =>
        row.state === 'succeeded' && row.offered_at !== null && row.finished_at !== null
          ? [row.finished_at - row.offered_at]
          : [],
      )
      .sort((a, b) => a - b),
    left: open.length - silent,
    silent,
    inFlight: open.filter((row) => !isWaiting(row.state as TargetState)).length,
  };
}

/** SQL of targets, and of the counters of targets per wave and state. */

import type { Order, ReportedItem } from '@preau/contract/order.ts';
import type { TargetReason, TargetState } from '@preau/contract/rollout-states.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Tables } from '#src/platform/tables.ts';

export interface StoredTarget {
  rolloutId: string;
  serverId: string;
  siteId: string;
  wave: number;
  state: TargetState;
  version: number;
  action: 'install' | 'restore';
  attempt: number;
  orderId: string | null;
  order: Order | null;
  lastSeq: number;
  leaseUntil: number | null;
  deadlineAt: number;
  notBefore: number | null;
  opensAt: number | null;
  reason: TargetReason | null;
  finishedAt: number | null;
  items: ReportedItem[];
  before: BeforeItem[] | null;
}
/** The version of one application that a server had when its order was written; `versionId` null:
 * none. */
export interface BeforeItem {
  applicationId: string;
  versionId: string | null;
}

type TargetRow = Pick<
  Tables['rollout_targets'],
  | 'rollout_id'
  | 'server_id'
  | 'site_id'
  | 'wave'
  | 'state'
  | 'action'
  | 'order_id'
  | 'order_body'
  | 'lease_until'
  | 'deadline_at'
  | 'not_before'
  | 'opens_at'
  | 'reason'
  | 'finished_at'
  | 'before_set'
> & { version: number; attempt: number; last_seq: number; items: string };
const targetOf = (row: TargetRow): StoredTarget => ({
  rolloutId: row.rollout_id,
  serverId: row.server_id,
  siteId: row.site_id,
  wave: row.wave,
  state: row.state as TargetState,
  version: row.version,
  action: row.action === 'restore' ? 'restore' : 'install',
  attempt: row.attempt,
  orderId: row.order_id,
  lastSeq: row.last_seq,
  leaseUntil: row.lease_until,
  deadlineAt: row.deadline_at,
  notBefore: row.not_before,
  opensAt: row.opens_at,
  reason: row.reason as TargetReason | null,
  finishedAt: row.finished_at,
  // Parsed on access: an evaluation of thousands of targets needs few orders.
  get order() {
    return row.order_body === null ? null : (JSON.parse(row.order_body) as Order);
  },
  get items() {
    return JSON.parse(row.items) as ReportedItem[];
  },
  get before() {
    return row.before_set === null ? null : (JSON.parse(row.before_set) as BeforeItem[]);
  },
});

export async function insertTargets(
  rows: Rows,
  rolloutId: string,
  targets: readonly { serverId: string; siteId: string; wave: number }[],
  deadlineAt: number,
  now: number,
): Promise<void> {
  for (let at = 0; at < targets.length; at += 100) {
    await rows
      .insertInto('rollout_targets')
      .values(
        targets.slice(at, at + 100).map((target) => ({
          rollout_id: rolloutId,
          server_id: target.serverId,
          site_id: target.siteId,
          wave: target.wave,
          state: 'queued',
          action: 'install',
          order_id: null,
          order_body: null,
          lease_until: null,
          deadline_at: deadlineAt,
          not_before: null,
          opens_at: null,
          reason: null,
          code: null,
          message: null,
          badge: null,
          before_set: null,
          bytes_total: null,
          offered_at: null,
          finished_at: null,
          updated_at: now,
        })),
      )
      .execute();
  }
  await saveCounts(
    rows,
    targets.map(({ wave }) => ({ rolloutId, wave, state: 'queued', by: 1 })),
  );
}

export async function selectTargets(rows: Rows, rolloutId: string): Promise<StoredTarget[]> {
  return (
    await rows
      .selectFrom('rollout_targets')
      .selectAll()
      .where('rollout_id', '=', rolloutId)
      .orderBy('wave')
      .orderBy('server_id')
      .execute()
  ).map(targetOf);
}

/** Targets by the ids of their present orders; orders of past attempts match nothing. */
export async function selectTargetsByOrder(
  rows: Rows,
  serverId: string,
  orderIds: readonly string[],
): Promise<Map<string, StoredTarget>> {
  if (orderIds.length === 0) return new Map();
  const found = await rows
    .selectFrom('rollout_targets')
    .selectAll()
    .where('server_id', '=', serverId)
    .where('order_id', 'in', [...orderIds])
    .execute();
  return new Map(found.map((row) => [row.order_id ?? '', targetOf(row)]));
}

export type TargetSet = Partial<{
  state: TargetState;
  action: 'install' | 'restore';
  attempt: number;
  orderId: string | null;
  order: Order | null;
  lastSeq: number;
  leaseUntil: number | null;
  deadlineAt: number;
  notBefore: number | null;
  opensAt: number | null;
  reason: TargetReason | null;
  code: string | null;
  message: string | null;
  badge: string | null;
  items: ReportedItem[];
  before: BeforeItem[] | null;
  bytesDone: number;
  bytesTotal: number | null;
  offeredAt: number | null;
  finishedAt: number | null;
}>;

/** The only way to change a target: compare-and-set, and its counters in the same transaction.
 * False when it was changed since it was read. `counts`: a caller that changes many targets
 * collects the counter changes here and saves them last. */
export async function changeTarget(
  rows: Rows,
  target: Pick<StoredTarget, 'rolloutId' | 'serverId' | 'version' | 'state' | 'wave'>,
  set: TargetSet,
  now: number,
  counts?: Count[],
): Promise<boolean> {
  const done = await rows
    .updateTable('rollout_targets')
    .set((e) => ({ ...columnsOf(set), version: e('version', '+', 1), updated_at: now }))
    .where('rollout_id', '=', target.rolloutId)
    .where('server_id', '=', target.serverId)
    .where('version', '=', target.version)
    .executeTakeFirst();
  if (Number(done.numUpdatedRows) !== 1) return false;
  if (set.state !== undefined && set.state !== target.state) {
    const { rolloutId, wave } = target;
    const moved = [
      { rolloutId, wave, state: target.state, by: -1 },
      { rolloutId, wave, state: set.state, by: 1 },
    ];
    if (counts === undefined) await saveCounts(rows, moved);
    else counts.push(...moved);
  }
  return true;
}

/** A column whose value is undefined is not written. */
const columnsOf = (set: TargetSet) => ({
  state: set.state,
  action: set.action,
  attempt: set.attempt,
  order_id: set.orderId,
  order_body: set.order && JSON.stringify(set.order),
  last_seq: set.lastSeq,
  lease_until: set.leaseUntil,
  deadline_at: set.deadlineAt,
  not_before: set.notBefore,
  opens_at: set.opensAt,
  reason: set.reason,
  code: set.code,
  message: set.message,
  badge: set.badge,
  items: set.items && JSON.stringify(set.items),
  before_set: set.before && JSON.stringify(set.before),
  bytes_done: set.bytesDone,
  bytes_total: set.bytesTotal,
  offered_at: set.offeredAt,
  finished_at: set.finishedAt,
});

export interface Count {
  rolloutId: string;
  wave: number;
  state: string;
  by: number;
}

/** Updates the counters in one statement and always in the same order, because concurrent
 * transactions change the same counters and lock them until they commit. */
export async function saveCounts(rows: Rows, counts: readonly Count[]): Promise<void> {
  const sums = new Map<string, number>();
  for (const { rolloutId, wave, state, by } of counts)
    sums.set(
      `${rolloutId} ${wave} ${state}`,
      (sums.get(`${rolloutId} ${wave} ${state}`) ?? 0) + by,
    );
  const values = [...sums]
    .filter(([, n]) => n !== 0)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, n]) => {
      const [rollout_id = '', wave, state = ''] = key.split(' ');
      return { rollout_id, wave: Number(wave), state, n };
    });
  if (values.length === 0) return;
  await rows
    .insertInto('rollout_counts')
    .values(values)
    .onConflict((conflict) =>
      conflict
        .columns(['rollout_id', 'wave', 'state'])
        .doUpdateSet((e) => ({ n: e('rollout_counts.n', '+', e.ref('excluded.n')) })),
    )
    .execute();
}

export async function selectCounts(
  rows: Rows,
  rolloutIds: readonly string[],
): Promise<{ rolloutId: string; wave: number; state: string; n: number }[]> {
  if (rolloutIds.length === 0) return [];
  return (
    await rows
      .selectFrom('rollout_counts')
      .selectAll()
      .where('rollout_id', 'in', [...rolloutIds])
      .where('n', '<>', 0)
      .execute()
  ).map((row) => ({ rolloutId: row.rollout_id, wave: row.wave, state: row.state, n: row.n }));
}

/** Counts the targets themselves, to check the counters. */
export async function recount(
  rows: Rows,
  rolloutId: string,
): Promise<{ wave: number; state: string; n: number }[]> {
  const found = await rows
    .selectFrom('rollout_targets')
    .select(['wave', 'state', (e) => e.fn.countAll<number>().as('n')])
    .where('rollout_id', '=', rolloutId)
    .groupBy(['wave', 'state'])
    .orderBy('wave')
    .orderBy('state')
    .execute();
  return found.map((row) => ({ wave: row.wave, state: row.state, n: Number(row.n) }));
}

/** Called before the rollout begins: an edited rollout has no targets. */
export async function deleteTargets(rows: Rows, rolloutId: string): Promise<void> {
  for (const table of ['rollout_targets', 'rollout_counts'] as const)
    await rows.deleteFrom(table).where('rollout_id', '=', rolloutId).execute();
}

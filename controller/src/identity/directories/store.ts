/** All SQL of directories: when each was synchronised, and the result. */
import { type Differences, noDifferences, type syncStates } from '@preau/contract/identity.ts';
import type { Rows } from '#src/platform/database.ts';

export interface DirectoryRow {
  state: (typeof syncStates)[number];
  lastAt: number | null;
  lastGoodAt: number | null;
  nextAt: number;
  problem: string | null;
  differences: Differences;
  vanishedNames: string[];
  planHash: string | null;
}
const fresh: DirectoryRow = {
  state: 'never',
  lastAt: null,
  lastGoodAt: null,
  nextAt: 0,
  problem: null,
  differences: noDifferences,
  vanishedNames: [],
  planHash: null,
};
export async function selectDirectory(rows: Rows, id: string): Promise<DirectoryRow> {
  const row = await rows
    .selectFrom('directories')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return fresh;
  return {
    state: row.state as DirectoryRow['state'],
    lastAt: row.last_at,
    lastGoodAt: row.last_good_at,
    nextAt: row.next_at,
    problem: row.problem,
    differences: JSON.parse(row.differences) as Differences,
    vanishedNames: JSON.parse(row.vanished_names) as string[],
    planHash: row.plan_hash,
  };
}
/** Reserves the directory for one process until `until`. False when another process holds it, or
 * when it is not due; `asked`: also when it is not due. */
export async function claimDirectory(
  rows: Rows,
  id: string,
  now: number,
  until: number,
  asked: boolean,
): Promise<boolean> {
  await rows
    .insertInto('directories')
    .values({
      id,
      state: 'never',
      last_at: null,
      last_good_at: null,
      problem: null,
      differences: JSON.stringify(noDifferences),
      plan_hash: null,
    })
    .onConflict((on) => on.column('id').doNothing())
    .execute();
  let query = rows
    .updateTable('directories')
    .set({ running_until: until })
    .where('id', '=', id)
    .where('running_until', '<=', now);
  if (!asked) query = query.where('next_at', '<=', now);
  return (await query.executeTakeFirst()).numUpdatedRows > 0n;
}
export async function keepDirectory(rows: Rows, id: string, row: DirectoryRow): Promise<void> {
  await rows
    .updateTable('directories')
    .set({
      state: row.state,
      last_at: row.lastAt,
      last_good_at: row.lastGoodAt,
      next_at: row.nextAt,
      problem: row.problem,
      differences: JSON.stringify(row.differences),
      vanished_names: JSON.stringify(row.vanishedNames),
      plan_hash: row.planHash,
      running_until: 0,
    })
    .where('id', '=', id)
    .execute();
}
export async function countAccountsOf(
  rows: Rows,
  provider: string,
): Promise<{ accounts: number; disabled: number }> {
  const row = await rows
    .selectFrom('accounts')
    .select((e) => [
      e.fn.countAll<number>().as('all'),
      e.fn.count<number>('disabled_at').as('disabled'),
    ])
    .where('provider', '=', provider)
    .where('erased_at', 'is', null)
    .executeTakeFirstOrThrow();
  return { accounts: Number(row.all) - Number(row.disabled), disabled: Number(row.disabled) };
}

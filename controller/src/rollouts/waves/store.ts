/** SQL of the waves of rollouts. */

import type { WaveSpec } from '@preau/contract/rollout-draft.ts';
import type { WaveState } from '@preau/contract/rollout-states.ts';
import type { Rows } from '#src/platform/database.ts';

export interface StoredWave {
  number: number;
  state: WaveState;
  spec: WaveSpec;
  tolerated: number;
  toleratedLate: number;
  size: number;
  openedAt: number | null;
  soakUntil: number | null;
  closedAt: number | null;
}

export async function insertWaves(
  rows: Rows,
  rolloutId: string,
  waves: readonly { spec: WaveSpec; size: number }[],
): Promise<void> {
  for (const [index, wave] of waves.entries()) {
    await rows
      .insertInto('rollout_waves')
      .values({
        rollout_id: rolloutId,
        number: index + 1,
        state: 'pending',
        spec: JSON.stringify({ ...wave.spec, tolerated: 0, toleratedLate: 0 }),
        size: wave.size,
        opened_at: null,
        soak_until: null,
        closed_at: null,
      })
      .execute();
  }
}

export async function selectWaves(rows: Rows, rolloutId: string): Promise<StoredWave[]> {
  return (
    await rows
      .selectFrom('rollout_waves')
      .selectAll()
      .where('rollout_id', '=', rolloutId)
      .orderBy('number')
      .execute()
  ).map((row) => {
    const { tolerated, toleratedLate, ...spec } = JSON.parse(row.spec) as WaveSpec & {
      tolerated: number;
      toleratedLate: number;
    };
    return {
      number: row.number,
      state: row.state as WaveState,
      spec,
      tolerated,
      toleratedLate,
      size: row.size,
      openedAt: row.opened_at,
      soakUntil: row.soak_until,
      closedAt: row.closed_at,
    };
  });
}

export async function changeWave(
  rows: Rows,
  rolloutId: string,
  wave: Pick<StoredWave, 'number' | 'state' | 'spec'>,
  change: {
    state: WaveState;
    openedAt?: number;
    soakUntil?: number | null;
    closedAt?: number | null;
    tolerated?: number;
    toleratedLate?: number;
    size?: number;
  },
): Promise<boolean> {
  const done = await rows
    .updateTable('rollout_waves')
    .set({
      state: change.state,
      ...(change.openedAt === undefined ? {} : { opened_at: change.openedAt }),
      ...(change.soakUntil === undefined ? {} : { soak_until: change.soakUntil }),
      ...(change.closedAt === undefined ? {} : { closed_at: change.closedAt }),
      ...(change.tolerated === undefined
        ? {}
        : {
            spec: JSON.stringify({
              ...wave.spec,
              tolerated: change.tolerated,
              toleratedLate: change.toleratedLate ?? 0,
            }),
          }),
      ...(change.size === undefined ? {} : { size: change.size }),
    })
    .where('rollout_id', '=', rolloutId)
    .where('number', '=', wave.number)
    .where('state', '=', wave.state)
    .executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** Called before the rollout begins: an edited rollout has no waves. */
export async function deleteWaves(rows: Rows, rolloutId: string): Promise<void> {
  await rows.deleteFrom('rollout_waves').where('rollout_id', '=', rolloutId).execute();
}

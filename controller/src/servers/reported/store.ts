/** All SQL for what servers report about themselves. */
import type { Boot } from '@preau/contract/asking.ts';
import type { FailedStep, Health, Inventory } from '@preau/contract/report.ts';
import type { Rows } from '#src/platform/database.ts';
import type { PastEpoch } from './clone.ts';

export async function saveVitals(
  rows: Rows,
  serverId: string,
  seen: {
    epoch: string;
    seq: number;
    pastEpochs: readonly PastEpoch[];
    at: number;
    appliedGeneration: number;
    health: Health;
    inventory: Inventory;
    failedSteps: FailedStep[];
    answers: boolean;
    boot: Boot | null;
  },
): Promise<void> {
  await rows
    .updateTable('servers')
    .set({
      epoch: seen.epoch,
      seq: seen.seq,
      past_epochs: JSON.stringify(seen.pastEpochs),
      silent_told: 0,
      last_seen_at: seen.at,
      applied_generation: seen.appliedGeneration,
      health: JSON.stringify(seen.health),
      inventory: JSON.stringify(seen.inventory),
      failed_steps: JSON.stringify(seen.failedSteps),
      answers: seen.answers ? 1 : 0,
      boot: seen.boot === null ? null : JSON.stringify(seen.boot),
    })
    .where('id', '=', serverId)
    .execute();
}

export async function savePastEpochs(
  rows: Rows,
  serverId: string,
  pastEpochs: readonly PastEpoch[],
): Promise<void> {
  await rows
    .updateTable('servers')
    .set({ past_epochs: JSON.stringify(pastEpochs) })
    .where('id', '=', serverId)
    .execute();
}

export async function saveClockSkew(
  rows: Rows,
  serverId: string,
  skewMs: number | null,
): Promise<void> {
  await rows
    .updateTable('servers')
    .set({ clock_skew_ms: skewMs })
    .where('id', '=', serverId)
    .execute();
}

export async function selectClockSkew(
  rows: Rows,
  serverId: string,
): Promise<{ clockSkewMs: number | null; lastSeenAt: number | null } | undefined> {
  const row = await rows
    .selectFrom('servers')
    .select(['clock_skew_ms', 'last_seen_at'])
    .where('id', '=', serverId)
    .executeTakeFirst();
  return row && { clockSkewMs: row.clock_skew_ms, lastSeenAt: row.last_seen_at };
}

/** Marks servers last seen at `before` or earlier, and returns those that were not yet marked. */
export async function markNewlySilent(
  rows: Rows,
  before: number,
): Promise<{ id: string; name: string; siteId: string; lastSeenAt: number | null }[]> {
  const found = await rows
    .updateTable('servers')
    .set({ silent_told: 1 })
    .where('silent_told', '=', 0)
    .where('retired_at', 'is', null)
    .where('quarantined_at', 'is', null)
    .where('last_seen_at', '<=', before)
    .returning(['id', 'name', 'site_id', 'last_seen_at'])
    .execute();
  return found.map((row) => ({
    id: row.id,
    name: row.name,
    siteId: row.site_id,
    lastSeenAt: row.last_seen_at,
  }));
}

export async function selectServerApplicationStates(
  rows: Rows,
  serverId: string,
): Promise<
  Map<
    string,
    {
      state: string;
      error: string | null;
      version: string | null;
      name: string;
      iconHash: string | null;
    }
  >
> {
  const found = await rows
    .selectFrom('server_applications as s')
    .innerJoin('applications as a', 'a.id', 's.application_id')
    .select(['s.application_id', 's.state', 's.error', 's.version', 'a.name_fr', 'a.icon_hash'])
    .where('s.server_id', '=', serverId)
    .execute();
  return new Map(
    found.map((row) => [
      row.application_id,
      {
        state: row.state,
        error: row.error,
        version: row.version,
        name: row.name_fr,
        iconHash: row.icon_hash,
      },
    ]),
  );
}

export async function saveApplicationState(
  rows: Rows,
  serverId: string,
  applicationId: string,
  seen: { state: string; version: string | null; error: string | null; at: number },
): Promise<void> {
  await rows
    .updateTable('server_applications')
    .set({ state: seen.state, version: seen.version, error: seen.error, updated_at: seen.at })
    .where('server_id', '=', serverId)
    .where('application_id', '=', applicationId)
    .execute();
}

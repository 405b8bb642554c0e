/** Rollouts as the console and the command line show them. */

import type { Rollout, RolloutSummary } from '@preau/contract/rollout.ts';
import type { PlanEntry, SchoolAnswer } from '@preau/contract/rollout-plan.ts';
import { isRolloutOver } from '@preau/contract/rollout-states.ts';
import { offlineAfterMs } from '@preau/contract/server.ts';
import { reaches } from '#src/accounts/reach.ts';
import type { Actor } from '#src/platform/actor.ts';
import { cursorOf, readCursor } from '#src/platform/cursor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { mustFind } from './find.ts';
import { listSchoolAnswers as listAnswers, readAsking } from './plan/questions/ask.ts';
import { type StoredRollout, selectPlanEntries, selectRollouts } from './store.ts';
import { selectPace } from './targets/pages/store.ts';
import { selectCounts } from './targets/store.ts';
import { selectWaves } from './waves/store.ts';

type Deps = Pick<Platform, 'database' | 'clock'>;

const summaryOf = (rollout: StoredRollout, counts: Record<string, number>): RolloutSummary => ({
  id: rollout.id,
  name: rollout.name,
  state: rollout.state,
  pauseReason: rollout.pauseReason,
  note: rollout.note,
  createdById: rollout.createdById,
  createdByName: rollout.createdByName,
  createdAt: rollout.createdAt,
  startedAt: rollout.startedAt,
  endedAt: rollout.endedAt,
  startAt: rollout.startAt,
  sites: rollout.sites,
  applications: rollout.plan.applications.map(({ applicationId, slug, name, version, want }) => ({
    applicationId,
    slug,
    name,
    version,
    want,
  })),
  counts,
});

const summed = (counts: readonly { state: string; n: number }[]): Record<string, number> => {
  const sum: Record<string, number> = {};
  for (const { state, n } of counts) sum[state] = (sum[state] ?? 0) + n;
  return sum;
};

/** Newest first. A token of some schools sees the rollouts that stay within them. */
export async function listRollouts(
  deps: Deps,
  actor: Actor,
  query: { after?: string | undefined; limit: number; active: boolean | null },
): Promise<{ items: RolloutSummary[]; next: string | null }> {
  const parts = readCursor(query.after, 'number', 'rol');
  const found = await selectRollouts(deps.database, {
    before: parts === null ? null : { at: Number(parts[0]), id: String(parts[1]) },
    limit: query.limit,
    active: query.active,
  });
  const counts = await selectCounts(
    deps.database,
    found.map((rollout) => rollout.id),
  );
  const items: RolloutSummary[] = [];
  for (const rollout of found) {
    const mine =
      reaches(actor, null) ||
      (!rollout.draft.where.all &&
        (await selectPlanEntries(deps.database, rollout.id)).every((entry) =>
          reaches(actor, entry.siteId),
        ));
    if (mine)
      items.push(
        summaryOf(rollout, summed(counts.filter((count) => count.rolloutId === rollout.id))),
      );
  }
  const last = found.at(-1);
  return {
    items,
    next:
      found.length < query.limit || last === undefined ? null : cursorOf([last.createdAt, last.id]),
  };
}

export async function readRollout(deps: Deps, actor: Actor, id: string): Promise<Rollout> {
  const rollout = await mustFind(deps.database, actor, id);
  const [waves, counts, asking] = [
    await selectWaves(deps.database, id),
    await selectCounts(deps.database, [id]),
    await readAsking(deps.database, rollout, deps.clock.now()),
  ];
  return {
    ...summaryOf(rollout, summed(counts)),
    version: rollout.version,
    asking,
    draft: rollout.draft,
    plan: rollout.plan,
    approvedByName: rollout.approvedByName,
    scheduleId: rollout.scheduleId,
    supersededBy: rollout.supersededBy,
    waves: waves.map(({ number, state, spec, size, openedAt, soakUntil, closedAt }) => ({
      number,
      state,
      spec,
      size,
      openedAt,
      soakUntil,
      closedAt,
      counts: summed(counts.filter((count) => count.wave === number)),
    })),
    eta: isRolloutOver(rollout) ? null : await etaOf(deps, deps.database, rollout),
  };
}

/** Estimates the remaining time from the durations of successful targets, or from the plan's
 * minutes when there are none. Targets waiting for a silent school are counted separately and not
 * estimated. */
async function etaOf(deps: Deps, rows: Rows, rollout: StoredRollout): Promise<Rollout['eta']> {
  if (rollout.startedAt === null) return null;
  const { took, left, inFlight, silent } = await selectPace(
    rows,
    rollout.id,
    deps.clock.now() - offlineAfterMs,
  );
  if (left === 0) return { p50Ms: 0, p95Ms: 0, waitingForSilent: silent };
  const planned = rollout.plan.totals.minutes * 60_000;
  const at = (share: number) =>
    took[Math.min(Math.floor(share * took.length), took.length - 1)] ?? planned;
  if (took.length === 0 && planned === 0) return null;
  const rounds = Math.ceil(left / Math.max(inFlight, rollout.draft.budget.sitesAtOnce ?? left, 1));
  return {
    p50Ms: Math.round(rounds * at(0.5)),
    p95Ms: Math.round(rounds * at(0.95) * (took.length < 5 ? 2 : 1)),
    waitingForSilent: silent,
  };
}

export async function listPlanEntries(
  deps: Deps,
  actor: Actor,
  id: string,
  query: { from: number; limit: number },
): Promise<{ items: PlanEntry[]; next: string | null }> {
  await mustFind(deps.database, actor, id);
  const entries = await selectPlanEntries(deps.database, id);
  return {
    items: entries.slice(query.from, query.from + query.limit),
    next: query.from + query.limit < entries.length ? String(query.from + query.limit) : null,
  };
}

export async function listSchoolAnswers(
  deps: Deps,
  actor: Actor,
  id: string,
  query: { from: number; limit: number },
): Promise<{ items: SchoolAnswer[]; next: string | null }> {
  await mustFind(deps.database, actor, id);
  return listAnswers(deps.database, id, query, deps.clock.now());
}

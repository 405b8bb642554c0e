/** What the console and the command line see of rollouts. */
import { AppError } from '@preau/contract/errors.ts';
import type {
  Brake,
  Rollout,
  RolloutSummary,
  Target,
  TargetDetail,
} from '@preau/contract/rollout.ts';
import type { PlanEntry } from '@preau/contract/rollout-plan.ts';
import { isRolloutOver, type TargetState, targetStates } from '@preau/contract/rollout-states.ts';
import { offlineAfterMs } from '@preau/contract/server.ts';
import { reaches } from '#src/accounts/reach.ts';
import type { Actor } from '#src/platform/actor.ts';
import { cursorOf, readCursor } from '#src/platform/cursor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { mustFind } from './plan/create.ts';
import { brakeOff } from './run/evaluate.ts';
import {
  type StoredRollout,
  selectCity,
  selectCounts,
  selectEvidence,
  selectFleet,
  selectPace,
  selectPlanEntries,
  selectRollouts,
  selectTargetPage,
  selectWaves,
} from './store.ts';

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
  const [waves, counts] = [
    await selectWaves(deps.database, id),
    await selectCounts(deps.database, [id]),
  ];
  return {
    ...summaryOf(rollout, summed(counts)),
    version: rollout.version,
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

/** From what the first ones took, or from the plan's minutes; what waits for a silent school is
 * told apart, not guessed at. */
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

export interface TargetQuery {
  after?: string | undefined;
  limit: number;
  state?: string | undefined;
  wave?: string | undefined;
  search?: string | undefined;
}

export async function listTargets(
  deps: Deps,
  actor: Actor,
  id: string,
  query: TargetQuery,
): Promise<{ items: Target[]; next: string | null }> {
  await mustFind(deps.database, actor, id);
  const parts = readCursor(query.after, 'string', 'srv');
  const states =
    query.state === undefined
      ? null
      : targetStates.filter(
          (state): state is TargetState => query.state?.split(',').includes(state) === true,
        );
  const found = await selectTargetPage(deps.database, {
    rolloutId: id,
    after: parts === null ? null : { site: String(parts[0]), server: String(parts[1]) },
    limit: query.limit,
    states,
    wave: query.wave === undefined ? null : Number(query.wave),
    search: query.search ?? null,
  });
  const last = found.at(-1);
  return {
    items: found.map(({ log: _log, ...target }) => target),
    next:
      found.length < query.limit || last === undefined
        ? null
        : cursorOf([last.siteName, last.serverId]),
  };
}

export async function readTarget(
  deps: Deps,
  actor: Actor,
  id: string,
  serverId: string,
): Promise<TargetDetail> {
  await mustFind(deps.database, actor, id);
  const [found] = await selectTargetPage(deps.database, {
    rolloutId: id,
    after: null,
    limit: 1,
    states: null,
    wave: null,
    search: null,
    serverId,
  });
  if (found === undefined) throw new AppError('NOT_FOUND', { server: serverId });
  return { ...found, evidence: await selectEvidence(deps.database, id, serverId) };
}

/** One line per server and application. A cell never begins like a formula. */
export async function exportRollout(deps: Deps, actor: Actor, id: string): Promise<Buffer> {
  const rollout = await mustFind(deps.database, actor, id);
  const names = new Map(
    rollout.plan.applications.map((planned) => [planned.applicationId, planned]),
  );
  const lines = [
    [
      'école',
      'serveur',
      'vague',
      'état',
      'motif',
      'application',
      'version',
      'résultat',
      'code',
      'message',
      'durée (s)',
      'fini le',
    ],
  ];
  for (const target of await selectTargetPage(deps.database, {
    rolloutId: id,
    after: null,
    limit: 100_000,
    states: null,
    wave: null,
    search: null,
  })) {
    const head = [
      target.siteName,
      target.serverName,
      String(target.wave),
      target.state,
      target.reason ?? '',
    ];
    const end = target.finishedAt === null ? '' : new Date(target.finishedAt).toISOString();
    if (target.items.length === 0)
      lines.push([...head, '', '', '', target.code ?? '', target.message ?? '', '', end]);
    for (const item of target.items)
      lines.push([
        ...head,
        names.get(item.applicationId)?.slug ?? item.applicationId,
        item.version ?? names.get(item.applicationId)?.version ?? '',
        item.state,
        item.code ?? '',
        item.message,
        item.ms === null ? '' : String(Math.round(item.ms / 1000)),
        end,
      ]);
  }
  return Buffer.from(
    `\ufeff${lines.map((cells) => cells.map(csvCell).join(';')).join('\r\n')}\r\n`,
  );
}

export const csvCell = (text: string): string => {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[";\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

export async function readBrake(deps: Deps): Promise<Brake> {
  const brake = await selectCity(deps.database, 'brake', brakeOff);
  return { ...brake, ...(await silence(deps)) };
}

/** Servers that spoke within the last day, and how many of them are silent now. One that has been
 * dead for weeks is no alarm. */
export async function silence(deps: Deps): Promise<{ silentServers: number; servers: number }> {
  const now = deps.clock.now();
  const recent = (await selectFleet(deps.database)).filter(
    (server) =>
      !server.retired && server.lastSeenAt !== null && now - server.lastSeenAt < 86_400_000,
  );
  return {
    servers: recent.length,
    silentServers: recent.filter((server) => now - (server.lastSeenAt ?? 0) >= offlineAfterMs)
      .length,
  };
}

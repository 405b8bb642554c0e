/** Reads the facts for the next decision about a rollout. */

import type { Recipes } from '@preau/contract/application.ts';
import { arrivalTimeEnds, type Place, windowAt } from '@preau/contract/calendar.ts';
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import { isKept } from '@preau/contract/recipe-kinds.ts';
import { isInFlight, isWaiting } from '@preau/contract/rollout-states.ts';
import { offlineAfterMs } from '@preau/contract/server.ts';
import type { Windows } from '@preau/contract/windows.ts';
import { selectApplications } from '#src/applications/store.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectSites } from '#src/sites/store.ts';
import { type KnownApplication, selectKnownApplications, selectVersions } from '../plan/store.ts';
import { isBrakeOn, readSettings } from '../settings.ts';
import { type StoredRollout, selectRollout } from '../store.ts';
import { type StoredTarget, selectTargets } from '../targets/store.ts';
import { type StoredWave, selectWaves } from '../waves/store.ts';
import type { RolloutFacts, Span, TargetFacts } from './facts.ts';
import { itemsToRestore } from './restore.ts';
import { selectBusyServers, selectReach } from './store.ts';

export type RolloutDeps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

export interface Snapshot {
  rollout: StoredRollout;
  waves: StoredWave[];
  /** By server. */
  targets: Map<string, StoredTarget>;
  facts: RolloutFacts;
}

/** Reads the present state of one rollout: its rows, and the facts for a decision. */
export async function readSnapshot(deps: RolloutDeps, rolloutId: string): Promise<Snapshot | null> {
  const rows = deps.database;
  const now = deps.clock.now();
  const rollout = await selectRollout(rows, rolloutId);
  if (rollout === undefined) return null;
  const [waves, targets, reach, braked, settings, sites] = await Promise.all([
    selectWaves(rows, rolloutId),
    selectTargets(rows, rolloutId),
    selectReach(rows, rolloutId),
    isBrakeOn(rows),
    readSettings(rows),
    selectSites(rows),
  ]);
  const places = new Map(
    sites.map((site): [string, Place] => [
      site.id,
      { timeZone: site.timeZone, holidayZone: site.holidayZone, closures: settings.closures },
    ]),
  );
  const areSomeWaiting = targets.some((target) => isWaiting(target.state));
  const read: FactsRead = {
    rollout,
    places,
    reach,
    busy: areSomeWaiting ? await selectBusyServers(rows, rolloutId) : new Set(),
    hasAll: areSomeWaiting ? await readHasAll(rows, rollout) : () => false,
    now,
  };
  return {
    rollout,
    waves,
    targets: new Map(targets.map((target) => [target.serverId, target])),
    facts: {
      id: rollout.id,
      state: rollout.state,
      pauseReason: rollout.pauseReason,
      cancelKind: rollout.cancelKind,
      rollbackWave: rollout.rollbackWave,
      superseded: rollout.supersededBy !== null,
      startAt: rollout.startAt,
      startedAt: rollout.startedAt,
      draft: rollout.draft,
      expectedMs: rollout.draft.windows.install === null ? 0 : await expectedMs(rows, rollout),
      arrivalEnds: arrivalEnds(read, targets),
      braked,
      waves,
      targets: targets.map((target) => targetFacts(read, target)),
    },
  };
}

interface FactsRead {
  rollout: StoredRollout;
  /** By school. */
  places: ReadonlyMap<string, Place>;
  reach: Awaited<ReturnType<typeof selectReach>>;
  /** Servers with an order of another rollout in flight. */
  busy: ReadonlySet<string>;
  hasAll: (target: Pick<StoredTarget, 'serverId' | 'siteId'>) => boolean;
  now: number;
}

function targetFacts(
  { rollout, places, reach, busy, hasAll, now }: FactsRead,
  target: StoredTarget,
): TargetFacts {
  const server = reach.get(target.serverId);
  const { windows } = rollout.draft;
  const online =
    server !== undefined &&
    !server.gone &&
    server.lastSeenAt !== null &&
    now - server.lastSeenAt < offlineAfterMs;
  const place =
    isWaiting(target.state) || isInFlight(target.state) ? places.get(target.siteId) : undefined;
  return {
    serverId: target.serverId,
    siteId: target.siteId,
    wave: target.wave,
    state: target.state,
    version: target.version,
    attempt: target.attempt,
    action: target.action,
    reason: target.reason,
    deadlineAt: target.deadlineAt,
    leaseUntil: target.leaseUntil,
    notBefore: target.notBefore,
    opensAt: target.opensAt,
    finishedAt: target.finishedAt,
    // `order` matters only in flight, and `canRestore` only during a rollback.
    order: isInFlight(target.state) ? target.order : null,
    canRestore: rollout.state === 'rolling_back' && itemsToRestore(rollout, target).length > 0,
    server: {
      online,
      gone: server?.gone ?? true,
      draining: server?.draining ?? false,
      busy: busy.has(target.serverId),
      hasAll: online && isWaiting(target.state) && hasAll(target),
    },
    install: spanOf(windows.install, place, now),
    download: spanOf(windows.download, place, now),
  };
}

/** The window that is open now or opens next; null: any time. */
function spanOf(windows: Windows | null, place: Place | undefined, now: number): Span | null {
  if (windows === null || place === undefined) return null;
  const state = windowAt(frenchCalendar, place, windows, now);
  if (state.open) return { from: now, until: state.until };
  if (state.opensAt === null) return { from: null, until: null };
  const then = windowAt(frenchCalendar, place, windows, state.opensAt);
  return { from: state.opensAt, until: then.open ? then.until : null };
}

/** When the morning arrival ends at the last of its schools that have one now. Null when no school
 * has one, or when it does not matter: the rollout is not waiting to start, or was forced. */
function arrivalEnds(
  { rollout, places, now }: FactsRead,
  targets: readonly StoredTarget[],
): number | null {
  if (rollout.state !== 'scheduled' || rollout.forced) return null;
  const ends = [...new Set(targets.map((target) => target.siteId))].flatMap((siteId) => {
    const place = places.get(siteId);
    const at = place === undefined ? null : arrivalTimeEnds(frenchCalendar, place, now);
    return at === null ? [] : [at];
  });
  return ends.length === 0 ? null : Math.max(0, ...ends);
}

/** Returns a function that says whether a server, by its reports, already has everything the plan
 * wants there. */
async function readHasAll(rows: Rows, { plan }: StoredRollout): Promise<FactsRead['hasAll']> {
  const versions = await selectVersions(
    rows,
    plan.applications.map((planned) => planned.versionId),
  );
  // Only the server itself knows whether updates are pending.
  if (![...versions.values()].every(({ recipes }) => isKept(JSON.parse(recipes) as Recipes)))
    return () => false;
  const known = new Map<string, KnownApplication>();
  for (const item of await selectKnownApplications(
    rows,
    plan.applications.map((planned) => planned.applicationId),
  ))
    known.set(`${item.serverId} ${item.applicationId}`, item);
  const refused = new Set(
    plan.refusals.map(({ siteId, applicationId }) => `${siteId} ${applicationId}`),
  );
  return ({ serverId, siteId }) =>
    plan.applications.every(({ applicationId, versionId, want }) => {
      if (want === 'present' && refused.has(`${siteId} ${applicationId}`)) return true;
      const item = known.get(`${serverId} ${applicationId}`);
      return want === 'absent'
        ? item === undefined || item.state === 'removed'
        : item !== undefined &&
            item.wanted &&
            item.state === 'installed' &&
            item.versionId === versionId;
    });
}

/** The p95 of earlier installations of these applications plus 30 %, in ms. At most half of the
 * shortest window, because otherwise the rollout would never begin. */
async function expectedMs(rows: Rows, rollout: StoredRollout): Promise<number> {
  const costs = new Map(
    (await selectApplications(rows)).map((application) => [application.id, application.estimate]),
  );
  const measured =
    rollout.plan.applications.reduce(
      (sum, { applicationId }) =>
        sum +
        (costs.get(applicationId)?.p95Ms ?? (costs.get(applicationId)?.minutes ?? 1) * 60_000),
      0,
    ) * 1.3;
  const minutes = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
  const lengths = (rollout.draft.windows.install?.open ?? []).map(
    (window) => (minutes(window.to) - minutes(window.from) + 1440) % 1440 || 1440,
  );
  return Math.round(Math.min(measured, Math.min(...lengths) * 30_000));
}

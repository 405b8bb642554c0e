/** Looks at one rollout: reads what is, decides, carries out, until nothing more is to be done.
 * Safe to run twice, late, or in two processes at once: each evaluation takes a fencing number, and
 * every change is compare-and-set. */
import { createHash } from 'node:crypto';
import { isKept, type Recipes } from '@preau/contract/application.ts';
import type { AuditAction } from '@preau/contract/audit.ts';
import { arrivalTimeEnds, type Place, type Windows, windowAt } from '@preau/contract/calendar.ts';
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import type { Order, OrderedApplication } from '@preau/contract/order.ts';
import type { Brake } from '@preau/contract/rollout.ts';
import {
  isFinal,
  isInFlight,
  isWaiting,
  type RolloutState,
} from '@preau/contract/rollout-states.ts';
import { offlineAfterMs } from '@preau/contract/server.ts';
import { selectApplications } from '#src/applications/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { publishDesiredStates } from '#src/servers/desired/desired-state.ts';
import { nextGenerations } from '#src/servers/store.ts';
import { selectSites } from '#src/sites/store.ts';
import { lateJoiners, readSettings } from '../plan/make-plan.ts';
import {
  type BeforeItem,
  type Count,
  changeRollout,
  changeTarget,
  changeWave,
  holdsFence,
  insertTargets,
  type KnownApplication,
  type StoredRollout,
  type StoredTarget,
  type StoredWave,
  saveCounts,
  selectBusyServers,
  selectCity,
  selectKnownApplications,
  selectReach,
  selectRollout,
  selectTargets,
  selectVersions,
  selectWaves,
  takeFence,
} from '../store.ts';
import { advance, offerLeaseMs } from './advance.ts';
import type {
  Decision,
  OrderTerms,
  RolloutFacts,
  Span,
  TargetChange,
  WaveChange,
} from './facts.ts';

export type RolloutDeps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

export const rolloutJob: Actor = { kind: 'job', id: 'rollouts.advance', name: 'rollouts.advance' };
/** One transaction's worth: others get their turn in between. */
const chunk = 50;
const maxPasses = 100;
export const brakeOff: Brake = {
  on: false,
  cause: null,
  by: null,
  at: null,
  silentServers: 0,
  servers: 0,
};

interface Read {
  rollout: StoredRollout;
  waves: StoredWave[];
  targets: Map<string, StoredTarget>;
  facts: RolloutFacts;
}

export async function evaluateRollout(deps: RolloutDeps, rolloutId: string): Promise<void> {
  for (let pass = 0; pass < maxPasses; pass += 1) {
    const fence = await takeFence(deps.database, rolloutId);
    const read = fence === undefined ? null : await readFacts(deps, rolloutId);
    if (fence === undefined || read === null) return;
    const decision = advance(read.facts, deps.clock.now());
    if (!(await carryOut(deps, read, decision, fence))) return;
  }
}

async function readFacts(deps: RolloutDeps, rolloutId: string): Promise<Read | null> {
  const rows = deps.database;
  const now = deps.clock.now();
  const rollout = await selectRollout(rows, rolloutId);
  if (rollout === undefined) return null;
  const [waves, targets, reach, brake, settings, sites] = await Promise.all([
    selectWaves(rows, rolloutId),
    selectTargets(rows, rolloutId),
    selectReach(rows, rolloutId),
    selectCity(rows, 'brake', brakeOff),
    readSettings(rows),
    selectSites(rows),
  ]);
  const { draft, plan } = rollout;
  const known = new Map<string, KnownApplication>();
  let busy = new Set<string>();
  let kept = true;
  if (targets.some((target) => isWaiting(target.state))) {
    busy = await selectBusyServers(rows, rolloutId);
    // Whether updates are pending only the server itself can say.
    kept = [
      ...(
        await selectVersions(
          rows,
          plan.applications.map((planned) => planned.versionId),
        )
      ).values(),
    ].every((version) => isKept(JSON.parse(version.recipes) as Recipes));
    for (const item of await selectKnownApplications(
      rows,
      plan.applications.map((planned) => planned.applicationId),
    ))
      known.set(`${item.serverId} ${item.applicationId}`, item);
  }
  const hasAll = (serverId: string) =>
    kept &&
    plan.applications.every(({ applicationId, versionId, want }) => {
      const item = known.get(`${serverId} ${applicationId}`);
      return want === 'absent'
        ? item === undefined || item.state === 'removed'
        : item !== undefined &&
            item.wanted &&
            item.state === 'installed' &&
            item.versionId === versionId;
    });
  const places = new Map(
    sites.map((site): [string, Place] => [
      site.id,
      { timeZone: site.timeZone, holidayZone: site.holidayZone, closures: settings.closures },
    ]),
  );
  const spanOf = (windows: Windows | null, siteId: string): Span | null => {
    const place = places.get(siteId);
    if (windows === null || place === undefined) return null;
    const state = windowAt(frenchCalendar, place, windows, now);
    if (state.open) return { from: now, until: state.until };
    if (state.opensAt === null) return { from: null, until: null };
    const then = windowAt(frenchCalendar, place, windows, state.opensAt);
    return { from: state.opensAt, until: then.open ? then.until : null };
  };
  const arrivals =
    rollout.state === 'scheduled' && !rollout.forced
      ? [...new Set(targets.map((target) => target.siteId))]
          .map((siteId) => places.get(siteId))
          .map((place) =>
            place === undefined ? null : arrivalTimeEnds(frenchCalendar, place, now),
          )
      : [];
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
      draft,
      expectedMs: draft.windows.install === null ? 0 : await expectedMs(rows, rollout),
      arrivalEnds: arrivals.reduce<number | null>(
        (latest, at) => (at === null ? latest : Math.max(latest ?? 0, at)),
        null,
      ),
      braked: brake.on,
      waves,
      targets: targets.map((target) => {
        const server = reach.get(target.serverId);
        const online =
          server !== undefined &&
          !server.gone &&
          server.lastSeenAt !== null &&
          now - server.lastSeenAt < offlineAfterMs;
        const waits = isWaiting(target.state) || isInFlight(target.state);
        const {
          serverId,
          siteId,
          wave,
          state,
          version,
          attempt,
          action,
          reason,
          deadlineAt,
          leaseUntil,
          notBefore,
          opensAt,
          finishedAt,
        } = target;
        return {
          serverId,
          siteId,
          wave,
          state,
          version,
          attempt,
          action,
          reason,
          deadlineAt,
          leaseUntil,
          notBefore,
          opensAt,
          finishedAt,
          // What is over has no terms any more, and what is not going back asks for no way back.
          order: isInFlight(state) ? target.order : null,
          canRestore: rollout.state === 'rolling_back' && restored(rollout, target).length > 0,
          server: {
            online,
            gone: server?.gone ?? true,
            draining: server?.draining ?? false,
            busy: busy.has(target.serverId),
            hasAll: online && isWaiting(target.state) && hasAll(target.serverId),
          },
          install: waits ? spanOf(draft.windows.install, target.siteId) : null,
          download: waits ? spanOf(draft.windows.download, target.siteId) : null,
        };
      }),
    },
  };
}

/** The slow end of what these applications took before, with a margin; never more than half of the
 * shortest window, or it would never begin. */
async function expectedMs(rows: Rows, rollout: StoredRollout): Promise<number> {
  const costs = new Map(
    (await selectApplications(rows)).map((application) => [application.id, application.estimate]),
  );
  const learnt =
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
  return Math.round(Math.min(learnt, Math.min(...lengths) * 30_000));
}

/** What going back would change: only what this rollout touched, and only to what was there and
 * known to work. */
export function restored(
  rollout: Pick<StoredRollout, 'plan'>,
  target: Pick<StoredTarget, 'before'>,
): (BeforeItem & { now: string })[] {
  const before = new Map((target.before ?? []).map((item) => [item.applicationId, item]));
  return rollout.plan.applications.flatMap((planned) => {
    const item = before.get(planned.applicationId);
    const then = planned.want === 'present' ? planned.versionId : null;
    return item === undefined || item.versionId === then
      ? []
      : [{ ...item, now: planned.versionId }];
  });
}

/** Names an order by what it asks: the same question has the same name. */
export function orderIdOf(order: {
  rolloutId: string;
  serverId: string;
  attempt: number;
  action: string;
  applications: readonly Pick<OrderedApplication, 'versionId' | 'want'>[];
}): string {
  const text = JSON.stringify([
    order.rolloutId,
    order.serverId,
    order.attempt,
    order.action,
    order.applications.map(({ versionId, want }) => [versionId, want]),
  ]);
  return `ord_${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`;
}

/** False when there was nothing to do, or somebody else has taken over. */
async function carryOut(
  deps: RolloutDeps,
  read: Read,
  decision: Decision,
  fence: number,
): Promise<boolean> {
  const { rollout } = read;
  const changes = [...decision.targets].sort((a, b) => (a.serverId < b.serverId ? -1 : 1));
  const nothing = changes.length === 0 && decision.waves.length === 0 && decision.rollout === null;
  let did = false;
  for (let at = 0; at === 0 || at < changes.length; at += chunk) {
    const topics = await deps.database.transaction().execute(async (rows) => {
      if (!(await holdsFence(rows, rollout.id, fence, decision.lookAt))) return null;
      const woken = new Set(await changeTargets(deps, rows, read, changes.slice(at, at + chunk)));
      if (at === 0) {
        for (const wave of decision.waves)
          for (const topic of await changeTheWave(deps, rows, read, wave)) woken.add(topic);
        if (decision.rollout !== null)
          for (const topic of await changeTheRollout(deps, rows, rollout, decision.rollout))
            woken.add(topic);
      }
      return woken;
    });
    if (topics === null) return false;
    did ||= topics.size > 0;
    if (topics.size > 0) deps.wakeups.wake([...topics, 'rollouts']);
    if (changes.length > chunk) await new Promise((resolve) => setImmediate(resolve));
  }
  return did && !nothing;
}

/** Locks are taken in one order, rollout → servers → targets → counters, so that nobody waits for
 * one who waits for him. */
async function changeTargets(
  deps: RolloutDeps,
  rows: Rows,
  read: Read,
  changes: readonly TargetChange[],
): Promise<string[]> {
  const { rollout } = read;
  const now = deps.clock.now();
  const steps = changes.flatMap((change) => {
    const target = read.targets.get(change.serverId);
    return target === undefined
      ? []
      : [
          {
            change,
            target: {
              ...target,
              version: change.version,
              attempt: change.newAttempt === true ? target.attempt + 1 : target.attempt,
              action: change.action ?? target.action,
            },
          },
        ];
  });
  const touchesServer = steps.filter(
    ({ change, target }) =>
      change.offer !== undefined || change.terms !== undefined || target.order !== null,
  );
  const generations = await nextGenerations(
    rows,
    touchesServer.map(({ target }) => target.serverId),
  );
  const write = await orderWriter(
    rows,
    read,
    steps.filter(({ change }) => change.offer !== undefined).map(({ target }) => target),
  );
  const counts: Count[] = [];
  let changed = false;
  for (const { change, target } of steps) {
    const deadlineAt = change.deadlineAt ?? target.deadlineAt;
    const offered = change.offer === undefined ? null : write(target, change.offer, deadlineAt);
    const { order, action, attempt } = target;
    const done = await changeTarget(
      rows,
      target,
      {
        state: change.to,
        reason: change.reason ?? null,
        opensAt: change.opensAt ?? null,
        ...(change.notBefore === undefined ? {} : { notBefore: change.notBefore }),
        ...(change.deadlineAt === undefined ? {} : { deadlineAt }),
        action,
        attempt,
        ...(change.newAttempt === true
          ? {
              orderId: null,
              order: null,
              lastSeq: 0,
              leaseUntil: null,
              notBefore: null,
              code: null,
              message: null,
              finishedAt: null,
              badge: null,
            }
          : {}),
        ...(offered === null
          ? {}
          : {
              orderId: offered.order.orderId,
              order: offered.order,
              lastSeq: 0,
              leaseUntil: now + offerLeaseMs,
              offeredAt: now,
              bytesDone: 0,
              bytesTotal: null,
              items: [],
              code: null,
              message: null,
              badge: null,
              ...(action === 'install' && target.before === null ? { before: offered.before } : {}),
            }),
        ...(change.terms === undefined || order === null
          ? {}
          : { order: { ...order, ...change.terms, deadlineAt } }),
        ...(isFinal(change.to) ? { finishedAt: now } : {}),
      },
      now,
      counts,
    );
    // Somebody was faster: the next look sees what is.
    changed ||= done;
  }
  const topics = await publishDesiredStates(deps, rows, generations);
  await saveCounts(rows, counts);
  return changed ? [...topics, `rollout:${rollout.id}`] : topics;
}

type OrderWriter = (
  target: StoredTarget,
  terms: OrderTerms,
  deadlineAt: number,
) => { order: Order; before: BeforeItem[] };

/** Reads once what the orders of these targets are made of. */
async function orderWriter(
  rows: Rows,
  { rollout, facts }: Read,
  targets: readonly StoredTarget[],
): Promise<OrderWriter> {
  const { plan, draft } = rollout;
  const known = new Map<string, KnownApplication>();
  if (targets.length > 0)
    for (const item of await selectKnownApplications(
      rows,
      plan.applications.map((planned) => planned.applicationId),
      targets.map((target) => target.serverId),
    ))
      known.set(`${item.serverId} ${item.applicationId}`, item);
  const wantedBy = (target: StoredTarget) =>
    target.action === 'install'
      ? // What is taken away is the version that is there, by its own recipe.
        plan.applications.map(({ applicationId, versionId, want }) => ({
          applicationId,
          versionId:
            want === 'absent'
              ? (known.get(`${target.serverId} ${applicationId}`)?.versionId ?? versionId)
              : versionId,
          want,
        }))
      : // Last in, first out.
        restored(rollout, target)
          .reverse()
          .map((item) => ({
            applicationId: item.applicationId,
            versionId: item.versionId ?? item.now,
            want: item.versionId === null ? ('absent' as const) : ('present' as const),
          }));
  const versions = new Map(
    [
      ...(await selectVersions(rows, [
        ...new Set(targets.flatMap((target) => wantedBy(target).map((item) => item.versionId))),
      ])),
    ].map(([id, version]) => [
      id,
      {
        slug: version.slug,
        version: version.version,
        recipes: JSON.parse(version.recipes) as Recipes,
      },
    ]),
  );
  return (target, terms, deadlineAt) => {
    const applications = wantedBy(target).flatMap((item): OrderedApplication[] => {
      const version = versions.get(item.versionId);
      return version === undefined ? [] : [{ ...item, ...version }];
    });
    const before = applications
      .filter((application) => isKept(application.recipes))
      .map(({ applicationId }): BeforeItem => {
        const item = known.get(`${target.serverId} ${applicationId}`);
        return {
          applicationId,
          versionId: item?.wanted === true && item.state === 'installed' ? item.versionId : null,
        };
      });
    const { attempt, action, serverId } = target;
    return {
      order: {
        orderId: orderIdOf({ rolloutId: rollout.id, serverId, attempt, action, applications }),
        attempt,
        applications,
        ...terms,
        expectedMs: terms.installUntil === null ? 0 : facts.expectedMs,
        deadlineAt,
        kibibytesPerSecond: draft.budget.kibibytesPerSecond,
      },
      before,
    };
  };
}

async function changeTheWave(
  deps: RolloutDeps,
  rows: Rows,
  read: Read,
  change: WaveChange,
): Promise<string[]> {
  const { rollout } = read;
  const now = deps.clock.now();
  const wave = read.waves.find((candidate) => candidate.number === change.number);
  if (wave === undefined) return [];
  const closed = change.to === 'passed' || change.to === 'tripped' || change.to === 'skipped';
  let size: number | undefined;
  if (change.to === 'open' && wave.number === read.waves.at(-1)?.number) {
    // The last wave is everyone left, whoever joined since the plan included.
    const late = await lateJoiners(rows, rollout.draft, new Set(read.targets.keys()), now);
    if (late.length > 0)
      await insertTargets(
        rows,
        rollout.id,
        late.map((server) => ({ ...server, wave: wave.number })),
        (rollout.startedAt ?? now) + rollout.draft.catchUpDays * 86_400_000,
        now,
      );
    size = wave.size + late.length;
  }
  if (
    !(await changeWave(rows, rollout.id, wave, {
      state: change.to,
      ...(change.to === 'open' ? { openedAt: now } : {}),
      ...(change.soakUntil === undefined ? {} : { soakUntil: change.soakUntil }),
      ...(closed ? { closedAt: now } : {}),
      ...(size === undefined ? {} : { size }),
    }))
  )
    return [];
  if (change.to !== 'skipped' && change.to !== 'soaking')
    await recordEffect(deps, rows, rolloutJob, {
      action: `rollout.wave_${change.to === 'open' ? 'opened' : change.to}` as AuditAction,
      subjectId: rollout.id,
      subjectName: rollout.name,
      details: { wave: wave.number },
    });
  return [`rollout:${rollout.id}`, 'audit'];
}

const actionOf: Partial<Record<RolloutState, AuditAction>> = {
  running: 'rollout.started',
  paused: 'rollout.paused',
  completed: 'rollout.completed',
  completed_with_failures: 'rollout.completed',
  cancelled: 'rollout.cancelled',
  rolled_back: 'rollout.rolled_back',
  rolling_back: 'rollout.rolling_back',
  failed: 'rollout.failed',
  superseded: 'rollout.superseded',
};

async function changeTheRollout(
  deps: RolloutDeps,
  rows: Rows,
  rollout: StoredRollout,
  change: NonNullable<Decision['rollout']>,
): Promise<string[]> {
  const now = deps.clock.now();
  const over =
    change.to !== 'running' &&
    change.to !== 'paused' &&
    change.to !== 'rolling_back' &&
    change.to !== 'cancelling';
  const changed = await changeRollout(rows, rollout.id, rollout.version, {
    state: change.to,
    pauseReason: change.pauseReason ?? null,
    pausedAt: change.to === 'paused' ? now : null,
    note: change.note ?? null,
    ...(change.to === 'running' && rollout.startedAt === null ? { startedAt: now } : {}),
    ...(over ? { endedAt: now } : {}),
  });
  if (!changed) return [];
  const action = actionOf[change.to];
  if (action !== undefined)
    await recordEffect(deps, rows, rolloutJob, {
      action,
      subjectId: rollout.id,
      subjectName: rollout.name,
      details: {
        state: change.to,
        ...(change.pauseReason === undefined ? {} : { reason: change.pauseReason }),
        ...(change.note === undefined ? {} : { note: change.note.en }),
      },
    });
  return [`rollout:${rollout.id}`, 'audit'];
}

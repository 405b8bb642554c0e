/** Settings for all rollouts of the city, and the brake that stops them. */

import { AppError } from '@preau/contract/errors.ts';
import { type Brake, defaultSettings, type RolloutSettings } from '@preau/contract/rollout.ts';
import { offlineAfterMs } from '@preau/contract/server.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { publishPolicy } from '#src/access/push.ts';
import { mustReach } from '#src/accounts/reach.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectSites } from '#src/sites/store.ts';
import { selectFleet } from './plan/store.ts';
import {
  changeRollout,
  type StoredRollout,
  saveCity,
  selectActiveRollouts,
  selectCity,
  takeFence,
} from './store.ts';
import { extendDeadlines } from './targets/deadlines.ts';

export const readSettings = (rows: Rows): Promise<RolloutSettings> =>
  selectCity(rows, 'rollouts', defaultSettings);

export async function changeSettings(
  deps: Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>,
  actor: Actor,
  settings: RolloutSettings,
): Promise<RolloutSettings> {
  mustReach(actor, null);
  const topics: Topic[] = ['rollouts', 'audit'];
  await deps.database.transaction().execute(async (rows) => {
    const past = await readSettings(rows);
    await saveCity(rows, 'rollouts', settings, deps.clock.now());
    // Rules also treat the city's closures as days without class, so they are published again.
    if (past.closures.join() !== settings.closures.join())
      topics.push(
        ...(await publishPolicy(
          deps,
          rows,
          (await selectSites(rows)).map(({ id }) => id),
        )),
      );
    await recordEffect(deps, rows, actor, {
      action: 'rollout.settings_changed',
      subjectName: 'rollouts',
      details: {
        approvalAboveSites: settings.approvalAboveSites,
        brakeAtSilentShare: settings.brakeAtSilentShare,
        planDriftShare: settings.planDriftShare,
        closures: settings.closures.length,
      },
    });
  });
  deps.wakeups.wake(topics);
  return settings;
}

// ---- the brake ------------------------------------------------------------------------------

const brakeOff: Brake = {
  on: false,
  cause: null,
  by: null,
  at: null,
  silentServers: 0,
  servers: 0,
};

/** The brake as stored; its numbers of servers are those when it was set. */
const selectBrake = (rows: Rows): Promise<Brake> => selectCity(rows, 'brake', brakeOff);

export const isBrakeOn = async (rows: Rows): Promise<boolean> => (await selectBrake(rows)).on;

/** Refuses with BRAKE_ON. */
export async function mustNotBeBraked(rows: Rows): Promise<void> {
  if (await isBrakeOn(rows)) throw new AppError('BRAKE_ON');
}

/** The brake, with the numbers of servers and silent servers now. */
export async function readBrake(deps: Pick<Platform, 'database' | 'clock'>): Promise<Brake> {
  return { ...(await selectBrake(deps.database)), ...(await countSilent(deps)) };
}

/** Counts the servers that reported within the last day, and how many of them are silent now. A
 * server that has been dead for weeks must not set the brake. */
async function countSilent(
  deps: Pick<Platform, 'database' | 'clock'>,
): Promise<{ silentServers: number; servers: number }> {
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

/** On: pauses every running rollout, including its timeouts. Off: they go on where they stopped.
 * Safe to repeat. */
export async function setBrake(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: Actor,
  on: boolean,
  cause: 'technician' | 'fleet' = 'technician',
  silence: { silentServers: number; servers: number } = { silentServers: 0, servers: 0 },
): Promise<void> {
  mustReach(actor, null);
  const now = deps.clock.now();
  const topics = await deps.database.transaction().execute(async (rows): Promise<Topic[]> => {
    if ((await isBrakeOn(rows)) === on) return [];
    const brake: Brake = on ? { on, cause, by: actor.name, at: now, ...silence } : brakeOff;
    await saveCity(rows, 'brake', brake, now);
    const woken: Topic[] = [];
    for (const rollout of await selectActiveRollouts(rows)) {
      // An evaluation that read the old value of the brake can no longer write.
      await takeFence(rows, rollout.id);
      await (on ? stop(rows, rollout, now) : release(rows, rollout, now));
      woken.push(`rollout:${rollout.id}`);
    }
    await recordEffect(deps, rows, actor, {
      action: on ? 'brake.set' : 'brake.released',
      subjectName: cause,
      details: on ? { cause, ...silence } : {},
    });
    return [...woken, 'rollouts', 'audit'];
  });
  deps.wakeups.wake(topics);
}

async function stop(rows: Rows, rollout: StoredRollout, now: number): Promise<void> {
  if (rollout.state === 'running')
    await changeRollout(rows, rollout.id, rollout.version, {
      state: 'paused',
      pauseReason: 'brake',
      pausedAt: now,
    });
}

async function release(rows: Rows, rollout: StoredRollout, now: number): Promise<void> {
  if (rollout.state !== 'paused' || rollout.pauseReason !== 'brake') return;
  await extendDeadlines(rows, rollout, 'all', now);
  await changeRollout(rows, rollout.id, rollout.version, {
    state: 'running',
    pauseReason: null,
    pausedAt: null,
  });
}

/** In a smaller fleet, a fault of the whole city cannot be told from a fault of one school. */
const fewestServers = 5;

/** Sets the brake when most of the fleet falls silent, and releases it when most of it is back. */
export async function watchFleet(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
): Promise<void> {
  const { silentServers, servers } = await countSilent(deps);
  const brake = await selectBrake(deps.database);
  const { brakeAtSilentShare } = await readSettings(deps.database);
  const share = servers === 0 ? 0 : silentServers / servers;
  const watch: Actor = { kind: 'job', id: 'rollouts.watch', name: 'rollouts.watch' };
  if (!brake.on && servers >= fewestServers && share >= brakeAtSilentShare)
    await setBrake(deps, watch, true, 'fleet', { silentServers, servers });
  else if (brake.on && brake.cause === 'fleet' && share < brakeAtSilentShare / 2)
    await setBrake(deps, watch, false);
}

/** What must hold after every commit, whatever has happened. Derived from the documented promises,
 * not from the code that keeps them. */

import type { DesiredState } from '@preau/contract/desired-state.ts';
import type { Report } from '@preau/contract/report.ts';
import type { Brake } from '@preau/contract/rollout.ts';
import type { TargetState } from '@preau/contract/rollout-states.ts';
import { isBad, isFinal, isGood, isInFlight, targetMoves } from '@preau/contract/rollout-states.ts';
import type { Machine } from './machine.ts';
import type { Connection, RowChange, Shapes } from './tables.ts';
import type { World } from './world.ts';

/** An order confirmed this recently must not become unknown. */
const heardOfMs = 60_000;

export function watch(world: World): { acknowledged: (machine: Machine, report: Report) => void } {
  const rows = world.tables.of;
  /** Rollouts whose wave has exceeded its threshold, and the newest evaluation at that time. */
  const exceeded = new Map<string, { fence: number; wave: number }>();
  /** When the state in the order's row was last reported. */
  const heardOf = new Map<string, number>();
  const brakeIsOn = () => (rows.city.get('brake')?.body as Brake | undefined)?.on === true;
  const nameOf = ({ serverId, rolloutId }: { serverId: string; rolloutId: string }) =>
    `${rows.servers.get(serverId)?.name ?? serverId} in ${rolloutId.slice(-3)}`;
  const targetsByOrder = (serverId: string, orderId: string) =>
    [...rows.targets.values()].filter(
      (target) => target.serverId === serverId && target.orderId === orderId,
    );
  const targetsOf = (rolloutId: string) =>
    [...rows.targets.values()].filter((target) => target.rolloutId === rolloutId);

  const moved = (before: Shapes['targets'], after: Shapes['targets'], by: Connection) => {
    const told =
      `${nameOf(after)}: ${before.state} → ${after.state} (attempt ${before.attempt} → ` +
      `${after.attempt}${after.reason === null ? '' : `, ${after.reason}`})`;
    if (before.state !== after.state) world.note(`   ${told}`);
    if (after.version !== before.version + 1)
      world.violate('each change is made to the row that was read', told);
    if (
      after.orderId === before.orderId &&
      after.lastSeq < before.lastSeq &&
      after.state !== 'unknown'
    )
      world.violate('serial numbers rise', `${told}: ${before.lastSeq} → ${after.lastSeq}`);
    if (after.attempt !== before.attempt) newAttempt(before, after, told);
    else if (before.state !== after.state && !targetMoves[before.state].includes(after.state))
      world.violate(
        isFinal(before.state) ? 'final states stand' : 'every move is a legal one',
        told,
      );
    if (!isFinal(after.state) && !(after.deadlineAt > 0))
      world.violate('nothing open is without a deadline', told);
    if (before.state !== after.state) entered(after, by, told);
  };

  const newAttempt = (before: Shapes['targets'], after: Shapes['targets'], told: string) => {
    const fresh =
      before.state === 'offered' ||
      isBad(before.state) ||
      (after.action === 'restore' &&
        before.action === 'install' &&
        (isFinal(before.state) || before.state === 'unknown'));
    if (after.attempt !== before.attempt + 1 || after.state !== 'queued' || !fresh)
      world.violate('a new attempt begins at its beginning', told);
  };

  /** Checks a target that has changed its state. */
  const entered = (target: Shapes['targets'], by: Connection, told: string) => {
    if (target.state === 'offered') offered(target, by);
    if (target.state === 'timed_out' && brakeIsOn())
      world.violate('the brake holds', `${told} behind the brake`);
    if (target.state !== 'unknown') return;
    const heard = heardOf.get(target.orderId ?? '');
    if (heard !== undefined && world.clock.now - heard < heardOfMs)
      world.violate(
        'only the silent are unknown',
        `${told}, heard of ${Math.round((world.clock.now - heard) / 1000)} s ago`,
      );
  };

  const offered = (target: Shapes['targets'], by: Connection) => {
    const rollout = rows.rollouts.get(target.rolloutId);
    if (rollout === undefined) return;
    if (brakeIsOn())
      world.violate('the brake holds', `${nameOf(target)} is offered an order behind the brake`);
    if (rollout.state !== 'running' && rollout.state !== 'rolling_back')
      world.violate(
        'what stands still offers nothing',
        `${nameOf(target)} is offered an order of a rollout that is ${rollout.state}`,
      );
    if (
      target.order === null ||
      target.orderId !== target.order.orderId ||
      target.leaseUntil === null
    )
      world.violate('an offer has an order', nameOf(target));
    const over = exceeded.get(rollout.id);
    if (
      over !== undefined &&
      rollout.state === 'running' &&
      isOver(rollout.id, over.wave) &&
      (by.fence ?? 0) > over.fence
    )
      world.violate('a threshold is not overshot by new offers', nameOf(target));
  };

  /** Whether the wave exceeds one of the active limits. Consecutive failures are left to the table of
   * the decision, trip.test.ts. */
  const isOver = (rolloutId: string, number: number): boolean => {
    const rollout = rows.rollouts.get(rolloutId);
    const wave = rows.waves.get(`${rolloutId} ${number}`);
    if (
      rollout === undefined ||
      wave === undefined ||
      (wave.state !== 'open' && wave.state !== 'soaking')
    )
      return false;
    const { trip } = rollout.draft;
    const members = targetsOf(rolloutId).filter(
      (target) => target.wave === number && target.state !== 'skipped',
    );
    const failed =
      members.filter(({ state }) => state === 'failed' || state === 'rejected').length -
      wave.tolerated;
    const late =
      members.filter(({ state, reason }) => state === 'timed_out' && reason === 'deadline').length -
      wave.toleratedLate;
    const enough = Math.min(2, members.length);
    return (
      (trip.failedCount !== null && failed > trip.failedCount) ||
      (trip.failedShare !== null &&
        failed >= enough &&
        failed / members.length > trip.failedShare) ||
      (trip.timedOutShare !== null && late >= enough && late / members.length > trip.timedOutShare)
    );
  };

  const budget = (rolloutId: string) => {
    const limits = rows.rollouts.get(rolloutId)?.draft.budget;
    if (limits === undefined) return;
    const sites = new Map<string, number>();
    for (const target of targetsOf(rolloutId))
      if (isInFlight(target.state)) sites.set(target.siteId, (sites.get(target.siteId) ?? 0) + 1);
    if (limits.sitesAtOnce !== null && sites.size > limits.sitesAtOnce)
      world.violate(
        'the budget is kept',
        `${sites.size} schools at once, ${limits.sitesAtOnce} allowed`,
      );
    for (const [siteId, n] of sites)
      if (limits.serversPerSite !== null && n > limits.serversPerSite)
        world.violate(
          'the budget is kept',
          `${n} servers of ${siteId.slice(-3)} at once, ${limits.serversPerSite} allowed`,
        );
  };

  const recount = (rolloutId: string) => {
    const counted = new Map<string, number>();
    for (const { wave, state } of targetsOf(rolloutId))
      counted.set(`${wave} ${state}`, (counted.get(`${wave} ${state}`) ?? 0) + 1);
    for (const { rolloutId: id, wave, state, n } of rows.counts.values()) {
      if (id !== rolloutId) continue;
      if ((counted.get(`${wave} ${state}`) ?? 0) !== n)
        return world.violate(
          'counters equal a recount',
          `wave ${wave}: ${n} ${state}, counted ${counted.get(`${wave} ${state}`) ?? 0}`,
        );
      counted.delete(`${wave} ${state}`);
    }
    for (const name of counted.keys())
      return world.violate('counters equal a recount', `nobody counts ${name}`);
  };

  /** The state last signed for a server must match its order rows. */
  const published = (serverId: string) => {
    const signed = rows.desired.get(serverId);
    const server = rows.servers.get(serverId);
    if (signed === undefined || server === undefined) return;
    const say = (orders: readonly { orderId: string; phase: string; cancel: string | null }[]) =>
      orders
        .map(({ orderId, phase, cancel }) => `${orderId} ${phase} ${cancel}`)
        .sort()
        .join(', ');
    const asked = say((JSON.parse(signed.document) as DesiredState).orders);
    const rowsSay = say(
      [...rows.targets.values()].flatMap((target) =>
        target.serverId === serverId && isInFlight(target.state) && target.order !== null
          ? [target.order]
          : [],
      ),
    );
    if (asked !== rowsSay)
      world.violate(
        'what is signed is what the rows say',
        `${server.name}: signed ${asked || 'nothing'}; rows: ${rowsSay || 'nothing'}`,
      );
  };

  /** The checks run at each table's change; targets and counters are also checked afterwards. */
  const checks: { [K in keyof Shapes]?: (change: RowChange<K>, by: Connection) => void } = {
    targets: ({ before, after }, by) => {
      if (before !== undefined && after !== undefined) moved(before, after, by);
    },
    rollouts: (change) => stateOf(change),
    waves: (change) => waveOf(change),
    servers: (change) => heard(change),
    city: () => world.note(`   city: brake ${brakeIsOn() ? 'on' : 'off'}`),
  };
  const check = <K extends keyof Shapes>(change: RowChange<K>, by: Connection) =>
    checks[change.table]?.(change, by);

  world.tables.committed = (changes: readonly RowChange[], by) => {
    const rollouts = new Set<string>();
    const servers = new Set<string>();
    for (const change of changes) {
      if (change.table === 'targets') {
        const { before, after } = change as RowChange<'targets'>;
        const one = after ?? before;
        if (one === undefined) continue;
        rollouts.add(one.rolloutId);
        servers.add(one.serverId);
      } else if (change.table === 'counts')
        rollouts.add((change as RowChange<'counts'>).after?.rolloutId ?? '');
      check(change, by);
    }
    for (const rolloutId of rollouts) {
      recount(rolloutId);
      budget(rolloutId);
      thresholds(rolloutId);
    }
    for (const serverId of servers) published(serverId);
  };

  const thresholds = (rolloutId: string) => {
    const wave = [...rows.waves.values()].find(
      (each) => each.rolloutId === rolloutId && (each.state === 'open' || each.state === 'soaking'),
    );
    if (wave === undefined || !isOver(rolloutId, wave.number)) exceeded.delete(rolloutId);
    else if (exceeded.get(rolloutId)?.wave !== wave.number)
      exceeded.set(rolloutId, {
        fence: rows.rollouts.get(rolloutId)?.fence ?? 0,
        wave: wave.number,
      });
  };

  const stateOf = ({ before, after }: RowChange<'rollouts'>) => {
    if (before === undefined || after === undefined || before.state === after.state) return;
    world.note(
      `   rollout ${after.id.slice(-3)}: ${before.state} → ` +
        `${after.state}${after.pauseReason === null ? '' : ` (${after.pauseReason})`}`,
    );
    const open = targetsOf(after.id).filter(({ state }) => !isFinal(state)).length;
    if (
      open > 0 &&
      (after.state === 'completed' ||
        after.state === 'completed_with_failures' ||
        after.state === 'rolled_back' ||
        after.state === 'failed' ||
        after.state === 'superseded')
    )
      world.violate(
        'what is over has nothing open',
        `rollout ${after.id.slice(-3)} ${after.state} with ${open} open`,
      );
  };

  const waveOf = ({ before, after }: RowChange<'waves'>) => {
    if (before === undefined || after === undefined || before.state === after.state) return;
    world.note(
      `   rollout ${after.rolloutId.slice(-3)} wave ${after.number}: ${before.state} → ${after.state}`,
    );
    if (brakeIsOn() && (after.state === 'tripped' || after.state === 'passed'))
      world.violate('the brake holds', `wave ${after.number} ${after.state} behind the brake`);
    const told = `wave ${after.number} of ${after.rolloutId.slice(-3)}`;
    if (before.state === 'soaking' && after.state === 'passed' && before.soakUntil !== null)
      tooEarly('a wave is watched as long as was asked', told, before.soakUntil);
    if (before.state === 'pending' && after.state === 'open') opened(after, told);
  };

  const tooEarly = (promise: string, told: string, from: number) => {
    if (world.clock.now < from)
      world.violate(promise, `${told} ${Math.ceil((from - world.clock.now) / 1000)} s too early`);
  };

  const opened = (wave: Shapes['waves'], told: string) => {
    const last = rows.waves.get(`${wave.rolloutId} ${wave.number - 1}`);
    if (last === undefined) return;
    if (last.state !== 'passed')
      world.violate('waves open one after the other', `${told} opens behind one ${last.state}`);
    if (typeof last.spec.gate === 'object' && last.closedAt !== null)
      tooEarly(
        'a gate of minutes lasts minutes',
        told,
        last.closedAt + last.spec.gate.afterMinutes * 60_000,
      );
  };

  const heard = ({ before, after }: RowChange<'servers'>) => {
    if (before === undefined || after === undefined) return;
    if (after.generation < before.generation)
      world.violate(
        'a generation never goes back',
        `${after.name}: ${before.generation} → ${after.generation}`,
      );
    if (after.epoch === before.epoch && after.seq < before.seq)
      world.violate(
        'reports are heard in their order',
        `${after.name}: report ${after.seq} after ${before.seq}`,
      );
    if (after.epoch !== before.epoch && past.has(`${after.id} ${after.epoch}`))
      world.violate(
        'reports are heard in their order',
        `${after.name}: a run of the agent that is over speaks`,
      );
    past.add(`${after.id} ${after.epoch}`);
  };
  const past = new Set<string>();

  return {
    /** From now on the controller must keep what it has acknowledged of this report. */
    acknowledged: (machine, report) => {
      for (const { orderId, state, seq } of report.orders) {
        if (targetsByOrder(machine.id, orderId).some(({ lastSeq }) => lastSeq === seq))
          heardOf.set(orderId, world.clock.now);
        const ended: TargetState = state;
        if (!isFinal(ended)) continue;
        for (const target of targetsByOrder(machine.id, orderId)) {
          if (!isFinal(target.state) && target.state !== 'unknown')
            world.violate(
              'what was acknowledged is kept',
              `${nameOf(target)}: ${ended} was acknowledged, the row says ${target.state}`,
            );
          if (isGood(ended) && target.state === 'failed')
            world.violate(
              'what was acknowledged is kept',
              `${nameOf(target)}: ${ended} was acknowledged, the row says failed`,
            );
        }
      }
    },
  };
}

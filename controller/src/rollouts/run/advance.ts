/** What happens next in a rollout: bookkeeping of what is in flight, trips, gates, offers, the end.
 * Pure: facts and a moment in, a decision out. Deciding twice on the same facts gives the same
 * answer; deciding on what the answer led to gives nothing new. */
import {
  isFinal,
  isGood,
  isInFlight,
  isNotStarted,
  isWaiting,
} from '@preau/contract/rollout-states.ts';
import type {
  Decision,
  OrderTerms,
  RolloutFacts,
  Span,
  TargetChange,
  TargetFacts,
  WaveFacts,
} from './facts.ts';

/** An order nobody has taken is taken back. */
export const offerLeaseMs = 90_000;
/** An order that was taken and is not heard of becomes `unknown`. Agents report every 20 s. */
export const runLeaseMs = 180_000;
/** Those who come back at once do not all begin at once. */
const catchUpJitterMs = 20_000;
const dayMs = 86_400_000;
const nothing: Decision = { targets: [], waves: [], rollout: null, lookAt: null };

export function advance(facts: RolloutFacts, now: number): Decision {
  switch (facts.state) {
    case 'scheduled':
      return begin(facts, now);
    case 'running':
      return facts.braked
        ? { ...nothing, rollout: { to: 'paused', pauseReason: 'brake' } }
        : run(facts, now);
    case 'paused':
      // The brake stops verdicts too: when everybody is silent, the fault is not theirs.
      return facts.pauseReason === 'brake' || facts.braked
        ? nothing
        : withLook(
            { ...nothing, targets: [...overdue(facts, now, false), ...hold(facts)] },
            facts,
            now,
          );
    case 'cancelling':
      return cancel(facts);
    case 'rolling_back':
      return facts.braked ? nothing : rollBack(facts, now);
    default:
      return nothing;
  }
}

function begin(facts: RolloutFacts, now: number): Decision {
  const at = Math.max(facts.startAt ?? 0, facts.arrivalEnds ?? 0);
  return at > now || facts.braked
    ? { ...nothing, lookAt: Math.max(at, now + 60_000) }
    : { ...nothing, rollout: { to: 'running' } };
}

function run(facts: RolloutFacts, now: number): Decision {
  if (facts.superseded) {
    const left = facts.targets.filter((target) => isWaiting(target.state));
    if (left.length > 0)
      return { ...nothing, targets: left.map((target) => change(target, 'superseded')) };
    if (!facts.targets.some((target) => isInFlight(target.state)))
      return { ...nothing, rollout: { to: 'superseded' } };
  }
  const late = overdue(facts, now, true);
  if (late.length > 0) return { ...nothing, targets: late };
  const current = facts.waves.find((wave) => wave.state === 'open' || wave.state === 'soaking');
  if (current !== undefined) {
    const tripped = trip(facts, current);
    if (tripped !== null) {
      return {
        ...nothing,
        waves: [{ number: current.number, to: 'tripped' }],
        rollout:
          facts.draft.onTrip === 'roll_back'
            ? { to: 'rolling_back', note: tripped }
            : { to: 'paused', pauseReason: 'threshold', note: tripped },
      };
    }
  }
  const step = facts.superseded ? null : moveWaves(facts, current, now);
  if (step !== null) return step;
  if (
    facts.targets.every((target) => isFinal(target.state)) &&
    facts.waves.every(
      (wave) => wave.state !== 'pending' && wave.state !== 'open' && wave.state !== 'soaking',
    )
  )
    return { ...nothing, rollout: { to: verdict(facts) } };
  return withLook(
    { ...nothing, targets: [...retime(facts, now), ...offers(facts, now, reachedWaves(facts))] },
    facts,
    now,
  );
}

const verdict = (facts: RolloutFacts) =>
  facts.targets.some(
    (target) =>
      target.state === 'failed' || target.state === 'timed_out' || target.state === 'rejected',
  )
    ? 'completed_with_failures'
    : 'completed';
const reachedWaves = (facts: RolloutFacts) =>
  new Set(
    facts.waves
      .filter(
        (wave) => wave.state === 'open' || wave.state === 'soaking' || wave.state === 'passed',
      )
      .map((wave) => wave.number),
  );
const change = (
  target: TargetFacts,
  to: TargetChange['to'],
  more: Omit<TargetChange, 'serverId' | 'version' | 'to'> = {},
): TargetChange => ({
  serverId: target.serverId,
  version: target.version,
  to,
  reason: null,
  opensAt: null,
  ...more,
});
const catchUpUntil = (facts: RolloutFacts, now: number) =>
  (facts.startedAt ?? now) + facts.draft.catchUpDays * dayMs;

/** Leases and deadlines. While paused, what has not started keeps its time (`counting` false). */
function overdue(facts: RolloutFacts, now: number, counting: boolean): TargetChange[] {
  const changes: TargetChange[] = [];
  for (const target of facts.targets) {
    if (isFinal(target.state)) continue;
    if (target.server.gone) changes.push(change(target, 'cancelled', { reason: 'server_gone' }));
    else if (isWaiting(target.state)) {
      if (counting && target.deadlineAt <= now)
        changes.push(change(target, 'timed_out', { reason: 'never_came' }));
    } else if (target.state === 'offered' && (target.leaseUntil ?? 0) <= now) {
      if (counting)
        changes.push(
          change(target, 'queued', { newAttempt: true, deadlineAt: catchUpUntil(facts, now) }),
        );
    } else if (target.deadlineAt <= now && (counting || !isNotStarted(target.state)))
      changes.push(change(target, 'timed_out', { reason: 'deadline' }));
    else if (
      target.state !== 'offered' &&
      target.state !== 'unknown' &&
      (target.leaseUntil ?? 0) <= now
    )
      changes.push(change(target, 'unknown'));
  }
  return changes;
}

/** While paused, whatever has not begun to install is held where it is. */
function hold(facts: RolloutFacts): TargetChange[] {
  return facts.targets
    .filter(
      (target) =>
        isInFlight(target.state) &&
        isNotStarted(target.state) &&
        target.order !== null &&
        target.order.phase === 'install' &&
        target.order.cancel === null,
    )
    .map((target) =>
      change(target, target.state, {
        reason: 'held',
        terms: { phase: 'stage', installFrom: null, installUntil: null, cancel: null },
      }),
    );
}

/** Given up while it worked; one that never came is another matter. */
export const ranOutOfTime = ({ state, reason }: Pick<TargetFacts, 'state' | 'reason'>): boolean =>
  state === 'timed_out' && reason === 'deadline';

/** Members that have answered, members nobody can reach. */
const isSilent = (target: TargetFacts) => isWaiting(target.state) && !target.server.online;

function trip(facts: RolloutFacts, wave: WaveFacts): { fr: string; en: string } | null {
  const members = facts.targets.filter(
    (target) => target.wave === wave.number && target.state !== 'skipped',
  );
  const failures = members.filter(
    (target) => target.state === 'failed' || target.state === 'rejected',
  );
  const failed = Math.max(failures.length - wave.tolerated, 0);
  const timedOut = Math.max(members.filter(ranOutOfTime).length - wave.toleratedLate, 0);
  const { trip: rules } = facts.draft;
  const enough = Math.min(2, members.length);
  const told = (fr: string, en: string) => ({
    fr: `Vague ${wave.number} arrêtée : ${fr}.`,
    en: `Wave ${wave.number} stopped: ${en}.`,
  });
  if (rules.failedCount !== null && failed > rules.failedCount)
    return told(`${failed} serveurs en échec`, `${failed} servers failed`);
  if (rules.failedShare !== null && failed >= enough && failed / members.length > rules.failedShare)
    return told(
      `${failed} serveurs en échec sur ${members.length}`,
      `${failed} of ${members.length} servers failed`,
    );
  if (
    rules.timedOutShare !== null &&
    timedOut >= enough &&
    timedOut / members.length > rules.timedOutShare
  )
    return told(
      `${timedOut} serveurs sur ${members.length} n’ont pas fini à temps`,
      `${timedOut} of ${members.length} servers did not finish in time`,
    );
  if (rules.consecutiveFailures !== null && failed >= rules.consecutiveFailures) {
    const ended = members
      .filter(
        (target) =>
          target.finishedAt !== null &&
          (isGood(target.state) || target.state === 'failed' || target.state === 'rejected'),
      )
      .sort(
        (a, b) => (b.finishedAt ?? 0) - (a.finishedAt ?? 0) || a.serverId.localeCompare(b.serverId),
      );
    const streak = ended.findIndex((target) => isGood(target.state));
    if ((streak < 0 ? ended.length : streak) >= rules.consecutiveFailures)
      return told(
        `${rules.consecutiveFailures} échecs de suite`,
        `${rules.consecutiveFailures} failures in a row`,
      );
  }
  return null;
}

function moveWaves(
  facts: RolloutFacts,
  current: WaveFacts | undefined,
  now: number,
): Decision | null {
  if (current === undefined) {
    const next = facts.waves.find((wave) => wave.state === 'pending');
    if (next === undefined) return null;
    const before = facts.waves.filter((wave) => wave.number < next.number).at(-1);
    if (before !== undefined && typeof before.spec.gate === 'object') {
      const opensAt = (before.closedAt ?? now) + before.spec.gate.afterMinutes * 60_000;
      if (opensAt > now)
        return withLook(
          {
            ...nothing,
            targets: [...retime(facts, now), ...offers(facts, now, reachedWaves(facts))],
            lookAt: opensAt,
          },
          facts,
          now,
        );
    }
    return { ...nothing, waves: [{ number: next.number, to: 'open' }] };
  }
  const members = facts.targets.filter((target) => target.wave === current.number);
  const isLast = facts.waves.at(-1)?.number === current.number;
  const close = (): Decision => {
    const asks = !isLast && current.spec.gate === 'manual';
    return {
      ...nothing,
      waves: [{ number: current.number, to: 'passed' }],
      rollout: asks
        ? {
            to: 'paused',
            pauseReason: 'gate',
            note: {
              fr: `Vague ${current.number} réussie : à vous d’ouvrir la suivante.`,
              en: `Wave ${current.number} is well: the next one is yours to open.`,
            },
          }
        : null,
    };
  };
  if (current.state === 'soaking') {
    if ((current.soakUntil ?? 0) > now) return null;
    return close();
  }
  if (!members.every((target) => isFinal(target.state) || isSilent(target))) return null;
  // A wave that nobody answered in proves nothing: the next one waits for it, except behind the
  // last.
  if (!isLast && members.some(isSilent) && !members.some((target) => isGood(target.state)))
    return null;
  const changed = members.some((target) => target.state === 'succeeded');
  if (current.spec.soakMinutes > 0 && changed)
    return {
      ...nothing,
      waves: [
        {
          number: current.number,
          to: 'soaking',
          soakUntil: now + current.spec.soakMinutes * 60_000,
        },
      ],
    };
  return close();
}

/** The terms an order has while its rollout runs. Null: it may not be given now. */
function termsOf(
  facts: RolloutFacts,
  target: TargetFacts,
  now: number,
): OrderTerms | { wait: 'window'; opensAt: number | null } {
  const open = (span: Span | null) => span === null || (span.from !== null && span.from <= now);
  const { install, download } = target;
  if (target.action === 'restore' || install === null) {
    if (target.action === 'install' && !open(download))
      return { wait: 'window', opensAt: download?.from ?? null };
    return { phase: 'install', installFrom: null, installUntil: null, cancel: null };
  }
  const fits = open(install) && (install.until === null || now + facts.expectedMs <= install.until);
  if (fits)
    return { phase: 'install', installFrom: null, installUntil: install.until, cancel: null };
  // Not now: fetch ahead when the line may be used, and let the agent begin by itself when its hour
  // comes.
  if (!open(install) && open(download) && install.from !== null && install.from - now < dayMs)
    return {
      phase: 'install',
      installFrom: install.from,
      installUntil: install.until,
      cancel: null,
    };
  return { wait: 'window', opensAt: open(install) ? null : install.from };
}

/** Orders out there whose terms no longer fit: resumed, or their window has moved on. */
function retime(facts: RolloutFacts, now: number): TargetChange[] {
  const changes: TargetChange[] = [];
  for (const target of facts.targets) {
    if (
      !isInFlight(target.state) ||
      !isNotStarted(target.state) ||
      target.order === null ||
      target.order.cancel !== null
    )
      continue;
    const terms = termsOf(facts, target, now);
    if ('wait' in terms) {
      if (target.order.phase === 'install')
        changes.push(
          change(target, target.state, {
            reason: 'window',
            opensAt: terms.opensAt,
            terms: { phase: 'stage', installFrom: null, installUntil: null, cancel: null },
          }),
        );
    } else if (
      terms.phase !== target.order.phase ||
      terms.installUntil !== target.order.installUntil ||
      ((terms.installFrom ?? 0) > now && terms.installFrom !== target.order.installFrom)
    ) {
      changes.push(
        change(target, target.state, { terms, deadlineAt: deadlineOf(facts, terms, now) }),
      );
    }
  }
  return changes;
}

const deadlineOf = (facts: RolloutFacts, terms: OrderTerms, now: number) =>
  Math.max(now, terms.installFrom === null ? 0 : (terms.installUntil ?? terms.installFrom)) +
  facts.draft.timeoutMinutes * 60_000;

function offers(facts: RolloutFacts, now: number, waves: ReadonlySet<number>): TargetChange[] {
  const { sitesAtOnce, serversPerSite } = facts.draft.budget;
  const perSite = new Map<string, number>();
  for (const target of facts.targets)
    if (isInFlight(target.state)) perSite.set(target.siteId, (perSite.get(target.siteId) ?? 0) + 1);
  const changes: TargetChange[] = [];
  const wait = (
    target: TargetFacts,
    reason: string,
    opensAt: number | null = null,
    more: Partial<TargetChange> = {},
  ) => {
    if (target.state !== 'blocked' || target.reason !== reason || target.opensAt !== opensAt)
      changes.push(change(target, 'blocked', { reason, opensAt, ...more }));
  };
  for (const target of facts.targets) {
    if (!isWaiting(target.state) || !waves.has(target.wave)) continue;
    if (target.action === 'install' && target.server.hasAll) {
      changes.push(change(target, 'already_installed'));
      continue;
    }
    if (!target.server.online) {
      wait(target, 'offline');
      continue;
    }
    if (target.state === 'blocked' && target.reason === 'offline') {
      // Back again: within the next moments, not all of them in the same one.
      wait(target, 'catching_up', null, {
        notBefore: now + spread(target.serverId, catchUpJitterMs),
      });
      continue;
    }
    if (target.notBefore !== null && target.notBefore > now) continue;
    const terms = termsOf(facts, target, now);
    if (target.server.busy || target.server.draining) wait(target, 'dependency');
    else if ('wait' in terms) wait(target, 'window', terms.opensAt);
    else {
      const here = perSite.get(target.siteId) ?? 0;
      if (
        (here === 0 && sitesAtOnce !== null && perSite.size >= sitesAtOnce) ||
        (serversPerSite !== null && here >= serversPerSite)
      )
        wait(target, 'budget');
      else {
        perSite.set(target.siteId, here + 1);
        changes.push(
          change(target, 'offered', { offer: terms, deadlineAt: deadlineOf(facts, terms, now) }),
        );
      }
    }
  }
  return changes;
}

function cancel(facts: RolloutFacts): Decision {
  const kind = facts.cancelKind ?? 'finish';
  const targets: TargetChange[] = [];
  for (const target of facts.targets) {
    // Nobody has it, or nobody knows who has: at once. Should it come to an end all the same, the
    // inventory will say so.
    if (
      isWaiting(target.state) ||
      target.state === 'offered' ||
      target.state === 'unknown' ||
      (isInFlight(target.state) && target.server.gone)
    )
      targets.push(change(target, 'cancelled'));
    else if (isInFlight(target.state) && target.order !== null && target.order.cancel !== kind)
      targets.push(change(target, target.state, { terms: { ...target.order, cancel: kind } }));
  }
  if (targets.length > 0 || facts.targets.some((target) => isInFlight(target.state)))
    return { ...nothing, targets };
  return {
    ...nothing,
    waves: facts.waves
      .filter(
        (wave) => wave.state === 'pending' || wave.state === 'open' || wave.state === 'soaking',
      )
      .map((wave) => ({ number: wave.number, to: 'skipped' })),
    rollout: { to: 'cancelled' },
  };
}

function rollBack(facts: RolloutFacts, now: number): Decision {
  const inScope = (target: TargetFacts) =>
    facts.rollbackWave === null || target.wave === facts.rollbackWave;
  const targets: TargetChange[] = [];
  for (const target of facts.targets) {
    if (target.action === 'restore') continue;
    if (isWaiting(target.state) || target.state === 'offered' || target.state === 'unknown')
      targets.push(change(target, 'cancelled'));
    else if (isInFlight(target.state)) {
      if (isNotStarted(target.state) && target.order !== null && target.order.cancel === null)
        targets.push(
          change(target, target.state, { terms: { ...target.order, cancel: 'finish' } }),
        );
    } else if (
      inScope(target) &&
      target.canRestore &&
      (target.state === 'succeeded' || target.state === 'failed' || target.state === 'timed_out')
    ) {
      targets.push(
        change(target, 'queued', {
          action: 'restore',
          newAttempt: true,
          deadlineAt: catchUpUntil(facts, now),
        }),
      );
    }
  }
  targets.push(
    ...overdue(facts, now, true).filter(
      (late) => !targets.some((other) => other.serverId === late.serverId),
    ),
  );
  if (targets.length > 0) return { ...nothing, targets };
  if (facts.targets.every((target) => isFinal(target.state))) {
    return {
      ...nothing,
      waves: facts.waves
        .filter(
          (wave) => wave.state === 'pending' || wave.state === 'open' || wave.state === 'soaking',
        )
        .map((wave) => ({ number: wave.number, to: 'skipped' })),
      rollout: {
        to: facts.targets.some(
          (target) =>
            target.action === 'restore' &&
            target.state !== 'rolled_back' &&
            target.state !== 'cancelled',
        )
          ? 'failed'
          : 'rolled_back',
      },
    };
  }
  // The way back is open to all at once, within the budget; no window holds it up.
  return withLook(
    { ...nothing, targets: offers(facts, now, new Set(facts.waves.map((wave) => wave.number))) },
    facts,
    now,
  );
}

/** The earliest moment at which time alone changes the answer. */
function withLook(decision: Decision, facts: RolloutFacts, now: number): Decision {
  let at = decision.lookAt ?? Number.POSITIVE_INFINITY;
  const consider = (moment: number | null) => {
    if (moment !== null && moment > now && moment < at) at = moment;
  };
  for (const wave of facts.waves) if (wave.state === 'soaking') consider(wave.soakUntil);
  for (const target of facts.targets) {
    if (isFinal(target.state)) continue;
    consider(target.deadlineAt);
    consider(target.leaseUntil);
    consider(target.notBefore);
    consider(target.install?.from ?? null);
    consider(target.download?.from ?? null);
  }
  return { ...decision, lookAt: Number.isFinite(at) ? at : null };
}

/** The same server always waits the same share: repeatable, and spread over all of them. */
function spread(id: string, withinMs: number): number {
  let hash = 2166136261;
  for (const letter of id) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619);
  return (hash >>> 0) % withinMs;
}

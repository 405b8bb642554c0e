/** Which servers get an order, and on which terms. Pure. */

import { dayMs } from '@preau/contract/days.ts';
import type { BlockReason } from '@preau/contract/rollout-states.ts';
import { isInFlight, isNotStarted, isWaiting } from '@preau/contract/rollout-states.ts';
import { change, type OrderTerms, type TargetChange } from './decision.ts';
import type { RolloutFacts, Span, TargetFacts } from './facts.ts';

/** Spreads the starts of servers that come back online together. */
const catchUpJitterMs = 20_000;

/** Waves whose servers may get orders. */
export const reachedWaves = (facts: RolloutFacts) =>
  new Set(
    facts.waves
      .filter(
        (wave) => wave.state === 'open' || wave.state === 'soaking' || wave.state === 'passed',
      )
      .map((wave) => wave.number),
  );

/** The terms of an order while its rollout runs, or `wait` when it may not be given now. */
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
  // The install window is closed but downloading is allowed: the agent downloads ahead, and starts
  // installing by itself when the window opens.
  if (!open(install) && open(download) && install.from !== null && install.from - now < dayMs)
    return {
      phase: 'install',
      installFrom: install.from,
      installUntil: install.until,
      cancel: null,
    };
  return { wait: 'window', opensAt: open(install) ? null : install.from };
}

/** New terms for given orders that need them: after a resume, or because their window has moved. */
export function retime(facts: RolloutFacts, now: number): TargetChange[] {
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

/** Offers orders to the servers of these waves that may begin now, and records why the others
 * wait. */
export function offers(
  facts: RolloutFacts,
  now: number,
  waves: ReadonlySet<number>,
): TargetChange[] {
  const places = new Places(facts);
  return facts.targets.flatMap((target) => {
    if (!isWaiting(target.state) || !waves.has(target.wave)) return [];
    if (target.action === 'install' && target.server.hasAll)
      return [change(target, 'already_installed')];
    if (!target.server.online) return wait(target, 'offline');
    // Back online: starts within the next 20 seconds, spread out.
    if (target.state === 'blocked' && target.reason === 'offline')
      return wait(target, 'catching_up', {
        notBefore: now + spread(target.serverId, catchUpJitterMs),
      });
    if (target.notBefore !== null && target.notBefore > now) return [];
    if (target.server.busy || target.server.draining) return wait(target, 'dependency');
    const terms = termsOf(facts, target, now);
    if ('wait' in terms) return wait(target, 'window', { opensAt: terms.opensAt });
    if (!places.reserve(target.siteId)) return wait(target, 'budget');
    return [change(target, 'offered', { offer: terms, deadlineAt: deadlineOf(facts, terms, now) })];
  });
}

/** Sets the reason why a target waits, unless it is already set. */
function wait(
  target: TargetFacts,
  reason: BlockReason,
  more: Pick<TargetChange, 'opensAt' | 'notBefore'> = {},
): TargetChange[] {
  return target.state === 'blocked' &&
    target.reason === reason &&
    target.opensAt === (more.opensAt ?? null)
    ? []
    : [change(target, 'blocked', { reason, ...more })];
}

/** Tracks what is left of the budget: schools at once, and servers at once in each. */
class Places {
  readonly #budget: RolloutFacts['draft']['budget'];
  readonly #inFlight = new Map<string, number>();

  constructor(facts: RolloutFacts) {
    this.#budget = facts.draft.budget;
    for (const target of facts.targets) if (isInFlight(target.state)) this.#add(target.siteId);
  }

  /** False when the budget has no place left for another server of this school. */
  reserve(siteId: string): boolean {
    const { sitesAtOnce, serversPerSite } = this.#budget;
    const here = this.#inFlight.get(siteId) ?? 0;
    if (here === 0 && sitesAtOnce !== null && this.#inFlight.size >= sitesAtOnce) return false;
    if (serversPerSite !== null && here >= serversPerSite) return false;
    this.#add(siteId);
    return true;
  }

  #add(siteId: string): void {
    this.#inFlight.set(siteId, (this.#inFlight.get(siteId) ?? 0) + 1);
  }
}

/** A delay below `withinMs` from a hash of the id: the same for a server each time, and evenly
 * spread over servers. */
function spread(id: string, withinMs: number): number {
  let hash = 2166136261;
  for (const letter of id) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619);
  return (hash >>> 0) % withinMs;
}

/** Sends changed rules to the agents of the schools they affect, as part of a new generation of
 * their desired states. */
import type { PushProgress } from '@preau/contract/explanation.ts';
import { concernsSite, type PolicySite } from '@preau/contract/policy.ts';
import type { RulePlace } from '@preau/contract/rule.ts';
import { offlineAfterMs } from '@preau/contract/server.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { within } from '#src/accounts/reach.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { raiseStamp, readStamp } from '#src/platform/stamps/store.ts';
import { writePolicies } from '#src/rules/documents.ts';
import { publishDesiredStates } from '#src/servers/desired/desired-state.ts';
import {
  markPolicyAsked,
  selectPolicyProgress,
  selectServersOfSites,
} from '#src/servers/desired/store.ts';
import { nextGenerations } from '#src/servers/store.ts';

type Deps = Pick<Platform, 'config' | 'clock' | 'secrets'>;

/** The ids of the schools that rules with these places affect. */
export const touchedBy = (
  places: readonly RulePlace[],
  sites: ReadonlyMap<string, PolicySite>,
): string[] =>
  [...sites.values()]
    .filter((site) => places.some((place) => concernsSite({ place }, site)))
    .map((site) => site.siteId);

/** Writes the policy documents of these schools and new desired states for their servers. Called in
 * the transaction that changed rules (`changed`: their ids), or that changed facts about these
 * schools which rules read. Returns the topics to wake. */
export async function publishPolicy(
  deps: Deps,
  rows: Rows,
  siteIds: readonly string[],
  changed: readonly string[] | null = null,
): Promise<Topic[]> {
  const now = deps.clock.now();
  await raiseStamp(rows, 'policy', now);
  await writePolicies(rows, siteIds, now, changed);
  const generations = await nextGenerations(rows, await selectServersOfSites(rows, siteIds));
  await markPolicyAsked(rows, generations, now);
  return [...(await publishDesiredStates(deps, rows, generations)), 'rules', 'audit', 'portal'];
}

/** An online server that has not applied the rules after this time is late. */
const lateAfterMs = 60_000;

export async function readPush(
  deps: Pick<Platform, 'database' | 'clock'>,
  actor: AccountActor,
): Promise<PushProgress> {
  const now = deps.clock.now();
  const stamp = await readStamp(deps.database, 'policy');
  const servers = await selectPolicyProgress(deps.database);
  const items = [...Map.groupBy(servers, (server) => server.siteId)].map(
    ([siteId, own]): PushProgress['items'][number] => {
      const running = own.filter((server) => server.serverId !== null);
      const behind = running.filter((server) => server.appliedGeneration < server.policyGeneration);
      const asked = behind.map((server) => server.policyAskedAt ?? 0);
      const isGone = (server: (typeof own)[number]) =>
        server.lastSeenAt === null || now - server.lastSeenAt >= offlineAfterMs;
      const state =
        running.length === 0
          ? 'none'
          : behind.length === 0
            ? 'applied'
            : behind.every(isGone)
              ? 'offline'
              : now - Math.min(...asked) > lateAfterMs
                ? 'late'
                : 'waiting';
      return {
        siteId,
        siteName: own[0]?.siteName ?? '?',
        state,
        askedAt: behind.length === 0 ? null : Math.min(...asked),
      };
    },
  );
  return {
    changedAt: stamp === 0 ? null : stamp,
    items: within(actor, items, (item) => item.siteId),
  };
}

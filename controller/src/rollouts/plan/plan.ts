/** The plan of a rollout: which servers get what, in which wave and at what cost; which are left
 * out, and why. Pure. */
import type { Application, RecipePlatform } from '@preau/contract/application.ts';
import type { RolloutDraft, WaveSpec } from '@preau/contract/rollout-draft.ts';
import type { PlanEntry, RolloutPlan } from '@preau/contract/rollout-plan.ts';

export interface FullPlan extends RolloutPlan {
  entries: PlanEntry[];
}

export interface PlannedApplication {
  application: Pick<
    Application,
    'id' | 'slug' | 'name' | 'recipes' | 'estimate' | 'category' | 'labels' | 'requires'
  >;
  versionId: string;
  version: string;
  want: 'present' | 'absent';
  becauseOf: string | null;
}

interface PlanServer {
  id: string;
  name: string;
  siteId: string;
  online: boolean;
  draining: boolean;
  quarantined: boolean;
  /** Its agent answers questions. */
  answers: boolean;
  platform: RecipePlatform;
  labels: readonly string[];
  /** The applications that are installed: application id → version. */
  installed: ReadonlyMap<string, { versionId: string; version: string | null }>;
}

export interface PlanFacts {
  sites: readonly { id: string; name: string }[];
  servers: readonly PlanServer[];
  applications: readonly PlannedApplication[];
  /** Ids of the sites in the draft's groups. */
  groupSites: ReadonlySet<string>;
}

/** Assumed when there is no estimate: an average program. */
const unknownCost = { bytes: 20_000_000, minutes: 1 };

export function planEntries(
  draft: Pick<RolloutDraft, 'where' | 'waves'>,
  facts: PlanFacts,
): Pick<FullPlan, 'entries' | 'leftOut' | 'totals'> {
  const { where } = draft;
  const named = new Set(where.serverIds);
  const sites = new Map(facts.sites.map((site) => [site.id, site]));
  const wholeSite = (siteId: string) =>
    where.all || where.siteIds.includes(siteId) || facts.groupSites.has(siteId);
  const leftOut: RolloutPlan['leftOut'] = [];
  const entries: PlanEntry[] = [];
  const reached = new Set<string>();
  const estimates = estimatesOf(facts.applications);
  for (const server of facts.servers) {
    if (!wholeSite(server.siteId) && !named.has(server.id)) continue;
    const siteName = sites.get(server.siteId)?.name ?? '';
    reached.add(server.siteId);
    const leave = (reason: RolloutPlan['leftOut'][number]['reason']) =>
      leftOut.push({ siteId: server.siteId, siteName, serverName: server.name, reason });
    if (server.quarantined) leave('quarantined');
    else if (server.draining) leave('draining');
    else if (
      where.labels.length > 0 &&
      !where.labels.some((label) => server.labels.includes(label))
    )
      leave('no_label');
    else {
      const items = facts.applications.map((planned) => itemOf(planned, server));
      if (items.every((item) => item.action === 'not_applicable')) leave('not_applicable');
      else {
        entries.push({
          serverId: server.id,
          serverName: server.name,
          siteId: server.siteId,
          siteName,
          wave: 1,
          online: server.online,
          items,
          ...costOf(items, estimates),
        });
      }
    }
  }
  for (const site of facts.sites)
    if (wholeSite(site.id) && !reached.has(site.id))
      leftOut.push({ siteId: site.id, siteName: site.name, serverName: null, reason: 'no_server' });
  splitIntoWaves(entries, draft.waves);
  return { entries: inOrder(entries), leftOut, totals: totalsOf(entries) };
}

/** By application id; applications without an estimate are missing. */
export type Estimates = ReadonlyMap<string, { bytes: number; minutes: number }>;

export const estimatesOf = (
  applications: readonly Pick<PlannedApplication, 'application'>[],
): Estimates =>
  new Map(
    applications.flatMap(({ application: { id, estimate } }) =>
      estimate === null ? [] : [[id, estimate]],
    ),
  );

/** Whether this item downloads and installs something. */
export const isInstalling = ({ action }: Pick<PlanEntry['items'][number], 'action'>): boolean =>
  action === 'install' || action === 'change_version';

export function costOf(
  items: PlanEntry['items'],
  estimates: Estimates,
): Pick<PlanEntry, 'bytes' | 'minutes'> {
  const costs = items
    .filter(isInstalling)
    .map((item) => estimates.get(item.applicationId) ?? unknownCost);
  return {
    bytes: costs.reduce((sum, cost) => sum + cost.bytes, 0),
    minutes: Math.round(costs.reduce((sum, cost) => sum + cost.minutes, 0) * 10) / 10,
  };
}

export const inOrder = (entries: readonly PlanEntry[]): PlanEntry[] =>
  entries.toSorted(
    (a, b) =>
      a.wave - b.wave ||
      a.siteName.localeCompare(b.siteName) ||
      a.serverId.localeCompare(b.serverId),
  );

export function totalsOf(entries: readonly PlanEntry[]): RolloutPlan['totals'] {
  const work = (entry: PlanEntry) =>
    entry.items.some((item) => isInstalling(item) || item.action === 'remove');
  return {
    sites: new Set(entries.map((entry) => entry.siteId)).size,
    servers: entries.length,
    nothingToDo: entries.filter((entry) => !work(entry)).length,
    offline: entries.filter((entry) => !entry.online).length,
    bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0),
    minutes: Math.max(0, ...entries.map((entry) => entry.minutes)),
  };
}

function itemOf(planned: PlannedApplication, server: PlanServer): PlanEntry['items'][number] {
  const { id, recipes } = planned.application;
  const there = server.installed.get(id);
  const from = there?.version ?? null;
  const answer = (action: PlanEntry['items'][number]['action']) => ({
    applicationId: id,
    action,
    from,
  });
  if (planned.want === 'absent') return answer(there === undefined ? 'nothing_to_do' : 'remove');
  const recipe = recipes[server.platform];
  if (recipe === undefined) return answer('not_applicable');
  if (there === undefined) return answer('install');
  return answer(there.versionId === planned.versionId ? 'nothing_to_do' : 'change_version');
}

/** Assigns entries to waves. All servers of a site are in the same wave. Sites whose servers are
 * all online come first, so that the first wave is a real test; the last wave takes all that
 * remain. */
export function splitIntoWaves(entries: PlanEntry[], waves: readonly WaveSpec[]): void {
  const sites = new Map<string, PlanEntry[]>();
  for (const entry of entries) sites.set(entry.siteId, [...(sites.get(entry.siteId) ?? []), entry]);
  const order = [...sites.values()].sort(
    (a, b) =>
      Number(b.every((entry) => entry.online)) - Number(a.every((entry) => entry.online)) ||
      (a[0]?.siteName ?? '').localeCompare(b[0]?.siteName ?? '') ||
      (a[0]?.siteId ?? '').localeCompare(b[0]?.siteId ?? ''),
  );
  let next = 0;
  for (const [index, { size }] of waves.entries()) {
    const isLast = index === waves.length - 1;
    const take =
      isLast || 'rest' in size
        ? order.length - next
        : 'sites' in size
          ? size.sites
          : Math.max(1, Math.round(size.share * order.length));
    for (const site of order.slice(next, next + take))
      for (const entry of site) entry.wave = index + 1;
    next = Math.min(order.length, next + take);
  }
}

/** The share of servers for which the plan has changed: added, gone, or due different actions. */
export function planDrift(
  before: Pick<FullPlan, 'entries'>,
  after: Pick<FullPlan, 'entries'>,
): { share: number; servers: string[] } {
  const key = (entry: PlanEntry) =>
    entry.items.map((item) => `${item.applicationId} ${item.action}`).join();
  const then = new Map(before.entries.map((entry) => [entry.serverId, key(entry)]));
  const now = new Map(after.entries.map((entry) => [entry.serverId, key(entry)]));
  const servers = [...new Set([...then.keys(), ...now.keys()])].filter(
    (id) => then.get(id) !== now.get(id),
  );
  return { share: servers.length / Math.max(then.size, 1), servers };
}

/** The text whose hash approval and start are bound to. */
export const planText = (
  draft: RolloutDraft,
  plan: Pick<FullPlan, 'applications' | 'entries'>,
): string =>
  JSON.stringify([
    draft,
    plan.applications.map((planned) => [planned.applicationId, planned.versionId, planned.want]),
    plan.entries.map((entry) => [
      entry.serverId,
      entry.wave,
      entry.items.map((item) => item.action),
    ]),
  ]);

/** What the answers of schools' servers change in a plan: an application that would remove something
 * wanted, or something of somebody else, is installed on no server of that school. Pure. */
import type { Foreseen } from '@preau/contract/asking.ts';
import { errors } from '@preau/contract/errors.ts';
import type { RolloutDraft } from '@preau/contract/rollout-draft.ts';
import type { PlanEntry, PlanRefusal, RolloutPlan } from '@preau/contract/rollout-plan.ts';
import type { Translated } from '@preau/contract/schema.ts';
import { costOf, type Estimates, inOrder, isInstalling, splitIntoWaves, totalsOf } from './plan.ts';

/** The applications of a plan that are to be installed. */
export interface Installed {
  applicationId: string;
  slug: string;
  requires: readonly string[];
}

/** What the server of one school foresees. */
export interface Foresight {
  siteId: string;
  siteName: string;
  serverName: string;
  foreseen: readonly Foreseen[];
}

/** `names`: names of applications by slug. An application that requires a refused one is refused
 * too, whichever of the two was asked for. */
export function refusalsOf(
  foresights: readonly Foresight[],
  installed: readonly Installed[],
  names: ReadonlyMap<string, Translated>,
): PlanRefusal[] {
  return foresights.flatMap(({ foreseen, ...school }) => {
    const refused = new Map<string, PlanRefusal>();
    for (const { applicationId, refusal, removes } of foreseen) {
      const application = installed.find((one) => one.applicationId === applicationId);
      // A lock or a source that does not answer may be well at the start: no refusal for good.
      if (refusal === null || errors[refusal.code].retryable || application === undefined) continue;
      refused.set(application.slug, {
        ...school,
        applicationId,
        code: refusal.code,
        removes: removes.map((removal) => ({
          ...removal,
          wantedByName: removal.wantedBy === null ? null : (names.get(removal.wantedBy) ?? null),
        })),
        requires: null,
      });
    }
    for (let found = refused.size > 0; found; ) {
      found = false;
      for (const { applicationId, slug, requires } of installed) {
        const missing = requires.find((required) => refused.has(required));
        if (missing === undefined || refused.has(slug)) continue;
        found = true;
        refused.set(slug, {
          ...school,
          applicationId,
          code: 'REQUIREMENT_MISSING',
          removes: [],
          requires: missing,
        });
      }
    }
    return [...refused.values()];
  });
}

type Parts = Pick<RolloutPlan, 'leftOut' | 'totals'> & { entries: PlanEntry[] };

/** The plan without what is refused. A server for which nothing else remains is left out. */
export function withRefusals(
  draft: Pick<RolloutDraft, 'waves'>,
  parts: Parts,
  refusals: readonly PlanRefusal[],
  estimates: Estimates,
): Parts {
  if (refusals.length === 0) return parts;
  const refused = new Set(
    refusals.map(({ siteId, applicationId }) => `${siteId} ${applicationId}`),
  );
  const leftOut = [...parts.leftOut];
  const entries: PlanEntry[] = [];
  for (const entry of parts.entries) {
    const isRefused = (item: PlanEntry['items'][number]) =>
      isInstalling(item) && refused.has(`${entry.siteId} ${item.applicationId}`);
    if (!entry.items.some(isRefused)) {
      entries.push({ ...entry });
      continue;
    }
    const items = entry.items.map((item) =>
      isRefused(item) ? { ...item, action: 'refused' as const } : item,
    );
    if (items.every(({ action }) => action === 'refused' || action === 'not_applicable')) {
      const { siteId, siteName, serverName } = entry;
      leftOut.push({ siteId, siteName, serverName, reason: 'refused' });
    } else entries.push({ ...entry, items, ...costOf(items, estimates) });
  }
  // A wave must not be left without its schools.
  if (entries.length < parts.entries.length) splitIntoWaves(entries, draft.waves);
  return { entries: inOrder(entries), leftOut, totals: totalsOf(entries) };
}

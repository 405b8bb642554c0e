/** What agents decide by: for each school, every rule that says anything there. Most schools follow the same rules, and so one document. */
import type { PolicyDocument } from '@preau/contract/desired-state.ts';
import { concernsSite, type PolicySite } from '@preau/contract/policy.ts';
import type { PolicyRule } from '@preau/contract/publication.ts';
import type { Rows } from '#src/platform/database.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { selectPolicySites } from '#src/sites/policy-sites.ts';
import { policyRuleOf, savePolicy, selectRules } from './store.ts';

/** Rules in the order of their ids: the same rules make the same document. */
export function policyDocument(rules: readonly PolicyRule[], site: PolicySite): string {
  const document: PolicyDocument = { rules: rules.filter((rule) => concernsSite(rule, site)).sort((a, b) => (a.id < b.id ? -1 : 1)) };
  return JSON.stringify(document);
}

/** In the caller's transaction. Returns the hash that each of these schools follows from now on. */
export async function writePolicies(rows: Rows, siteIds: readonly string[]): Promise<Map<string, string>> {
  const rules = (await selectRules(rows)).map(policyRuleOf);
  const sites = await selectPolicySites(rows);
  const followers = new Map<string, { document: string; siteIds: string[] }>();
  const hashes = new Map<string, string>();
  for (const siteId of siteIds) {
    const site = sites.get(siteId);
    if (site === undefined) continue;
    const document = policyDocument(rules, site);
    const hash = sha256(document);
    hashes.set(siteId, hash);
    const known = followers.get(hash);
    if (known === undefined) followers.set(hash, { document, siteIds: [siteId] });
    else known.siteIds.push(siteId);
  }
  for (const [hash, { document, siteIds: followed }] of followers) await savePolicy(rows, hash, document, followed);
  return hashes;
}

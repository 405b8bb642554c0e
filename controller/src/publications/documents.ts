/** What agents decide by: for each school, every rule that says anything there. Most schools follow the same rules, and so one document. */
import { type PolicyChange, type PolicyDocument, policyText } from '@preau/contract/desired-state.ts';
import { concernsSite, type PolicySite } from '@preau/contract/policy.ts';
import type { PolicyRule } from '@preau/contract/publication.ts';
import type { Rows } from '#src/platform/database.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { selectPolicySites } from '#src/sites/store.ts';
import { policyRuleOf, savePolicy, selectPolicy, selectRules } from './store.ts';

export const policyDocument = (rules: readonly PolicyRule[], site: PolicySite): string => policyText(rules.filter((rule) => concernsSite(rule, site)));

/** Pure. */
export function policyChange(from: string, before: PolicyDocument, after: PolicyDocument): PolicyChange {
  const [past, next] = [new Map(before.rules.map((rule) => [rule.id, JSON.stringify(rule)])), new Map(after.rules.map((rule) => [rule.id, JSON.stringify(rule)]))];
  return { from, removed: [...past.keys()].filter((id) => past.get(id) !== next.get(id)), added: after.rules.filter((rule) => past.get(rule.id) !== next.get(rule.id)) };
}

/** Hundreds of servers ask for the same step at once. */
const steps = new Map<string, PolicyChange | null>();

/** Null when the rules of `from` are not known any more: then the whole document is sent. */
export async function readPolicyChange(rows: Rows, from: string, to: string): Promise<PolicyChange | null> {
  const key = `${from} ${to}`;
  const known = steps.get(key);
  if (known !== undefined) return known;
  const [before, after] = [await selectPolicy(rows, from), await selectPolicy(rows, to)];
  const change = before === undefined || after === undefined ? null : policyChange(from, JSON.parse(before) as PolicyDocument, JSON.parse(after) as PolicyDocument);
  if (steps.size > 500) steps.clear();
  // What is not there may come: only what was found is kept.
  if (change !== null) steps.set(key, change);
  return change;
}

/** In the caller's transaction. Returns the hash that each of these schools follows from now on. */
export async function writePolicies(rows: Rows, siteIds: readonly string[], now: number): Promise<Map<string, string>> {
  const rules = (await selectRules(rows)).map(policyRuleOf);
  const sites = await selectPolicySites(rows, siteIds);
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
  for (const [hash, { document, siteIds: followed }] of followers) await savePolicy(rows, hash, document, followed, now);
  return hashes;
}

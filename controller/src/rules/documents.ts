/** The policy documents that agents decide by: for each school, every rule that concerns it. Most
 * schools follow the same rules, and so share one document. */
import {
  type PolicyChange,
  type PolicyDocument,
  policyText,
} from '@preau/contract/desired-state.ts';
import { concernsSite } from '@preau/contract/policy.ts';
import type { Rows } from '#src/platform/database.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { savePolicyHash, selectPolicySites } from '#src/sites/store.ts';
import {
  policyRuleOf,
  savePolicy,
  selectPolicy,
  selectPolicyHashes,
  selectRules,
} from './store.ts';

/** The difference between two documents: ids of rules that were removed or changed, and rules that
 * were added or changed. Pure. */
function policyChange(from: string, before: PolicyDocument, after: PolicyDocument): PolicyChange {
  const [past, next] = [
    new Map(before.rules.map((rule) => [rule.id, JSON.stringify(rule)])),
    new Map(after.rules.map((rule) => [rule.id, JSON.stringify(rule)])),
  ];
  return {
    from,
    removed: [...past.keys()].filter((id) => past.get(id) !== next.get(id)),
    added: after.rules.filter((rule) => past.get(rule.id) !== next.get(rule.id)),
  };
}

/** Cache of differences by their two hashes: hundreds of servers ask for the same one at once. */
const steps = new Map<string, PolicyChange>();
const keptSteps = 3000;
function keepStep(from: string, to: string, change: PolicyChange): void {
  if (steps.size >= keptSteps) steps.delete(steps.keys().next().value ?? '');
  steps.set(`${from} ${to}`, change);
}

/** The difference from the document with hash `from` to the one with hash `to`. Null when either is
 * unknown; then the whole document is sent. */
export async function readPolicyChange(
  rows: Rows,
  from: string,
  to: string,
): Promise<PolicyChange | null> {
  const known = steps.get(`${from} ${to}`);
  if (known !== undefined) return known;
  const [before, after] = [await selectPolicy(rows, from), await selectPolicy(rows, to)];
  const change =
    before === undefined || after === undefined
      ? null
      : policyChange(
          from,
          JSON.parse(before) as PolicyDocument,
          JSON.parse(after) as PolicyDocument,
        );
  // A missing document may still be written, so only a difference that was found is cached.
  if (change !== null) keepStep(from, to, change);
  return change;
}

/** Writes the documents of these schools in the caller's transaction. Returns the hash that each
 * school follows from now on. `changed`: ids of the rules that changed since the documents were
 * last written, if the caller knows them; the difference then needs no comparison. */
export async function writePolicies(
  rows: Rows,
  siteIds: readonly string[],
  now: number,
  changed: readonly string[] | null = null,
): Promise<Map<string, string>> {
  const rules = (await selectRules(rows)).map(policyRuleOf);
  const sites = await selectPolicySites(rows, siteIds);
  const past =
    changed === null ? new Map<string, string>() : await selectPolicyHashes(rows, siteIds);
  const followers = new Map<string, { document: string; siteIds: string[] }>();
  const hashes = new Map<string, string>();
  for (const siteId of siteIds) {
    const site = sites.get(siteId);
    if (site === undefined) continue;
    const own = rules.filter((rule) => concernsSite(rule, site));
    const document = policyText(own);
    const hash = sha256(document);
    const from = past.get(siteId);
    if (changed !== null && from !== undefined && from !== hash)
      keepStep(from, hash, {
        from,
        removed: [...changed],
        added: own.filter(({ id }) => changed.includes(id)),
      });
    hashes.set(siteId, hash);
    const known = followers.get(hash);
    if (known === undefined) followers.set(hash, { document, siteIds: [siteId] });
    else known.siteIds.push(siteId);
  }
  for (const [hash, { document, siteIds: followed }] of followers) {
    await savePolicy(rows, hash, document, followed, now);
    await savePolicyHash(rows, followed, hash);
  }
  return hashes;
}

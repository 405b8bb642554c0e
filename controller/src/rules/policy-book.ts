/** The city's rules, compiled once for many decisions. A change saved by any process applies from
 * the next decision on. */
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import { compilePolicy, type Policy, type PolicySite } from '@preau/contract/policy.ts';
import type { Rows } from '#src/platform/database.ts';
import { keptByStamp } from '#src/platform/stamps/kept.ts';
import { selectPolicySites } from '#src/sites/store.ts';
import { policyRuleOf, selectRules } from './store.ts';

export interface PolicyBook {
  policy: Policy;
  /** By id. */
  sites: ReadonlyMap<string, PolicySite>;
}

async function load(rows: Rows, _stamp: number, at?: number): Promise<PolicyBook> {
  const rules = await selectRules(rows, at === undefined ? {} : { at });
  return {
    policy: compilePolicy(rules.map(policyRuleOf), frenchCalendar),
    sites: await selectPolicySites(rows),
  };
}

export const policyBook = keptByStamp('policy', load);

/** The rules in force at that time, with schools as they are today. */
export const policyBookAt = (rows: Rows, at: number): Promise<PolicyBook> => load(rows, 0, at);

/** The rules of the city, prepared once for many questions. Every controller process keeps its own copy, and asks one row whether it is
 *  still the newest: what a colleague saved elsewhere counts from the next question on. */
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import { compilePolicy, type Policy, type PolicySite } from '@preau/contract/policy.ts';
import type { Rows } from '#src/platform/database.ts';
import { readStamp, selectPolicySites } from '#src/sites/policy-sites.ts';
import { policyRuleOf, selectRules } from './store.ts';

export interface PolicyBook {
  policy: Policy;
  /** By id. */
  sites: ReadonlyMap<string, PolicySite>;
  /** When rules or schools last changed; 0: never. */
  stamp: number;
}

async function load(rows: Rows, stamp: number, at?: number): Promise<PolicyBook> {
  const rules = await selectRules(rows, at === undefined ? {} : { at });
  return { policy: compilePolicy(rules.map(policyRuleOf), frenchCalendar), sites: await selectPolicySites(rows), stamp };
}

const books = new WeakMap<object, PolicyBook>();

/** `database`: the one of the process, not a transaction: it is by it that the copy is kept. */
export async function policyBook(database: Rows): Promise<PolicyBook> {
  const stamp = await readStamp(database);
  const known = books.get(database);
  if (known !== undefined && known.stamp === stamp && stamp > 0) return known;
  const book = await load(database, stamp);
  books.set(database, book);
  return book;
}

/** The rules in force at that moment, from their versions; schools as they are today. */
export const policyBookAt = (rows: Rows, at: number): Promise<PolicyBook> => load(rows, 0, at);

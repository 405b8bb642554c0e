/** All SQL of rules, of every version of them, and of the documents agents decide
 * by. */
import { type PolicyRule, RuleDraft } from '@preau/contract/rule.ts';
import { Compile } from 'typebox/compile';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';

const isDraft = Compile(RuleDraft);

export interface StoredRule extends RuleDraft {
  id: string;
  version: number;
  changedAt: number;
  changedByName: string;
  until: number | null;
}

interface Row {
  rule_id: string;
  version: number;
  body: string;
  since: number;
  until: number | null;
  changed_by_name: string;
}

/** A row written before a field existed reads as if that field had been left out. Throws when the
 * body is no longer a valid rule. */
function toRule(row: Row): StoredRule {
  const body: unknown = JSON.parse(row.body);
  if (!isDraft.Check(body))
    throw new Error(`rule ${row.rule_id} version ${row.version} cannot be read`);
  return {
    ...body,
    id: row.rule_id,
    version: row.version,
    changedAt: row.since,
    changedByName: row.changed_by_name,
    until: row.until,
  };
}

/** Rules in force now, or at the time `at`; newest first. */
export async function selectRules(
  rows: Rows,
  filter: { at?: number; id?: string } = {},
): Promise<StoredRule[]> {
  let query = rows
    .selectFrom('rule_versions')
    .selectAll()
    .orderBy('since', 'desc')
    .orderBy('rule_id');
  const { at, id } = filter;
  if (id !== undefined) query = query.where('rule_id', '=', id);
  query =
    at === undefined
      ? query.where('until', 'is', null)
      : query
          .where('since', '<=', at)
          .where((where) => where.or([where('until', 'is', null), where('until', '>', at)]));
  return (await query.execute()).map(toRule);
}

/** The last version of each withdrawn rule, most recently withdrawn first; at most 200. */
export async function selectWithdrawn(rows: Rows): Promise<StoredRule[]> {
  const found = await rows
    .selectFrom('rule_versions as v')
    .selectAll('v')
    .where('v.until', 'is not', null)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('rule_versions as n')
            .select('n.version')
            .whereRef('n.rule_id', '=', 'v.rule_id')
            .whereRef('n.version', '>', 'v.version'),
        ),
      ),
    )
    .orderBy('v.until', 'desc')
    .orderBy('v.rule_id')
    .limit(200)
    .execute();
  return found.map(toRule);
}

/** Times between these two at which rules changed. */
export async function selectChanges(rows: Rows, from: number, until: number): Promise<number[]> {
  const versions = await rows
    .selectFrom('rule_versions')
    .select(['since', 'until'])
    .where('since', '<', until)
    .execute();
  return [
    ...new Set(
      versions
        .flatMap((version) => [version.since, version.until ?? until])
        .filter((at) => at > from && at < until),
    ),
  ].sort((a, b) => a - b);
}

/** Newest first; at most 200. */
export async function selectRuleVersions(rows: Rows, id: string): Promise<StoredRule[]> {
  return (
    await rows
      .selectFrom('rule_versions')
      .selectAll()
      .where('rule_id', '=', id)
      .orderBy('version', 'desc')
      .limit(200)
      .execute()
  ).map(toRule);
}

export const policyRuleOf = ({
  id,
  effect,
  target,
  audience,
  place,
  client,
  when,
  how,
}: RuleDraft & { id: string }): PolicyRule => ({
  id,
  effect,
  target,
  audience,
  place,
  client,
  when,
  how,
});

/** Inserts a version; versions are never overwritten. Call `endRuleVersion` for the previous one
 * first. */
export async function insertRuleVersion(
  rows: Rows,
  rule: {
    id: string | null;
    version: number;
    draft: RuleDraft;
    by: { id: string | null; name: string };
    now: number;
  },
): Promise<string> {
  const id = rule.id ?? newId('rul');
  await rows
    .insertInto('rule_versions')
    .values({
      rule_id: id,
      version: rule.version,
      body: JSON.stringify(rule.draft),
      since: rule.now,
      until: null,
      changed_by: rule.by.id,
      changed_by_name: rule.by.name,
    })
    .execute();
  return id;
}

/** False when that version is no longer in force because somebody else changed the rule first. */
export async function endRuleVersion(
  rows: Rows,
  id: string,
  version: number,
  now: number,
): Promise<boolean> {
  return (
    (
      await rows
        .updateTable('rule_versions')
        .set({ until: now })
        .where('rule_id', '=', id)
        .where('version', '=', version)
        .where('until', 'is', null)
        .executeTakeFirst()
    ).numUpdatedRows > 0n
  );
}

/** Saves a document. Must be called before `savePolicyHash` makes these schools follow it. */
export async function savePolicy(
  rows: Rows,
  hash: string,
  document: string,
  siteIds: readonly string[],
  now: number,
): Promise<void> {
  await rows
    .insertInto('policies')
    .values({ hash, document, used_until: null })
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .execute();
  // The documents they followed until now are kept for a while: their servers have those, and are
  // sent the difference.
  for (let at = 0; at < siteIds.length; at += 500)
    await rows
      .updateTable('policies')
      .set({ used_until: now })
      .where('hash', '!=', hash)
      .where('hash', 'in', (e) =>
        e
          .selectFrom('sites')
          .select((s) => s.fn.coalesce('policy_hash', s.val('')).as('hash'))
          .where('id', 'in', siteIds.slice(at, at + 500)),
      )
      .execute();
}

/** The hashes of the documents these schools follow; schools without one are left out. */
export async function selectPolicyHashes(
  rows: Rows,
  siteIds: readonly string[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let at = 0; at < siteIds.length; at += 500)
    for (const row of await rows
      .selectFrom('sites')
      .select(['id', 'policy_hash'])
      .where('id', 'in', siteIds.slice(at, at + 500))
      .execute())
      if (row.policy_hash !== null) found.set(row.id, row.policy_hash);
  return found;
}

export async function selectPolicy(rows: Rows, hash: string): Promise<string | undefined> {
  return (
    await rows.selectFrom('policies').select('document').where('hash', '=', hash).executeTakeFirst()
  )?.document;
}

/** Deletes documents that no school has followed since `before`. */
export async function deleteUnusedPolicies(rows: Rows, before: number): Promise<void> {
  await rows
    .deleteFrom('policies')
    .where('used_until', '<', before)
    .where('hash', 'not in', (e) =>
      e.selectFrom('sites').select((s) => s.fn.coalesce('policy_hash', s.val('')).as('hash')),
    )
    .execute();
}

/** A rule for one school belongs to that school; any other belongs to the city, which is null. */
export async function selectSitesOfRules(
  rows: Rows,
  ids: readonly string[],
): Promise<(string | null)[]> {
  const found = await rows
    .selectFrom('rule_versions')
    .select('body')
    .where('rule_id', 'in', [...ids])
    .execute();
  return found.map((row) => {
    const { place } = JSON.parse(row.body) as { place: { siteId?: string } };
    return place.siteId ?? null;
  });
}

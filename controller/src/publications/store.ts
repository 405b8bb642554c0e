/** All SQL of publication rules. */
import type { Role } from '@preau/contract/account.ts';
import type { Category } from '@preau/contract/application.ts';
import type { Rule, RuleDraft } from '@preau/contract/publication.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';

interface RuleRow {
  id: string; effect: string; application_id: string | null; category: string | null; audience_kind: string; audience_id: string | null; site_id: string | null;
}

const toDraft = (row: RuleRow): RuleDraft & { id: string } => ({
  id: row.id,
  effect: row.effect as RuleDraft['effect'],
  target: row.application_id !== null ? { kind: 'application', applicationId: row.application_id } : { kind: 'category', category: row.category as Category },
  audience: toAudience(row),
  siteId: row.site_id,
});

function toAudience(row: RuleRow): RuleDraft['audience'] {
  const id = row.audience_id ?? '';
  switch (row.audience_kind) {
    case 'person':
      return { kind: 'person', accountId: id };
    case 'group':
      return { kind: 'group', groupId: id };
    case 'role':
      return { kind: 'role', role: id as Role };
    default:
      return { kind: 'everyone' };
  }
}

const audienceId = ({ audience }: RuleDraft): string | null => {
  switch (audience.kind) {
    case 'person':
      return audience.accountId;
    case 'group':
      return audience.groupId;
    case 'role':
      return audience.role;
    case 'everyone':
      return null;
  }
};

export async function selectRuleDrafts(rows: Rows): Promise<(RuleDraft & { id: string })[]> {
  return (await rows.selectFrom('publication_rules').selectAll().execute()).map(toDraft);
}

export async function selectRules(rows: Rows, id?: string): Promise<Rule[]> {
  let query = rows
    .selectFrom('publication_rules as r')
    .leftJoin('applications as a', 'a.id', 'r.application_id')
    .leftJoin('accounts as p', 'p.id', 'r.audience_id')
    .leftJoin('groups as g', 'g.id', 'r.audience_id')
    .leftJoin('sites as gs', 'gs.id', 'g.site_id')
    .leftJoin('sites as s', 's.id', 'r.site_id')
    .selectAll('r')
    .select(['a.name_fr as application_name', 'p.display_name as person_name', 'g.name as group_name', 'gs.name as group_site', 's.name as site_name'])
    .orderBy('r.created_at', 'desc').orderBy('r.id');
  if (id !== undefined) query = query.where('r.id', '=', id);
  return (await query.execute()).map((row) => ({
    ...toDraft(row),
    targetName: row.application_name ?? row.category ?? '?',
    audienceName: row.person_name ?? (row.group_name === null ? null : row.group_site === null ? row.group_name : `${row.group_name}, ${row.group_site}`),
    siteName: row.site_name,
    createdAt: row.created_at,
  }));
}

export async function insertRule(rows: Rows, draft: RuleDraft, createdBy: string | null, now: number): Promise<string> {
  const id = newId('rul');
  await rows
    .insertInto('publication_rules')
    .values({
      id,
      effect: draft.effect,
      application_id: draft.target.kind === 'application' ? draft.target.applicationId : null,
      category: draft.target.kind === 'category' ? draft.target.category : null,
      audience_kind: draft.audience.kind,
      audience_id: audienceId(draft),
      site_id: draft.siteId,
      created_by: createdBy,
      created_at: now,
    })
    .execute();
  return id;
}

/** True when whatever the rule names exists: an application, a person or group, a school. */
export async function ruleNamesExist(rows: Rows, draft: RuleDraft): Promise<boolean> {
  const exists = async (table: 'applications' | 'accounts' | 'groups' | 'sites', id: string) => (await rows.selectFrom(table).select('id').where('id', '=', id).executeTakeFirst()) !== undefined;
  if (draft.target.kind === 'application' && !(await exists('applications', draft.target.applicationId))) return false;
  if (draft.audience.kind === 'person' && !(await exists('accounts', draft.audience.accountId))) return false;
  if (draft.audience.kind === 'group' && !(await exists('groups', draft.audience.groupId))) return false;
  return draft.siteId === null || exists('sites', draft.siteId);
}

export async function deleteRule(rows: Rows, id: string): Promise<boolean> {
  return (await rows.deleteFrom('publication_rules').where('id', '=', id).executeTakeFirst()).numDeletedRows > 0n;
}

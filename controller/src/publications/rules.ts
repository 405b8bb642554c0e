/** Publishing and withdrawing. Portals that are open change by themselves. */
import { AppError } from '@preau/contract/errors.ts';
import type { Rule, RuleDraft } from '@preau/contract/publication.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { deleteRule, insertRule, ruleNamesExist, selectRules } from './store.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'wakeups'>;

export async function createRule(deps: Deps, actor: Actor, draft: RuleDraft): Promise<Rule> {
  const rule = await deps.database.transaction().execute(async (rows) => {
    if (!(await ruleNamesExist(rows, draft))) throw new AppError('NOT_FOUND', { rule: 'names something that does not exist' });
    const id = await insertRule(rows, draft, actor.id, deps.clock.now());
    const [created] = await selectRules(rows, id);
    if (created === undefined) throw new AppError('INTERNAL');
    await recordEffect(deps, rows, actor, { action: 'rule.created', subjectId: id, subjectName: created.targetName, siteId: draft.siteId, details: { effect: draft.effect, audience: created.audienceName ?? draft.audience.kind } });
    return created;
  });
  deps.wakeups.wake(['rules', 'audit', 'portal']);
  return rule;
}

export async function withdrawRule(deps: Deps, actor: Actor, id: string): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    const [rule] = await selectRules(rows, id);
    if (rule === undefined || !(await deleteRule(rows, id))) throw new AppError('NOT_FOUND', { rule: id });
    await recordEffect(deps, rows, actor, { action: 'rule.deleted', subjectId: id, subjectName: rule.targetName, siteId: rule.siteId, details: { effect: rule.effect, audience: rule.audienceName ?? rule.audience.kind } });
  });
  deps.wakeups.wake(['rules', 'audit', 'portal']);
}

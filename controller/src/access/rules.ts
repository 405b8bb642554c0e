/** Creating, changing, withdrawing and restoring rules. Each verb also wakes open portals and the
 * agents of the schools concerned. */
import { AppError } from '@preau/contract/errors.ts';
import type { RuleVersion } from '@preau/contract/explanation.ts';
import type { Rule, RuleDraft, RulePlace } from '@preau/contract/rule.ts';
import { ruleProblem } from '@preau/contract/rule-problem.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { mustReach, reaches } from '#src/accounts/reach.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor, Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { missingName, withNames } from '#src/rules/names/store.ts';
import {
  endRuleVersion,
  insertRuleVersion,
  type StoredRule,
  selectRules,
  selectRuleVersions,
  selectWithdrawn,
} from '#src/rules/store.ts';
import { selectPolicySites } from '#src/sites/store.ts';
import { publishPolicy, touchedBy } from './push.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

const siteOf = (place: RulePlace): string | null => (place.kind === 'site' ? place.siteId : null);

/** Checks what the schema cannot express. Refuses with RULE_REFUSED, naming the field, and with
 * NOT_FOUND when the rule names something that does not exist. */
export async function checkDraft(rows: Rows, draft: RuleDraft): Promise<void> {
  const problem = ruleProblem(draft);
  if (problem !== null) throw new AppError('RULE_REFUSED', { ...problem });
  const missing = await missingName(rows, draft);
  if (missing !== null)
    throw new AppError('NOT_FOUND', {
      field: missing,
      rule: 'names something that does not exist',
    });
}

const shown = async (rows: Rows, id: string): Promise<Rule> => {
  const [rule] = await withNames(rows, await selectRules(rows, { id }));
  if (rule === undefined) throw new AppError('INTERNAL');
  return rule;
};

const factsOf = (rule: Rule) => ({
  effect: rule.effect,
  audience: rule.audienceName ?? rule.audience.kind,
  place: rule.placeName ?? rule.place.kind,
  version: rule.version,
});

/** In the caller's transaction. */
async function publishFor(
  deps: Deps,
  rows: Rows,
  ruleId: string,
  places: readonly RulePlace[],
): Promise<Topic[]> {
  return publishPolicy(deps, rows, touchedBy(places, await selectPolicySites(rows)), [ruleId]);
}

/** Adds a rule in the caller's transaction, for callers that do so as part of a larger change. Also
 * returns the topics to wake. */
export async function addRule(
  deps: Deps,
  rows: Rows,
  actor: Actor,
  draft: RuleDraft,
): Promise<{ rule: Rule; topics: Topic[] }> {
  await checkDraft(rows, draft);
  const id = await insertRuleVersion(rows, {
    id: null,
    version: 1,
    draft,
    by: { id: actor.id, name: actor.name },
    now: deps.clock.now(),
  });
  const rule = await shown(rows, id);
  await recordEffect(deps, rows, actor, {
    action: 'rule.created',
    subjectId: id,
    subjectName: rule.targetName ?? '?',
    siteId: siteOf(draft.place),
    details: factsOf(rule),
  });
  return { rule, topics: await publishFor(deps, rows, id, [draft.place]) };
}

export async function createRule(deps: Deps, actor: Actor, draft: RuleDraft): Promise<Rule> {
  mustReach(actor, siteOf(draft.place));
  const { rule, topics } = await deps.database
    .transaction()
    .execute((rows) => addRule(deps, rows, actor, draft));
  deps.wakeups.wake(topics);
  return rule;
}

async function inForce(rows: Rows, actor: Actor, id: string): Promise<StoredRule> {
  const [rule] = await selectRules(rows, { id });
  if (rule === undefined) throw new AppError('NOT_FOUND', { rule: id });
  mustReach(actor, siteOf(rule.place));
  return rule;
}

/** Refuses with RULE_CHANGED when `version` is no longer in force, so that nobody overwrites a
 * change they have not read. */
export async function changeRule(
  deps: Deps,
  actor: Actor,
  id: string,
  { version, draft }: { version: number; draft: RuleDraft },
): Promise<Rule> {
  mustReach(actor, siteOf(draft.place));
  const { rule, topics } = await deps.database.transaction().execute(async (rows) => {
    const past = await inForce(rows, actor, id);
    await checkDraft(rows, draft);
    const now = deps.clock.now();
    if (past.version !== version || !(await endRuleVersion(rows, id, version, now)))
      throw new AppError('RULE_CHANGED', { version: past.version });
    await insertRuleVersion(rows, {
      id,
      version: version + 1,
      draft,
      by: { id: actor.id, name: actor.name },
      now,
    });
    const rule = await shown(rows, id);
    await recordEffect(deps, rows, actor, {
      action: 'rule.changed',
      subjectId: id,
      subjectName: rule.targetName ?? '?',
      siteId: siteOf(draft.place),
      details: factsOf(rule),
    });
    return { rule, topics: await publishFor(deps, rows, id, [past.place, draft.place]) };
  });
  deps.wakeups.wake(topics);
  return rule;
}

export async function withdrawRule(deps: Deps, actor: Actor, id: string): Promise<void> {
  const topics = await deps.database.transaction().execute(async (rows) => {
    const past = await inForce(rows, actor, id);
    const [rule] = await withNames(rows, [past]);
    if (!(await endRuleVersion(rows, id, past.version, deps.clock.now())))
      throw new AppError('RULE_CHANGED');
    await recordEffect(deps, rows, actor, {
      action: 'rule.deleted',
      subjectId: id,
      subjectName: rule?.targetName ?? '?',
      siteId: siteOf(past.place),
      details: rule === undefined ? {} : factsOf(rule),
    });
    return publishFor(deps, rows, id, [past.place]);
  });
  deps.wakeups.wake(topics);
}

/** Undoes `withdrawRule`. Refuses with STATE_FORBIDS a rule that is in force, and with NOT_FOUND a
 * rule that names something that no longer exists. */
export async function restoreRule(deps: Deps, actor: Actor, id: string): Promise<Rule> {
  const { rule, topics } = await deps.database.transaction().execute(async (rows) => {
    const [past] = await selectRuleVersions(rows, id);
    if (past === undefined) throw new AppError('NOT_FOUND', { rule: id });
    if (past.until === null) throw new AppError('STATE_FORBIDS', { rule: id });
    mustReach(actor, siteOf(past.place));
    const draft = draftOf(past);
    await checkDraft(rows, draft);
    await insertRuleVersion(rows, {
      id,
      version: past.version + 1,
      draft,
      by: { id: actor.id, name: actor.name },
      now: deps.clock.now(),
    });
    const rule = await shown(rows, id);
    await recordEffect(deps, rows, actor, {
      action: 'rule.restored',
      subjectId: id,
      subjectName: rule.targetName ?? '?',
      siteId: siteOf(draft.place),
      details: factsOf(rule),
    });
    return { rule, topics: await publishFor(deps, rows, id, [draft.place]) };
  });
  deps.wakeups.wake(topics);
  return rule;
}

const draftOf = ({
  effect,
  target,
  audience,
  place,
  client,
  when,
  how,
  note,
}: RuleDraft): RuleDraft => ({ effect, target, audience, place, client, when, how, note });

/** A caller limited to some schools also sees the rules that are not for one school, because they
 * may apply at theirs. */
export async function listRules(
  deps: Pick<Platform, 'database'>,
  actor: AccountActor,
  at: number | null,
): Promise<Rule[]> {
  const rules = await selectRules(deps.database, at === null ? {} : { at });
  return (await withNames(deps.database, rules)).filter(
    ({ place }) => place.kind !== 'site' || reaches(actor, place.siteId),
  );
}

/** The last version of each withdrawn rule, for restoring one. */
export async function listWithdrawnRules(
  deps: Pick<Platform, 'database'>,
  actor: AccountActor,
): Promise<RuleVersion[]> {
  const withdrawn = (await selectWithdrawn(deps.database)).filter(
    ({ place }) => place.kind !== 'site' || reaches(actor, place.siteId),
  );
  return (await withNames(deps.database, withdrawn)).map((rule, at) => ({
    rule,
    until: withdrawn[at]?.until ?? null,
  }));
}

export async function listRuleVersions(
  deps: Pick<Platform, 'database'>,
  actor: AccountActor,
  id: string,
): Promise<RuleVersion[]> {
  const versions = await selectRuleVersions(deps.database, id);
  if (versions.length === 0) throw new AppError('NOT_FOUND', { rule: id });
  mustReach(actor, ...versions.map(({ place }) => siteOf(place)));
  const named = await withNames(deps.database, versions);
  return named.map((rule, at) => ({ rule, until: versions[at]?.until ?? null }));
}

/** Publication rules, and the decision they lead to. */
import { type Static, Type } from 'typebox';
import { AccountId, GroupId, isTechnician, type Person, Role } from './account.ts';
import { ApplicationId, Category } from './application.ts';
import { Id, Line, Nullable, OneOf, Strict } from './schema.ts';

export const RuleId = Id('rul');

export const RuleTarget = Type.Union([
  Strict({ kind: Type.Literal('application'), applicationId: ApplicationId }),
  Strict({ kind: Type.Literal('category'), category: Category }),
]);
export const RuleAudience = Type.Union([
  Strict({ kind: Type.Literal('person'), accountId: AccountId }),
  Strict({ kind: Type.Literal('group'), groupId: GroupId }),
  Strict({ kind: Type.Literal('role'), role: Role }),
  Strict({ kind: Type.Literal('everyone') }),
]);

export const RuleDraft = Strict({
  effect: OneOf(['allow', 'deny']),
  target: RuleTarget,
  audience: RuleAudience,
  siteId: Nullable(Id('sit')),
});
export type RuleDraft = Static<typeof RuleDraft>;

export const Rule = Strict({
  id: RuleId,
  ...RuleDraft.properties,
  targetName: Line(120),
  audienceName: Nullable(Line(120)),
  siteName: Nullable(Line(120)),
  createdAt: Type.Integer(),
});
export type Rule = Static<typeof Rule>;

export interface PublicationDecision {
  allowed: boolean;
  /** The rule that decided; null when no rule matched, which is a no. */
  ruleId: string | null;
}

const audiencePrecision = { everyone: 0, role: 1, group: 2, person: 3 } as const;

/** May this person have this application? Pure; independent of the order of `rules`.
 *
 *  The most precise matching rule decides: first by whom it names (person, then group, role, everyone), then by what
 *  (an application before a category), then by where (a school before all schools). Between equals deny wins.
 *  No matching rule is a no. */
export function evaluate(
  rules: readonly (RuleDraft & { id: string })[],
  person: Person,
  application: { id: string; category: string },
): PublicationDecision {
  let best: { rank: number; allowed: boolean; ruleId: string } | null = null;
  for (const rule of rules) {
    if (!matches(rule, person, application)) continue;
    const rank =
      audiencePrecision[rule.audience.kind] * 8 +
      (rule.target.kind === 'application' ? 4 : 0) +
      (rule.siteId === null ? 0 : 2) +
      (rule.effect === 'deny' ? 1 : 0);
    // Equal ranks have equal effects; the smaller id is named so that the answer never depends on order.
    if (best === null || rank > best.rank || (rank === best.rank && rule.id < best.ruleId)) {
      best = { rank, allowed: rule.effect === 'allow', ruleId: rule.id };
    }
  }
  return best === null ? { allowed: false, ruleId: null } : { allowed: best.allowed, ruleId: best.ruleId };
}

function matches(rule: RuleDraft, person: Person, application: { id: string; category: string }): boolean {
  if (rule.siteId !== null && rule.siteId !== person.siteId) return false;
  const { target, audience } = rule;
  if (target.kind === 'application' ? target.applicationId !== application.id : target.category !== application.category)
    return false;
  switch (audience.kind) {
    case 'everyone':
      return true;
    case 'role':
      return audience.role === person.role || (audience.role === 'technician' && isTechnician(person));
    case 'group':
      return person.groupIds.includes(audience.groupId);
    case 'person':
      return audience.accountId === person.id;
  }
}

/** Answers about access: explanations, previews, the matrix, and how far rules have been
 * applied. */
import { type Static, Type } from 'typebox';
import { AccountId, Role } from './account.ts';
import { ApplicationId } from './application.ts';
import { Rule, RuleDraft, RuleId, Terms } from './rule.ts';
import { Instant, Line, Nullable, OneOf, Slug, Strict, Translated } from './schema.ts';
import { SiteId } from './site.ts';

/** `at` null: now. A past time is answered with the rules of that time, but with today's people and
 * schools. `address`: of the device; null: no particular place. */
export const AccessQuestion = Strict({
  accountId: AccountId,
  applicationId: Nullable(ApplicationId),
  at: Nullable(Instant),
  address: Nullable(Type.String({ maxLength: 45, pattern: '^[0-9a-fA-F.:]+$' })),
});
export type AccessQuestion = Static<typeof AccessQuestion>;

export const ExplainedRule = Strict({
  rule: Rule,
  outcome: OneOf([
    'decided',
    'outranked',
    'out_of_hours',
    'other_device',
    'other_place',
    'other_person',
  ]),
  opensAt: Nullable(Instant),
});
export type ExplainedRule = Static<typeof ExplainedRule>;

export const ExplainedRemedy = Type.Union([
  Strict({ kind: Type.Literal('wait'), at: Instant }),
  Strict({ kind: Type.Literal('withdraw'), ruleId: RuleId }),
  Strict({ kind: Type.Literal('move'), ruleId: RuleId }),
  Strict({ kind: Type.Literal('add'), draft: RuleDraft }),
]);
export type ExplainedRemedy = Static<typeof ExplainedRemedy>;

export const Verdict = Strict({
  applicationId: ApplicationId,
  slug: Slug,
  name: Translated(80),
  iconHash: Nullable(Type.String()),
  installed: Type.Boolean(),
  allowed: Type.Boolean(),
  terms: Terms,
  changesAt: Nullable(Instant),
  considered: Type.Array(ExplainedRule),
  remedy: ExplainedRemedy,
});
export type Verdict = Static<typeof Verdict>;
/** When one application was asked about, `considered` lists all its rules; for all applications,
 * only the rule that decided. */
export const AccessExplanation = Strict({
  accountId: AccountId,
  personName: Line(120),
  role: Role,
  siteId: Nullable(SiteId),
  siteName: Nullable(Line(120)),
  at: Instant,
  items: Type.Array(Verdict),
});
export type AccessExplanation = Static<typeof AccessExplanation>;

/** For the person who clicks the icon. `at`: when it opens or closes. */
export const whyReasons = [
  'open',
  'forbidden',
  'not_published',
  'out_of_hours',
  'other_device',
  'not_installed',
  'no_school',
] as const;
export const Why = Strict({
  slug: Slug,
  name: Translated(80),
  reason: OneOf(whyReasons),
  at: Nullable(Instant),
});
export type Why = Static<typeof Why>;

/** `ruleId` null: a new rule; `draft` null: withdraw the rule. */
export const PreviewRequest = Strict({ ruleId: Nullable(RuleId), draft: Nullable(RuleDraft) });
export type PreviewRequest = Static<typeof PreviewRequest>;

const Change = Strict({
  people: Type.Integer(),
  schools: Type.Integer(),
  applications: Type.Integer(),
  examples: Type.Array(Line(120), { maxItems: 5 }),
});
/** `conflicts`: rules with the opposite effect on the same people and applications, and which of
 * the two wins. */
export const Preview = Strict({
  gains: Change,
  losses: Change,
  sites: Type.Array(SiteId),
  concerned: Type.Integer(),
  /** The time that was evaluated: now, or when the rule's hours next begin. */
  at: Instant,
  conflicts: Type.Array(
    Strict({ rule: Rule, wins: Type.Boolean(), isEqual: Type.Boolean(), people: Type.Integer() }),
  ),
});
export type Preview = Static<typeof Preview>;

export const AccessMatrix = Strict({
  applications: Type.Array(
    Strict({
      id: ApplicationId,
      slug: Slug,
      name: Translated(80),
      category: Type.String(),
      iconHash: Nullable(Type.String()),
    }),
  ),
  /** `open`: by application, for how many of the school's people it is open now. */
  items: Type.Array(
    Strict({
      siteId: SiteId,
      siteName: Line(120),
      people: Type.Integer(),
      open: Type.Array(Type.Integer()),
      installed: Type.Array(Type.Boolean()),
    }),
  ),
  next: Nullable(SiteId),
});
export type AccessMatrix = Static<typeof AccessMatrix>;

/** `late`: its server is online but has not applied the rules within a minute. `offline`: its
 * server applies them when it is back. */
export const PushProgress = Strict({
  changedAt: Nullable(Instant),
  items: Type.Array(
    Strict({
      siteId: SiteId,
      siteName: Line(120),
      state: OneOf(['applied', 'waiting', 'late', 'offline', 'none']),
      askedAt: Nullable(Instant),
    }),
  ),
});
export type PushProgress = Static<typeof PushProgress>;

export const RuleVersion = Strict({ rule: Rule, until: Nullable(Instant) });
export type RuleVersion = Static<typeof RuleVersion>;

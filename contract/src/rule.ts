/** Rules: who may use what, where, when and how. policy.ts evaluates them. */
import { type Static, Type } from 'typebox';
import { AccountId, GroupId, Role } from './account.ts';
import { ApplicationId, Category } from './application.ts';
import { CalendarDate, Id, Instant, Line, Nullable, OneOf, Slug, Strict } from './schema.ts';
import { SiteGroupId, SiteId } from './site.ts';
import { WindowSpec } from './windows.ts';

export const RuleId = Id('rul');

export const RuleTarget = Type.Union([
  Strict({ kind: Type.Literal('application'), applicationId: ApplicationId }),
  Strict({ kind: Type.Literal('label'), label: Slug }),
  Strict({ kind: Type.Literal('category'), category: Category }),
]);
export type RuleTarget = Static<typeof RuleTarget>;

export const attributeTests = ['is', 'is_not', 'starts_with', 'contains'] as const;
/** A test on an attribute of a person in the directory; case-insensitive. `is_not` also holds when
 * the person has no such attribute. */
export const AttributeTest = Strict({
  attribute: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_-]{0,39}$' }),
  test: OneOf(attributeTests),
  value: Line(120),
});
export type AttributeTest = Static<typeof AttributeTest>;

/** `group`: a class or another group. `attributes`: all of the tests must hold. */
export const RuleAudience = Type.Union([
  Strict({ kind: Type.Literal('person'), accountId: AccountId }),
  Strict({ kind: Type.Literal('group'), groupId: GroupId }),
  Strict({
    kind: Type.Literal('attributes'),
    all: Type.Array(AttributeTest, { minItems: 1, maxItems: 5 }),
  }),
  Strict({ kind: Type.Literal('role'), role: Role }),
  Strict({ kind: Type.Literal('everyone') }),
]);
export type RuleAudience = Static<typeof RuleAudience>;

export const RulePlace = Type.Union([
  Strict({ kind: Type.Literal('site'), siteId: SiteId }),
  Strict({ kind: Type.Literal('site_group'), siteGroupId: SiteGroupId }),
  Strict({ kind: Type.Literal('everywhere') }),
]);
export type RulePlace = Static<typeof RulePlace>;

/** Which PCs: an address range, or PCs that the school has labelled (`computer-room`). */
export const RuleClient = Type.Union([
  Strict({ kind: Type.Literal('label'), label: Slug }),
  Strict({
    kind: Type.Literal('subnet'),
    subnet: Type.String({ maxLength: 49, pattern: '^[0-9a-fA-F.:]+/[0-9]{1,3}$' }),
  }),
]);
export type RuleClient = Static<typeof RuleClient>;

/** In the school's time zone. `open` empty: at any hour. `from`, `until`: first and last day, both
 * included. */
export const RuleTimes = Strict({
  open: Type.Array(WindowSpec, { maxItems: 20 }),
  exceptDates: Type.Array(CalendarDate, { maxItems: 400, uniqueItems: true }),
  from: Nullable(CalendarDate),
  until: Nullable(CalendarDate),
});
export type RuleTimes = Static<typeof RuleTimes>;

export const directions = ['none', 'in', 'out', 'both'] as const;
/** How an application runs for people whom a rule allows it. `clipboard`: text; `in`: from the
 * person's device into the application; `files`: through the exchange folder of their home.
 * `printing`: on the printer of the person's device, as a PDF. `recording`: the screen is recorded,
 * and the person is told. `maxMinutes`: per session; `idleMinutes`: without input; `seats`: how
 * many sessions of it one school may run at once. */
export const Terms = Strict({
  clipboard: OneOf(directions),
  files: OneOf(directions),
  printing: Type.Boolean(),
  recording: Type.Boolean(),
  maxMinutes: Nullable(Type.Integer({ minimum: 1, maximum: 1440 })),
  idleMinutes: Nullable(Type.Integer({ minimum: 1, maximum: 1440 })),
  seats: Nullable(Type.Integer({ minimum: 1, maximum: 100_000 })),
});
export type Terms = Static<typeof Terms>;
/** Without a rule that allows it, nothing is transferred and nothing recorded. */
export const defaultTerms: Terms = {
  clipboard: 'none',
  files: 'none',
  printing: false,
  recording: false,
  maxMinutes: null,
  idleMinutes: null,
  seats: null,
};

/** `when` null: always. `how` null: `defaultTerms`; every deny has null. */
export const RuleDraft = Strict({
  effect: OneOf(['allow', 'deny']),
  target: RuleTarget,
  audience: RuleAudience,
  place: RulePlace,
  client: Nullable(RuleClient),
  when: Nullable(RuleTimes),
  how: Nullable(Terms),
  /** The reason, for colleagues. */
  note: Nullable(Line(200)),
});
export type RuleDraft = Static<typeof RuleDraft>;
/** The optional fields of a draft at their neutral values. */
export const plainRule: Pick<RuleDraft, 'place' | 'client' | 'when' | 'how' | 'note'> = {
  place: { kind: 'everywhere' },
  client: null,
  when: null,
  how: null,
  note: null,
};

/** The fields of a rule that a decision reads. */
export const PolicyRule = Strict({
  id: RuleId,
  effect: RuleDraft.properties.effect,
  target: RuleTarget,
  audience: RuleAudience,
  place: RulePlace,
  client: RuleDraft.properties.client,
  when: RuleDraft.properties.when,
  how: RuleDraft.properties.how,
});
export type PolicyRule = Static<typeof PolicyRule>;

/** `version` counts the rule's changes from 1. A name is null when the object it refers to is gone;
 * such a rule decides nothing. */
export const Rule = Strict({
  id: RuleId,
  version: Type.Integer({ minimum: 1 }),
  ...RuleDraft.properties,
  targetName: Nullable(Line(120)),
  audienceName: Nullable(Line(200)),
  placeName: Nullable(Line(120)),
  changedAt: Instant,
  changedByName: Line(120),
});
export type Rule = Static<typeof Rule>;

/** The plan of a rollout: who gets what in which wave, who does not, and why. */
import { type Static, Type } from 'typebox';
import { ApplicationId, VersionId } from './application.ts';
import { Foreseen, ForeseenRemoval } from './asking.ts';
import { errorCodes } from './errors.ts';
import { RolloutId } from './rollout-states.ts';
import { Id, Line, Nullable, OneOf, Slug, Strict, Translated } from './schema.ts';

export const planActions = [
  'install',
  'change_version',
  'remove',
  'nothing_to_do',
  'not_applicable',
  'refused',
] as const;
export const PlanEntry = Strict({
  serverId: Id('srv'),
  serverName: Line(80),
  siteId: Id('sit'),
  siteName: Line(120),
  wave: Type.Integer({ minimum: 1 }),
  online: Type.Boolean(),
  items: Type.Array(
    Strict({ applicationId: ApplicationId, action: OneOf(planActions), from: Nullable(Line(80)) }),
  ),
  bytes: Type.Integer(),
  minutes: Type.Number(),
});
export type PlanEntry = Static<typeof PlanEntry>;
export const leftOutReasons = [
  'no_server',
  'retired',
  'draining',
  'quarantined',
  'no_label',
  'not_applicable',
  'refused',
] as const;

/** An application that would do harm at a school, by the answer of one of its servers: it is not
 * installed on any server there. `removes`: what installing it would remove. `requires`: the refused
 * application of the same plan that it cannot do without. */
export const PlanRefusal = Strict({
  siteId: Id('sit'),
  siteName: Line(120),
  serverName: Line(80),
  applicationId: ApplicationId,
  code: OneOf(errorCodes),
  removes: Type.Array(
    Strict({
      ...ForeseenRemoval.properties,
      wantedByName: Nullable(Translated(80)),
    }),
    { maxItems: 50 },
  ),
  requires: Nullable(Slug),
});
export type PlanRefusal = Static<typeof PlanRefusal>;
/** The plan without its entries, which are read page by page because there may be thousands. */
export const RolloutPlan = Strict({
  /** SHA-256 of who gets what, in which order; approval and start are bound to it. */
  hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  at: Type.Integer(),
  applications: Type.Array(
    Strict({
      applicationId: ApplicationId,
      versionId: VersionId,
      slug: Slug,
      name: Translated(80),
      version: Line(80),
      want: OneOf(['present', 'absent']),
      becauseOf: Nullable(Slug),
    }),
  ),
  leftOut: Type.Array(
    Strict({
      siteId: Id('sit'),
      siteName: Line(120),
      serverName: Nullable(Line(80)),
      reason: OneOf(leftOutReasons),
    }),
  ),
  refusals: Type.Array(PlanRefusal),
  clashes: Type.Array(
    Strict({
      rolloutId: RolloutId,
      rolloutName: Line(120),
      servers: Type.Integer(),
      kind: OneOf(['supersedes', 'waits_for']),
    }),
  ),
  totals: Strict({
    sites: Type.Integer(),
    servers: Type.Integer(),
    nothingToDo: Type.Integer(),
    offline: Type.Integer(),
    bytes: Type.Integer(),
    minutes: Type.Number(),
  }),
  needsApproval: Type.Boolean(),
});
export type RolloutPlan = Static<typeof RolloutPlan>;

/** What is known of one school before the start. `asking`: its server has the question. `answered`:
 * `foreseen` is its answer. `silent`: it did not answer in time. `at_start`: it cannot be asked, being
 * offline or of an older version. In the last two cases the server asks its package manager itself,
 * before it changes anything. */
export const schoolAnswerStates = ['asking', 'answered', 'silent', 'at_start'] as const;
export const SchoolAnswer = Strict({
  siteId: Id('sit'),
  siteName: Line(120),
  serverName: Nullable(Line(80)),
  state: OneOf(schoolAnswerStates),
  foreseen: Type.Array(Foreseen),
});
export type SchoolAnswer = Static<typeof SchoolAnswer>;

/** How far asking is. A start is refused until `until`, in epoch ms, while schools are `asking`. */
export const AskingProgress = Strict({
  asking: Type.Integer(),
  answered: Type.Integer(),
  silent: Type.Integer(),
  atStart: Type.Integer(),
  until: Nullable(Type.Integer()),
});
export type AskingProgress = Static<typeof AskingProgress>;
/** How long a start waits for answers, in ms. */
export const askingMs = 20_000;

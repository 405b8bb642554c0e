/** Everything one execution server should be: complete, immutable, numbered by `generation`,
 * signed. */
import { type Static, Type } from 'typebox';
import { Role } from './account.ts';
import { ApplicationId, Category, Recipes, VersionId } from './application.ts';
import { Question, WantedRestart } from './asking.ts';
import { DesiredTransfer } from './exchange.ts';
import { Order } from './order.ts';
import { PolicyRule, RuleId } from './rule.ts';
import { Id, Instant, Line, Nullable, OneOf, Slug, Strict } from './schema.ts';
import { SessionId } from './session.ts';
import { SiteGroupId, SiteId, SiteNetwork } from './site.ts';

export const PersonAttributes = Type.Record(
  Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_-]{0,39}$' }),
  Type.Array(Type.String({ maxLength: 200 }), { maxItems: 100 }),
);

/** The server's school, as the rules see it. */
export const DesiredSite = Strict({
  siteId: SiteId,
  siteGroupIds: Type.Array(SiteGroupId, { maxItems: 1000 }),
  timeZone: Type.String({ maxLength: 40 }),
  holidayZone: OneOf(['A', 'B', 'C']),
  closures: Type.Array(Type.String({ maxLength: 10 }), { maxItems: 800 }),
  networks: Type.Array(SiteNetwork, { maxItems: 200 }),
});

export type DesiredSite = Static<typeof DesiredSite>;

/** Every rule that applies at a school. Separate from the state, which refers to it by its hash,
 * because rules change rarely and states often. */
export const PolicyDocument = Strict({ rules: Type.Array(PolicyRule, { maxItems: 20_000 }) });
export type PolicyDocument = Static<typeof PolicyDocument>;

export const DesiredSession = Strict({
  sessionId: SessionId,
  applicationId: ApplicationId,
  /** Whose home directory is mounted. */
  accountId: Id('acc'),
  /** User id of the person's files, the same on every server of the city. Only for agents that
   * report `boot`; without it a server chooses a number of its own. */
  uid: Type.Optional(Type.Integer({ minimum: 700_000, maximum: 2_000_000_000 })),
  login: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{1,62}$' }),
  displayName: Line(120),
  language: Type.Union([Type.Literal('fr'), Type.Literal('en')]),
  /** Rises by one each time a browser asks to attach; the agent then sets a new one-use
   * password. */
  attachSerial: Type.Integer({ minimum: 1 }),
  /** The agent decides access again from this before it opens anything. */
  role: Role,
  groupIds: Type.Array(Id('grp'), { maxItems: 1000 }),
  attributes: PersonAttributes,
  /** The address of the person's device when the session was requested. */
  address: Nullable(Type.String({ maxLength: 45 })),
});
export type DesiredSession = Static<typeof DesiredSession>;

export const DesiredApplication = Strict({
  applicationId: ApplicationId,
  versionId: VersionId,
  slug: Slug,
  category: Category,
  labels: Type.Array(Slug, { maxItems: 20 }),
  version: Line(80),
  recipes: Recipes,
  /** When a technician last requested it; a new request clears past failures. */
  askedAt: Instant,
});
export type DesiredApplication = Static<typeof DesiredApplication>;

/** Homes that one state asks to erase; the next state asks for the next ones. */
export const maxErasedHomes = 1000;

export const DesiredState = Strict({
  protocol: Type.Integer({ minimum: 1 }),
  serverId: Id('srv'),
  generation: Type.Integer({ minimum: 1 }),
  issuedAt: Instant,
  /** How many displays are kept started in advance, so that a launch does not wait for an X
   * server. */
  standbyDisplays: Type.Integer({ minimum: 0, maximum: 32 }),
  /** Unit of the agent's reporting delay, in ms. Changes within one to three units share one
   * report. It rises with the number of servers in the city. */
  momentMs: Type.Integer({ minimum: 1, maximum: 60_000 }),
  site: DesiredSite,
  /** SHA-256 of the rules' document. */
  policy: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  applications: Type.Array(DesiredApplication, { maxItems: 500 }),
  /** Applications that Préau installed and that are no longer wanted. */
  removals: Type.Array(DesiredApplication, { maxItems: 500 }),
  sessions: Type.Array(DesiredSession, { maxItems: 1000 }),
  /** Files of sessions to download from the city or upload to it. */
  transfers: Type.Array(DesiredTransfer, { maxItems: 2000 }),
  /** What rollouts ask of this server now. */
  orders: Type.Array(Order, { maxItems: 20 }),
  /** The site's first server, from which the others download packages; null on that server itself
   * and where there is only one. */
  cache: Nullable(
    Strict({
      serverId: Id('srv'),
      host: Type.String({ pattern: '^[A-Za-z0-9.:-]{1,255}$' }),
      port: Type.Integer({ minimum: 1, maximum: 65535 }),
    }),
  ),
  /** Servers of the same site whose signed package requests are answered. */
  peers: Type.Array(
    Strict({ serverId: Id('srv'), publicKey: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }) }),
    { maxItems: 200 },
  ),
  /** Questions to this server's package manager, and the applications they are about. Only for
   * agents that report `answers`: earlier ones refuse a member that they do not know. */
  questions: Type.Optional(
    Strict({
      asked: Type.Array(DesiredApplication, { maxItems: 500 }),
      questions: Type.Array(Question, { maxItems: 20 }),
    }),
  ),
  /** Only for agents that report `boot`. */
  restart: Type.Optional(WantedRestart),
  /** Homes of erased people, to be erased from this server; `upTo` is reported once all of them are
   * gone. Only for agents that report `boot`. */
  erasedHomes: Type.Optional(
    Strict({
      upTo: Type.Integer({ minimum: 1 }),
      homes: Type.Array(Id('acc'), { maxItems: maxErasedHomes }),
    }),
  ),
});
export type DesiredState = Static<typeof DesiredState>;

/** Changes the rules with hash `from` into those that the state names, so that a change to a few
 * rules does not resend all of them. */
export const PolicyChange = Strict({
  from: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  removed: Type.Array(RuleId, { maxItems: 20_000 }),
  added: Type.Array(PolicyRule, { maxItems: 20_000 }),
});
export type PolicyChange = Static<typeof PolicyChange>;

/** The rules sorted by id, so that equal rules give the same text and the same hash. */
export const policyText = (rules: readonly PolicyRule[]): string =>
  JSON.stringify({
    rules: rules.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  } satisfies PolicyDocument);

/** `document` is the JSON text of a DesiredState; `signature` is Ed25519 over its UTF-8 bytes,
 * base64url. `policy` is the JSON text of its PolicyDocument. `change` replaces it and is applied
 * to the rules that the agent reported to have; both are absent when the agent is up to date. The
 * hash in the state verifies the result. */
export const SignedState = Strict({
  document: Type.String({ maxLength: 4_000_000 }),
  signature: Type.String({ maxLength: 100 }),
  policy: Nullable(Type.String({ maxLength: 8_000_000 })),
  change: Type.Optional(PolicyChange),
});
export type SignedState = Static<typeof SignedState>;

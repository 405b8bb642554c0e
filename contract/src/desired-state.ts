/** Everything one execution server should be: complete, immutable, numbered by `generation`, signed. */
import { type Static, Type } from 'typebox';
import { ApplicationId, Recipes, VersionId } from './application.ts';
import { Id, Instant, Line, Nullable, Slug, Strict } from './schema.ts';
import { Order } from './rollout.ts';
import { SessionId } from './session.ts';

export const DesiredSession = Strict({
  sessionId: SessionId,
  applicationId: ApplicationId,
  /** Whose home directory is mounted. */
  accountId: Id('acc'),
  login: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{1,62}$' }),
  displayName: Line(120),
  language: Type.Union([Type.Literal('fr'), Type.Literal('en')]),
  /** Rises by one each time a browser asks to attach: the agent then sets a fresh one-use password. */
  attachSerial: Type.Integer({ minimum: 1 }),
});
export type DesiredSession = Static<typeof DesiredSession>;

export const DesiredApplication = Strict({
  applicationId: ApplicationId,
  versionId: VersionId,
  slug: Slug,
  version: Line(80),
  recipes: Recipes,
  /** When a technician last asked for it: asking again clears past failures. */
  askedAt: Instant,
});
export type DesiredApplication = Static<typeof DesiredApplication>;

export const DesiredState = Strict({
  protocol: Type.Integer({ minimum: 1 }),
  serverId: Id('srv'),
  generation: Type.Integer({ minimum: 1 }),
  issuedAt: Instant,
  /** Displays kept started in advance, so that a click does not wait for an X server. */
  standbyDisplays: Type.Integer({ minimum: 0, maximum: 32 }),
  applications: Type.Array(DesiredApplication, { maxItems: 500 }),
  /** Applications that were installed by Préau and are wanted no more. */
  removals: Type.Array(DesiredApplication, { maxItems: 500 }),
  sessions: Type.Array(DesiredSession, { maxItems: 1000 }),
  /** What rollouts ask of this server now. */
  orders: Type.Array(Order, { maxItems: 20 }),
  /** The site's first server, from which the others fetch packages; null on that server itself and where there is one only. */
  cache: Nullable(Strict({ serverId: Id('srv'), host: Type.String({ pattern: '^[A-Za-z0-9.:-]{1,255}$' }), port: Type.Integer({ minimum: 1, maximum: 65535 }) })),
  /** Servers of the same site, whose signed requests for packages are answered. */
  peers: Type.Array(Strict({ serverId: Id('srv'), publicKey: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }) }), { maxItems: 200 }),
});
export type DesiredState = Static<typeof DesiredState>;

/** `document` is the JSON text of a DesiredState; `signature` is Ed25519 over its UTF-8 bytes, base64url. */
export const SignedState = Strict({ document: Type.String({ maxLength: 4_000_000 }), signature: Type.String({ maxLength: 100 }) });
export type SignedState = Static<typeof SignedState>;

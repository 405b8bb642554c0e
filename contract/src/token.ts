/** API tokens: how scripts and the command line call in a technician's name. */
import { type Static, Type } from 'typebox';
import { AccountId } from './account.ts';
import { Id, Line, Nullable, OneOf, Strict } from './schema.ts';
import { SiteId } from './site.ts';

export const TokenId = Id('tok');
/** `read`: looks, changes nothing. `technician`: what a technician may, never what only an
 * administrator may. */
export const tokenScopes = ['read', 'technician'] as const;
export type TokenScopeName = (typeof tokenScopes)[number];
export const maxTokenDays = 400;

/** Easy to find in what was published by mistake; 256 random bits. */
export const ApiTokenSecret = Type.String({ pattern: '^preau_[A-Za-z0-9_-]{43}$' });

export const ApiTokenDraft = Strict({
  name: Line(80),
  scope: OneOf(tokenScopes),
  /** Null: every school. */
  siteIds: Nullable(Type.Array(SiteId, { minItems: 1, maxItems: 500, uniqueItems: true })),
  days: Type.Integer({ minimum: 1, maximum: maxTokenDays }),
  /** For a colleague: administrators only. */
  accountId: Type.Optional(AccountId),
});
export type ApiTokenDraft = Static<typeof ApiTokenDraft>;

export const ApiToken = Strict({
  id: TokenId,
  name: Line(80),
  accountId: AccountId,
  accountName: Line(120),
  scope: OneOf(tokenScopes),
  siteIds: Nullable(Type.Array(SiteId)),
  createdAt: Type.Integer(),
  expiresAt: Type.Integer(),
  /** To the minute. */
  lastUsedAt: Nullable(Type.Integer()),
  revokedAt: Nullable(Type.Integer()),
});
export type ApiToken = Static<typeof ApiToken>;

/** The only answer that holds the secret: it is stored as a hash. */
export const NewApiToken = Strict({ token: ApiToken, secret: ApiTokenSecret });
export type NewApiToken = Static<typeof NewApiToken>;

/** API tokens, with which scripts and the command line call on behalf of a technician. */
import { type Static, Type } from 'typebox';
import { AccountId } from './account.ts';
import { Id, Line, Nullable, OneOf, Strict } from './schema.ts';
import { SiteId } from './site.ts';

export const TokenId = Id('tok');
/** `read`: read only. `technician`: everything that a technician may do, without an administrator's
 * rights. */
export const tokenScopes = ['read', 'technician'] as const;
export type TokenScopeName = (typeof tokenScopes)[number];
export const maxTokenDays = 400;

/** 256 random bits. The prefix makes secrets published by mistake easy to find. */
export const ApiTokenSecret = Type.String({ pattern: '^preau_[A-Za-z0-9_-]{43}$' });

export const ApiTokenDraft = Strict({
  name: Line(80),
  scope: OneOf(tokenScopes),
  /** Null: every school. */
  siteIds: Nullable(Type.Array(SiteId, { minItems: 1, maxItems: 500, uniqueItems: true })),
  days: Type.Integer({ minimum: 1, maximum: maxTokenDays }),
  /** Makes the token for another person; administrators only. */
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
  /** Accurate to the minute. */
  lastUsedAt: Nullable(Type.Integer()),
  revokedAt: Nullable(Type.Integer()),
});
export type ApiToken = Static<typeof ApiToken>;

/** The only reply with the secret: only its hash is stored. */
export const NewApiToken = Strict({ token: ApiToken, secret: ApiTokenSecret });
export type NewApiToken = Static<typeof NewApiToken>;

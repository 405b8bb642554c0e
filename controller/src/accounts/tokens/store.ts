/** All SQL of API tokens. */
import type { Account } from '@preau/contract/account.ts';
import type { ApiToken } from '@preau/contract/token.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';
import { accountsWithSite, toAccount } from '../store.ts';

const tokensWithOwner = (rows: Rows) =>
  rows
    .selectFrom('api_tokens as t')
    .innerJoin('accounts as a', 'a.id', 't.account_id')
    .selectAll('t')
    .select('a.display_name');
type TokenRow = Awaited<ReturnType<ReturnType<typeof tokensWithOwner>['execute']>>[number];
const sitesOfToken = (siteIds: string | null) =>
  siteIds === null ? null : (JSON.parse(siteIds) as string[]);
const toToken = (row: TokenRow): ApiToken => ({
  id: row.id,
  name: row.name,
  accountId: row.account_id,
  accountName: row.display_name,
  scope: row.scope as ApiToken['scope'],
  siteIds: sitesOfToken(row.site_ids),
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  lastUsedAt: row.last_used_at,
  revokedAt: row.revoked_at,
});

export async function insertToken(
  rows: Rows,
  token: {
    hash: string;
    name: string;
    accountId: string;
    scope: string;
    siteIds: readonly string[] | null;
    now: number;
    expiresAt: number;
  },
): Promise<string> {
  const id = newId('tok');
  await rows
    .insertInto('api_tokens')
    .values({
      id,
      token_hash: token.hash,
      name: token.name,
      account_id: token.accountId,
      scope: token.scope,
      site_ids: token.siteIds === null ? null : JSON.stringify(token.siteIds),
      created_at: token.now,
      expires_at: token.expiresAt,
      last_used_at: null,
      revoked_at: null,
    })
    .execute();
  return id;
}

/** Newest first; `accountId` null: everybody's. */
export async function selectTokens(rows: Rows, accountId: string | null): Promise<ApiToken[]> {
  const query = tokensWithOwner(rows).orderBy('t.created_at', 'desc').orderBy('t.id').limit(1000);
  return (
    await (accountId === null ? query : query.where('t.account_id', '=', accountId)).execute()
  ).map(toToken);
}

export async function selectToken(rows: Rows, id: string): Promise<ApiToken | undefined> {
  const row = await tokensWithOwner(rows).where('t.id', '=', id).executeTakeFirst();
  return row && toToken(row);
}

/** False when it was revoked already. */
export async function markTokenRevoked(rows: Rows, id: string, now: number): Promise<boolean> {
  return (
    (
      await rows
        .updateTable('api_tokens')
        .set({ revoked_at: now })
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst()
    ).numUpdatedRows > 0n
  );
}

/** The account a token speaks for, as it is now; undefined once the token is revoked or expired. */
export async function selectTokenHolder(
  rows: Rows,
  hash: string,
  now: number,
): Promise<
  | {
      tokenId: string;
      scope: ApiToken['scope'];
      siteIds: string[] | null;
      lastUsedAt: number | null;
      account: Account;
    }
  | undefined
> {
  const row = await accountsWithSite(rows)
    .innerJoin('api_tokens as t', 't.account_id', 'accounts.id')
    // Not `site_ids`, which is what the owner looks after.
    .select(['t.id as token_id', 't.scope', 't.site_ids as token_site_ids', 't.last_used_at'])
    .where('t.token_hash', '=', hash)
    .where('t.revoked_at', 'is', null)
    .where('t.expires_at', '>', now)
    .where('accounts.disabled_at', 'is', null)
    .executeTakeFirst();
  return (
    row && {
      tokenId: row.token_id,
      scope: row.scope as ApiToken['scope'],
      siteIds: sitesOfToken(row.token_site_ids),
      lastUsedAt: row.last_used_at,
      account: toAccount(row),
    }
  );
}

export async function touchToken(rows: Rows, id: string, now: number): Promise<void> {
  await rows.updateTable('api_tokens').set({ last_used_at: now }).where('id', '=', id).execute();
}

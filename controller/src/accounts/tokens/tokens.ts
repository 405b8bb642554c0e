/** API tokens: created and revoked by a person who has signed in, never by a token. */

import { isTechnician } from '@preau/contract/account.ts';
import { dayMs } from '@preau/contract/days.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { ApiToken, ApiTokenDraft, NewApiToken } from '@preau/contract/token.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { newToken, sha256 } from '#src/platform/secrets.ts';
import { actorOf, mustReach } from '../reach.ts';
import { countSites, selectAccount } from '../store.ts';
import {
  insertToken,
  markTokenRevoked,
  selectToken,
  selectTokenHolder,
  selectTokens,
  touchToken,
} from './store.ts';

/** The last use of a token is saved at most once a minute, however often it calls. */
const touchEveryMs = 60_000;

export const listTokens = (
  deps: Pick<Platform, 'database'>,
  actor: AccountActor,
): Promise<ApiToken[]> =>
  selectTokens(deps.database, actor.role === 'administrator' ? null : actor.id);

/** Refuses with FORBIDDEN a token for somebody else, unless an administrator creates it; with
 * NOT_FOUND unknown schools, and owners who are not technicians. */
export async function createToken(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: AccountActor,
  draft: ApiTokenDraft,
): Promise<NewApiToken> {
  const accountId = draft.accountId ?? actor.id;
  if (actor.token !== null || (accountId !== actor.id && actor.role !== 'administrator'))
    throw new AppError('FORBIDDEN');
  // A token cannot reach more than the person who creates it.
  if (actor.siteIds !== null) mustReach(actor, ...(draft.siteIds ?? [null]));
  const secret = `preau_${newToken()}`;
  const token = await deps.database.transaction().execute(async (rows) => {
    const now = deps.clock.now();
    const owner = await selectAccount(rows, accountId);
    if (owner === undefined || !isTechnician(owner))
      throw new AppError('NOT_FOUND', { account: accountId });
    if (draft.siteIds !== null && (await countSites(rows, draft.siteIds)) !== draft.siteIds.length)
      throw new AppError('NOT_FOUND', { sites: draft.siteIds });
    const id = await insertToken(rows, {
      hash: sha256(secret),
      name: draft.name,
      accountId,
      scope: draft.scope,
      siteIds: draft.siteIds,
      now,
      expiresAt: now + draft.days * dayMs,
    });
    await recordEffect(deps, rows, actor, {
      action: 'token.created',
      subjectId: id,
      subjectName: draft.name,
      details: {
        owner: owner.displayName,
        scope: draft.scope,
        sites: draft.siteIds?.length ?? 'all',
        days: draft.days,
      },
    });
    return selectToken(rows, id);
  });
  if (token === undefined) throw new AppError('INTERNAL');
  deps.wakeups.wake(['audit']);
  return { token, secret };
}

/** Takes effect at the commit: each call reads the token's row. Repeating is safe. */
export async function revokeToken(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: AccountActor,
  id: string,
): Promise<void> {
  if (actor.token !== null) throw new AppError('FORBIDDEN');
  await deps.database.transaction().execute(async (rows) => {
    const token = await selectToken(rows, id);
    if (token === undefined || (token.accountId !== actor.id && actor.role !== 'administrator'))
      throw new AppError('NOT_FOUND', { token: id });
    if (await markTokenRevoked(rows, id, deps.clock.now()))
      await recordEffect(deps, rows, actor, {
        action: 'token.revoked',
        subjectId: id,
        subjectName: token.name,
        details: { owner: token.accountName },
      });
  });
  deps.wakeups.wake(['audit']);
}

/** The actor of a token: its owner as they are now, with at most a technician's rights. Refuses
 * with TOKEN_REFUSED whatever is wrong with the token. */
export async function actorOfToken(
  deps: Pick<Platform, 'database' | 'clock'>,
  secret: string,
): Promise<AccountActor> {
  const now = deps.clock.now();
  const holder = /^preau_[A-Za-z0-9_-]{43}$/.test(secret)
    ? await selectTokenHolder(deps.database, sha256(secret), now)
    : undefined;
  if (holder === undefined) throw new AppError('TOKEN_REFUSED');
  const { account, tokenId, scope, siteIds, lastUsedAt } = holder;
  if (lastUsedAt === null || now - lastUsedAt >= touchEveryMs)
    await touchToken(deps.database, tokenId, now);
  return actorOf(account, '', { id: tokenId, readOnly: scope === 'read', siteIds });
}

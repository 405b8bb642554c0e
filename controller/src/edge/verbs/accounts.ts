import { AppError } from '@preau/contract/errors.ts';
import { searchAudiences } from '#src/accounts/audiences/store.ts';
import { reachOf } from '#src/accounts/reach.ts';
import { signOut } from '#src/accounts/sign-ins/sign-in.ts';
import { selectAccount } from '#src/accounts/store.ts';
import { createToken, listTokens, revokeToken } from '#src/accounts/tokens/tokens.ts';

import { signIn } from '#src/identity/sign-in.ts';
import type { Verbs } from './verb.ts';

export const accountVerbs = {
  signIn: async (deps, _actor, { body }, answer) => {
    const { account, token, expiresAt } = await signIn(deps, body, answer);
    answer.setSignIn(token, expiresAt);
    return account;
  },
  signOut: async (deps, actor, _input, answer) => {
    await signOut(deps, actor);
    answer.setSignIn(null, 0);
    return null;
  },
  me: async (deps, actor) => {
    const account = await selectAccount(deps.database, actor.id);
    if (account === undefined) throw new AppError('NOT_SIGNED_IN');
    return account;
  },
  listTokens: async (deps, actor) => ({ items: await listTokens(deps, actor) }),
  createToken: (deps, actor, { body }) => createToken(deps, actor, body),
  revokeToken: async (deps, actor, { params }) => {
    await revokeToken(deps, actor, params.id);
    return null;
  },
  searchAudiences: (deps, actor, { query }) =>
    searchAudiences(deps.database, query.search, reachOf(actor)),
} satisfies Partial<Verbs>;

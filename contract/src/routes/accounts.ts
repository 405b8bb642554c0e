/** Routes for signing in with a password, API tokens and finding people. */
import { Type } from 'typebox';
import { Account, Group, SignIn } from '../account.ts';
import { List, Nothing, ofId, type Route } from '../route.ts';
import { Strict } from '../schema.ts';
import { ApiToken, ApiTokenDraft, NewApiToken, TokenId } from '../token.ts';

export const accountRoutes = {
  signIn: {
    method: 'POST',
    path: '/api/sign-in',
    caller: 'public',
    summary: 'Open a sign-in with a user name and a password',
    body: SignIn,
    reply: Account,
  },
  signOut: {
    method: 'POST',
    path: '/api/sign-out',
    caller: 'signedIn',
    reach: 'self',
    summary: 'Close this sign-in',
    reply: Nothing,
    status: 204,
  },
  me: {
    method: 'GET',
    path: '/api/me',
    caller: 'signedIn',
    reach: 'city',
    summary: 'Who am I?',
    reply: Account,
  },
  listTokens: {
    method: 'GET',
    path: '/api/tokens',
    caller: 'technician',
    reach: 'self',
    summary: 'My API tokens (administrators: everybody’s)',
    reply: List(ApiToken),
  },
  createToken: {
    method: 'POST',
    path: '/api/tokens',
    caller: 'technician',
    reach: 'self',
    summary: 'Make an API token; its secret is shown once',
    body: ApiTokenDraft,
    reply: NewApiToken,
    status: 201,
  },
  revokeToken: {
    method: 'DELETE',
    path: '/api/tokens/:id',
    caller: 'technician',
    reach: 'self',
    summary: 'Revoke an API token at once',
    params: ofId(TokenId),
    reply: Nothing,
    status: 204,
  },
  searchAudiences: {
    method: 'GET',
    path: '/api/audiences',
    caller: 'technician',
    reach: 'site',
    summary: 'People and groups by name',
    query: Strict({ search: Type.String({ minLength: 1, maxLength: 80 }) }),
    reply: Strict({ people: Type.Array(Account), groups: Type.Array(Group) }),
  },
} as const satisfies Record<string, Route>;

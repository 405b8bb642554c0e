/** All SQL of accounts, groups, sign-ins and API tokens. */
import type { Account, Group, Person, Role } from '@preau/contract/account.ts';
import type { ApiToken } from '@preau/contract/token.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';

export interface NewAccount {
  login: string;
  displayName: string;
  role: Role;
  siteId: string | null;
  passwordHash: string | null;
  /** Who vouches for them, and by which name; this city itself when left out. */
  provider?: string;
  externalId?: string | null;
  mail?: string | null;
  attributes?: Person['attributes'];
}

export async function insertAccounts(
  rows: Rows,
  accounts: readonly NewAccount[],
  now: number,
): Promise<string[]> {
  const values = accounts.map((account) => ({
    id: newId('acc'),
    login: account.login,
    display_name: account.displayName,
    role: account.role,
    site_id: account.siteId,
    password_hash: account.passwordHash,
    created_at: now,
    provider: account.provider ?? 'local',
    external_id: account.externalId ?? null,
    mail: account.mail ?? null,
    attributes: JSON.stringify(account.attributes ?? {}),
    disabled_at: null,
    site_ids: null,
  }));
  for (let at = 0; at < values.length; at += 500)
    await rows
      .insertInto('accounts')
      .values(values.slice(at, at + 500))
      .execute();
  return values.map((value) => value.id);
}

export async function insertGroup(
  rows: Rows,
  group: Omit<Group, 'id'>,
  memberIds: readonly string[],
): Promise<string> {
  const id = newId('grp');
  await rows
    .insertInto('groups')
    .values({ id, kind: group.kind, name: group.name, site_id: group.siteId, external_id: null })
    .execute();
  for (let at = 0; at < memberIds.length; at += 500)
    await rows
      .insertInto('group_members')
      .values(
        memberIds.slice(at, at + 500).map((accountId) => ({ group_id: id, account_id: accountId })),
      )
      .execute();
  return id;
}

const accountsWithSite = (rows: Rows) =>
  rows
    .selectFrom('accounts')
    .leftJoin('sites', 'sites.id', 'accounts.site_id')
    .select([
      'accounts.id',
      'accounts.login',
      'accounts.display_name',
      'accounts.role',
      'accounts.site_id',
      'accounts.site_ids',
      'sites.name as site_name',
    ]);

type AccountRow = {
  id: string;
  login: string;
  display_name: string;
  role: string;
  site_id: string | null;
  site_ids: string | null;
  site_name: string | null;
};
const toAccount = (row: AccountRow): Account => ({
  id: row.id,
  login: row.login,
  displayName: row.display_name,
  role: row.role as Role,
  siteId: row.site_id,
  siteName: row.site_name,
  siteIds: row.site_ids === null ? null : (JSON.parse(row.site_ids) as string[]),
});

export async function selectAccount(rows: Rows, id: string): Promise<Account | undefined> {
  const row = await accountsWithSite(rows).where('accounts.id', '=', id).executeTakeFirst();
  return row && toAccount(row);
}

export async function selectPasswordHash(
  rows: Rows,
  login: string,
): Promise<{ id: string; passwordHash: string | null } | undefined> {
  const row = await rows
    .selectFrom('accounts')
    .select(['id', 'password_hash'])
    .where('login', '=', login)
    .where('provider', '=', 'local')
    .where('disabled_at', 'is', null)
    .executeTakeFirst();
  return row && { id: row.id, passwordHash: row.password_hash };
}

export async function selectPasswordHashOf(rows: Rows, id: string): Promise<string | null> {
  return (
    (
      await rows
        .selectFrom('accounts')
        .select('password_hash')
        .where('id', '=', id)
        .executeTakeFirst()
    )?.password_hash ?? null
  );
}

/** Who vouched for a sign-in, and how they name it. */
export interface Origin {
  provider: string;
  subject: string | null;
  session: string | null;
  /** Sealed. */
  idToken: string | null;
}
const ownOrigin: Origin = { provider: 'local', subject: null, session: null, idToken: null };

export async function insertSignIn(
  rows: Rows,
  signIn: { tokenHash: string; accountId: string; now: number; expiresAt: number; origin?: Origin },
): Promise<void> {
  const { provider, subject, session, idToken } = signIn.origin ?? ownOrigin;
  await rows
    .insertInto('sign_ins')
    .values({
      token_hash: signIn.tokenHash,
      account_id: signIn.accountId,
      created_at: signIn.now,
      expires_at: signIn.expiresAt,
      provider,
      provider_subject: subject,
      provider_session: session,
      id_token: idToken,
    })
    .execute();
}

export async function selectOrigin(rows: Rows, tokenHash: string): Promise<Origin | undefined> {
  const row = await rows
    .selectFrom('sign_ins')
    .select(['provider', 'provider_subject', 'provider_session', 'id_token'])
    .where('token_hash', '=', tokenHash)
    .executeTakeFirst();
  return (
    row && {
      provider: row.provider,
      subject: row.provider_subject,
      session: row.provider_session,
      idToken: row.id_token,
    }
  );
}

/** Sign-ins that end now; answers them, to be woken. */
export async function deleteSignInsOf(
  rows: Rows,
  which:
    | { accountIds: readonly string[] }
    | { provider: string; subject: string | null; session: string | null },
): Promise<{ tokenHash: string; accountId: string }[]> {
  const gone: { tokenHash: string; accountId: string }[] = [];
  const take = async (query: ReturnType<typeof from>) => {
    for (const row of await query.returning(['token_hash', 'account_id']).execute())
      gone.push({ tokenHash: row.token_hash, accountId: row.account_id });
  };
  const from = () => rows.deleteFrom('sign_ins');
  if ('accountIds' in which)
    for (let at = 0; at < which.accountIds.length; at += 500)
      await take(from().where('account_id', 'in', which.accountIds.slice(at, at + 500)));
  // The session is the more precise name of the two.
  else if (which.session !== null)
    await take(
      from().where('provider', '=', which.provider).where('provider_session', '=', which.session),
    );
  else if (which.subject !== null)
    await take(
      from().where('provider', '=', which.provider).where('provider_subject', '=', which.subject),
    );
  return gone;
}

export async function selectSignedIn(
  rows: Rows,
  tokenHash: string,
  now: number,
): Promise<Account | undefined> {
  const row = await accountsWithSite(rows)
    .innerJoin('sign_ins', 'sign_ins.account_id', 'accounts.id')
    .where('sign_ins.token_hash', '=', tokenHash)
    .where('sign_ins.expires_at', '>', now)
    .where('accounts.disabled_at', 'is', null)
    .executeTakeFirst();
  return row && toAccount(row);
}

export async function deleteSignIn(rows: Rows, tokenHash: string): Promise<void> {
  await rows.deleteFrom('sign_ins').where('token_hash', '=', tokenHash).execute();
}

export async function deleteExpiredSignIns(rows: Rows, now: number): Promise<void> {
  await rows.deleteFrom('sign_ins').where('expires_at', '<', now).execute();
}

/** What the decision about access needs to know of an account, in one query. */
export async function selectPerson(
  rows: Rows,
  account: { id: string; role: Role; siteId: string | null },
): Promise<Person> {
  const found = await rows
    .selectFrom('accounts as a')
    .leftJoin('group_members as m', 'm.account_id', 'a.id')
    .select(['a.attributes', 'm.group_id'])
    .where('a.id', '=', account.id)
    .execute();
  return {
    id: account.id,
    role: account.role,
    siteId: account.siteId,
    groupIds: found.flatMap((row) => (row.group_id === null ? [] : [row.group_id])),
    attributes: attributesOf(found[0]?.attributes),
  };
}

/** Everybody who may sign in, as rules see them, with their names; `siteIds` null: of the whole
 * city. */
export async function selectPeople(
  rows: Rows,
  siteIds: readonly string[] | null,
): Promise<(Person & { displayName: string; login: string })[]> {
  let query = rows
    .selectFrom('accounts')
    .select(['id', 'login', 'display_name', 'role', 'site_id', 'attributes'])
    .where('disabled_at', 'is', null)
    .orderBy('display_name');
  let members = rows.selectFrom('group_members as m').select(['m.account_id', 'm.group_id']);
  if (siteIds !== null) {
    query = query.where('site_id', 'in', [...siteIds]);
    members = members
      .innerJoin('accounts as a', 'a.id', 'm.account_id')
      .where('a.site_id', 'in', [...siteIds]);
  }
  const groups = new Map<string, string[]>();
  for (const { account_id, group_id } of await members.execute()) {
    const known = groups.get(account_id);
    if (known === undefined) groups.set(account_id, [group_id]);
    else known.push(group_id);
  }
  return (await query.execute()).map((row) => ({
    id: row.id,
    login: row.login,
    displayName: row.display_name,
    role: row.role as Role,
    siteId: row.site_id,
    groupIds: groups.get(row.id) ?? [],
    attributes: attributesOf(row.attributes),
  }));
}

export const attributesOf = (text: string | undefined): Person['attributes'] =>
  text === undefined || text === '{}' ? noAttributes : (JSON.parse(text) as Person['attributes']);
const noAttributes: Person['attributes'] = {};

/** `siteIds`: people and groups of these schools only; null: of all. */
export async function searchAudiences(
  rows: Rows,
  search: string,
  siteIds: readonly string[] | null = null,
): Promise<{ people: Account[]; groups: Group[] }> {
  // Each word is found somewhere in the name; without its accents in the login, which has none.
  const words = search
    .toLowerCase()
    .replace(/[\\%_]/g, '')
    .split(/\s+/)
    .filter((word) => word !== '')
    .slice(0, 6);
  const like = (word: string) => `%${word}%`;
  const folded = (word: string) => like(word.normalize('NFD').replace(/[\u0300-\u036f]/g, ''));
  const people =
    words.length === 0
      ? []
      : await accountsWithSite(rows)
          .where((where) =>
            where.and(
              words.map((word) =>
                where.or([
                  where(where.fn<string>('lower', ['accounts.display_name']), 'like', like(word)),
                  where('accounts.login', 'like', folded(word)),
                ]),
              ),
            ),
          )
          .where('accounts.erased_at', 'is', null)
          .$if(siteIds !== null, (query) =>
            query.where('accounts.site_id', 'in', [...(siteIds ?? [])]),
          )
          .orderBy('accounts.display_name')
          .limit(20)
          .execute();
  const groups =
    words.length === 0
      ? []
      : await rows
          .selectFrom('groups')
          .leftJoin('sites', 'sites.id', 'groups.site_id')
          .select([
            'groups.id',
            'groups.kind',
            'groups.name',
            'groups.site_id',
            'sites.name as site_name',
          ])
          .where((where) =>
            where.and(
              words.map((word) =>
                where.or([
                  where(where.fn<string>('lower', ['groups.name']), 'like', like(word)),
                  where(where.fn<string>('lower', ['sites.name']), 'like', like(word)),
                ]),
              ),
            ),
          )
          .$if(siteIds !== null, (query) =>
            query.where('groups.site_id', 'in', [...(siteIds ?? [])]),
          )
          .orderBy('groups.name')
          .limit(20)
          .execute();
  return {
    people: people.map(toAccount),
    groups: groups.map((row) => ({
      id: row.id,
      kind: row.kind as Group['kind'],
      name: row.site_name === null ? row.name : `${row.name}, ${row.site_name}`,
      siteId: row.site_id,
    })),
  };
}

/** False when it was that already. */
export async function saveLanguage(
  rows: Rows,
  accountId: string,
  language: 'fr' | 'en',
): Promise<boolean> {
  return (
    (
      await rows
        .updateTable('accounts')
        .set({ language })
        .where('id', '=', accountId)
        .where('language', '!=', language)
        .executeTakeFirst()
    ).numUpdatedRows > 0n
  );
}

// ---- API tokens ---------------------------------------------------------------------------------------------------------

const tokensWithOwner = (rows: Rows) =>
  rows
    .selectFrom('api_tokens as t')
    .innerJoin('accounts as a', 'a.id', 't.account_id')
    .selectAll('t')
    .select('a.display_name');
type TokenRow = Awaited<ReturnType<ReturnType<typeof tokensWithOwner>['execute']>>[number];
const sitesOfToken = (row: { site_ids: string | null }) =>
  row.site_ids === null ? null : (JSON.parse(row.site_ids) as string[]);
const toToken = (row: TokenRow): ApiToken => ({
  id: row.id,
  name: row.name,
  accountId: row.account_id,
  accountName: row.display_name,
  scope: row.scope as ApiToken['scope'],
  siteIds: sitesOfToken(row),
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

/** False when it was revoked before. */
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
    .select(['t.id as token_id', 't.scope', 't.site_ids', 't.last_used_at'])
    .where('t.token_hash', '=', hash)
    .where('t.revoked_at', 'is', null)
    .where('t.expires_at', '>', now)
    .where('accounts.disabled_at', 'is', null)
    .executeTakeFirst();
  return (
    row && {
      tokenId: row.token_id,
      scope: row.scope as ApiToken['scope'],
      siteIds: sitesOfToken(row),
      lastUsedAt: row.last_used_at,
      account: toAccount(row),
    }
  );
}

export async function touchToken(rows: Rows, id: string, now: number): Promise<void> {
  await rows.updateTable('api_tokens').set({ last_used_at: now }).where('id', '=', id).execute();
}

export async function countSites(rows: Rows, ids: readonly string[]): Promise<number> {
  return (
    await rows
      .selectFrom('sites')
      .select('id')
      .where('id', 'in', [...ids])
      .execute()
  ).length;
}

/** The schools that things belong to, by their ids: servers, sessions, additions, rules (null: one
 * of the whole city), groups of schools (every member). Ids of what belongs to no school, and
 * unknown ones, give nothing. */
export async function selectSitesOf(
  rows: Rows,
  ids: readonly string[],
): Promise<(string | null)[]> {
  const found = new Set<string | null>(ids.filter((id) => id.startsWith('sit_')));
  const look = async (
    prefix: string,
    query: (some: string[]) => Promise<{ site_id: string | null }[]>,
  ) => {
    const named = ids.filter((id) => id.startsWith(prefix));
    for (let at = 0; at < named.length; at += 500)
      for (const { site_id } of await query(named.slice(at, at + 500))) found.add(site_id);
  };
  await look('srv_', (some) =>
    rows.selectFrom('servers').select('site_id').distinct().where('id', 'in', some).execute(),
  );
  await look('ses_', (some) =>
    rows.selectFrom('sessions').select('site_id').distinct().where('id', 'in', some).execute(),
  );
  await look('add_', (some) =>
    rows
      .selectFrom('server_additions')
      .select('site_id')
      .distinct()
      .where('id', 'in', some)
      .execute(),
  );
  await look('rul_', async (some) =>
    (
      await rows
        .selectFrom('rule_versions')
        .select(['rule_id', 'body'])
        .where('rule_id', 'in', some)
        .execute()
    ).flatMap((row) => sitesOfRule(row.body)),
  );
  await look('rec_', (some) =>
    rows.selectFrom('recordings').select('site_id').distinct().where('id', 'in', some).execute(),
  );
  await look('acc_', (some) =>
    rows.selectFrom('accounts').select('site_id').distinct().where('id', 'in', some).execute(),
  );
  await look('grp_', (some) =>
    rows.selectFrom('groups').select('site_id').distinct().where('id', 'in', some).execute(),
  );
  await look('req_', (some) =>
    rows.selectFrom('requests').select('site_id').distinct().where('id', 'in', some).execute(),
  );
  await look('sgr_', (some) =>
    rows
      .selectFrom('site_group_members')
      .select('site_id')
      .distinct()
      .where('group_id', 'in', some)
      .execute(),
  );
  return [...found];
}

/** A rule of one school is that school's; any other is the city's. */
function sitesOfRule(body: string): { site_id: string | null }[] {
  const { place } = JSON.parse(body) as { place: { kind: string; siteId?: string } };
  return [{ site_id: place.siteId ?? null }];
}

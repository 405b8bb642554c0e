/** All SQL of second factors, steps of a sign-in, people of providers, and directories. */
import type { Role } from '@preau/contract/account.ts';
import {
  type Differences,
  noDifferences,
  type PersonRow,
  type syncStates,
} from '@preau/contract/identity.ts';
import type { Rows } from '#src/platform/database.ts';
import type { KnownPasskey } from '#src/platform/passkeys.ts';
import { newId } from '#src/platform/secrets.ts';
import type { Vouched, VouchedGroup } from './vouch.ts';

// ---- Steps ---------------------------------------------------------------------------------------------------------------

export type StepKind = 'second_factor' | 'passkey' | 'new_passkey' | 'trip' | 'logout_token';
export async function insertStep(
  rows: Rows,
  step: { hash: string; kind: StepKind; accountId: string | null; body: object; expiresAt: number },
): Promise<void> {
  await rows
    .insertInto('sign_in_steps')
    .values({
      hash: step.hash,
      kind: step.kind,
      account_id: step.accountId,
      body: JSON.stringify(step.body),
      expires_at: step.expiresAt,
    })
    .execute();
}
/** Takes it out: it works once, whatever becomes of it. */
export async function takeStep(
  rows: Rows,
  hash: string,
  kind: StepKind,
  now: number,
): Promise<{ accountId: string | null; body: Record<string, string> } | undefined> {
  const row = await rows
    .deleteFrom('sign_in_steps')
    .where('hash', '=', hash)
    .where('kind', '=', kind)
    .returning(['account_id', 'body', 'expires_at'])
    .executeTakeFirst();
  return row === undefined || row.expires_at <= now
    ? undefined
    : { accountId: row.account_id, body: JSON.parse(row.body) as Record<string, string> };
}
export async function selectStep(
  rows: Rows,
  hash: string,
  kind: StepKind,
  now: number,
): Promise<{ accountId: string | null; body: Record<string, string> } | undefined> {
  const row = await rows
    .selectFrom('sign_in_steps')
    .select(['account_id', 'body'])
    .where('hash', '=', hash)
    .where('kind', '=', kind)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return row && { accountId: row.account_id, body: JSON.parse(row.body) as Record<string, string> };
}
export async function changeStep(rows: Rows, hash: string, body: object): Promise<void> {
  await rows
    .updateTable('sign_in_steps')
    .set({ body: JSON.stringify(body) })
    .where('hash', '=', hash)
    .execute();
}
export async function deleteOldSteps(rows: Rows, now: number): Promise<void> {
  await rows.deleteFrom('sign_in_steps').where('expires_at', '<', now).execute();
}

// ---- Second factors ------------------------------------------------------------------------------------------------------

export async function selectTotp(
  rows: Rows,
  accountId: string,
): Promise<{ sealed: string; confirmed: boolean; lastPeriod: number } | undefined> {
  const row = await rows
    .selectFrom('totp_secrets')
    .selectAll()
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return (
    row && { sealed: row.sealed, confirmed: row.confirmed_at !== null, lastPeriod: row.last_period }
  );
}
export async function insertTotp(
  rows: Rows,
  accountId: string,
  sealed: string,
  now: number,
): Promise<void> {
  await rows
    .insertInto('totp_secrets')
    .values({ account_id: accountId, sealed, confirmed_at: null, created_at: now })
    .onConflict((on) =>
      on
        .column('account_id')
        .doUpdateSet({ sealed, confirmed_at: null, last_period: 0, created_at: now }),
    )
    .execute();
}
/** False: that period, or a later one, was used meanwhile. */
export async function usePeriod(
  rows: Rows,
  accountId: string,
  period: number,
  confirmAt: number | null,
): Promise<boolean> {
  const { numUpdatedRows } = await rows
    .updateTable('totp_secrets')
    .set({ last_period: period, ...(confirmAt === null ? {} : { confirmed_at: confirmAt }) })
    .where('account_id', '=', accountId)
    .where('last_period', '<', period)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
/** The telephone and the codes on paper. */
export async function deleteTotp(rows: Rows, accountId: string): Promise<boolean> {
  await rows.deleteFrom('recovery_codes').where('account_id', '=', accountId).execute();
  return (
    (await rows.deleteFrom('totp_secrets').where('account_id', '=', accountId).executeTakeFirst())
      .numDeletedRows > 0n
  );
}
export async function insertRecoveryCodes(
  rows: Rows,
  accountId: string,
  hashes: readonly string[],
): Promise<void> {
  await rows.deleteFrom('recovery_codes').where('account_id', '=', accountId).execute();
  await rows
    .insertInto('recovery_codes')
    .values(hashes.map((hash) => ({ hash, account_id: accountId })))
    .execute();
}
export async function useRecoveryCode(
  rows: Rows,
  accountId: string,
  hash: string,
): Promise<boolean> {
  return (
    (
      await rows
        .deleteFrom('recovery_codes')
        .where('account_id', '=', accountId)
        .where('hash', '=', hash)
        .executeTakeFirst()
    ).numDeletedRows > 0n
  );
}
export async function countRecoveryCodes(rows: Rows, accountId: string): Promise<number> {
  return Number(
    (
      await rows
        .selectFrom('recovery_codes')
        .select((e) => e.fn.countAll<number>().as('n'))
        .where('account_id', '=', accountId)
        .executeTakeFirstOrThrow()
    ).n,
  );
}

export interface PasskeyRow extends KnownPasskey {
  id: string;
  accountId: string;
  name: string;
  createdAt: number;
  lastUsedAt: number | null;
}
const passkeys = (rows: Rows) => rows.selectFrom('passkeys').selectAll();
const toPasskey = (
  row: Awaited<ReturnType<ReturnType<typeof passkeys>['execute']>>[number],
): PasskeyRow => ({
  id: row.id,
  accountId: row.account_id,
  name: row.name,
  credentialId: row.credential_id,
  publicKey: row.public_key,
  counter: row.counter,
  transports: JSON.parse(row.transports) as string[],
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
});
export const selectPasskeys = async (rows: Rows, accountId: string): Promise<PasskeyRow[]> =>
  (await passkeys(rows).where('account_id', '=', accountId).orderBy('created_at').execute()).map(
    toPasskey,
  );
export async function selectPasskeyByCredential(
  rows: Rows,
  credentialId: string,
): Promise<PasskeyRow | undefined> {
  const row = await passkeys(rows).where('credential_id', '=', credentialId).executeTakeFirst();
  return row && toPasskey(row);
}
export async function insertPasskey(
  rows: Rows,
  accountId: string,
  name: string,
  key: KnownPasskey,
  now: number,
): Promise<void> {
  await rows
    .insertInto('passkeys')
    .values({
      id: newId('pky'),
      credential_id: key.credentialId,
      account_id: accountId,
      name,
      public_key: key.publicKey,
      counter: key.counter,
      transports: JSON.stringify(key.transports),
      created_at: now,
      last_used_at: null,
    })
    .execute();
}
export async function touchPasskey(
  rows: Rows,
  id: string,
  counter: number,
  now: number,
): Promise<void> {
  await rows
    .updateTable('passkeys')
    .set({ counter, last_used_at: now })
    .where('id', '=', id)
    .execute();
}
export async function deletePasskeys(
  rows: Rows,
  accountId: string,
  id: string | null,
): Promise<number> {
  const query = rows.deleteFrom('passkeys').where('account_id', '=', accountId);
  return Number(
    (await (id === null ? query : query.where('id', '=', id)).executeTakeFirst()).numDeletedRows,
  );
}
/** Which second factors somebody has, in one query each. */
export async function selectFactors(
  rows: Rows,
  accountId: string,
): Promise<{ totp: boolean; passkey: boolean }> {
  const totp = await rows
    .selectFrom('totp_secrets')
    .select('account_id')
    .where('account_id', '=', accountId)
    .where('confirmed_at', 'is not', null)
    .executeTakeFirst();
  const passkey = await rows
    .selectFrom('passkeys')
    .select('id')
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return { totp: totp !== undefined, passkey: passkey !== undefined };
}

// ---- People of providers -------------------------------------------------------------------------------------------------

export interface KnownPerson {
  id: string;
  externalId: string;
  login: string;
  displayName: string;
  role: Role;
  roleByHand: boolean;
  siteId: string | null;
  mail: string | null;
  attributes: string;
  disabled: boolean;
}
const known = (rows: Rows, provider: string) =>
  rows
    .selectFrom('accounts')
    .select([
      'id',
      'external_id',
      'login',
      'display_name',
      'role',
      'role_by_hand',
      'site_id',
      'mail',
      'attributes',
      'disabled_at',
    ])
    .where('provider', '=', provider)
    .where('external_id', 'is not', null);
const toKnown = (
  row: Awaited<ReturnType<ReturnType<typeof known>['execute']>>[number],
): KnownPerson => ({
  id: row.id,
  externalId: row.external_id ?? '',
  login: row.login,
  displayName: row.display_name,
  role: row.role as Role,
  roleByHand: row.role_by_hand === 1,
  siteId: row.site_id,
  mail: row.mail,
  attributes: row.attributes,
  disabled: row.disabled_at !== null,
});
export async function selectKnownPerson(
  rows: Rows,
  provider: string,
  externalId: string,
): Promise<KnownPerson | undefined> {
  const row = await known(rows, provider).where('external_id', '=', externalId).executeTakeFirst();
  return row && toKnown(row);
}
export const selectKnownPeople = async (rows: Rows, provider: string): Promise<KnownPerson[]> =>
  (await known(rows, provider).execute()).map(toKnown);
/** Logins that begin like this one, to find one that is free; none when it is free itself, which is
 * nearly always. */
export async function selectLoginsLike(rows: Rows, login: string): Promise<Set<string>> {
  if ((await selectAccountIdByLogin(rows, login)) === undefined) return new Set();
  return new Set(
    (
      await rows
        .selectFrom('accounts')
        .select('login')
        .where((where) =>
          where.or([
            where('login', '=', login),
            where('login', 'like', `${login.replace(/[\\%_]/g, '')}%`),
          ]),
        )
        .execute()
    ).map((row) => row.login),
  );
}
export async function updatePerson(
  rows: Rows,
  id: string,
  change: {
    displayName: string;
    role: Role;
    siteId: string | null;
    mail: string | null;
    attributes: string;
  },
): Promise<void> {
  await rows
    .updateTable('accounts')
    .set({
      display_name: change.displayName,
      role: change.role,
      site_id: change.siteId,
      mail: change.mail,
      attributes: change.attributes,
      disabled_at: null,
    })
    .where('id', '=', id)
    .execute();
}
export async function disablePeople(
  rows: Rows,
  ids: readonly string[],
  now: number,
): Promise<void> {
  for (let at = 0; at < ids.length; at += 500)
    await rows
      .updateTable('accounts')
      .set({ disabled_at: now })
      .where('id', 'in', ids.slice(at, at + 500))
      .where('disabled_at', 'is', null)
      .execute();
}
export async function selectSitesByUai(rows: Rows): Promise<Map<string, string>> {
  return new Map(
    (await rows.selectFrom('sites').select(['id', 'uai']).execute()).map((row) => [
      row.uai,
      row.id,
    ]),
  );
}

/** By the id the provider gives them. */
export async function selectProviderGroups(
  rows: Rows,
  provider: string,
): Promise<Map<string, string>> {
  return new Map(
    (
      await rows
        .selectFrom('groups')
        .select(['id', 'external_id'])
        .where('provider', '=', provider)
        .execute()
    ).map((row) => [row.external_id ?? '', row.id]),
  );
}
export async function insertProviderGroup(
  rows: Rows,
  provider: string,
  group: VouchedGroup,
  siteId: string | null,
): Promise<string> {
  const id = newId('grp');
  // Two sign-ins at once may find that it is missing: the first one's stays.
  await rows
    .insertInto('groups')
    .values({
      id,
      kind: group.kind,
      name: group.name,
      site_id: siteId,
      provider,
      external_id: group.externalId,
    })
    .onConflict((on) => on.columns(['provider', 'external_id']).doNothing())
    .execute();
  return (
    await rows
      .selectFrom('groups')
      .select('id')
      .where('provider', '=', provider)
      .where('external_id', '=', group.externalId)
      .executeTakeFirstOrThrow()
  ).id;
}
/** Which groups of this provider somebody is in. */
export async function selectMemberships(
  rows: Rows,
  provider: string,
  accountId: string | null,
): Promise<{ accountId: string; groupId: string }[]> {
  const query = rows
    .selectFrom('group_members as m')
    .innerJoin('groups as g', 'g.id', 'm.group_id')
    .select(['m.account_id', 'm.group_id'])
    .where('g.provider', '=', provider);
  return (
    await (accountId === null ? query : query.where('m.account_id', '=', accountId)).execute()
  ).map((row) => ({ accountId: row.account_id, groupId: row.group_id }));
}
export async function changeMemberships(
  rows: Rows,
  accountId: string,
  add: readonly string[],
  remove: readonly string[],
): Promise<void> {
  if (remove.length > 0)
    await rows
      .deleteFrom('group_members')
      .where('account_id', '=', accountId)
      .where('group_id', 'in', [...remove])
      .execute();
  if (add.length > 0)
    await rows
      .insertInto('group_members')
      .values(add.map((group_id) => ({ group_id, account_id: accountId })))
      .onConflict((on) => on.doNothing())
      .execute();
}

export async function keepPhoto(
  rows: Rows,
  accountId: string,
  photo: Vouched['photo'],
): Promise<void> {
  if (photo === null)
    await rows.deleteFrom('account_photos').where('account_id', '=', accountId).execute();
  else
    await rows
      .insertInto('account_photos')
      .values({ account_id: accountId, jpeg: photo })
      .onConflict((on) => on.column('account_id').doUpdateSet({ jpeg: photo }))
      .execute();
}
export async function selectPhoto(rows: Rows, accountId: string): Promise<Buffer | undefined> {
  return (
    await rows
      .selectFrom('account_photos')
      .select('jpeg')
      .where('account_id', '=', accountId)
      .executeTakeFirst()
  )?.jpeg;
}

// ---- People, for the console ---------------------------------------------------------------------------------------------

export interface PeopleSearch {
  id?: string;
  search: string | null;
  siteIds: readonly string[] | null;
  siteId: string | null;
  role: string | null;
  provider: string | null;
  disabled: boolean;
  after: string | null;
  limit: number;
}
export async function selectPeoplePage(rows: Rows, search: PeopleSearch): Promise<PersonRow[]> {
  let query = rows
    .selectFrom('accounts as a')
    .leftJoin('sites as s', 's.id', 'a.site_id')
    .leftJoin('account_photos as p', 'p.account_id', 'a.id')
    .select([
      'a.id',
      'a.login',
      'a.display_name',
      'a.role',
      'a.site_id',
      'a.site_ids',
      's.name as site_name',
      'a.provider',
      'a.mail',
      'a.disabled_at',
      'a.role_by_hand',
      'p.account_id as photo_of',
    ])
    .where('a.erased_at', 'is', null)
    .orderBy('a.display_name')
    .orderBy('a.id')
    .limit(search.limit);
  for (const word of (search.search ?? '')
    .split(/\s+/)
    .filter((part) => part !== '')
    .slice(0, 5)) {
    const like = (text: string) => `%${text.replace(/[\\%_]/g, '')}%`;
    // SQLite knows no capitals but those of English: a name with an accent is found as it is
    // written, by its login, or without capital.
    const ways = [
      like(word.toLowerCase()),
      like(word),
      like(word.charAt(0).toUpperCase() + word.slice(1)),
    ];
    const plain = like(
      word
        .normalize('NFD')
        .replace(/[\u0300-\u036f]/g, '')
        .toLowerCase(),
    );
    query = query.where((where) =>
      where.or([
        where('a.login', 'like', plain),
        ...ways.flatMap((way) => [
          where('a.display_name', 'like', way),
          where('s.name', 'like', way),
        ]),
        where(where.fn<string>('lower', ['a.display_name']), 'like', like(word.toLowerCase())),
        where(where.fn<string>('lower', ['s.name']), 'like', like(word.toLowerCase())),
      ]),
    );
  }
  if (search.id !== undefined) query = query.where('a.id', '=', search.id);
  if (search.siteIds !== null) query = query.where('a.site_id', 'in', [...search.siteIds]);
  if (search.siteId !== null) query = query.where('a.site_id', '=', search.siteId);
  if (search.role !== null) query = query.where('a.role', '=', search.role);
  if (search.provider !== null) query = query.where('a.provider', '=', search.provider);
  query = search.disabled ? query.where('a.disabled_at', 'is not', null) : query;
  if (search.after !== null) {
    const from = await rows
      .selectFrom('accounts')
      .select(['id', 'display_name'])
      .where('id', '=', search.after)
      .executeTakeFirst();
    if (from !== undefined)
      query = query.where((where) =>
        where.or([
          where('a.display_name', '>', from.display_name),
          where.and([where('a.display_name', '=', from.display_name), where('a.id', '>', from.id)]),
        ]),
      );
  }
  const found = await query.execute();
  const ids = found.map((row) => row.id);
  const [groups, totp, keys] =
    ids.length === 0
      ? [[], [], []]
      : [
          await rows
            .selectFrom('group_members as m')
            .innerJoin('groups as g', 'g.id', 'm.group_id')
            .select(['m.account_id', 'g.name'])
            .where('m.account_id', 'in', ids)
            .orderBy('g.name')
            .execute(),
          await rows
            .selectFrom('totp_secrets')
            .select('account_id')
            .where('account_id', 'in', ids)
            .where('confirmed_at', 'is not', null)
            .execute(),
          await rows
            .selectFrom('passkeys')
            .select('account_id')
            .where('account_id', 'in', ids)
            .execute(),
        ];
  const factors = new Set([...totp, ...keys].map((row) => row.account_id));
  return found.map((row) => ({
    id: row.id,
    login: row.login,
    displayName: row.display_name,
    role: row.role as Role,
    siteId: row.site_id,
    siteName: row.site_name,
    siteIds: row.site_ids === null ? null : (JSON.parse(row.site_ids) as string[]),
    provider: row.provider,
    mail: row.mail,
    groups: groups.flatMap((group) => (group.account_id === row.id ? [group.name] : [])),
    disabledAt: row.disabled_at,
    roleByHand: row.role_by_hand === 1,
    secondFactor: factors.has(row.id),
    hasPhoto: row.photo_of !== null,
  }));
}
export async function selectPersonRow(rows: Rows, id: string): Promise<PersonRow | undefined> {
  const [person] = await selectPeoplePage(rows, {
    id,
    search: null,
    siteIds: null,
    siteId: null,
    role: null,
    provider: null,
    disabled: false,
    after: null,
    limit: 1,
  });
  return person;
}
export async function updateRole(
  rows: Rows,
  id: string,
  change: { role: Role; siteId: string | null; siteIds: readonly string[] | null; byHand: boolean },
): Promise<void> {
  await rows
    .updateTable('accounts')
    .set({
      role: change.role,
      site_id: change.siteId,
      site_ids: change.siteIds === null ? null : JSON.stringify(change.siteIds),
      role_by_hand: change.byHand ? 1 : 0,
    })
    .where('id', '=', id)
    .execute();
}
export async function selectAdministratorIds(rows: Rows): Promise<string[]> {
  return (
    await rows
      .selectFrom('accounts')
      .select('id')
      .where('role', '=', 'administrator')
      .where('disabled_at', 'is', null)
      .execute()
  ).map((row) => row.id);
}
export async function selectAccountIdByLogin(
  rows: Rows,
  login: string,
): Promise<string | undefined> {
  return (
    await rows.selectFrom('accounts').select('id').where('login', '=', login).executeTakeFirst()
  )?.id;
}

// ---- Directories ---------------------------------------------------------------------------------------------------------

export interface DirectoryRow {
  state: (typeof syncStates)[number];
  lastAt: number | null;
  lastGoodAt: number | null;
  nextAt: number;
  problem: string | null;
  differences: Differences;
  vanishedNames: string[];
  planHash: string | null;
}
const fresh: DirectoryRow = {
  state: 'never',
  lastAt: null,
  lastGoodAt: null,
  nextAt: 0,
  problem: null,
  differences: noDifferences,
  vanishedNames: [],
  planHash: null,
};
export async function selectDirectory(rows: Rows, id: string): Promise<DirectoryRow> {
  const row = await rows
    .selectFrom('directories')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return fresh;
  return {
    state: row.state as DirectoryRow['state'],
    lastAt: row.last_at,
    lastGoodAt: row.last_good_at,
    nextAt: row.next_at,
    problem: row.problem,
    differences: JSON.parse(row.differences) as Differences,
    vanishedNames: JSON.parse(row.vanished_names) as string[],
    planHash: row.plan_hash,
  };
}
/** One process at a time, and only when it is due; false: not now. `now` is when it was due, or
 * asked for. */
export async function claimDirectory(
  rows: Rows,
  id: string,
  now: number,
  until: number,
  asked: boolean,
): Promise<boolean> {
  await rows
    .insertInto('directories')
    .values({
      id,
      state: 'never',
      last_at: null,
      last_good_at: null,
      problem: null,
      differences: JSON.stringify(noDifferences),
      plan_hash: null,
    })
    .onConflict((on) => on.column('id').doNothing())
    .execute();
  let query = rows
    .updateTable('directories')
    .set({ running_until: until })
    .where('id', '=', id)
    .where('running_until', '<=', now);
  if (!asked) query = query.where('next_at', '<=', now);
  return (await query.executeTakeFirst()).numUpdatedRows > 0n;
}
export async function keepDirectory(rows: Rows, id: string, row: DirectoryRow): Promise<void> {
  await rows
    .updateTable('directories')
    .set({
      state: row.state,
      last_at: row.lastAt,
      last_good_at: row.lastGoodAt,
      next_at: row.nextAt,
      problem: row.problem,
      differences: JSON.stringify(row.differences),
      vanished_names: JSON.stringify(row.vanishedNames),
      plan_hash: row.planHash,
      running_until: 0,
    })
    .where('id', '=', id)
    .execute();
}
export async function countAccountsOf(
  rows: Rows,
  provider: string,
): Promise<{ accounts: number; disabled: number }> {
  const row = await rows
    .selectFrom('accounts')
    .select((e) => [
      e.fn.countAll<number>().as('all'),
      e.fn.count<number>('disabled_at').as('disabled'),
    ])
    .where('provider', '=', provider)
    .where('erased_at', 'is', null)
    .executeTakeFirstOrThrow();
  return { accounts: Number(row.all) - Number(row.disabled), disabled: Number(row.disabled) };
}

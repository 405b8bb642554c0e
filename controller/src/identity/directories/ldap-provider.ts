/** A directory (OpenLDAP, Active Directory) as a provider: finds the person with its own account,
 * then tries their password. */
import { AppError, type ErrorCode } from '@preau/contract/errors.ts';
import type { Clock } from '#src/platform/clock.ts';
import {
  allOf,
  anyOf,
  groupsHolding,
  groupsInChain,
  type Ldap,
  LdapAway,
  type LdapEntry,
  type LdapServer,
  peopleInChain,
  visitLdap,
} from '#src/platform/ldap.ts';
import type { Log } from '#src/platform/log.ts';
import type { Told } from '../admission/vouch.ts';
import type { PasswordProvider } from '../provider.ts';
import type { LdapSettings } from '../settings-schema.ts';

const defaults = {
  'active-directory': {
    people: '(&(objectCategory=person)(objectClass=user))',
    login: ['sAMAccountName', 'userPrincipalName'],
    externalId: 'objectGUID',
    photo: 'thumbnailPhoto',
    groups: 'in-chain',
  },
  openldap: {
    people: '(objectClass=inetOrgPerson)',
    login: ['uid', 'mail'],
    externalId: 'entryUUID',
    photo: 'jpegPhoto',
    groups: 'members',
  },
} as const;
const stateAttributes = [
  'userAccountControl',
  'accountExpires',
  'shadowExpire',
  'shadowLastChange',
  'shadowMax',
  'pwdAccountLockedTime',
  'pwdReset',
];
const maxGroups = 500;
const dayMs = 86_400_000;
/** Active Directory counts in 100 ns since 1601. */
const since1601Ms = 11_644_473_600_000;

/** What stands in the entry itself against signing in. Pure. */
export function stateOf(
  values: LdapEntry['values'],
  now: number,
): 'ACCOUNT_DISABLED' | 'ACCOUNT_EXPIRED' | 'PASSWORD_MUST_CHANGE' | 'PASSWORD_EXPIRED' | null {
  const number = (name: string) =>
    values[name.toLowerCase()]?.[0] === undefined ? null : Number(values[name.toLowerCase()]?.[0]);
  if (
    ((number('userAccountControl') ?? 0) & 2) !== 0 ||
    values['pwdaccountlockedtime']?.[0] === '000001010000Z'
  )
    return 'ACCOUNT_DISABLED';
  const expires = number('accountExpires') ?? 0;
  // 0 and 2^63 - 1: never.
  if (expires > 0 && expires < 9e18 && expires / 10_000 - since1601Ms <= now)
    return 'ACCOUNT_EXPIRED';
  const shadowExpire = number('shadowExpire') ?? -1;
  if (shadowExpire >= 0 && shadowExpire * dayMs <= now) return 'ACCOUNT_EXPIRED';
  const changed = number('shadowLastChange');
  if (changed === 0 || values['pwdreset']?.[0]?.toUpperCase() === 'TRUE')
    return 'PASSWORD_MUST_CHANGE';
  const max = number('shadowMax') ?? 0;
  if (changed !== null && max > 0 && max < 99_999 && (changed + max) * dayMs < now)
    return 'PASSWORD_EXPIRED';
  return null;
}

/** Every group above these, each once, however they hold each other. */
export async function above(
  start: readonly string[],
  parentsOf: (dn: string) => Promise<readonly string[]>,
): Promise<string[]> {
  const seen = new Map<string, string>();
  let wave = [...start];
  while (wave.length > 0 && seen.size < maxGroups) {
    const fresh = wave.filter((dn) => !seen.has(dn.toLowerCase()));
    for (const dn of fresh) seen.set(dn.toLowerCase(), dn);
    wave = [];
    for (const dn of fresh) wave.push(...(await parentsOf(dn)));
  }
  return [...seen.values()].slice(0, maxGroups);
}

const nameOfDn = (dn: string) =>
  (/^[^=]+=((?:[^,\\]|\\.)+)/.exec(dn)?.[1] ?? dn).replace(/\\(.)/g, '$1');
const asGroup = (dn: string) => ({ id: dn, name: nameOfDn(dn) });
const refusals: Record<
  'disabled' | 'expired' | 'locked' | 'must_change' | 'password_expired',
  ErrorCode
> = {
  disabled: 'ACCOUNT_DISABLED',
  expired: 'ACCOUNT_EXPIRED',
  locked: 'ACCOUNT_LOCKED',
  must_change: 'PASSWORD_MUST_CHANGE',
  password_expired: 'PASSWORD_EXPIRED',
};

export function ldapProvider(
  deps: { clock: Clock; log: Log },
  settings: LdapSettings,
  ca: string | null,
): PasswordProvider {
  const own = defaults[settings.flavour];
  const timeoutMs = settings.timeout_ms ?? 3000;
  const server: LdapServer = {
    url: settings.url,
    startTls: settings.start_tls === true,
    ca,
    serverName: settings.server_name ?? null,
    bindDn: settings.bind_dn,
    bindPassword: settings.bind_password ?? '',
  };
  const people = settings.people ?? own.people;
  const loginAttributes = settings.login_attributes ?? own.login;
  const idAttribute = settings.external_id ?? own.externalId;
  const photo = settings.photo ?? own.photo;
  const mapping = { ...settings, login: settings.login ?? loginAttributes[0] };
  const conditions = [...(settings.role ?? []), ...(settings.group ?? [])];
  const groupsAsked =
    settings.groups !== 'none' && conditions.some(({ group }) => group !== undefined);
  const way = settings.groups ?? own.groups;
  const groupBase = settings.group_base ?? settings.base;
  const bytes = idAttribute.toLowerCase() === 'objectguid' ? [photo, idAttribute] : [photo];
  const attributes = [
    ...new Set([
      ...loginAttributes,
      mapping.login ?? '',
      settings.mail ?? 'mail',
      ...(settings.display_name ?? ['displayName', 'cn']).flatMap((name) => name.split(' ')),
      settings.site?.attribute ?? '',
      settings.class?.attribute ?? '',
      ...Object.values(settings.attributes ?? {}),
      ...conditions.flatMap(({ attribute }) => attribute ?? []),
      ...stateAttributes,
      'memberOf',
      idAttribute,
    ]),
  ].filter((name) => name !== '' && name !== 'dn' && !bytes.includes(name));

  const told = (entry: LdapEntry, groups: Told['groups']): Told => ({
    externalId:
      entry.bytes[idAttribute.toLowerCase()]?.[0]?.toString('hex') ??
      entry.values[idAttribute.toLowerCase()]?.[0] ??
      '',
    values: entry.values,
    groups,
    photo: entry.bytes[photo.toLowerCase()]?.[0] ?? null,
    barred: ['ACCOUNT_DISABLED', 'ACCOUNT_EXPIRED'].includes(
      stateOf(entry.values, deps.clock.now()) ?? '',
    ),
  });
  const groupsOf = async (ldap: Ldap, entry: LdapEntry): Promise<Told['groups']> => {
    if (!groupsAsked) return [];
    if (way === 'in-chain')
      return (await ldap.search(groupBase, groupsInChain(entry.dn), ['cn'])).map(({ dn }) =>
        asGroup(dn),
      );
    const holders = async (dn: string) =>
      (await ldap.search(groupBase, groupsHolding(dn), ['cn'])).map((group) => group.dn);
    if (way === 'members') return (await above(await holders(entry.dn), holders)).map(asGroup);
    return (
      await above(
        entry.values['memberof'] ?? [],
        async (dn) => (await ldap.read(dn, ['memberOf']))?.values['memberof'] ?? [],
      )
    ).map(asGroup);
  };
  const visit = async <T>(
    work: (ldap: Ldap) => Promise<T>,
    ms = timeoutMs,
    eachMs = timeoutMs,
  ): Promise<T> => {
    try {
      return await visitLdap(server, ms, work, eachMs);
    } catch (error) {
      if (!(error instanceof LdapAway)) throw error;
      deps.log.warn({ provider: settings.id, reason: error.message }, 'directory does not answer');
      throw new AppError('DIRECTORY_UNAVAILABLE', { provider: settings.id }, { cause: error });
    }
  };

  /** Who is in each group that the configuration names, by DN of the person in lower case: one
   * question per group, not one per person. */
  async function membersOfNamedGroups(ldap: Ldap): Promise<Map<string, Told['groups'][number][]>> {
    const found = new Map<string, Told['groups'][number][]>();
    const note = (person: string, group: string) => {
      const key = person.toLowerCase();
      found.set(key, [...(found.get(key) ?? []), asGroup(group)]);
    };
    if (!groupsAsked) return found;
    if (settings.flavour === 'active-directory') {
      for (const named of new Set(conditions.flatMap(({ group }) => group ?? []))) {
        const [group] = named.includes('=')
          ? [{ dn: named }]
          : await ldap.search(
              groupBase,
              allOf('(objectClass=group)', anyOf(['cn'], named)),
              ['cn'],
              [],
              1,
            );
        if (group === undefined) continue;
        for await (const page of ldap.pages(
          settings.base,
          allOf(people, peopleInChain(group.dn)),
          ['cn'],
          [],
          settings.page_size ?? 500,
        ))
          for (const { dn } of page) note(dn, group.dn);
      }
      return found;
    }
    const parents = new Map<string, string[]>();
    for await (const page of ldap.pages(
      groupBase,
      allOf('(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))'),
      ['member', 'uniqueMember'],
      [],
      settings.page_size ?? 500,
    )) {
      for (const { dn, values } of page)
        for (const member of [...(values['member'] ?? []), ...(values['uniquemember'] ?? [])])
          parents.set(member.toLowerCase(), [...(parents.get(member.toLowerCase()) ?? []), dn]);
    }
    for (const [person, direct] of parents)
      for (const group of await above(direct, async (dn) => parents.get(dn.toLowerCase()) ?? []))
        note(person, group);
    return found;
  }

  return {
    id: settings.id,
    kind: 'ldap',
    name: settings.name,
    address: settings.url,
    domains: settings.domains ?? [],
    networks: settings.networks ?? [],
    mapping,
    syncEveryMs: settings.sync_minutes === undefined ? null : settings.sync_minutes * 60_000,
    check: () =>
      visitLdap(
        server,
        timeoutMs,
        async (ldap) => void (await ldap.search(settings.base, allOf(people), ['cn'], [], 1)),
      ),
    ask: (login, password) =>
      visit(async (ldap) => {
        // Two entries of one name: neither can be told from the other.
        const entries = await ldap.search(
          settings.base,
          allOf(people, anyOf(loginAttributes, login)),
          attributes,
          bytes,
          2,
        );
        const [entry] = entries;
        if (entry === undefined || entries.length > 1) return { kind: 'unknown' };
        const bound = await ldap.bind(entry.dn, password);
        if (!bound.ok)
          return bound.why === 'wrong'
            ? { kind: 'wrong' }
            : { kind: 'refused', code: refusals[bound.why] };
        if (bound.mustChange) return { kind: 'refused', code: 'PASSWORD_MUST_CHANGE' };
        const state = stateOf(entry.values, deps.clock.now());
        if (state !== null) return { kind: 'refused', code: state };
        await ldap.asService();
        return { kind: 'known', told: told(entry, await groupsOf(ldap, entry)) };
      }),
    everybody: () =>
      visit(
        async (ldap) => {
          const groups = await membersOfNamedGroups(ldap);
          const all: Told[] = [];
          for await (const page of ldap.pages(
            settings.base,
            allOf(people),
            attributes,
            bytes,
            settings.page_size ?? 500,
          ))
            for (const entry of page)
              all.push(told(entry, groups.get(entry.dn.toLowerCase()) ?? []));
          return all;
          // Ten thousand people take longer than one.
        },
        300_000,
        timeoutMs * 2,
      ),
  };
}

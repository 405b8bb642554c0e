/** A directory (OpenLDAP, Active Directory) as a provider: finds the person with its service
 * account, then binds with their password. */
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
import type { ProviderPerson } from '../admission/vouch.ts';
import type { PasswordProvider } from '../provider.ts';
import type { LdapSettings } from '../settings-schema.ts';
import { stateAttributes, stateOf } from './entry-state.ts';
import { above, asGroup, byPerson, type Membership } from './groups.ts';

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
  const pageSize = settings.page_size ?? 500;
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

  const personOf = (entry: LdapEntry, groups: ProviderPerson['groups']): ProviderPerson => ({
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
  const groupsOf = async (ldap: Ldap, entry: LdapEntry): Promise<ProviderPerson['groups']> => {
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

  /** Members of each group that the configuration names, by DN of the person in lower case: one
   * query per group, not one per person. */
  async function membersOfNamedGroups(
    ldap: Ldap,
  ): Promise<Map<string, ProviderPerson['groups'][number][]>> {
    if (!groupsAsked) return new Map();
    return byPerson(
      settings.flavour === 'active-directory'
        ? await membersInChain(ldap)
        : await membersByEntries(ldap),
    );
  }

  /** Active Directory resolves nested groups itself. */
  async function membersInChain(ldap: Ldap): Promise<Membership[]> {
    const found: Membership[] = [];
    for (const named of new Set(conditions.flatMap(({ group }) => group ?? []))) {
      const group = await dnOfGroup(ldap, named);
      if (group === null) continue;
      const filter = allOf(people, peopleInChain(group));
      for await (const page of ldap.pages(settings.base, filter, ['cn'], [], pageSize))
        found.push(...page.map(({ dn }) => ({ person: dn, group })));
    }
    return found;
  }

  /** Null: the directory has no such group. */
  async function dnOfGroup(ldap: Ldap, named: string): Promise<string | null> {
    if (named.includes('=')) return named;
    const filter = allOf('(objectClass=group)', anyOf(['cn'], named));
    const [group] = await ldap.search(groupBase, filter, ['cn'], [], 1);
    return group?.dn ?? null;
  }

  /** Other directories: reads every group with its members, then follows nesting upwards here. */
  async function membersByEntries(ldap: Ldap): Promise<Membership[]> {
    const filter = allOf('(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))');
    const parents = new Map<string, string[]>();
    const wanted = ['member', 'uniqueMember'];
    for await (const page of ldap.pages(groupBase, filter, wanted, [], pageSize))
      for (const { dn, values } of page)
        for (const member of [...(values['member'] ?? []), ...(values['uniquemember'] ?? [])]) {
          const key = member.toLowerCase();
          parents.set(key, [...(parents.get(key) ?? []), dn]);
        }
    const found: Membership[] = [];
    for (const [person, direct] of parents) {
      const groups = await above(direct, async (dn) => parents.get(dn.toLowerCase()) ?? []);
      found.push(...groups.map((group) => ({ person, group })));
    }
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
        // Asks for two entries: when two share a login, neither is accepted.
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
        return { kind: 'known', person: personOf(entry, await groupsOf(ldap, entry)) };
      }),
    everybody: () =>
      visit(
        async (ldap) => {
          const groups = await membersOfNamedGroups(ldap);
          const all: ProviderPerson[] = [];
          for await (const page of ldap.pages(
            settings.base,
            allOf(people),
            attributes,
            bytes,
            pageSize,
          ))
            for (const entry of page)
              all.push(personOf(entry, groups.get(entry.dn.toLowerCase()) ?? []));
          return all;
          // Reading ten thousand people takes longer than a sign-in.
        },
        300_000,
        timeoutMs * 2,
      ),
  };
}

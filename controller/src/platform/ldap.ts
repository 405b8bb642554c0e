/** The only code that knows LDAP. Every visit has a deadline after which its sockets are destroyed,
 * whatever the directory does. Filters are built as objects, never as text, so that input cannot
 * inject filter syntax. Referrals are not followed. */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  AndFilter,
  Client,
  type Entry,
  EqualityFilter,
  ExtensibleFilter,
  type Filter,
  FilterParser,
  InvalidCredentialsError,
  NoSuchObjectError,
  OrFilter,
  PasswordPolicyControl,
  PasswordPolicyError,
  SizeLimitExceededError,
} from 'ldapts';
import { budget } from './budget.ts';

export interface LdapServer {
  url: string;
  startTls: boolean;
  /** PEM; null: the system's trusted certificates. */
  ca: string | null;
  /** The name expected in its certificate; null: the host in `url`. */
  serverName: string | null;
  bindDn: string;
  bindPassword: string;
}

export interface LdapEntry {
  dn: string;
  /** By attribute name in lower case; `dn` is one of them. */
  values: Record<string, string[]>;
  bytes: Record<string, Buffer[]>;
}

/** `why`: the reason for refusing a password, as the directory's own code states it where there is
 * one. */
export type BindResult =
  | { ok: true; mustChange: boolean }
  | {
      ok: false;
      why: 'wrong' | 'disabled' | 'expired' | 'locked' | 'must_change' | 'password_expired';
    };

export interface Ldap {
  asService: () => Promise<void>;
  bind: (dn: string, password: string) => Promise<BindResult>;
  /** `limit`: when more entries match, the result is empty. */
  search: (
    base: string,
    filter: Filter,
    attributes: readonly string[],
    bytes?: readonly string[],
    limit?: number,
  ) => Promise<LdapEntry[]>;
  pages: (
    base: string,
    filter: Filter,
    attributes: readonly string[],
    bytes: readonly string[],
    size: number,
  ) => AsyncGenerator<LdapEntry[]>;
  /** One entry by its DN; null when it does not exist. */
  read: (dn: string, attributes: readonly string[]) => Promise<LdapEntry | null>;
}

/** The directory is unreachable or its reply is invalid. The message is for logs and
 * technicians. */
export class LdapAway extends Error {}

export const isFilter = (text: string): boolean => {
  try {
    FilterParser.parseString(text);
    return true;
  } catch {
    return false;
  }
};
export const anyOf = (attributes: readonly string[], value: string): Filter =>
  new OrFilter({
    filters: attributes.map((attribute) => new EqualityFilter({ attribute, value })),
  });
/** `people`: a filter from the configuration. */
export const allOf = (people: string, ...filters: Filter[]): Filter =>
  new AndFilter({ filters: [FilterParser.parseString(people), ...filters] });
/** Groups that hold `dn`, directly or through others: Active Directory's
 * LDAP_MATCHING_RULE_IN_CHAIN. */
export const groupsInChain = (dn: string): Filter =>
  new AndFilter({
    filters: [
      new EqualityFilter({ attribute: 'objectClass', value: 'group' }),
      new ExtensibleFilter({ matchType: 'member', rule: '1.2.840.113556.1.4.1941', value: dn }),
    ],
  });
/** People in a group, directly or through others. */
export const peopleInChain = (group: string): Filter =>
  new ExtensibleFilter({ matchType: 'memberOf', rule: '1.2.840.113556.1.4.1941', value: group });
export const groupsHolding = (dn: string): Filter => anyOf(['member', 'uniqueMember'], dn);

/** Active Directory gives the reason in the message: `… AcceptSecurityContext error, data 533, …`.
 * Pure. */
export function whyRefused(message: string): Exclude<BindResult, { ok: true }>['why'] {
  switch (/\bdata ([0-9a-f]{1,8})\b/i.exec(message)?.[1]?.toLowerCase()) {
    case '533':
      return 'disabled';
    case '701':
      return 'expired';
    case '775':
      return 'locked';
    case '773':
      return 'must_change';
    case '532':
      return 'password_expired';
    default:
      return 'wrong';
  }
}

const toEntry = ({ dn, ...rest }: Entry, asBytes: ReadonlySet<string>): LdapEntry => {
  const entry: LdapEntry = { dn, values: { dn: [dn] }, bytes: {} };
  for (const [name, value] of Object.entries(rest)) {
    const all = Array.isArray(value) ? value : [value];
    const key = name.toLowerCase();
    if (asBytes.has(key))
      entry.bytes[key] = all.map((one) => (typeof one === 'string' ? Buffer.from(one) : one));
    else
      entry.values[key] = all.map((one) => (typeof one === 'string' ? one : one.toString('utf8')));
  }
  return entry;
};

/** Throws LdapAway when the directory cannot be reached, its certificate does not match, it refuses
 * the service account, one of its answers is too large, or it takes longer than `timeoutMs` in total
 * or `eachMs` for one reply. */
export async function visitLdap<T>(
  server: LdapServer,
  timeoutMs: number,
  work: (ldap: Ldap) => Promise<T>,
  eachMs = timeoutMs,
): Promise<T> {
  const sockets: Socket[] = [];
  const noted = <S extends Socket>(socket: S): S => {
    sockets.push(socket);
    return socket;
  };
  // The library reconnects by itself after a cut connection. After StartTLS the new connection
  // would be unencrypted and send the next password in the clear, so it is refused.
  const once = () => {
    if (sockets.length > 0) throw new LdapAway('the connection was cut');
  };
  const { hostname } = new URL(server.url.replace(/^ldap/, 'http'));
  const host = hostname.replace(/^\[|\]$/g, '');
  const named = server.serverName ?? host;
  const tlsOptions = {
    host: named,
    ...(isIP(named) === 0 ? { servername: named } : {}),
    ...(server.ca === null ? {} : { ca: server.ca }),
    minVersion: 'TLSv1.2' as const,
  };
  const client = new Client({
    url: server.url,
    timeout: eachMs,
    connectTimeout: eachMs,
    strictDN: false,
    // With `tlsOptions` the library starts with TLS, whatever the URL says.
    ...(server.startTls ? {} : { tlsOptions }),
    createConnection: ((port: number) => {
      once();
      return noted(connectPlain(port, host));
    }) as typeof connectPlain,
    // With one argument: StartTLS on the existing socket. Otherwise connect here, because the host
    // to connect to may differ from the name to verify.
    createSecureConnection: ((...given: [number, string, object] | [object]) => {
      if (given.length === 1) return noted(connectTls(given[0]));
      once();
      return noted(connectTls({ ...tlsOptions, socket: noted(connectPlain(given[0], host)) }));
    }) as typeof connectTls,
  });
  const away = (cause: unknown): LdapAway =>
    cause instanceof LdapAway
      ? cause
      : new LdapAway(cause instanceof Error ? cause.message : String(cause), { cause });
  const bytesRead = () => Math.max(0, ...sockets.map((socket) => socket.bytesRead));
  /** What had been read when the last answer was complete. */
  let answered = 0;
  const complete = () => {
    answered = bytesRead();
  };
  const ldap: Ldap = {
    asService: async () => {
      await client.bind(server.bindDn, server.bindPassword);
    },
    bind: async (dn, password) => {
      // An empty password is an anonymous bind, which succeeds: RFC 4513, 5.1.2.
      if (password === '') return { ok: false, why: 'wrong' };
      const policy = new PasswordPolicyControl();
      try {
        await client.bind(dn, password, policy);
      } catch (error) {
        if (!(error instanceof InvalidCredentialsError)) throw error;
        if (policy.value?.error === PasswordPolicyError.PasswordExpired)
          return { ok: false, why: 'password_expired' };
        if (policy.value?.error === PasswordPolicyError.AccountLocked)
          return { ok: false, why: 'locked' };
        return { ok: false, why: whyRefused(error.message) };
      }
      return { ok: true, mustChange: policy.value?.error === PasswordPolicyError.ChangeAfterReset };
    },
    search: async (base, filter, attributes, bytes = [], limit = 0) => {
      try {
        const { searchEntries } = await client.search(base, {
          scope: 'sub',
          filter,
          attributes: [...attributes, ...bytes],
          explicitBufferAttributes: [...bytes],
          sizeLimit: limit,
          derefAliases: 'never',
        });
        complete();
        return searchEntries.map((entry) =>
          toEntry(entry, new Set(bytes.map((name) => name.toLowerCase()))),
        );
      } catch (error) {
        if (limit > 0 && error instanceof SizeLimitExceededError) return [];
        throw error;
      }
    },
    pages: async function* (base, filter, attributes, bytes, size) {
      const asBytes = new Set(bytes.map((name) => name.toLowerCase()));
      for await (const { searchEntries } of client.searchPaginated(base, {
        scope: 'sub',
        filter,
        attributes: [...attributes, ...bytes],
        explicitBufferAttributes: [...bytes],
        derefAliases: 'never',
        paged: { pageSize: size },
      })) {
        complete();
        yield searchEntries.map((entry) => toEntry(entry, asBytes));
      }
    },
    read: async (dn, attributes) => {
      try {
        const { searchEntries } = await client.search(dn, {
          scope: 'base',
          attributes: [...attributes],
        });
        return searchEntries[0] === undefined ? null : toEntry(searchEntries[0], new Set());
      } catch (error) {
        if (error instanceof NoSuchObjectError) return null;
        throw error;
      }
    },
  };
  let late: NodeJS.Timeout | undefined;
  let looking: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    late = setTimeout(() => reject(new LdapAway(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const { ldapAnswerBytes: most, ldapLookMs } = budget.directories;
    looking = setInterval(() => {
      if (bytesRead() - answered > most)
        reject(new LdapAway(`an answer of more than ${most} bytes`));
    }, ldapLookMs);
  });
  const visit = (async () => {
    if (server.startTls) await client.startTLS({ ...tlsOptions });
    await ldap.asService();
    return work(ldap);
  })();
  try {
    return await Promise.race([visit, deadline]);
  } catch (cause) {
    throw away(cause);
  } finally {
    clearTimeout(late);
    clearInterval(looking);
    visit.catch(() => undefined);
    // No unbind, because a directory that hangs would not receive it either.
    for (const socket of sockets) socket.on('error', () => undefined).destroy();
  }
}

/** The file that says who vouches for people (`PREAU_IDENTITY`, TOML). Every fault is reported at
 * once, by where it stands; what was written there is never repeated, because it may be a password.
 * Without a file there are local accounts only. */
import { readFileSync } from 'node:fs';
import { roles } from '@preau/contract/account.ts';
import { ProviderId } from '@preau/contract/identity.ts';
import { isSubnet } from '@preau/contract/network.ts';
import { OneOf, Strict, Translated } from '@preau/contract/schema.ts';
import { parse as parseToml } from 'smol-toml';
import { type Static, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { isFilter } from '#src/platform/ldap.ts';

const Word = Type.String({ minLength: 1, maxLength: 200 });
const Text = Type.String({ minLength: 1, maxLength: 2000 });
const optional = <T extends TSchema>(schema: T) => Type.Optional(schema);

/** Where a value is: an attribute or claim; a part of it, by the first group of a pattern; what it
 * stands for, by a table. */
const Source = Strict({
  attribute: Word,
  pattern: optional(Word),
  values: optional(Type.Record(Type.String(), Word)),
});
export type Source = Static<typeof Source>;

/** On a group (its name, or its DN in a directory) or on an attribute's value; capitals do not
 * matter. */
const conditionKeys = { group: optional(Text), attribute: optional(Word), value: optional(Word) };
const ConditionSchema = Strict(conditionKeys);
export type Condition = Static<typeof ConditionSchema>;
const RoleRule = Strict({ role: OneOf(roles), ...conditionKeys });
/** What is not named here is no group of ours. `as`: its name in Préau. */
const GroupRule = Strict({
  ...conditionKeys,
  as: optional(Type.String({ minLength: 1, maxLength: 80 })),
});

const Common = {
  id: ProviderId,
  name: Translated(60),
  /** Names that end in `@` and one of these are asked here only. */
  domains: optional(Type.Array(Type.String({ pattern: '^[a-z0-9.-]{1,120}$' }), { maxItems: 50 })),
  /** From these addresses, this one comes first. */
  networks: optional(Type.Array(Type.String({ maxLength: 49 }), { maxItems: 500 })),
  /** Of whoever no rule gives a role; without it they are not let in. */
  default_role: optional(OneOf(['teacher', 'pupil'])),
  login: optional(Word),
  display_name: optional(Type.Array(Word, { minItems: 1, maxItems: 4 })),
  mail: optional(Word),
  site: optional(Source),
  class: optional(Source),
  attributes: optional(
    Type.Record(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_-]{0,39}$' }), Word),
  ),
  role: optional(Type.Array(RoleRule, { maxItems: 200 })),
  group: optional(Type.Array(GroupRule, { maxItems: 500 })),
  timeout_ms: optional(Type.Integer({ minimum: 100, maximum: 30_000 })),
};

export const LdapSettings = Strict({
  kind: Type.Literal('ldap'),
  ...Common,
  url: Type.String({ pattern: '^ldaps?://[A-Za-z0-9.:[\\]-]+/?$' }),
  start_tls: optional(Type.Boolean()),
  ca_file: optional(Text),
  server_name: optional(Word),
  flavour: OneOf(['active-directory', 'openldap']),
  bind_dn: Text,
  bind_password: optional(Text),
  bind_password_file: optional(Text),
  base: Text,
  people: optional(Text),
  login_attributes: optional(Type.Array(Word, { minItems: 1, maxItems: 5 })),
  external_id: optional(Word),
  photo: optional(Word),
  groups: optional(OneOf(['none', 'in-chain', 'member-of', 'members'])),
  group_base: optional(Text),
  sync_minutes: optional(Type.Integer({ minimum: 1, maximum: 10_080 })),
  page_size: optional(Type.Integer({ minimum: 10, maximum: 1000 })),
});
export type LdapSettings = Static<typeof LdapSettings>;

export const OidcSettings = Strict({
  kind: Type.Literal('oidc'),
  ...Common,
  issuer: Type.String({ pattern: '^https?://[^\\s?#]+$' }),
  client_id: Word,
  client_secret: optional(Text),
  client_secret_file: optional(Text),
  scope: optional(Word),
  groups_claim: optional(Word),
  acr_values: optional(Word),
});
export type OidcSettings = Static<typeof OidcSettings>;

export const CasSettings = Strict({
  kind: Type.Literal('cas'),
  ...Common,
  url: Type.String({ pattern: '^https?://[^\\s?#]+$' }),
  protocol: optional(OneOf(['2', '3'])),
  groups_attribute: optional(Word),
});
export type CasSettings = Static<typeof CasSettings>;

export type ProviderSettings = LdapSettings | OidcSettings | CasSettings;
/** What every kind says of people. */
export type Mapping = Pick<
  ProviderSettings,
  | 'id'
  | 'default_role'
  | 'login'
  | 'display_name'
  | 'mail'
  | 'site'
  | 'class'
  | 'attributes'
  | 'role'
  | 'group'
>;

export interface IdentityFault {
  where: string;
  expected: string;
}
export class IdentityFaults extends Error {
  readonly faults: readonly IdentityFault[];
  constructor(faults: readonly IdentityFault[]) {
    super(
      `The identity file has ${faults.length} fault${faults.length > 1 ? 's' : ''}:\n${faults.map(({ where, expected }) => `  ${where}: expected ${expected}`).join('\n')}`,
    );
    this.name = 'IdentityFaults';
    this.faults = faults;
  }
}

const checks = {
  ldap: Compile(LdapSettings),
  oidc: Compile(OidcSettings),
  cas: Compile(CasSettings),
};
const isPattern = (text: string) => {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
};
const onThisMachine = (address: string) =>
  ['localhost', '127.0.0.1', '[::1]'].includes(new URL(address).hostname);
type Known = { [K in keyof LdapSettings | keyof OidcSettings | keyof CasSettings]?: unknown };

/** Pure but for `readText`, which reads files of passwords and certificates. Secrets of files stand
 * in the settings afterwards. */
export function parseIdentity(
  file: Record<string, unknown>,
  readText: (path: string) => string | null,
): ProviderSettings[] {
  const faults: IdentityFault[] = [];
  const found: ProviderSettings[] = [];
  for (const key of Object.keys(file))
    if (key !== 'provider') faults.push({ where: key, expected: 'no such key: [[provider]] only' });
  const list: unknown[] = Array.isArray(file['provider']) ? file['provider'] : [];
  if (list.length === 0) faults.push({ where: 'provider', expected: 'at least one [[provider]]' });
  for (const [index, entry] of list.entries()) {
    const given = (typeof entry === 'object' && entry !== null ? entry : {}) as Known;
    const where = `provider ${typeof given.id === 'string' && /^[a-z][a-z0-9-]{0,30}$/.test(given.id) ? given.id : index + 1}`;
    const fault = (key: string, expected: string) =>
      faults.push({ where: `${where}, ${key}`, expected });
    const { kind } = given;
    if (kind !== 'ldap' && kind !== 'oidc' && kind !== 'cas') {
      fault('kind', 'ldap, oidc or cas');
      continue;
    }
    const complete: Known = { ...given };
    const secret = (name: 'bind_password' | 'client_secret') => {
      const path = given[`${name}_file`];
      if (given[name] === undefined && typeof path === 'string')
        complete[name] = readText(path)?.replace(/\r?\n$/, '') ?? undefined;
      if (typeof path === 'string' && complete[name] === undefined)
        fault(`${name}_file`, 'a file that can be read');
      else if ((given[name] === undefined) === (path === undefined) && kind === 'ldap')
        fault(name, `${name} or ${name}_file, one of them`);
    };
    secret(kind === 'ldap' ? 'bind_password' : 'client_secret');
    if (typeof given.ca_file === 'string') {
      const ca = readText(given.ca_file);
      if (ca?.includes('BEGIN CERTIFICATE') !== true)
        fault('ca_file', 'a file of certificates (PEM) that can be read');
    }
    const check = checks[kind];
    if (!check.Check(complete)) {
      for (const { instancePath, message, keyword, params } of check
        .Errors(complete)
        .slice(0, 20)) {
        const extra =
          keyword === 'additionalProperties' && 'additionalProperties' in params
            ? ` (${String(params.additionalProperties)})`
            : keyword === 'required' && 'requiredProperties' in params
              ? ` (${String(params.requiredProperties)})`
              : '';
        fault(instancePath.slice(1).replaceAll('/', '.') || 'keys', `${message}${extra}`);
      }
      continue;
    }
    const settings = complete as ProviderSettings;
    if (settings.id === 'local' || found.some(({ id }) => id === settings.id))
      fault('id', 'a name that no other provider has, and not local');
    for (const network of settings.networks ?? [])
      if (!isSubnet(network)) fault('networks', 'address ranges such as 10.4.0.0/16');
    for (const source of ['site', 'class'] as const)
      if (settings[source]?.pattern !== undefined && !isPattern(settings[source].pattern))
        fault(`${source}.pattern`, 'a regular expression');
    for (const [name, rules] of [
      ['role', settings.role ?? []],
      ['group', settings.group ?? []],
    ] as const) {
      if (
        rules.some(
          ({ group, attribute, value }) =>
            (group === undefined) === (attribute === undefined) ||
            (attribute === undefined) !== (value === undefined),
        )
      )
        fault(name, 'in each: group, or attribute and value');
    }
    if (settings.kind === 'ldap') {
      if (settings.url.startsWith('ldaps:') && settings.start_tls === true)
        fault('start_tls', 'false with ldaps://');
      if (settings.url.startsWith('ldap:') && settings.start_tls !== true)
        fault('start_tls', 'true with ldap://: passwords are never sent in the clear');
      if (settings.people !== undefined && !isFilter(settings.people))
        fault('people', 'an LDAP filter such as (objectClass=person)');
    } else if (
      !(settings.kind === 'oidc' ? settings.issuer : settings.url).startsWith('https:') &&
      !onThisMachine(settings.kind === 'oidc' ? settings.issuer : settings.url)
    )
      fault(settings.kind === 'oidc' ? 'issuer' : 'url', 'https:// (http:// on this machine only)');
    found.push(settings);
  }
  if (faults.length > 0) throw new IdentityFaults(faults);
  return found;
}

export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** Throws IdentityFaults. */
export function readIdentity(path: string): ProviderSettings[] {
  if (path === '') return [];
  const text = readText(path);
  if (text === null)
    throw new IdentityFaults([{ where: 'PREAU_IDENTITY', expected: 'a file that can be read' }]);
  let file: Record<string, unknown>;
  try {
    file = parseToml(text);
  } catch (cause) {
    // The message quotes the line, which may hold a password: only its place is told.
    const line = cause instanceof Error && 'line' in cause ? ` (line ${String(cause.line)})` : '';
    throw new IdentityFaults([{ where: 'PREAU_IDENTITY', expected: `TOML${line}` }]);
  }
  return parseIdentity(file, readText);
}

/** Reads the file of providers (`PREAU_IDENTITY`, TOML). All faults are reported together, each
 * with its position; the text of the file is never quoted, because it may be a password. Without a
 * file there are local accounts only. */
import { readFileSync } from 'node:fs';
import { isSubnet } from '@preau/contract/network.ts';
import { faultsOf } from '@preau/contract/schema-faults.ts';
import { parse as parseToml } from 'smol-toml';
import { Compile } from 'typebox/compile';
import { isFilter } from '#src/platform/ldap.ts';
import {
  CasSettings,
  LdapSettings,
  type Mapping,
  OidcSettings,
  type ProviderSettings,
} from './settings-schema.ts';

export interface IdentityFault {
  where: string;
  expected: string;
}
export class IdentityFaults extends Error {
  readonly faults: readonly IdentityFault[];
  constructor(faults: readonly IdentityFault[]) {
    super(
      `The identity file has ${faults.length} ` +
        `fault${faults.length > 1 ? 's' : ''}:\n${faults
          .map(({ where, expected }) => `  ` + `${where}: expected ${expected}`)
          .join('\n')}`,
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
type Kind = keyof typeof checks;
/** One entry as written, before validation. */
type Given = { [K in keyof LdapSettings | keyof OidcSettings | keyof CasSettings]?: unknown };
type ReadText = (path: string) => string | null;
/** `where` is the key. */
type Faults = readonly IdentityFault[];

const isKind = (kind: unknown): kind is Kind =>
  kind === 'ldap' || kind === 'oidc' || kind === 'cas';
const isPattern = (text: string) => {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
};
const isOnThisMachine = (address: string) =>
  ['localhost', '127.0.0.1', '[::1]'].includes(new URL(address).hostname);
const faultIf = (isWrong: boolean, where: string, expected: string): Faults =>
  isWrong ? [{ where, expected }] : [];

/** Adds the secret from a file to the entry, where the entry names such a file. */
function withSecret(
  kind: Kind,
  given: Given,
  readText: ReadText,
): { entry: Given; faults: Faults } {
  const name = kind === 'ldap' ? 'bind_password' : 'client_secret';
  const path = given[`${name}_file`];
  const written = given[name];
  const entry =
    written === undefined && typeof path === 'string'
      ? { ...given, [name]: readText(path)?.replace(/\r?\n$/, '') }
      : given;
  if (typeof path === 'string' && entry[name] === undefined)
    return { entry, faults: [{ where: `${name}_file`, expected: 'a file that can be read' }] };
  const isAmbiguous = (written === undefined) === (path === undefined) && kind === 'ldap';
  return { entry, faults: faultIf(isAmbiguous, name, `${name} or ${name}_file, one of them`) };
}

const certificateFaults = ({ ca_file: path }: Given, readText: ReadText): Faults =>
  faultIf(
    typeof path === 'string' && readText(path)?.includes('BEGIN CERTIFICATE') !== true,
    'ca_file',
    'a file of certificates (PEM) that can be read',
  );

/** Violations of the schema; empty when there are none. */
function shapeFaults(kind: Kind, entry: Given): Faults {
  const check = checks[kind];
  if (check.Check(entry)) return [];
  return faultsOf(check, entry)
    .slice(0, 20)
    .map(({ instancePath, message, keyword, params }) => ({
      where: instancePath.slice(1).replaceAll('/', '.') || 'keys',
      expected: `${message}${namesIn(keyword, params)}`,
    }));
}
/** Key names are not secret and may be quoted. */
function namesIn(keyword: string, params: object): string {
  if (keyword === 'additionalProperties' && 'additionalProperties' in params)
    return ` (${String(params.additionalProperties)})`;
  if (keyword === 'required' && 'requiredProperties' in params)
    return ` (${String(params.requiredProperties)})`;
  return '';
}

/** A condition names a group, or an attribute and its value. */
const isCondition = ({ group, attribute, value }: NonNullable<Mapping['group']>[number]) =>
  (group === undefined) !== (attribute === undefined) &&
  (attribute === undefined) === (value === undefined);

/** Checks common to every kind that a schema cannot express. */
const mappingFaults = (settings: ProviderSettings): Faults => [
  ...(settings.networks ?? []).flatMap((network) =>
    faultIf(!isSubnet(network), 'networks', 'address ranges such as 10.4.0.0/16'),
  ),
  ...(['site', 'class'] as const).flatMap((source) => {
    const pattern = settings[source]?.pattern;
    const isWrong = pattern !== undefined && !isPattern(pattern);
    return faultIf(isWrong, `${source}.pattern`, 'a regular expression');
  }),
  ...(['role', 'group'] as const).flatMap((name) => {
    const conditions: NonNullable<Mapping['group']> = settings[name] ?? [];
    const isWrong = !conditions.every(isCondition);
    return faultIf(isWrong, name, 'in each: group, or attribute and value');
  }),
];

const ldapFaults = ({ url, start_tls: startTls, people }: LdapSettings): Faults => [
  ...faultIf(url.startsWith('ldaps:') && startTls === true, 'start_tls', 'false with ldaps://'),
  ...faultIf(
    url.startsWith('ldap:') && startTls !== true,
    'start_tls',
    'true with ldap://: passwords are never sent in the clear',
  ),
  ...faultIf(
    people !== undefined && !isFilter(people),
    'people',
    'an LDAP filter such as (objectClass=person)',
  ),
];

const addressFaults = (key: 'issuer' | 'url', address: string): Faults =>
  faultIf(
    !address.startsWith('https:') && !isOnThisMachine(address),
    key,
    'https:// (http:// on this machine only)',
  );

function kindFaults(settings: ProviderSettings): Faults {
  if (settings.kind === 'ldap') return ldapFaults(settings);
  return settings.kind === 'oidc'
    ? addressFaults('issuer', settings.issuer)
    : addressFaults('url', settings.url);
}

/** `others`: ids of the providers before it. `settings` null: the entry does not even match the
 * schema. */
function parseProvider(
  given: Given,
  others: readonly string[],
  readText: ReadText,
): { settings: ProviderSettings | null; faults: Faults } {
  const { kind } = given;
  if (!isKind(kind))
    return { settings: null, faults: [{ where: 'kind', expected: 'ldap, oidc or cas' }] };
  const { entry, faults: secretFaults } = withSecret(kind, given, readText);
  const shape = shapeFaults(kind, entry);
  const faults = [...secretFaults, ...certificateFaults(given, readText), ...shape];
  if (shape.length > 0) return { settings: null, faults };
  const settings = entry as ProviderSettings;
  return {
    settings,
    faults: [
      ...faults,
      ...faultIf(
        settings.id === 'local' || others.includes(settings.id),
        'id',
        'a name that no other provider has, and not local',
      ),
      ...mappingFaults(settings),
      ...kindFaults(settings),
    ],
  };
}

/** Pure except for `readText`, which reads files of passwords and certificates. Secrets from
 * files are part of the returned settings. Throws IdentityFaults. */
export function parseIdentity(
  file: Record<string, unknown>,
  readText: ReadText,
): ProviderSettings[] {
  const faults: IdentityFault[] = Object.keys(file).flatMap((key) =>
    faultIf(key !== 'provider', key, 'no such key: [[provider]] only'),
  );
  const list: unknown[] = Array.isArray(file['provider']) ? file['provider'] : [];
  faults.push(...faultIf(list.length === 0, 'provider', 'at least one [[provider]]'));
  const found: ProviderSettings[] = [];
  for (const [index, entry] of list.entries()) {
    const given = (typeof entry === 'object' && entry !== null ? entry : {}) as Given;
    const isNamed = typeof given.id === 'string' && /^[a-z][a-z0-9-]{0,30}$/.test(given.id);
    const name = `provider ${isNamed ? given.id : index + 1}`;
    const others = found.map(({ id }) => id);
    const { settings, faults: own } = parseProvider(given, others, readText);
    faults.push(...own.map(({ where, expected }) => ({ where: `${name}, ${where}`, expected })));
    if (settings !== null) found.push(settings);
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
    // The parser's message quotes the line, which may hold a password: only its number is reported.
    const line = cause instanceof Error && 'line' in cause ? ` (line ${String(cause.line)})` : '';
    throw new IdentityFaults([{ where: 'PREAU_IDENTITY', expected: `TOML${line}` }]);
  }
  return parseIdentity(file, readText);
}

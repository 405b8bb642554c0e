/** Configuration: the only code that reads the environment. All errors are reported at once, each
 * with name, value and what was expected; the result is frozen. A TOML file (`PREAU_CONFIG`) may
 * set the same names in lower case without the prefix; the environment takes precedence. */
import { readFileSync } from 'node:fs';
import { addressOf, isSubnet } from '@preau/contract/network.ts';
import { parse as parseToml } from 'smol-toml';

interface Setting<T> {
  /** What it is for, shown in faults and in docs/configuration. */
  meaning: string;
  expected: string;
  default: string | null;
  parse: (text: string) => T | undefined;
}

const setting = <T>(
  meaning: string,
  expected: string,
  fallback: string | null,
  parse: (text: string) => T | undefined,
): Setting<T> => ({
  meaning,
  expected,
  default: fallback,
  parse,
});
const text = (meaning: string, fallback: string | null) =>
  setting(meaning, 'text', fallback, (value) => value);
const integer = (meaning: string, min: number, max: number, fallback: string) =>
  setting(meaning, `a whole number from ${min} to ${max}`, fallback, (value) => {
    const number = Number(value);
    return /^\d+$/.test(value) && number >= min && number <= max ? number : undefined;
  });
const url = (meaning: string, protocols: string[], fallback: string | null) =>
  setting(meaning, `an address starting with ${protocols.join(' or ')}`, fallback, (value) =>
    value === '' || protocols.some((protocol) => value.startsWith(protocol)) ? value : undefined,
  );

const label = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
const mailShape = new RegExp(`^[A-Za-z0-9._%+'-]{1,64}@${label}(?:\\.${label})*$`);

/** A bare mail address without a display name, a comment or characters that could break a
 * header. */
export const isMailAddress = (text: string): boolean => text.length <= 254 && mailShape.test(text);

/** Every variable the controller understands. `docker-compose.yml` may set no other. */
export const settings = {
  PREAU_HOST: text('Address to listen on', '127.0.0.1'),
  PREAU_PORT: integer('Port to listen on; 0 picks a free one', 0, 65535, '8080'),
  PREAU_PUBLIC_URL: setting(
    'Address people type; pages from any other origin are refused',
    'an http(s) origin without a path',
    '',
    (value) => (value === '' || /^https?:\/\/[A-Za-z0-9.:[\]-]+$/.test(value) ? value : undefined),
  ),
  PREAU_TRUSTED_PROXIES: setting(
    'Reverse proxies whose word on a caller’s address is believed',
    'addresses or ranges, with commas between',
    '',
    (value) => {
      const list = value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
      return list.every((part) => addressOf(part) !== null || isSubnet(part)) ? list : undefined;
    },
  ),
  PREAU_DATA: text('Folder for the database, the secret and uploaded files', './.data'),
  PREAU_CONSOLE: text('Folder of the built console; empty serves none', ''),
  PREAU_AGENT_FILES: text(
    'Folder of files offered to new servers (agent bundle, installer); empty offers none',
    '',
  ),
  PREAU_DATABASE_URL: url(
    'PostgreSQL; empty means SQLite in the data folder',
    ['postgres://', 'postgresql://'],
    '',
  ),
  PREAU_REDIS_URL: url(
    'Redis for jobs and wake-ups',
    ['redis://', 'rediss://', 'unix://'],
    'redis://127.0.0.1:6379',
  ),
  PREAU_GUACD_HOST: text('Host of guacd', '127.0.0.1'),
  PREAU_GUACD_PORT: integer('Port of guacd', 1, 65535, '4822'),
  PREAU_SECRET: setting(
    '32 bytes in hexadecimal, shared by all controller processes; empty makes one in the data folder',
    '64 hexadecimal digits',
    '',
    (value) => (value === '' || /^[0-9a-f]{64}$/.test(value) ? value : undefined),
  ),
  PREAU_LOG_LEVEL: setting('How much to log', 'debug, info, warn or error', 'info', (value) =>
    value === 'debug' || value === 'info' || value === 'warn' || value === 'error'
      ? value
      : undefined,
  ),
  PREAU_IDENTITY: text(
    'File that says which directories and identity services vouch for people; empty means local accounts only',
    '',
  ),
  PREAU_SIGN_IN_HOURS: integer('How long a sign-in lasts', 1, 720, '12'),
  PREAU_GRACE_SECONDS: integer(
    'How long an application runs on after its tab was closed',
    5,
    86400,
    '600',
  ),
  PREAU_STANDBY_DISPLAYS: integer('Displays each school keeps started in advance', 0, 32, '2'),
  PREAU_SMTP_URL: url(
    'Mail server, with user and password if it asks for them; empty sends no mail',
    ['smtp://', 'smtps://'],
    '',
  ),
  PREAU_MAIL_FROM: setting('Sender of mails', 'a mail address', 'preau@localhost', (value) =>
    isMailAddress(value) ? value : undefined,
  ),
  PREAU_EXCHANGE_MIB: integer(
    'Files of people on their way between devices and schools, in all, in MiB',
    1,
    1_048_576,
    '20480',
  ),
  PREAU_PACKAGE_MIB: integer(
    'Largest file that may be uploaded for the catalogue, in MiB',
    1,
    4096,
    '4096',
  ),
  PREAU_MAX_SESSIONS: integer(
    'Sessions one server takes at once, unless set on the server',
    1,
    1000,
    '60',
  ),
  PREAU_BACKUP_KEY: setting(
    'Public key that backups are encrypted to (preau backup --new-key makes one); empty makes no backups',
    'an age recipient: age1…',
    '',
    (value) => (value === '' || /^age1[0-9a-z]{20,}$/.test(value) ? value : undefined),
  ),
  PREAU_BACKUP_TO: text('Folder for backups, best on another machine’s disk', ''),
  PREAU_BACKUP_COMMAND: text(
    'Instead of a folder: shell command that stores its standard input under the name in $NAME',
    '',
  ),
  PREAU_BACKUP_READ_COMMAND: text(
    'Shell command that writes what was stored under $NAME to its standard output',
    '',
  ),
  PREAU_BACKUP_HOUR: integer('Hour of the night’s backup, by this machine’s clock', 0, 23, '2'),
  PREAU_BACKUP_KEEP_DAYS: integer('Days that backups in the folder are kept', 1, 3650, '30'),
  PREAU_PERSON_SESSIONS: integer('Programs one person may have running at once', 1, 100, '8'),
} as const;

type Settings = typeof settings;
type Value<S> = S extends Setting<infer T> ? T : never;
export type Environment = { readonly [K in keyof Settings]: Value<Settings[K]> };

export interface ConfigFault {
  name: string;
  value: string;
  expected: string;
}

export class ConfigError extends Error {
  readonly faults: ConfigFault[];
  constructor(faults: ConfigFault[]) {
    super(
      `The configuration has ${faults.length} fault${faults.length > 1 ? 's' : ''}:\n` +
        faults
          .map(
            (fault) =>
              `  ${fault.name} is ${JSON.stringify(fault.value)}: expected ${fault.expected}`,
          )
          .join('\n'),
    );
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/** Pure: parses and validates text. Unknown `PREAU_` names are errors too, so that a typing error
 * is not ignored. */
export function parseConfig(
  environment: Record<string, string | undefined>,
  file: Record<string, unknown> = {},
): Environment {
  const faults: ConfigFault[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, definition] of Object.entries(settings) as [
    keyof Settings,
    Setting<unknown>,
  ][]) {
    const fromFile = file[name.slice('PREAU_'.length).toLowerCase()];
    const given =
      environment[name] ??
      (fromFile === undefined ? undefined : String(fromFile)) ??
      definition.default ??
      '';
    const value = definition.parse(given);
    // A secret's value is never repeated, because error messages end up in logs.
    if (value === undefined)
      faults.push({
        name,
        value: name === 'PREAU_SECRET' || name === 'PREAU_SMTP_URL' ? '(hidden)' : given,
        expected: definition.expected,
      });
    else values[name] = value;
  }
  for (const name of Object.keys(environment)) {
    if (name.startsWith('PREAU_') && name !== 'PREAU_CONFIG' && !(name in settings))
      faults.push({
        name,
        value: '(set)',
        expected: 'no such variable: see docs/configuration.md',
      });
  }
  for (const key of Object.keys(file)) {
    if (!(`PREAU_${key.toUpperCase()}` in settings))
      faults.push({
        name: key,
        value: '(in the file)',
        expected: 'no such key: see docs/configuration.md',
      });
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze(values) as unknown as Environment;
}

/** The environment of this process with more in it, for a program that is started. */
export const environmentWith = (
  more: Readonly<Record<string, string>>,
): Record<string, string | undefined> => ({ ...process.env, ...more });

/** What the city was configured with, as lines of an environment file, for its backup. The secret
 * has a file of its own. */
export const environmentLines = (): string =>
  Object.entries(process.env)
    .filter(([name]) => name.startsWith('PREAU_') && name !== 'PREAU_SECRET')
    .map(([name, value = '']) => `${name}=${value}\n`)
    .join('');

/** The TOML file, or null. */
export const configFile = (): string | null => process.env['PREAU_CONFIG'] ?? null;

export function readConfig(): Environment {
  return parseConfig(process.env, readFile());
}

/** Throws ConfigError for a file that cannot be read. */
function readFile(): Record<string, unknown> {
  const path = process.env['PREAU_CONFIG'];
  if (path === undefined) return {};
  try {
    return parseToml(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new ConfigError([
      {
        name: 'PREAU_CONFIG',
        value: path,
        expected: `a readable TOML file (${cause instanceof Error ? cause.message : String(cause)})`,
      },
    ]);
  }
}

/** For those who look after a broken installation: every fault, and defaults where the faults are. */
export function readConfigAsFarAsRight(): { config: Environment; faults: ConfigFault[] } {
  let file: Record<string, unknown> = {};
  let ofFile: ConfigFault[] = [];
  try {
    file = readFile();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    ofFile = error.faults;
  }
  const { config, faults } = parseAsFarAsRight(process.env, file);
  return { config, faults: [...ofFile, ...faults] };
}

/** Pure. */
export function parseAsFarAsRight(
  environment: Record<string, string | undefined>,
  file: Record<string, unknown>,
): { config: Environment; faults: ConfigFault[] } {
  try {
    return { config: parseConfig(environment, file), faults: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const wrong = new Set(error.faults.map(({ name }) => name));
    const isRight = ([name]: [string, unknown]) =>
      !wrong.has(name) && !wrong.has(`PREAU_${name.toUpperCase()}`);
    const config = parseConfig(
      Object.fromEntries(Object.entries(environment).filter(isRight)),
      Object.fromEntries(Object.entries(file).filter(isRight)),
    );
    return { config, faults: error.faults };
  }
}

/** The city's address and the caller's token: from options, the environment, or the file that
 * `preau login` saved. The only code that reads the environment. A token is never an argument,
 * because arguments appear in the process table and in the shell's history. */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { UsageError } from './outcome.ts';
import type { Language } from './words.ts';

export interface Connection {
  url: string;
  token: string;
}

const isToken = (text: string) => /^preau_[A-Za-z0-9_-]{43}$/.test(text);

/** Pure: French unless the environment selects English. */
export function languageOf(environment: Record<string, string | undefined>): Language {
  const locale = environment['LC_ALL'] || environment['LC_MESSAGES'] || environment['LANG'] || '';
  return /^en/i.test(locale) ? 'en' : 'fr';
}
export const language = (): Language => languageOf(process.env);

const keptPath = () =>
  join(process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'preau', 'connection.json');

/** Saves it in a file that only its owner can read. */
export function keep(connection: Connection): string {
  const path = keptPath();
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, JSON.stringify(connection), { mode: 0o600 });
  chmodSync(path, 0o600);
  return path;
}
export const forget = (): void => rmSync(keptPath(), { force: true });

function kept(): Partial<Connection> {
  try {
    const found: unknown = JSON.parse(readFileSync(keptPath(), 'utf8'));
    return typeof found === 'object' && found !== null ? (found as Partial<Connection>) : {};
  } catch {
    return {};
  }
}

/** Pure. Accepts only an origin: no path, user name or password. */
export function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (
    url === null ||
    !/^https?:$/.test(url.protocol) ||
    url.username !== '' ||
    url.password !== '' ||
    url.search !== '' ||
    url.pathname !== '/'
  )
    throw new UsageError('badUrl', { url: text.slice(0, 200) });
  return url.origin;
}

export function readToken(path: string): string {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8').trim();
  } catch (cause) {
    throw new UsageError('unreadable', { path }, { cause });
  }
  if (!isToken(text)) throw new UsageError('badToken');
  return text;
}

export function urlFrom(options: { url?: string }): string {
  const url = options.url ?? process.env['PREAU_URL'] ?? kept().url;
  if (url === undefined || url === '') throw new UsageError('noUrl');
  return checkedUrl(url);
}

/** The saved token is sent only to the city it was saved for. */
export function connectionFrom(options: { url?: string; tokenFile?: string }): Connection {
  const url = urlFrom(options);
  if (options.tokenFile !== undefined) return { url, token: readToken(options.tokenFile) };
  const given = process.env['PREAU_TOKEN'];
  const { url: keptUrl, token: keptToken } = kept();
  const token =
    given !== undefined && given !== '' ? given : keptUrl === url ? keptToken : undefined;
  if (token === undefined) throw new UsageError('noToken');
  if (!isToken(token)) throw new UsageError('badToken');
  return { url, token };
}

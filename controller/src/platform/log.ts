/** Structured logs. Errors have one name, `err`: pino prints an Error under any other as `{}`. Fields
 * that may hold a secret are redacted by name, and errors are reduced to their message and stack,
 * as a second line of defence: bodies are never logged. */
import pino from 'pino';

/** A line's fields. An error under another name than `err` does not compile. */
type Fields = Readonly<Record<string, unknown>> & { readonly error?: never };
type Write = (fields: Fields, message: string) => void;
type Level = 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'trace';

export type Log = Readonly<Record<Level, Write>> & {
  child: (fields: Fields) => Log;
};

/** The logger of pino itself, for Fastify, which hands over its own fields. */
export const pinoOf = (log: Log): pino.Logger => log as unknown as pino.Logger;

/** `into` receives the lines instead of standard output. */
export function createLog(level: string, into?: pino.DestinationStream): Log {
  const options = {
    level,
    redact: {
      paths: ['*.password', '*.ticket', '*.attachment', '*.code', '*.cookie', 'req.headers'],
      censor: '[hidden]',
    },
    // `*.code` hides codes that people type. The code of an error says what happened, and stands in
    // the text that `toldError` makes.
    serializers: { err: toldError },
  };
  return (into === undefined ? pino(options) : pino(options, into)) as unknown as Log;
}

/** What of an error is written: what it is, what it says, where, and what caused it. The other
 * members stay away: drivers attach whole commands, requests and settings to their errors. */
function toldError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return withoutSecrets(String(error));
  const { code, errno, syscall } = error as NodeJS.ErrnoException;
  return {
    type: error.name,
    ...(code === undefined ? {} : { kind: code }),
    ...(errno === undefined ? {} : { errno }),
    ...(syscall === undefined ? {} : { syscall }),
    message: withoutSecrets(error.message),
    stack: withoutSecrets(error.stack ?? ''),
    ...(error.cause === undefined || depth > 3 ? {} : { cause: toldError(error.cause, depth + 1) }),
  };
}

const namedSecret = new RegExp(
  '((?:authorization|cookie|password|passwd|secret|token)["\']?\\s*[:=]\\s*["\']?)' +
    '(?:(?:basic|bearer|preau)\\s+)?[^\\s"\',;}]+',
  'gi',
);

/** Hides the password of addresses, such as `postgres://user:password@host`, and of headers and
 * settings that are quoted in a message. */
const withoutSecrets = (text: string): string =>
  text
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/]*:)[^\s@]+@/gi, '$1[hidden]@')
    .replace(namedSecret, '$1[hidden]');

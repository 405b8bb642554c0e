/** Structured logs. Fields that may hold a secret are redacted by name, as a second line of
 * defence: bodies are never logged. */
import pino from 'pino';

export type Log = pino.Logger;

export function createLog(level: string): Log {
  return pino({
    level,
    redact: {
      paths: ['*.password', '*.ticket', '*.attachment', '*.code', '*.cookie', 'req.headers'],
      censor: '[hidden]',
    },
  });
}

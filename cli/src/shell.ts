/** Shared by every command of `preau`: translations, a printer, calls to the controller, exit
 * codes. */
import { type Command, CommanderError } from 'commander';
import { type Call, caller } from './call.ts';
import { type Connection, connectionFrom, language } from './config.ts';
import { type ExitCode, exitCodes, Refused, Unreachable, UsageError } from './outcome.ts';
import { type Printer, plain } from './show.ts';
import { say, type Word } from './words.ts';

export interface Global {
  url?: string;
  tokenFile?: string;
  json?: boolean;
}

interface Context {
  call: Call;
  connection: Connection;
  asJson: boolean;
}

export interface Shell {
  program: Command;
  lang: ReturnType<typeof language>;
  t: (word: Word, values?: Record<string, string | number>) => string;
  printer: Printer;
  json: (value: unknown) => void;
  /** Wraps the action of a command that calls the controller; provides the address, the token and
   * the output format. */
  calling: <A extends unknown[]>(
    work: (context: Context, ...args: A) => Promise<ExitCode | undefined>,
  ) => (...args: A) => Promise<void>;
  /** Ends the program with this exit code. */
  end: (code: ExitCode) => void;
}

const lang = language();
export const t = (word: Word, values: Record<string, string | number> = {}) =>
  say(lang, word, values);
const printer: Printer = {
  tty: process.stdout.isTTY === true,
  out: (line) => process.stdout.write(`${process.stdout.isTTY ? '\r\u001b[K' : ''}${line}\n`),
  remark: (line) => process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[K' : ''}${line}\n`),
  redraw: (line) =>
    process.stdout.write(
      `\r\u001b[K${line.slice(0, Math.max((process.stdout.columns ?? 80) - 1, 20))}`,
    ),
};
const json = (value: unknown) => printer.out(JSON.stringify(value, null, 2));

export function createShell(program: Command, end: (code: ExitCode) => void): Shell {
  const calling =
    <A extends unknown[]>(work: (context: Context, ...args: A) => Promise<ExitCode | undefined>) =>
    async (...args: A): Promise<void> => {
      const global = program.opts<Global>();
      const connection = connectionFrom(global);
      if (
        connection.url.startsWith('http:') &&
        !/^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:|$)/.test(connection.url)
      )
        printer.remark(t('plain'));
      end(
        (await work(
          { call: caller(connection), connection, asJson: global.json === true },
          ...args,
        )) ?? exitCodes.done,
      );
    };
  return { program, lang, t, printer, json, calling, end };
}

/** Prints the error for people and returns its exit code. Rethrows unknown errors. */
export function ended({ lang, t, printer }: Shell, error: unknown): ExitCode {
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof UsageError) {
    printer.remark(t(error.word, error.values));
    return exitCodes.usage;
  }
  if (error instanceof Refused) {
    // When the controller gives the exact problem in both languages, print that instead of the
    // general message.
    const { why, ...others } = error.details;
    const told =
      typeof why === 'object' && why !== null
        ? (why as Partial<Record<typeof lang, unknown>>)[lang]
        : undefined;
    const details = told === undefined ? error.details : others;
    printer.remark(
      t('refused', {
        code: error.code,
        why: (
          `${plain(typeof told === 'string' ? told : error.said[lang])} ` +
          `${Object.keys(details).length === 0 ? '' : plain(JSON.stringify(details)).slice(0, 500)}`
        ).trim(),
      }),
    );
    return error.code === 'NEEDS_APPROVAL' ? exitCodes.needsApproval : exitCodes.refused;
  }
  if (error instanceof Unreachable) {
    printer.remark(t('unreachable', { why: error.message }));
    return exitCodes.unreachable;
  }
  throw error;
}

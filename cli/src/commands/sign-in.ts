/** `login`, `logout`, `whoami`. */
import { text } from 'node:stream/consumers';
import { caller } from '#src/call.ts';
import { forget, keep, readToken, urlFrom } from '#src/config.ts';
import { exitCodes, UsageError } from '#src/outcome.ts';
import type { Global, Shell } from '#src/shell.ts';
import { plain } from '#src/show.ts';

export function addSignIn({ program, t, printer, json, calling }: Shell): void {
  program
    .command('login')
    .description(t('cmdLogin'))
    .action(async () => {
      const global = program.opts<Global>();
      const url = urlFrom(global);
      if (global.tokenFile === undefined && process.stdin.isTTY) printer.remark(t('pasteToken'));
      const token =
        global.tokenFile === undefined ? await firstLine() : readToken(global.tokenFile);
      if (!/^preau_[A-Za-z0-9_-]{43}$/.test(token)) throw new UsageError('badToken');
      const me = await caller({ url, token })('me', {});
      printer.remark(
        t('loggedIn', { url, name: plain(me.displayName), path: keep({ url, token }) }),
      );
    });
  program
    .command('logout')
    .description(t('cmdLogout'))
    .action(() => {
      forget();
      printer.remark(t('loggedOut'));
    });
  program
    .command('whoami')
    .description(t('cmdWhoami'))
    .action(
      calling(async ({ call, asJson }) => {
        const me = await call('me', {});
        if (asJson) json(me);
        else printer.out(`${me.login}  ${plain(me.displayName)}`);
        return exitCodes.done;
      }),
    );
}

/** From a terminal, reads one line; from a pipe, all of its content. */
async function firstLine(): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).trim();
  for await (const chunk of process.stdin) return String(chunk).trim();
  return '';
}

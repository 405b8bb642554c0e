/** `sites`, `servers`, `applications`. */
import type { Call } from '#src/call.ts';
import { exitCodes } from '#src/outcome.ts';
import type { Shell } from '#src/shell.ts';
import { table } from '#src/show.ts';
import type { Word } from '#src/words.ts';

export function addLists({ program, lang, t, printer, json, calling }: Shell): void {
  const listed = (
    command: string,
    word: Word,
    list: (call: Call) => Promise<{ items: unknown[]; rows: (string | number)[][] }>,
  ) =>
    program
      .command(command)
      .description(t(word))
      .command('list')
      .description(t('cmdList'))
      .action(
        calling(async ({ call, asJson }) => {
          const { items, rows } = await list(call);
          if (asJson) json(items);
          else for (const line of table(rows)) printer.out(line.trimEnd());
          return exitCodes.done;
        }),
      );
  listed('sites', 'cmdSites', async (call) => {
    const { items } = await call('listSites', {});
    return {
      items,
      rows: items.map((site) => [
        site.uai,
        site.health,
        site.name,
        site.city,
        `${site.servers}`,
        `${site.liveSessions}`,
      ]),
    };
  });
  listed('servers', 'cmdServers', async (call) => {
    const { items } = await call('listServers', { query: {} });
    return {
      items,
      rows: items.map((server) => [
        server.id,
        server.health,
        server.siteName,
        server.name,
        `${server.liveSessions}/${server.maxSessions}`,
      ]),
    };
  });
  listed('applications', 'cmdApplications', async (call) => {
    const { items } = await call('listApplications', {});
    return {
      items,
      rows: items.map((application) => [
        application.slug,
        application.version,
        application.name[lang],
        `${application.installedOn}`,
      ]),
    };
  });
}

/** `catalogue`, `package`. */
import { apply, readDrafts, upload, uploadMissing, withdraw } from '#src/catalogue.ts';
import { exitCodes } from '#src/outcome.ts';
import type { Shell } from '#src/shell.ts';
import { table } from '#src/show.ts';

export function addCatalogue({ program, t, printer, json, calling }: Shell): void {
  const catalogue = program.command('catalogue').description(t('cmdCatalogue'));
  catalogue
    .command('apply <path>')
    .description(t('cmdApply'))
    .option('--dry-run', t('optDryRun'))
    .option('--packages <folder>', t('optPackages'))
    .action(
      calling(
        async (
          { call, connection, asJson },
          path: string,
          options: { dryRun?: boolean; packages?: string },
        ) => {
          const drafts = readDrafts(path);
          if (options.packages !== undefined && options.dryRun !== true)
            await uploadMissing(connection, call, drafts, options.packages, (stored) =>
              printer.remark(
                t('uploaded', { name: stored.name, sha256: stored.sha256.slice(0, 12) }),
              ),
            );
          const items = await apply(call, drafts, options.dryRun === true);
          const count = (...results: string[]) =>
            items.filter(({ result }) => results.includes(result)).length;
          if (asJson) json(items);
          else {
            const sign = { added: '+', version_added: '↑', unchanged: ' ', refused: '✗' };
            for (const line of table(
              items
                .filter(({ result }) => result !== 'unchanged')
                .map((item) => [
                  sign[item.result],
                  item.slug ?? `#${item.index + 1}`,
                  item.version ?? '',
                  item.code === null ? '' : `${item.code} ${item.why ?? ''}`,
                ]),
            ))
              printer.out(line.trimEnd());
            printer.remark(
              t('imported', {
                added: count('added', 'version_added'),
                unchanged: count('unchanged'),
                refused: count('refused'),
              }),
            );
            if (options.dryRun === true) printer.remark(t('dryRun'));
          }
          return count('refused') > 0 ? exitCodes.refused : exitCodes.done;
        },
      ),
    );
  catalogue
    .command('export')
    .description(t('cmdExport'))
    .action(
      calling(async ({ call }) => {
        json(await call('exportCatalogue', {}));
        return exitCodes.done;
      }),
    );
  for (const [name, word, done, withdrawn] of [
    ['withdraw', 'cmdWithdraw', 'withdrawn', true],
    ['restore', 'cmdRestore', 'restored', false],
  ] as const) {
    catalogue
      .command(`${name} <application>`)
      .description(t(word))
      .action(
        calling(async ({ call, asJson }, named: string) => {
          const moved = await withdraw(call, named, withdrawn);
          if (asJson) json(moved);
          else printer.out(t(done, { slug: moved.slug, versions: moved.versions.join(', ') }));
          return exitCodes.done;
        }),
      );
  }
  program
    .command('package')
    .description(t('cmdPackage'))
    .command('upload <file>')
    .description(t('cmdUpload'))
    .option('--name <name>', t('optName'))
    .action(
      calling(async ({ call, connection, asJson }, file: string, options: { name?: string }) => {
        const { stored, before } = await upload(connection, call, file, options.name, (share) => {
          if (printer.tty && !asJson) printer.redraw(`${Math.floor(share * 100)} %`);
        });
        if (asJson) json(stored);
        else
          printer.out(
            t(before ? 'uploadedBefore' : 'uploaded', { name: stored.name, sha256: stored.sha256 }),
          );
        return exitCodes.done;
      }),
    );
}

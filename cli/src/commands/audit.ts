/** `audit verify`: asks the controller, or reads exported files without it. */
import type { ChainVerdict } from '@preau/contract/audit-chain.ts';
import { linkFrom, verifyFiles } from '#src/audit.ts';
import { type ExitCode, exitCodes } from '#src/outcome.ts';
import type { Global, Shell } from '#src/shell.ts';

export function addAudit({ program, t, printer, json, calling, end }: Shell): void {
  program
    .command('audit')
    .description(t('cmdAudit'))
    .command('verify [files...]')
    .description(t('cmdVerify'))
    .option('--head <place>', t('optHead'))
    .option('--key <key>', t('optKey'))
    .action(async (files: string[], options: { head?: string; key?: string }) => {
      const known = linkFrom(options.head);
      const told = (verdict: ChainVerdict): ExitCode => {
        if (program.opts<Global>().json === true) json(verdict);
        else if (verdict.broken === null)
          printer.out(
            t('auditIntact', {
              events: verdict.events,
              erased: verdict.erased,
              head: `${verdict.head.seq}:${verdict.head.hash}`,
            }),
          );
        else
          printer.out(
            t('auditBroken', { seq: verdict.broken.seq, problem: t(verdict.broken.problem) }),
          );
        return verdict.intact ? exitCodes.done : exitCodes.failed;
      };
      if (files.length === 0)
        return calling(async ({ call }) =>
          told(
            await call('verifyAudit', {
              query: known === null ? {} : { seq: String(known.seq), hash: known.hash },
            }),
          ),
        )();
      const verdict = await verifyFiles(files, { key: options.key, known });
      end(told(verdict));
      if (options.key === undefined && verdict.key !== null)
        printer.remark(
          t('auditKey', {
            key: verdict.key,
            at: verdict.signedAt === null ? '?' : new Date(verdict.signedAt).toISOString(),
          }),
        );
      if (verdict.intact && !verdict.last) printer.remark(t('auditPart'));
    });
}

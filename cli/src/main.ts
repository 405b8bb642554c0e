#!/usr/bin/env node
/** `preau`: manages the city from a script or a terminal. Each command makes one or a few calls of
 * the contract. The exit codes are a stable interface (`preau --help`). */
import { Command } from 'commander';
import { addAudit } from './commands/audit.ts';
import { addCatalogue } from './commands/catalogue.ts';
import { addLists } from './commands/lists.ts';
import { addBrake, addRollouts } from './commands/rollouts.ts';
import { addSignIn } from './commands/sign-in.ts';
import { type ExitCode, exitCodes } from './outcome.ts';
import { createShell, ended, t } from './shell.ts';

const program = new Command('preau')
  .description(t('about'))
  .addHelpText('after', t('exitCodes'))
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })
  .option('--url <url>', t('optUrl'))
  .option('--token-file <file>', t('optTokenFile'))
  .option('--json', t('optJson'));

let code: ExitCode = exitCodes.done;
const shell = createShell(program, (next) => {
  code = next;
});
// In the order in which `--help` names them.
for (const add of [addSignIn, addCatalogue, addLists, addRollouts, addAudit, addBrake]) add(shell);

try {
  await program.parseAsync();
} catch (error) {
  code = ended(shell, error);
}
process.exitCode = code;

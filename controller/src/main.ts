/** `node controller/src/main.ts`: runs the controller of a city. With a word behind it, one of the
 * commands of `commands/table.ts`, which `packaging/preau` calls. */

import { commands, usage } from './commands/table.ts';
import { ConfigError, type Environment, readConfig, readConfigAsFarAsRight } from './config.ts';
import { IdentityFaults, readIdentity } from './identity/settings.ts';
import { startRefusal } from './start-refusal.ts';

function configOrExit(): Environment {
  try {
    const config = readConfig();
    readIdentity(config.PREAU_IDENTITY);
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof IdentityFaults)) throw error;
    console.error(error.message);
    process.exit(2);
  }
}

/** What nobody foresaw is thrown, with its stack. */
function refusedWith(error: unknown, what: string): never {
  const refusal = startRefusal(error, what);
  if (refusal === null) throw error;
  console.error(refusal);
  // Whatever has been opened so far ends with the process.
  process.exit(1);
}

async function runCommand(name: string, args: readonly string[]): Promise<never> {
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) {
    console.error(`Unknown command ${name}.\n${await usage()}`);
    process.exit(2);
  }
  const command = await load();
  const config = command.toleratesFaults ? readConfigAsFarAsRight().config : configOrExit();
  const code = await command
    .run(config, args)
    .catch((error: unknown) => refusedWith(error, `preau ${name} stopped`));
  process.exit(code);
}

async function serve(): Promise<void> {
  const config = configOrExit();
  const { startController } = await import('./controller.ts');
  const controller = await startController(config).catch((error: unknown) =>
    refusedWith(error, 'Préau does not start'),
  );
  // npm, a terminal and a container engine may each send a signal: the first one counts.
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      // What hangs is left behind, and has been logged: the next start tidies up after it.
      controller.close().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
  }
}

const [name, ...args] = process.argv.slice(2);
if (name === undefined) await serve();
else await runCommand(name, args);

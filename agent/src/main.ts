/** `node main.ts enrol --controller URL --key KEY --code CODE` (or `--code-file FILE`, which keeps
 * the code out of the process list) once, then `node main.ts run`. */
import { parseArgs } from 'node:util';
import { createCityClock } from '@preau/contract/city-clock.ts';
import { AppError } from '@preau/contract/errors.ts';
import pino from 'pino';
import { createAgent } from './agent.ts';
import { openBundles, restartCode } from './bundles.ts';
import { readAgentConfig } from './config.ts';
import { openLink } from './controller-link.ts';
import { createLinuxDriver } from './drivers/linux/linux.ts';
import { enrol } from './enrol.ts';
import { readText, sha256Of } from './files.ts';
import { isSignedByController, loadIdentity } from './identity.ts';

const version = '0.1.0';
const usage =
  'Usage: preau-agent enrol --controller URL --key CONTROLLER_KEY (--code CODE | --code-file ' +
  'FILE)\n       preau-agent run';

function stop(message: string, code: number): never {
  console.error(message);
  process.exit(code);
}

/** What exactly was met, such as the issuer of a certificate. */
const particulars = (details: Record<string, unknown>): string => {
  const told = Object.entries(details)
    .filter(([, value]) => value !== '')
    .map(
      ([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    );
  return told.length === 0 ? '' : `\n(${told.join('; ')})`;
};

/** An AggregateError, one attempt per address, has no message of its own. */
const reasonOf = (error: unknown): string =>
  error instanceof Error
    ? error.message || String((error as NodeJS.ErrnoException).code ?? error.name)
    : String(error);

const config = (() => {
  try {
    return readAgentConfig();
  } catch (error) {
    return stop(error instanceof Error ? error.message : String(error), 2);
  }
})();
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    controller: { type: 'string' },
    key: { type: 'string' },
    code: { type: 'string' },
    'code-file': { type: 'string' },
    launched: { type: 'boolean' },
  },
});

if (positionals[0] === 'enrol') {
  const { controller, key, 'code-file': codeFile } = values;
  const code = codeFile === undefined ? values.code : readText(codeFile)?.trim();
  if (controller === undefined || key === undefined || code === undefined) stop(usage, 2);
  if (loadIdentity(config.stateFolder) !== undefined)
    stop(
      `This server is enrolled already. To enrol it anew, remove ${config.stateFolder}/identity.json first.`,
      1,
    );
  try {
    const identity = await enrol(config.stateFolder, {
      controllerUrl: controller,
      controllerKey: key,
      code,
      display: { host: config.rdpHost, port: config.rdpPort },
    });
    console.log(`Enrolled as ${identity.serverId}.`);
  } catch (error) {
    stop(
      error instanceof AppError
        ? `${error.message}${particulars(error.details)}`
        : `The controller at ${controller} could not be reached: ${reasonOf(error)}`,
      1,
    );
  }
} else if (positionals[0] === 'run') {
  if (process.getuid?.() !== 0)
    stop('The agent installs applications and makes accounts: run it as root.', 1);
  const identity = loadIdentity(config.stateFolder);
  if (identity === undefined) stop(`This server is not enrolled yet.\n${usage}`, 1);
  let stopping = false;
  // From now on a signal ends the agent in order, also one that comes while it starts.
  const asked = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => {
        stopping = true;
        resolve();
      });
  });
  const log = pino({ level: config.logLevel });
  const clock = createCityClock();
  const link = openLink(identity, clock);
  const bundles = openBundles(config.stateFolder);
  const bundle = await sha256Of(process.argv[1] ?? '');
  const agent = createAgent({
    serverId: identity.serverId,
    stateFolder: config.stateFolder,
    driver: createLinuxDriver(config, {
      version,
      log,
      identity,
      bundles,
      readPackage: link.readPackage,
      now: clock.now,
      running: { sha256: bundle, launched: values.launched === true },
      restart: () => process.exit(restartCode),
    }),
    link: {
      ...link,
      // An accepted report ends the trial of this bundle.
      sendReport: async (report) => {
        const reply = await link.sendReport(report);
        bundles.confirm(bundle);
        return reply;
      },
    },
    verify: (text, signature) => isSignedByController(identity.controllerKey, text, signature),
    now: clock.now,
    log,
  });
  const started = agent.start();
  void asked
    .then(() => started)
    .catch((error: unknown) => log.warn({ err: error }, 'stopped before it had started'))
    .then(() => agent.stop())
    .then(
      () => {
        link.close();
        process.exit(0);
      },
      (error: unknown) => {
        log.error({ err: error }, 'not stopped cleanly');
        process.exit(1);
      },
    );
  await started.catch((error: unknown) => {
    if (!stopping) throw error;
  });
  if (!stopping) log.info({ server: identity.serverId }, 'agent runs');
} else stop(usage, 2);

/** Runs the agent, and nothing else: small enough never to need an update itself. A new bundle is
 * on trial until the controller has accepted a report from it. If it ends or does not report in
 * time, the previous bundle runs again and the new one is never retried. Usage:
 * `preau-agent-launcher.mjs run`, with the agent's own settings. */
import { join } from 'node:path';
import { openBundles, restartCode } from './bundles.ts';
import { startChild } from './command.ts';
import { readAgentConfig } from './config.ts';

const say = (text: string) => console.error(`launcher: ${text}`);
const config = readAgentConfig();
const bundles = openBundles(config.stateFolder);
const shipped = join(import.meta.dirname, 'preau-agent.mjs');
let stopping = false;
let stopChild: (signal: NodeJS.Signals) => void = () => undefined;

for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, () => {
    stopping = true;
    stopChild(name);
  });
}

/** Runs the agent once and returns its exit code (null: a signal ended it), or `restartCode` after a
 * failed trial. A trial that is not confirmed in time is killed. */
async function live(trial: string | null): Promise<number | null> {
  const current = bundles.current();
  const child = startChild(process.execPath, [
    trial !== null ? bundles.pathOf(trial) : current !== null ? bundles.pathOf(current) : shipped,
    ...process.argv.slice(2),
    '--launched',
  ]);
  stopChild = child.kill;
  if (stopping) child.kill('SIGTERM');
  if (trial === null) return child.exited;
  const started = performance.now();
  const verdict = { confirmed: false, silent: false };
  const timer = setInterval(() => {
    if (bundles.isConfirmed(trial)) {
      verdict.confirmed = true;
      bundles.promote(trial);
      say(`agent ${trial.slice(0, 12)} is confirmed`);
    } else if (performance.now() - started > config.trialSeconds * 1000) {
      verdict.silent = true;
      child.kill('SIGKILL');
    } else return;
    clearInterval(timer);
  }, 200);
  const code = await child.exited;
  clearInterval(timer);
  // It may have been confirmed and have ended between two checks.
  if (!verdict.confirmed && bundles.isConfirmed(trial)) bundles.promote(trial);
  else if (!verdict.confirmed && !stopping) {
    say(
      `agent ${trial.slice(0, 12)} ` +
        `${verdict.silent ? 'did not report in time' : `ended with ${code}`}: back to the one ` +
        'before',
    );
    bundles.condemn(trial);
    return restartCode;
  }
  return code;
}

let code: number | null;
do code = await live(bundles.trial());
while (code === restartCode && !stopping);
// An agent that was told to stop before it could handle the signal was ended by it: no failure.
process.exit(code ?? (stopping ? 0 : 1));

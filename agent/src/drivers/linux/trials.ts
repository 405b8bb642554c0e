/** Trial of a new agent on this server: it succeeds once the controller has received a report from
 * the new agent. */
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import type { Bundles } from '#src/bundles.ts';
import { readText, write } from '#src/files.ts';
import { stagedUnder } from './staged.ts';

export interface Trials {
  /** Does not return on success: the agent exits, and its launcher starts the next one. Throws
   * AppError INSTALL_FAILED. */
  begin: (key: string, sha256: string, path: string) => Promise<never>;
  /** Resolves when the trial that the previous agent began under `key` has ended, once the
   * controller has accepted a report from this agent. Null when no such trial runs. */
  under: (key: string) => Promise<void> | null;
}

const lookEveryMs = 200;

export function createTrials(deps: {
  stageRoot: string;
  bundles: Bundles;
  running: { sha256: string | null; launched: boolean };
  restart: () => void;
}): Trials {
  const trialOf = (key: string) => join(stagedUnder(deps.stageRoot, key).folder, 'trial');
  return {
    begin: (key, sha256, path) => {
      if (!deps.running.launched)
        throw new AppError('INSTALL_FAILED', {
          why: 'this agent was not started by its launcher: it cannot be replaced',
        });
      if (deps.bundles.isBad(sha256))
        throw new AppError('INSTALL_FAILED', {
          why: 'this agent was tried here and did not report to the city',
        });
      write(trialOf(key), sha256, 0o600);
      deps.bundles.begin(sha256, path);
      deps.restart();
      return new Promise<never>(() => undefined);
    },
    under: (key) => {
      const sha256 = readText(trialOf(key));
      const over = () =>
        sha256 === undefined ||
        sha256 !== deps.running.sha256 ||
        deps.bundles.trial() !== sha256 ||
        deps.bundles.isConfirmed(sha256);
      if (over()) return null;
      return new Promise((resolve) => {
        const timer = setInterval(() => {
          if (!over()) return;
          clearInterval(timer);
          resolve();
        }, lookEveryMs);
        timer.unref();
      });
    },
  };
}

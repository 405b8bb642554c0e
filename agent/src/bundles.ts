/** The agent's own bundles: which one runs, which one is on trial, which ones failed. Shared by the
 * agent, which begins a trial and confirms itself, and by its launcher, which ends it. */
import { join } from 'node:path';
import { copyTo, exists, makeFolder, names, readText, remove, writeDurably } from './files.ts';

/** Exit code by which the agent asks its launcher to start the bundle on trial. */
export const restartCode = 75;

export interface Bundles {
  pathOf: (sha256: string) => string;
  /** Null: the bundle that was installed with the launcher. */
  current: () => string | null;
  trial: () => string | null;
  isBad: (sha256: string) => boolean;
  /** Whether the controller has accepted a report from this bundle on trial. */
  isConfirmed: (sha256: string) => boolean;
  begin: (sha256: string, from: string) => void;
  confirm: (sha256: string) => void;
  promote: (sha256: string) => void;
  condemn: (sha256: string) => void;
}

export function openBundles(stateFolder: string): Bundles {
  const folder = join(stateFolder, 'agent');
  const read = (name: string) =>
    /^[0-9a-f]{64}$/.exec(readText(join(folder, name))?.trim() ?? '')?.[0] ?? null;
  const pathOf = (sha256: string) => join(folder, `${sha256}.mjs`);
  const bad = () => (readText(join(folder, 'bad')) ?? '').split('\n').filter((line) => line !== '');
  const note = (name: string, text: string) => {
    makeFolder(folder, 0o700);
    writeDurably(join(folder, name), text);
  };
  return {
    pathOf,
    current: () => {
      const sha256 = read('current');
      return sha256 !== null && exists(pathOf(sha256)) ? sha256 : null;
    },
    trial: () => {
      const sha256 = read('trial');
      return sha256 !== null && exists(pathOf(sha256)) ? sha256 : null;
    },
    isBad: (sha256) => bad().includes(sha256),
    isConfirmed: (sha256) => read('confirmed') === sha256,
    begin: (sha256, from) => {
      makeFolder(folder, 0o700);
      copyTo(from, pathOf(sha256), 0o600);
      remove(join(folder, 'confirmed'));
      note('trial', sha256);
    },
    confirm: (sha256) => {
      if (read('trial') === sha256 && read('confirmed') !== sha256) note('confirmed', sha256);
    },
    promote: (sha256) => {
      const previous = read('current');
      note('current', sha256);
      remove(join(folder, 'trial'));
      // The previous bundle stays for inspection; older ones are removed.
      for (const name of names(folder))
        if (name.endsWith('.mjs') && name !== `${sha256}.mjs` && name !== `${previous}.mjs`)
          remove(join(folder, name));
    },
    condemn: (sha256) => {
      note('bad', `${[...bad(), sha256].slice(-100).join('\n')}\n`);
      remove(join(folder, 'trial'));
      remove(pathOf(sha256));
    },
  };
}

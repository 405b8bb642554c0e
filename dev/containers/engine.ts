/** A container engine of its own on this machine: Debian 13's Docker with Compose, in a bare root
 * with a network of its own. Nothing is installed on the machine, no registry is asked, and nothing
 * is left when it is closed. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enginePackages } from '../../packaging/linux/requirements.mjs';
import { openBareRoot, type Running } from '../bare-root.ts';
import { type OpenBrowser, openBrowser } from '../browser.ts';
import { reachOptions, sourcesList } from '../lab/base.ts';
import { signal } from '../lab/host.ts';
import { GivenUp, until } from '../services.ts';

export interface Engine {
  /** Standard output of a shell command in the clone; throws when it fails. */
  must: (line: string, timeoutMs?: number) => Promise<string>;
  start: (line: string) => Running;
  /** Chromium of this machine, in the engine's network. */
  browser: (more?: readonly string[]) => Promise<OpenBrowser>;
  close: () => Promise<void>;
}

const groups = '/sys/fs/cgroup';
const groupPrefix = 'preau-containers-';

/** `tell` receives what the programs print. */
export async function openEngine(tell: (line: string) => void): Promise<Engine> {
  await removeDeadGroups();
  const bare = await openBareRoot('trixie', { network: 'own', memory: 0 });
  const group = `${groupPrefix}${process.pid}`;
  const scratch = mkdtempSync(join(tmpdir(), 'preau-engine-'));
  const close = async () => {
    await bare.close();
    await removeGroup(group);
    rmSync(scratch, { recursive: true, force: true });
  };
  const must = async (line: string, timeoutMs = 60_000) => {
    tell(`$ ${line}`);
    const { code, stdout, stderr } = await bare.run(line, timeoutMs);
    tell(`${stdout}${stderr}`);
    if (code !== 0)
      throw new Error(`${line} ended with ${code}: ${`${stdout}${stderr}`.slice(-3000)}`);
    return stdout;
  };
  try {
    await must('apt-get -q update', 120_000);
    await must(
      `DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends ${enginePackages.join(' ')}`,
      300_000,
    );
    const daemon = bare.start(`bash dev/containers/engine.sh ${group}`);
    await until(
      'the engine',
      async () => {
        if (daemon.code() !== null) throw new GivenUp(`dockerd: ${daemon.said().slice(-2000)}`);
        return (await bare.run('docker info')).code === 0;
      },
      30_000,
    );
    const given = { sources: sourcesList('bookworm'), options: await reachOptions() };
    for (const [name, text] of Object.entries(given))
      await must(`printf %s ${quoted(text)} > /root/${name}`);
    await must('bash dev/containers/stand-ins.sh /root/sources /root/options', 600_000);
    const chromium = join(scratch, 'chromium');
    writeFileSync(
      chromium,
      `#!/bin/sh\nexec nsenter --target ${bare.pid} --net -- /usr/bin/chromium "$@"\n`,
    );
    chmodSync(chromium, 0o755);
    return {
      must,
      start: (line) => bare.start(line, {}, tell),
      browser: (more = []) => openBrowser(1280, 800, 'fr-FR', more, chromium),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

export const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

const trees = (): string[] => [
  groups,
  ...readdirSync(groups, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(groups, name)),
];

/** A control group outlives its processes. On version 1 there is one for each controller. */
async function removeGroup(group: string): Promise<void> {
  for (const tree of trees()) {
    const path = join(tree, group);
    if (!existsSync(path)) continue;
    const inner = readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort((one, other) => other.length - one.length);
    // The kernel lets go of the last processes a little later.
    for (const folder of [...inner, path])
      await until(folder, () => {
        rmdirSync(folder);
        return true;
      });
  }
}

/** Of runs that were killed. */
async function removeDeadGroups(): Promise<void> {
  const names = trees()
    .flatMap((tree) => readdirSync(tree))
    .filter((name) => name.startsWith(groupPrefix));
  for (const name of new Set(names))
    if (!signal(Number(name.slice(groupPrefix.length)), 0)) await removeGroup(name);
}

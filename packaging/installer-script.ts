/** The installer as a school downloads it: one script, made of `linux/install.sh` and the files in
 * `linux/installer/` that it names. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { serverPackages } from './linux/requirements.mjs';

const linux = join(import.meta.dirname, 'linux');

/** Throws when the script would not fit what is built beside it. */
export function installerScript(): string {
  const script = readFileSync(join(linux, 'install.sh'), 'utf8').replace(
    /^\. "\$\{0%\/\*\}\/(installer\/[a-z]+\.sh)"$/gm,
    (_, name: string) => `# --- ${name}\n${readFileSync(join(linux, name), 'utf8').trimEnd()}\n`,
  );
  // The demo and schools install the same packages.
  const listed = /^packages='([^']*)'$/m.exec(script)?.[1]?.split(' ') ?? [];
  if (listed.join(' ') !== serverPackages.join(' '))
    throw new Error(`packaging/linux/install.sh must install: ${serverPackages.join(' ')}`);
  // It downloads the files offered beside it, and the unit starts what it installs.
  const downloaded = /^ {2}for file in ([^;]*); do$/m.exec(script)?.[1]?.split(' ') ?? [];
  if (downloaded.join(' ') !== offered.join(' '))
    throw new Error(`packaging/linux/installer/agent.sh must download: ${offered.join(' ')}`);
  const folder = /^folder=(\S+)$/m.exec(script)?.[1] ?? '';
  const unit = readFileSync(join(linux, 'preau-agent.service'), 'utf8');
  if (!unit.includes(`ExecStart=${folder}/node ${folder}/preau-agent-launcher.mjs run`))
    throw new Error(`packaging/linux/preau-agent.service must start the launcher in ${folder}`);
  return script;
}

const offered = ['preau-agent.mjs', 'preau-agent-launcher.mjs', 'preau-agent.service'];

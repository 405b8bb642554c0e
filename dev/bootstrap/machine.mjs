/** Refuses a machine that cannot run what is asked for, before anything is changed. */
import { existsSync, readFileSync } from 'node:fs';
import { refuse } from './programs.mjs';

const oldestNode = 18;

export function checkNode() {
  if (Number(process.versions.node.split('.')[0]) < oldestNode)
    refuse(
      `Préau needs Node ${oldestNode} or newer to begin; this is ${process.version}. Debian ` +
        '12 and 13 have it: apt-get install nodejs npm. Elsewhere take Node from nodejs.org.',
    );
}

/** Displays, databases and tests of the whole need Debian and root. `again` is the command to repeat
 * with sudo. */
export function checkSystem(again) {
  const container =
    'Or try it in containers, on any system with Docker: docker compose --profile demo up (see ' +
    'README.md, "Without Debian").';
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const isDebian = /^ID=debian$/m.test(release) && /^VERSION_ID="1[2-9]"$/m.test(release);
  if (process.platform !== 'linux' || !isDebian) {
    const found = /^PRETTY_NAME="?([^"\n]+)/m.exec(release)?.[1] ?? process.platform;
    refuse(
      'The demo runs applications on this machine, so it needs Debian 12 or 13. This is ' +
        `${found}.\n${container}\nThe unit tests run anywhere: npm test -- --quick`,
    );
  }
  if (process.getuid() !== 0)
    refuse(
      'The demo installs Debian packages and makes throw-away accounts, so it needs root. ' +
        `Nothing was changed. Run:\n\n    sudo npm ${again}\n\n${container}`,
    );
}

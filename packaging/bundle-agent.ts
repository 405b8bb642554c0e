/** Builds the folder a controller offers to new servers (PREAU_AGENT_FILES): the agent as one file,
 * its launcher, its unit and its installer. Run by `npm run build`; a test names a folder of its
 * own. */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { serverPackages } from './linux/requirements.mjs';

const root = join(import.meta.dirname, '..');
const [out = join(import.meta.dirname, 'build')] = process.argv.slice(2);
const linux = join(import.meta.dirname, 'linux');
mkdirSync(out, { recursive: true });

for (const { from, to } of [
  { from: 'agent/src/main.ts', to: 'preau-agent.mjs' },
  { from: 'agent/src/launcher.ts', to: 'preau-agent-launcher.mjs' },
]) {
  await build({
    entryPoints: [join(root, from)],
    outfile: join(out, to),
    bundle: true,
    platform: 'node',
    format: 'esm',
    // Oldest Node that install.sh accepts.
    target: 'node22',
    // Bundled CommonJS packages load Node's own modules with `require`.
    banner: {
      js:
        "import { createRequire as preauCreateRequire } from 'node:module';\nconst require = " +
        'preauCreateRequire(import.meta.url);',
    },
    // Optional accelerators of `ws`, which works without them.
    external: ['bufferutil', 'utf-8-validate'],
    legalComments: 'linked',
    logLevel: 'warning',
  });
}

// The demo and schools install the same packages: the build fails if the installer lists others.
const installer = readFileSync(join(linux, 'install.sh'), 'utf8');
const listed = /^packages='([^']*)'$/m.exec(installer)?.[1]?.split(' ') ?? [];
if (listed.join(' ') !== serverPackages.join(' '))
  throw new Error(`packaging/linux/install.sh must install: ${serverPackages.join(' ')}`);
// The installer must download the files offered here, and the unit must start what it installs.
const unit = readFileSync(join(linux, 'preau-agent.service'), 'utf8');
const downloaded = /^ {2}for file in ([^;]*); do$/m.exec(installer)?.[1]?.split(' ') ?? [];
const offered = ['preau-agent.mjs', 'preau-agent-launcher.mjs', 'preau-agent.service'];
if (downloaded.join(' ') !== offered.join(' '))
  throw new Error(`packaging/linux/install.sh must download: ${offered.join(' ')}`);
const folder = /^folder=(\S+)$/m.exec(installer)?.[1] ?? '';
if (!unit.includes(`ExecStart=${folder}/node ${folder}/preau-agent-launcher.mjs run`))
  throw new Error(`packaging/linux/preau-agent.service must start the launcher in ${folder}`);
writeFileSync(join(out, 'install.sh'), installer);
chmodSync(join(out, 'install.sh'), 0o755);
copyFileSync(join(linux, 'preau-agent.service'), join(out, 'preau-agent.service'));

// The version of this bundle, for the catalogue.
const { version } = JSON.parse(readFileSync(join(root, 'agent/package.json'), 'utf8')) as {
  version: string;
};
writeFileSync(join(out, 'version.json'), `${JSON.stringify({ version })}\n`);

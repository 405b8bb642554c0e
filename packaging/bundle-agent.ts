/** Builds the folder a controller offers to new servers (PREAU_AGENT_FILES): the agent as one file,
 * its launcher, its unit and its installer. Run by `npm run build`; a test names a folder of its
 * own. */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { installerScript } from './installer-script.ts';

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

writeFileSync(join(out, 'install.sh'), installerScript());
chmodSync(join(out, 'install.sh'), 0o755);
copyFileSync(join(linux, 'preau-agent.service'), join(out, 'preau-agent.service'));

// The version of this bundle, for the catalogue.
const { version } = JSON.parse(readFileSync(join(root, 'agent/package.json'), 'utf8')) as {
  version: string;
};
writeFileSync(join(out, 'version.json'), `${JSON.stringify({ version })}\n`);

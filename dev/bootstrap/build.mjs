/** Builds what is served: the console, and the agent and the command line as one file each. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, step } from './programs.mjs';
import { hashOf, root, stampIs } from './stamps.mjs';

export async function build(node) {
  await buildFrom(
    'console',
    'console/build/.stamp',
    [
      'console/src',
      'console/static',
      'console/vite.config.ts',
      'contract/src',
      'package-lock.json',
    ],
    () =>
      must(node, [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'error'], {
        cwd: join(root, 'console'),
      }),
  );
  await buildFrom(
    'agent and command line in one file each',
    'packaging/build/.stamp',
    [
      'agent/src',
      'cli/src',
      'contract/src',
      'packaging/linux',
      'packaging/bundle-agent.ts',
      'packaging/bundle-cli.ts',
      'package-lock.json',
    ],
    () => {
      for (const bundle of ['agent', 'cli'])
        must(node, [join(root, `packaging/bundle-${bundle}.ts`)], { cwd: root });
    },
  );
}

function buildFrom(title, stampPath, sources, work) {
  const stamp = join(root, stampPath);
  const wanted = hashOf(sources);
  return step(
    title,
    () => stampIs(stamp, wanted),
    () => {
      work();
      writeFileSync(stamp, wanted);
    },
  );
}

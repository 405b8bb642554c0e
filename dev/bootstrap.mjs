/** Runs under the machine's own Node (18 or newer): installs what is missing, then hands over to
 * Node 24. Each step reports what it does and how long it took; finished steps are skipped.
 *
 *    node dev/bootstrap.mjs start | test [--quick] | bench NAME [--json] | lab up|down|status|fault
 *    … | simulate | mutate [AREA] | catalogue --check [PROGRAM…] | check | nightly | refresh-calendar | build */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  benchPackages,
  controllerPackages,
  labPackages,
  nightlyPackages,
  serverPackages,
  testPackages,
} from '../packaging/linux/requirements.mjs';
import { build } from './bootstrap/build.mjs';
import { installPackages, makeFrenchLocale } from './bootstrap/debian.mjs';
import { getGuacd } from './bootstrap/guacd.mjs';
import { checkNode, checkSystem } from './bootstrap/machine.mjs';
import { getNode, installNpmPackages } from './bootstrap/node.mjs';
import { handOver, must, refuse } from './bootstrap/programs.mjs';
import { root } from './bootstrap/stamps.mjs';

const [command = '', ...rest] = process.argv.slice(2);
const quick = rest.includes('--quick');
const testArguments = [
  'run',
  ...(quick ? ['--project', 'unit'] : []),
  ...rest.filter((word) => word !== '--quick'),
];

/** What each command runs, and the Debian packages it needs; `null`: none, and no root either. */
const forDisplays = [...controllerPackages, ...serverPackages];
const forTests = [...forDisplays, ...testPackages, ...labPackages];
const commands = {
  start: { packages: forDisplays, run: ['dev/start.ts', ...rest] },
  test: {
    packages: quick ? null : forTests,
    run: ['node_modules/vitest/vitest.mjs', ...testArguments],
  },
  bench: { packages: [...forTests, ...benchPackages], run: ['dev/bench.ts', ...rest] },
  lab: { packages: forTests, run: ['dev/lab/main.ts', ...rest] },
  catalogue: { packages: forTests, run: ['dev/catalogue.ts', ...rest] },
  nightly: { packages: nightlyPackages, run: ['dev/nightly.ts', ...rest] },
  mutate: { packages: null, run: ['dev/mutate/main.ts', ...rest] },
  simulate: { packages: null, run: ['dev/simulation/main.ts', ...rest] },
  check: { packages: null, run: ['dev/check.ts', ...rest] },
  'refresh-calendar': { packages: null, run: ['dev/refresh-calendar.ts', ...rest] },
  build: { packages: null, run: null },
};
const { packages, run } =
  commands[command] ??
  refuse(`Unknown command ${JSON.stringify(command)}: ${Object.keys(commands).join(', ')}.`);

const again = command === 'start' || command === 'test' ? command : `run ${command} --`;
checkNode();
if (packages !== null) checkSystem(`${again} ${rest.join(' ')}`.trim());
const engine = await getNode();
await installNpmPackages(engine);
if (packages !== null) await installPackages(packages);
if (packages !== null) {
  await getGuacd();
  await makeFrenchLocale();
  await build(engine.node);
}
if (command === 'build') await build(engine.node);
// Here rather than in the test: building a base system takes a minute, and here its progress is
// shown.
if (command === 'test' && !quick)
  must(engine.node, [join(root, 'dev/lab/main.ts'), 'prepare'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
// Only a whole run meets everything: a part of it must not say that the rest was never met.
const notes = join(root, '.data/met');
const isWhole = command === 'test' && rest.length === 0;
if (isWhole) rmSync(notes, { recursive: true, force: true });
if (run !== null) {
  const [script, ...args] = run;
  const met = isWhole ? { PREAU_MET: notes } : {};
  handOver(
    engine.node,
    [join(root, script), ...args],
    { cwd: root, env: { ...process.env, NODE_NO_WARNINGS: '1', ...met } },
    () => isWhole && must(engine.node, [join(root, 'dev/tested-with.ts'), 'write'], { cwd: root }),
  );
}

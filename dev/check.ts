/** `npm run check`: types, the console's types, lint and format. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './services.ts';

const bin = (path: string) => join(root, 'node_modules', path);
const steps: [string, string[], string][] = [
  ['types', [bin('typescript/bin/tsc'), '-p', 'tsconfig.json'], root],
  ['console', [bin('svelte-check/bin/svelte-check'), '--tsconfig', 'tsconfig.json', '--output', 'human'], join(root, 'console')],
  ['lint', [bin('@biomejs/biome/bin/biome'), 'lint', '--diagnostic-level=error', '.'], root],
];
let failed = false;
for (const [name, args, cwd] of steps) {
  const started = Date.now();
  const done = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  console.log(`${done.status === 0 ? '✓' : '✗'} ${name} ${((Date.now() - started) / 1000).toFixed(1)} s`);
  if (done.status !== 0) {
    failed = true;
    console.log(`${done.stdout}${done.stderr}`.slice(0, 8000));
  }
}
process.exit(failed ? 1 : 0);

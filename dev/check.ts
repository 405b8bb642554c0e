/** `npm run check`: types, the console's types, the weight of its pages, exports nobody uses,
 * what was tested with what, lint and format; side by side. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { root } from './services.ts';

const bin = (path: string) => join(root, 'node_modules', path);
const steps: [string, string[], string][] = [
  ['types', [bin('typescript/bin/tsc'), '-p', 'tsconfig.json'], root],
  [
    'console',
    [bin('svelte-check/bin/svelte-check'), '--tsconfig', 'tsconfig.json', '--output', 'human'],
    join(root, 'console'),
  ],
  ['pages', [join(root, 'dev/check-pages.ts')], root],
  ['exports', [bin('knip/bin/knip.js'), '--no-progress'], root],
  ['tested-with', [join(root, 'dev/tested-with.ts'), 'check'], root],
  ['lint', [bin('@biomejs/biome/bin/biome'), 'ci', '--diagnostic-level=error', '.'], root],
];
const results = await Promise.all(
  steps.map(
    ([name, args, cwd]) =>
      new Promise<boolean>((resolve) => {
        const started = Date.now();
        execFile(
          process.execPath,
          args,
          { cwd, encoding: 'utf8', maxBuffer: 64e6 },
          (error, stdout, stderr) => {
            console.log(
              `${error === null ? '✓' : '✗'} ${name} ${((Date.now() - started) / 1000).toFixed(1)} s`,
            );
            if (error !== null || name === 'tested-with')
              process.stdout.write(`${stdout}${stderr}`.slice(0, 8000));
            resolve(error === null);
          },
        );
      }),
  ),
);
process.exit(results.every(Boolean) ? 0 : 1);

/** Builds the command line as one file, `packaging/build/preau.mjs`, which runs anywhere with Node
 * 22. Run by `npm run build`. */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const out = join(import.meta.dirname, 'build');
mkdirSync(out, { recursive: true });

await build({
  entryPoints: [join(root, 'cli/src/main.ts')],
  outfile: join(out, 'preau.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  // Bundled CommonJS packages load Node's own modules with `require`.
  banner: {
    js:
      "import { createRequire as preauCreateRequire } from 'node:module';\nconst require = " +
      'preauCreateRequire(import.meta.url);',
  },
  legalComments: 'linked',
  logLevel: 'warning',
});
chmodSync(join(out, 'preau.mjs'), 0o755);

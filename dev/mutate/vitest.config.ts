/** For Stryker, in its copy of the project: the unit tests of one area. */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const folders = (process.env['PREAU_MUTATE_TESTS'] ?? '').split(',');

export default defineConfig({
  // npm's link leads to the checkout; the mutants are in the copy.
  resolve: {
    alias: [{ find: /^@preau\/contract\//, replacement: join(process.cwd(), 'contract/src/') }],
  },
  test: {
    environment: 'node',
    execArgv: ['--disable-warning=FSTDEP023'],
    include: folders.map((folder) => `${folder}/**/*.test.ts`),
    exclude: ['**/node_modules/**', '**/*.system.test.ts'],
    testTimeout: 20_000,
  },
});

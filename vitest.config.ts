import { defineConfig } from 'vitest/config';

const unit = [
  'contract/src/**/*.test.ts',
  'controller/src/**/*.test.ts',
  'agent/src/**/*.test.ts',
  'cli/src/**/*.test.ts',
  'console/src/**/*.test.ts',
  'dev/**/*.test.ts',
  'test/*.test.ts',
];
const system = ['test/e2e/**/*.test.ts', '**/*.system.test.ts'];
// Fastify 5 announces for each server that an option of it moves in version 6.
const execArgv = ['--disable-warning=FSTDEP023'];
const elsewhere = ['**/node_modules/**', '**/.data/**', '**/dist/**'];

/** `unit` runs anywhere in seconds; `system` starts real databases, servers, agents and browsers,
 * two files at a time: most of their time they wait for machines, and each keeps to folders, ports,
 * accounts and namespaces of its own. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          environment: 'node',
          execArgv,
          include: unit,
          testTimeout: 20_000,
          hookTimeout: 60_000,
          exclude: [...elsewhere, '**/*.system.test.ts'],
        },
      },
      {
        test: {
          name: 'system',
          sequence: { groupOrder: 1 },
          environment: 'node',
          execArgv,
          include: system,
          setupFiles: ['test/met.setup.ts'],
          exclude: elsewhere,
          testTimeout: 120_000,
          hookTimeout: 300_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});

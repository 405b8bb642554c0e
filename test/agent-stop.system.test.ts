/** The real agent under its real launcher is told to stop while it starts, at many moments. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDetached } from '../agent/src/command.ts';
import { writeDurably } from '../agent/src/files.ts';
import { newKeyPair } from '../agent/src/identity.ts';
import { id } from '../agent/src/world.fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'preau-stop-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeAll(async () => {
  for (const [entry, name] of [
    ['launcher.ts', 'preau-agent-launcher.mjs'],
    ['main.ts', 'preau-agent.mjs'],
  ] as const)
    await build({
      entryPoints: [join(import.meta.dirname, '../agent/src', entry)],
      outfile: join(root, name),
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node22',
      banner: {
        js: "import { createRequire } from 'node:module';const require = createRequire(import.meta.url);",
      },
    });
});

test.each([100, 200, 300, 400, 500, 700, 1000, 1500])(
  'after %d ms it ends without a failure',
  async (ms) => {
    const state = mkdtempSync(join(root, 'state-'));
    const name = `s${process.pid.toString(36)}${ms}`;
    writeDurably(
      join(state, 'identity.json'),
      JSON.stringify({
        serverId: id('srv', 's'),
        controllerUrl: 'http://127.0.0.1:9',
        controllerKey: newKeyPair().publicKey,
        privateKey: newKeyPair().privateKey,
      }),
    );
    const { pid, exited } = await startDetached(
      process.execPath,
      [join(root, 'preau-agent-launcher.mjs'), 'run'],
      join(state, 'log'),
      {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        PREAU_AGENT_STATE: state,
        PREAU_AGENT_RUN: `/run/preau-${name}`,
        PREAU_AGENT_PREFIX: name,
      },
    );
    await new Promise((resolve) => setTimeout(resolve, ms));
    process.kill(pid, 'SIGTERM');
    // Null: the signal came before anybody handled it, which systemd takes for a clean end.
    expect(await exited, readFileSync(join(state, 'log'), 'utf8')).toBeOneOf([0, null]);
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(name);
  },
);

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openBundles } from './bundles.ts';
import { run, startDetached } from './command.ts';

const root = mkdtempSync(join(tmpdir(), 'preau-launcher-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeAll(() =>
  build({
    entryPoints: [join(import.meta.dirname, 'launcher.ts')],
    outfile: join(root, 'preau-agent-launcher.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
  }),
);

/** A bundle that notes that it ran, then does what it is told. */
const bundle = (name: string, does: string) =>
  `import { appendFileSync, writeFileSync } from 'node:fs';\nconst state = ` +
  `process.env.PREAU_AGENT_STATE;\nappendFileSync(state + '/ran', '${name} ' + ` +
  `process.argv.includes('--launched') + '\\n');\n${does}\n`;
const confirming = (sha: string) =>
  `writeFileSync(state + '/agent/confirmed', '${sha}');setTimeout(() => process.exit(0), 600);`;

async function trial(name: string, newAgent: (sha256: string) => string) {
  const state = mkdtempSync(join(root, `${name}-`));
  writeFileSync(join(root, 'preau-agent.mjs'), bundle('old', 'process.exit(0);'));
  const bundles = openBundles(state);
  const path = join(state, 'incoming.mjs');
  const sha256 = createHash('sha256').update(name).digest('hex');
  writeFileSync(path, newAgent(sha256));
  bundles.begin(sha256, path);
  const again = () =>
    run(process.execPath, [join(root, 'preau-agent-launcher.mjs'), 'run'], {
      timeoutMs: 15_000,
      env: { PATH: '/usr/bin:/bin', PREAU_AGENT_STATE: state, PREAU_AGENT_TRIAL_SECONDS: '2' },
    });
  const ended = await again();
  return {
    bundles,
    sha256,
    ended,
    again,
    ran: () => readFileSync(join(state, 'ran'), 'utf8').trim().split('\n'),
  };
}

describe('a new agent', () => {
  test('that reports is kept', async () => {
    const { bundles, sha256, ended, again, ran } = await trial('good', (sha) =>
      bundle('new', confirming(sha)),
    );
    expect({ code: ended.code, ran: ran() }).toEqual({ code: 0, ran: ['new true'] });
    expect({ current: bundles.current(), trial: bundles.trial() }).toEqual({
      current: sha256,
      trial: null,
    });
    await again();
    expect(ran()).toEqual(['new true', 'new true']);
  });
  const failing: [name: string, does: string][] = [
    ['ends', 'process.exit(3);'],
    ['stays silent', 'setInterval(() => undefined, 1000);'],
    ['is no program', 'this is not JavaScript'],
    ['asks for another start', 'process.exit(75);'],
  ];
  test.each(failing)(
    'that %s gives way to the one before, and is not tried again',
    async (name, does) => {
      const { bundles, sha256, ended, again, ran } = await trial(name.replaceAll(' ', '-'), () =>
        bundle('new', does),
      );
      expect(ended.code).toBe(0);
      expect(ran().at(-1)).toBe('old true');
      expect({
        current: bundles.current(),
        trial: bundles.trial(),
        bad: bundles.isBad(sha256),
      }).toEqual({ current: null, trial: null, bad: true });
      const before = ran().length;
      await again();
      expect(ran().slice(before)).toEqual(['old true']);
    },
  );
});

test('an agent that a stop ends before it handles signals is no failure', async () => {
  const state = mkdtempSync(join(root, 'stopped-'));
  writeFileSync(
    join(root, 'preau-agent.mjs'),
    bundle('slow', 'setInterval(() => undefined, 1000);'),
  );
  const { pid, exited } = await startDetached(
    process.execPath,
    [join(root, 'preau-agent-launcher.mjs'), 'run'],
    join(state, 'log'),
    { PATH: '/usr/bin:/bin', PREAU_AGENT_STATE: state },
  );
  await vi.waitFor(() => readFileSync(join(state, 'ran')), { timeout: 10_000 });
  process.kill(pid, 'SIGTERM');
  expect(await exited).toBe(0);
});

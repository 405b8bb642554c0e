import { spawn } from 'node:child_process';
import { expect, test, vi } from 'vitest';
import { pidNamespace } from './processes.ts';
import { processesOf } from './sandbox-processes.ts';

test('without a control group, what still prepares a sandbox is found when bubblewrap is gone', async () => {
  const session = `ses_${'x'.repeat(22)}`;
  // As bubblewrap: a first process of a new namespace whose environment has no mark yet.
  const outer = spawn(
    'unshare',
    ['--pid', '--fork', 'sh', '-c', 'sleep 30; true', 'PREAU_SESSION', session],
    { stdio: 'ignore', env: {} },
  );
  const groups = { processesOf: () => null };
  const inside = () =>
    processesOf(groups, session).filter(
      ({ pid }) => pidNamespace(pid) !== pidNamespace(process.pid),
    );
  try {
    await vi.waitFor(() => expect(inside()).not.toEqual([]), { timeout: 10_000 });
    outer.kill('SIGKILL');
    await vi.waitFor(() => expect(outer.signalCode).toBe('SIGKILL'), { timeout: 10_000 });
    expect(inside().map(({ args }) => args[0])).toContain('sh');
  } finally {
    for (const { pid } of processesOf(groups, session)) process.kill(pid, 'SIGKILL');
  }
});

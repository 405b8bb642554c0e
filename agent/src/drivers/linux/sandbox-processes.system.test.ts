import { expect, test, vi } from 'vitest';
import { run } from '#src/command.ts';
import { endAll, pidNamespace } from './processes.ts';
import { processesOf } from './sandbox-processes.ts';

test('without a control group, what still prepares a sandbox is found when bubblewrap is gone', async () => {
  const session = `ses_${'x'.repeat(22)}`;
  // As bubblewrap: a first process of a new namespace whose environment has no mark yet. The
  // deadline kills the outer process only.
  const outer = run(
    'unshare',
    ['--pid', '--fork', 'sh', '-c', 'sleep 60; true', 'PREAU_SESSION', session],
    { timeoutMs: 5000, env: {} },
  );
  const groups = { processesOf: () => null };
  const inside = () =>
    processesOf(groups, session).filter(
      ({ pid }) => pidNamespace(pid) !== pidNamespace(process.pid),
    );
  try {
    await vi.waitFor(() => expect(inside()).not.toEqual([]), { timeout: 5000 });
    expect(await outer).toMatchObject({ code: null, timedOut: true });
    expect(inside().map(({ args }) => args[0])).toContain('sh');
  } finally {
    await outer;
    await endAll(() => processesOf(groups, session), 0);
  }
});

/** Real displays and sandboxes on this machine, through the driver: what a session leaves behind,
 * how long it lasts, and what happens when a part of the display server dies. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Machine, openControlGroups } from './control-groups.ts';
import { runningServer, startDisplayServer } from './display-server.ts';
import { listDisplayAccounts } from './displays.ts';
import { type RealDriver, realDriver } from './driver.fixture.ts';
import { listProcesses, pidNamespace } from './processes.ts';

let real: RealDriver;
const begin = async (machine?: Machine) => {
  real = realDriver(machine);
  await real.driver.start();
};
afterEach(() => real.end());

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
async function until(what: string, done: () => boolean, withinMs = 20_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!done()) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${withinMs / 1000} s`);
    await pause(30);
  }
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};
/** Every process of this machine that has the words in its environment or its arguments. */
const processesWith = (words: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) =>
      `${read(`/proc/${pid}/environ`)}${read(`/proc/${pid}/cmdline`)}`
        .replaceAll('\0', ' ')
        .includes(words),
    )
    .map((pid) => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').slice(0, 60)}`);
/** A process of this driver's own display server, by its program. */
const serverProcess = (program: string): number => {
  const bwraps = listProcesses().filter(
    ({ args }) => args[0]?.endsWith('bwrap') === true && args.includes(real.layout.xrdpRun),
  );
  if (program === 'bwrap') return bwraps[0]?.pid ?? 0;
  const spaces = listProcesses()
    .filter(({ parent }) => bwraps.some(({ pid }) => pid === parent))
    .map(({ pid }) => pidNamespace(pid));
  const all = listProcesses().filter(
    ({ pid, args }) =>
      args[0]?.split('/').at(-1) === program && spaces.includes(pidNamespace(pid) ?? ''),
  );
  // Each of them makes children of the same name.
  const found = all.find(({ parent }) => !all.some(({ pid }) => pid === parent));
  if (found === undefined) throw new Error(`${program} does not run`);
  return found.pid;
};

const window = ['/usr/bin/xmessage', '-center', 'bonjour'];
/** Opens a window, hears no request to end, and does not care that its display is gone. */
const stubborn = [
  '/bin/sh',
  '-c',
  `trap '' TERM; ${window.join(' ')} & setsid sleep 300 & while :; do sleep 1; done`,
];

const old = { hasSystemd: false, firstGroup: '' };
const machines: [name: string, machine: Machine | undefined][] = [
  ['as this machine has them', undefined],
  ['version 2', { ...old, mounts: unifiedHere() }],
  ['none', { ...old, mounts: '' }],
];
/** This machine's unified hierarchy alone, wherever it is mounted. */
function unifiedHere(): string {
  const line = read('/proc/self/mounts')
    .split('\n')
    .find((mount) => mount.split(' ')[2] === 'cgroup2');
  if (line === undefined) throw new Error('no unified hierarchy of control groups is mounted here');
  return line;
}
const left = ({ sessionId }: { sessionId: string }) => processesWith(sessionId);

describe.each(machines)('a session that ends, control groups: %s', (_, machine) => {
  beforeEach(() => begin(machine));

  test('sixteen launched and ended within a second leave nothing', async () => {
    const letters = [...'abcdefghijklmnop'];
    for (let at = 0; at < letters.length; at += 4)
      await Promise.all(letters.slice(at, at + 4).map(() => real.driver.prepareDisplay()));
    const opened = await Promise.all(
      letters.map(async (letter, index) => {
        const told = await real.open(letter, stubborn);
        await pause(index * 20);
        await real.driver.endSession(told.sessionId);
        return told;
      }),
    );
    // One that is only starting shows itself a moment later.
    await pause(1500);
    expect(opened.flatMap(left)).toEqual([]);
    const mounts = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) =>
        read(`/proc/${pid}/mountinfo`).includes(`${real.layout.homes.split('/').at(-2)}/homes/`),
      );
    expect(mounts).toEqual([]);
  });

  test.each([
    ['itself', false],
    ['without its bubblewrap, which was killed', true],
  ])('a stubborn one leaves nothing: %s', async (_name, isKilled) => {
    const told = await real.open('a', stubborn);
    await until('the window', () => told.opened);
    expect(left(told).length).toBeGreaterThan(3);
    for (const { pid, args } of isKilled ? listProcesses() : [])
      if (args[0] === '/usr/bin/bwrap' && args.includes(told.sessionId))
        process.kill(pid, 'SIGKILL');
    await real.driver.endSession(told.sessionId);
    expect(left(told)).toEqual([]);
  });

  test('one that outlives its agent is found, lives on, and ends with its program', async () => {
    const told = await real.open('a', window);
    await until('the window', () => told.opened);
    const before = left(told);
    const driver = real.again();
    expect(await driver.start()).toEqual([told.sessionId]);
    let outcome: unknown = null;
    await driver.adoptSession(told.sessionId, {
      opened: () => undefined,
      over: (how) => {
        outcome = how;
      },
    });
    await pause(3000);
    expect([outcome, left(told)]).toEqual([null, before]);
    for (const { pid, args } of listProcesses())
      if (args[0] === window[0] && before.some((line) => line.startsWith(`${pid} `)))
        process.kill(pid, 'SIGTERM');
    await until('the end', () => outcome !== null, 8000);
    expect(outcome).toEqual({ state: 'ended', reason: 'application_closed' });
    await driver.endSession(told.sessionId);
    expect(left(told)).toEqual([]);
  });
});

describe('a session', () => {
  beforeEach(() => begin());

  test('is in a control group of its own, and the group goes with it', async () => {
    const told = await real.open('a', window);
    await until('the window', () => told.opened);
    const groupOf = (pid: number) =>
      /^.*:(?:memory|pids)?:(\/preau-sessions\/.*)$/m.exec(read(`/proc/${pid}/cgroup`))?.[1];
    const inside = listProcesses().filter(({ pid }) =>
      read(`/proc/${pid}/environ`).includes(told.sessionId),
    );
    expect(inside.length).toBeGreaterThan(3);
    expect([...new Set(inside.map(({ pid }) => groupOf(pid)?.split('/').at(-1)))]).toEqual([
      `${real.layout.prefix}-${told.sessionId}`,
    ]);
    expect(groupOf(process.pid)).toBeUndefined();
    const groups = openControlGroups(real.layout.prefix);
    expect(groups.sessions()).toEqual([told.sessionId]);
    await real.driver.endSession(told.sessionId);
    expect(groups.sessions()).toEqual([]);
  });

  test('is the first to go when memory runs out; its display is next, not the display server', async () => {
    const told = await real.open('a', window);
    await until('the window', () => told.opened);
    const values = (program: string) =>
      listProcesses()
        .filter(
          ({ pid, args }) =>
            args[0]?.split('/').at(-1) === program &&
            (read(`/proc/${pid}/environ`).includes(told.sessionId) ||
              pidNamespace(pid) === pidNamespace(serverProcess('xrdp'))),
        )
        .map(({ pid }) => Number(read(`/proc/${pid}/oom_score_adj`)));
    expect({ program: values('xmessage'), bus: values('dbus-daemon') }).toEqual({
      program: [200],
      bus: [200],
    });
    expect(values('Xorg')).toEqual([0]);
  });

  test('has shared memory that it may write to, of a bounded size, which nobody else sees', async () => {
    const script =
      'echo mine > /dev/shm/a && df -B1 --output=size /dev/shm | tail -n 1 > "$HOME/size"; ' +
      'ls /dev/shm > "$HOME/seen"; ';
    const [a, b] = [
      await real.open('a', ['/bin/sh', '-c', `${script} exec ${window.join(' ')}`]),
      await real.open('b', [
        '/bin/sh',
        '-c',
        `ls /dev/shm > "$HOME/seen"; exec ${window.join(' ')}`,
      ]),
    ];
    await until('both windows', () => a.opened && b.opened);
    const home = (letter: string) => `${real.layout.homes}/acc_${letter.repeat(22)}`;
    expect(Number(read(`${home('a')}/size`))).toBe(512 * 1_048_576);
    expect([read(`${home('a')}/seen`), read(`${home('b')}/seen`)]).toEqual(['a\n', '']);
    expect(readdirSync('/dev/shm')).not.toContain('a');
  });
});

describe('a session lasts', () => {
  beforeEach(() => begin());
  const shell = (script: string) => ['/bin/sh', '-c', script];

  test('while a program runs whose launcher returned at once, and ends soon after it', async () => {
    const told = await real.open('a', shell('(sleep 5; exec xmessage -timeout 3 late) & exit 0'));
    await until('the late window', () => told.opened);
    expect(told.outcome).toBeNull();
    await until('the end', () => told.outcome !== null, 8000);
    expect(told.outcome).toEqual({ state: 'ended', reason: 'application_closed' });
  });

  test('while a program in a session of its own runs, between its first window and the next', async () => {
    const told = await real.open(
      'a',
      shell('setsid sh -c "xmessage -timeout 1 splash; sleep 12; exec xmessage main" & exit 0'),
    );
    await until('the first window', () => told.opened);
    await pause(15_000);
    expect(told.outcome).toBeNull();
  });

  test('no longer than its program: a service of the message bus holds nothing up', async () => {
    const told = await real.open(
      'a',
      shell('DBUS_STARTER_ADDRESS=unix:path=/x sleep 300 & exec xmessage -timeout 2 short'),
    );
    await until('the end', () => told.outcome !== null, 12_000);
    expect(told).toMatchObject({ opened: true, outcome: { state: 'ended' } });
  });

  test('not when nothing opens: the exit code is told', async () => {
    const told = await real.open('a', shell('echo no such file >&2; exit 3'));
    await until('the end', () => told.outcome !== null, 8000);
    expect(told.outcome).toMatchObject({ state: 'failed', code: 'APPLICATION_EXITED' });
    expect(JSON.stringify(told.outcome)).toMatch(/exit code 3: .*no such file/);
  });
});

describe('a part of the display server dies', () => {
  beforeEach(() => begin());

  const dies: [program: string][] = [['bwrap'], ['xrdp-sesman'], ['xrdp']];
  test.each(dies)('%s: noticed, and the next session opens', async (program) => {
    await real.driver.prepareDisplay();
    const before = await real.open('a', window);
    await until('the window', () => before.opened);
    process.kill(serverProcess(program), 'SIGKILL');
    await until('the end of the session', () => before.outcome !== null);
    expect(before.outcome).toMatchObject({ state: 'failed', code: 'DISPLAY_FAILED' });
    await real.driver.endSession(before.sessionId);
    const after = await real.open('b', window);
    await until('the second window', () => after.opened);
    expect(listProcesses().filter(({ args }) => args.includes(real.layout.xrdpRun))).toHaveLength(
      1,
    );
    const spaces = listProcesses()
      .filter(({ pid, args }) =>
        args[0]?.endsWith('xrdp-sesman') === true
          ? read(`/proc/${pid}/mountinfo`).includes(`${real.layout.xrdpRun.slice(4)} /run/xrdp `)
          : false,
      )
      .map(({ pid }) => pidNamespace(pid));
    expect(new Set(spaces).size).toBe(1);
  });

  test('nobody uses it: the displays that stood by are not counted, and replaced', async () => {
    await real.driver.prepareDisplay();
    expect(real.driver.displaysReady()).toBe(1);
    process.kill(serverProcess('xrdp'), 'SIGKILL');
    await until('the end of the displays', () => real.driver.displaysReady() === 0);
    await real.driver.prepareDisplay();
    expect(real.driver.displaysReady()).toBe(1);
    expect(await listDisplayAccounts(real.layout)).toHaveLength(1);
  });

  test('sesman answers nothing: replaced when nobody uses it', async () => {
    await real.driver.prepareDisplay();
    const hung = serverProcess('xrdp-sesman');
    process.kill(hung, 'SIGSTOP');
    await real.driver.prepareDisplay();
    expect(read(`/proc/${hung}/status`)).toBe('');
    const told = await real.open('a', window);
    await until('the window', () => told.opened);
  });
});

describe('an agent that starts over a display server of an earlier one', () => {
  beforeEach(() => begin());

  test('uses it, wherever its files are, and replaces it once nobody does', async () => {
    // Not below /run, where a real server lets nothing be executed.
    const elsewhere = { ...real.layout, xrdpEtc: `${real.layout.xrdpEtc}-elsewhere` };
    const { rdp } = await startDisplayServer(elsewhere, 0);
    const ports = `${real.layout.run}/ports.json`;
    writeFileSync(ports, JSON.stringify({ rdp }));
    const first = await real.open('a', window);
    await until('the window', () => first.opened);
    const driver = real.again();
    expect(await driver.start()).toEqual([first.sessionId]);
    await driver.adoptSession(first.sessionId, { opened: () => undefined, over: () => undefined });
    const second = await real.open('b', window);
    await until('the second window', () => second.opened);
    expect((await driver.issueCredentials(second.sessionId)).port).toBe(rdp);
    expect(left(first)).not.toEqual([]);
    await driver.endSession(first.sessionId);
    expect(runningServer(real.layout)).toMatchObject({ isCurrent: false });
    await driver.endSession(second.sessionId);
    const third = await real.open('c', window);
    await until('the third window', () => third.opened);
    expect(runningServer(real.layout)).toMatchObject({ isCurrent: true, etc: real.layout.xrdpEtc });
    rmSync(elsewhere.xrdpEtc, { recursive: true, force: true });
  });
});

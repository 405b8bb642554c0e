import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DesiredApplication } from '@preau/contract/desired-state.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { Order } from '@preau/contract/order.ts';
import { describe, expect, test } from 'vitest';
import { createMemoryDriver, type MemoryOptions } from './drivers/memory.ts';
import { id, sessionOne, tux, type World, world } from './world.fixture.ts';

const gimp: DesiredApplication = {
  ...tux,
  applicationId: id('app', 'g'),
  versionId: id('ver', 'g'),
  slug: 'gimp',
  recipes: {
    linux: { kind: 'apt', packages: ['gimp'], detect: { kind: 'package', package: 'gimp' } },
  },
};
const asked = (
  { applicationId, versionId, slug, version, recipes }: DesiredApplication,
  want: 'present' | 'absent' = 'present',
) => ({ applicationId, versionId, slug, version, recipes, want });
const order = (more: Partial<Order> = {}): Order => ({
  orderId: id('ord', '1'),
  attempt: 1,
  applications: [asked(tux), asked(gimp)],
  phase: 'install',
  installFrom: null,
  installUntil: null,
  expectedMs: 1000,
  deadlineAt: 1_900_000_000_000,
  kibibytesPerSecond: null,
  cancel: null,
  ...more,
});
const one = order();
const { orderId } = one;
const of = (w: World, which = orderId) =>
  w.reports.at(-1)?.orders.find((each) => each.orderId === which);
const calls = (w: World, call: string) =>
  w.driver.calls.filter((each) => each === call || each.startsWith(`${call} `));
const machine = (options: MemoryOptions = {}) => world({ driver: createMemoryDriver(options) });
const began = async (w: World, orders: Order[] = [one]) => {
  w.want({ orders });
  await w.agent.start();
};

test(
  'an order from its arrival to its end; the result is told as long as it is wanted, and never ' +
    'carried out again',
  async () => {
    const w = world();
    await began(w);
    await w.soon(() =>
      expect(of(w)).toMatchObject({
        state: 'succeeded',
        recovered: false,
        code: null,
        bytesDone: 2000,
        bytesTotal: 2000,
        wanBytes: 2000,
        log: `memory ${orderId}`,
      }),
    );
    expect(of(w)?.items).toEqual(
      [tux, gimp].map(({ applicationId }) => ({
        applicationId,
        state: 'installed',
        version: '1.2',
        code: null,
        message: '',
        ms: 0,
        bytes: null,
      })),
    );
    expect([...w.driver.installed]).toEqual(['tux', 'gimp']);
    const seqs = w.reports.flatMap(({ orders }) => orders.map(({ seq }) => seq));
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    w.driver.byHand('tux', false);
    w.want({ orders: [one] });
    await w.soon(() => expect(w.last().generation).toBe(2));
    expect(of(w)).toMatchObject({ state: 'succeeded' });

    const next = w.kill();
    await began(next);
    await next.soon(() => expect(of(next)).toMatchObject({ state: 'succeeded', seq: of(w)?.seq }));
    next.want({});
    await next.soon(() => expect(next.last().orders).toEqual([]));
    next.want({ orders: [one] });
    await next.soon(() => expect(of(next)).toMatchObject({ state: 'succeeded' }));
    expect([...calls(w, 'apply'), ...calls(next, 'apply')]).toEqual([`apply ${orderId}`]);
  },
);

test('fetched and held; installed when told to', async () => {
  const w = world();
  await began(w, [order({ phase: 'stage' })]);
  await w.soon(() =>
    expect(of(w)).toMatchObject({
      state: 'staged',
      items: [{ state: 'staged' }, { state: 'staged' }],
    }),
  );
  w.want({ orders: [order({ installFrom: w.clock.at + 1000 })] });
  await w.soon(() => expect(w.last().generation).toBe(2));
  expect(of(w)).toMatchObject({ state: 'staged' });
  expect(calls(w, 'apply')).toEqual([]);
  w.clock.at += 1000;
  w.want({ orders: [order({ installFrom: w.clock.at })] });
  await w.soon(() => expect(of(w)).toMatchObject({ state: 'succeeded' }));
});

test('all there: nothing is fetched', async () => {
  const w = machine({ installed: ['tux', 'gimp'] });
  await began(w);
  await w.soon(() =>
    expect(of(w)).toMatchObject({
      state: 'already_installed',
      items: [{ state: 'already_installed' }, { state: 'already_installed' }],
    }),
  );
  expect(calls(w, 'stage')).toEqual([]);
});

test('refused: no recipe here, a script nobody reviewed', async () => {
  const w = world();
  w.driver.refusals.set('gimp', 'SCRIPT_REFUSED');
  const elsewhere = order({
    orderId: id('ord', '3'),
    applications: [
      asked({
        ...tux,
        recipes: {
          windows: {
            kind: 'winget',
            packageId: 'Tux.Tux',
            detect: { kind: 'registry', key: 'HKLM', value: 'x' },
          },
        },
      }),
    ],
  });
  await began(w, [one, elsewhere]);
  await w.soon(() =>
    expect([of(w), of(w, elsewhere.orderId)].map((each) => `${each?.state} ${each?.code}`)).toEqual(
      ['rejected SCRIPT_REFUSED', 'rejected NOT_APPLICABLE'],
    ),
  );
  expect(calls(w, 'stage')).toEqual([]);
});

describe('failures', () => {
  test('fetching, with the guilty one named', async () => {
    const w = world();
    w.driver.fail('stage', new AppError('HASH_MISMATCH', { why: 'other bytes', element: 'gimp' }));
    await began(w);
    await w.soon(() =>
      expect(of(w)).toMatchObject({
        state: 'failed',
        code: 'HASH_MISMATCH',
        message: 'other bytes',
        items: [{ state: 'waiting' }, { state: 'failed' }],
      }),
    );
  });
  test('one of two: the other is there', async () => {
    const w = world();
    w.driver.fail('install', new AppError('INSTALL_FAILED', { why: 'dpkg ended with 1' }), {
      slug: 'tux',
    });
    await began(w);
    await w.soon(() =>
      expect(of(w)).toMatchObject({
        state: 'failed',
        code: 'INSTALL_FAILED',
        message: 'dpkg ended with 1',
        items: [{ state: 'failed' }, { state: 'installed' }],
      }),
    );
  });
  test('exit code 0 is not proof', async () => {
    const w = world();
    w.driver.hollow.add('gimp');
    await began(w);
    await w.soon(() =>
      expect(of(w)).toMatchObject({
        state: 'failed',
        code: 'NOT_DETECTED',
        message: 'gimp',
        items: [{ state: 'installed' }, { state: 'failed', code: 'NOT_DETECTED' }],
      }),
    );
  });
  test('nothing could be begun', async () => {
    const w = world();
    w.driver.fail('apply', new AppError('DISK_FULL', { why: 'no room' }));
    await began(w);
    await w.soon(() =>
      expect(of(w)).toMatchObject({ state: 'failed', code: 'DISK_FULL', message: 'no room' }),
    );
  });
  test('a new attempt is another order', async () => {
    const w = world();
    w.driver.fail('apply', new AppError('DISK_FULL', { why: 'no room' }));
    await began(w);
    await w.soon(() => expect(of(w)).toMatchObject({ state: 'failed' }));
    const second = order({ orderId: id('ord', '2'), attempt: 2 });
    w.want({ orders: [second] });
    await w.soon(() =>
      expect(of(w, second.orderId)).toMatchObject({ state: 'succeeded', attempt: 2 }),
    );
  });
  test('a disk that refuses the journal: nothing is begun and nothing told, until it takes it', async () => {
    const w = world();
    await began(w, []);
    await w.soon(() => expect(w.last().generation).toBe(1));
    rmSync(join(w.folder, 'orders'), { recursive: true });
    writeFileSync(join(w.folder, 'orders'), '');
    w.want({ orders: [one] });
    await w.soon(() =>
      expect(w.last().failedSteps).toEqual([
        expect.objectContaining({ step: 'keep_journal', element: orderId }),
      ]),
    );
    expect(of(w)).toBeUndefined();
    expect(w.driver.calls.filter((call) => /^(detect|stage|apply)/.test(call))).toEqual([]);
    rmSync(join(w.folder, 'orders'));
    mkdirSync(join(w.folder, 'orders'));
    w.want({ orders: [one] });
    await w.soon(() => expect(of(w)).toMatchObject({ state: 'succeeded' }));
    await w.soon(() => expect(w.last().failedSteps).toEqual([]));
  });
});

test('what an order took away is reported as installed no more, whatever the state says', async () => {
  const w = world();
  w.want({ applications: [tux] });
  await w.agent.start();
  await w.soon(() => expect(w.last().applications).toMatchObject([{ state: 'installed' }]));
  w.want({
    applications: [tux],
    orders: [order({ applications: [asked(tux, 'absent')] })],
  });
  await w.soon(() => expect(of(w)).toMatchObject({ state: 'succeeded' }));
  const ended = w.reports.filter(({ orders }) => orders.some(({ state }) => state === 'succeeded'));
  expect(ended.flatMap(({ applications }) => applications)).toEqual([]);
});

describe('cancelling', () => {
  const cancel = (kind: 'finish' | 'remove' | 'kill') => [order({ cancel: kind })];
  test('while fetching: at once', async () => {
    const w = machine({ stageMs: 60_000 });
    await began(w);
    await w.soon(() => expect(of(w)).toMatchObject({ state: 'downloading' }));
    w.want({ orders: cancel('finish') });
    await w.soon(() => expect(of(w)).toMatchObject({ state: 'cancelled', tooLate: false }));
    await w.soon(() => expect(calls(w, 'discard')).toHaveLength(1));
  });
  const installing = async () => {
    const w = machine({ installMs: 100 });
    await began(w);
    await w.soon(() => expect(of(w)?.items[0]).toMatchObject({ state: 'installing' }));
    return w;
  };
  test('finish', async () => {
    const w = await installing();
    w.want({ orders: cancel('finish') });
    await w.soon(() => expect(of(w)).toMatchObject({ state: 'succeeded', tooLate: true }));
  });
  test('finish, then take away', async () => {
    const w = await installing();
    w.want({ orders: cancel('remove') });
    await w.soon(() =>
      expect(of(w)).toMatchObject({
        state: 'cancelled',
        tooLate: true,
        items: [{ state: 'removed' }, { state: 'removed' }],
      }),
    );
    expect(w.driver.installed.size).toBe(0);
    expect(w.driver.calls.filter((call) => /^(install|remove) /.test(call))).toEqual([
      'install tux',
      'install gimp',
      'remove gimp',
      'remove tux',
    ]);
  });
  test('kill', async () => {
    const w = machine({ installMs: 60_000 });
    await began(w);
    await w.soon(() => expect(of(w)).toMatchObject({ state: 'installing' }));
    w.want({ orders: cancel('kill') });
    await w.soon(() =>
      expect(of(w)).toMatchObject({
        state: 'cancelled',
        tooLate: true,
        items: [{ state: 'failed' }, { state: 'failed' }],
      }),
    );
  });
  test('an order that vanishes: dropped before it began, carried to its end and told afterwards', async () => {
    const w = machine({ installMs: 60 });
    const second = order({ orderId: id('ord', '2'), applications: [asked(gimp)] });
    await began(w, [order({ applications: [asked(tux)] }), second]);
    await w.soon(() => expect(of(w)).toMatchObject({ state: 'installing' }));
    w.want({});
    await w.soon(() => expect(of(w)).toMatchObject({ state: 'succeeded' }));
    expect(of(w, second.orderId)).toBeUndefined();
    expect([...w.driver.installed]).toEqual(['tux']);
    w.want({});
    await w.soon(() => expect(w.last().orders).toEqual([]));
  });
});

describe('the agent dies', () => {
  test.each(['detect', 'stage', 'apply'] as const)(
    'between the journal and %s: goes on, or finds out by looking; never installs twice',
    async (call) => {
      const w = world();
      let next: World | undefined;
      // The journal is written, the step is about to be taken.
      const { [call]: real } = w.driver;
      w.driver[call] = (async () => {
        next ??= w.kill();
        throw new AppError('INTERNAL', { why: 'dead' });
      }) as typeof real as never;
      await began(w);
      await w.soon(() => expect(next).toBeDefined());
      if (next === undefined) return;
      const after = next;
      after.away(false);
      await began(after);
      if (call === 'apply')
        await after.soon(() =>
          expect(of(after)).toMatchObject({
            state: 'failed',
            code: 'AGENT_CRASHED',
            recovered: true,
          }),
        );
      else
        await after.soon(() =>
          expect(of(after)).toMatchObject({ state: 'succeeded', recovered: false }),
        );
      expect(calls(after, 'apply')).toHaveLength(call === 'apply' ? 0 : 1);
    },
  );

  test('while the installer works: waited for, looked at, succeeded', async () => {
    const w = machine({ installMs: 150 });
    await began(w);
    await w.soon(() => expect(of(w)).toMatchObject({ state: 'installing' }));
    const next = w.kill();
    await began(next);
    await next.soon(() => expect(of(next)).toMatchObject({ state: 'installing' }));
    await next.soon(() =>
      expect(of(next)).toMatchObject({
        state: 'succeeded',
        recovered: true,
        items: [{ state: 'installed' }, { state: 'installed' }],
      }),
    );
    expect(calls(next, 'apply')).toEqual([]);
  });

  test('twice over one order: it is refused, and the next one is carried out', async () => {
    let w = machine({ stageMs: 60_000 });
    for (let deaths = 0; deaths < 2; deaths += 1) {
      const now = w;
      await began(now);
      await now.soon(() => expect(of(now)).toMatchObject({ state: 'downloading' }));
      w = now.kill();
    }
    const second = order({ orderId: id('ord', '2'), applications: [asked(gimp, 'absent')] });
    await began(w, [one, second]);
    await w.soon(() => expect(of(w)).toMatchObject({ state: 'rejected', code: 'ORDER_POISONED' }));
    await w.soon(() => expect(of(w, second.orderId)).toMatchObject({ state: 'already_installed' }));
  });

  test(
    'stopped on purpose while the installer works: it does not wait, and the next agent finds ' +
      'the result',
    async () => {
      const w = machine({ installMs: 300 });
      await began(w);
      await w.soon(() => expect(of(w)).toMatchObject({ state: 'installing' }));
      const before = Date.now();
      await w.agent.stop();
      expect(Date.now() - before).toBeLessThan(250);
      const next = w.kill();
      await began(next);
      await next.soon(() =>
        expect(of(next)).toMatchObject({ state: 'succeeded', recovered: true }),
      );
      expect(
        JSON.parse(readFileSync(join(next.folder, 'orders', `${orderId}.json`), 'utf8')),
      ).toMatchObject({ crashes: 0, doing: null });
    },
  );

  test('a power cut in the middle of the installer, again and again: started over, and told as installed', async () => {
    let w = world();
    for (let cut = 0; cut < 3; cut += 1) {
      const { apply } = w.driver;
      let next: World | undefined;
      const dying = w;
      w.driver.apply = async () => {
        next ??= dying.kill();
        throw new AppError('INTERNAL', { why: 'dead' });
      };
      await began(w);
      await w.soon(() => expect(next).toBeDefined());
      w.driver.apply = apply;
      if (next === undefined) return;
      next.away(false);
      next.driver.apply = apply;
      next.driver.newBoot();
      w = next;
    }
    await began(w);
    await w.soon(() =>
      expect(of(w)).toMatchObject({ state: 'succeeded', recovered: false, code: null }),
    );
    expect(w.reports.flatMap(({ orders }) => orders.map(({ state }) => state))).not.toContain(
      'failed',
    );
  });

  test('a journal that cannot be read: moved aside, told, and the order is settled by looking', async () => {
    const w = world();
    await began(w);
    await w.soon(() => expect(of(w)).toMatchObject({ state: 'succeeded' }));
    const past = of(w)?.seq ?? 0;
    w.clock.at += 1000;
    const next = w.kill();
    writeFileSync(join(next.folder, 'orders', `${orderId}.json`), '{"order":');
    cpSync(
      join(next.folder, 'orders', `${orderId}.json`),
      join(next.folder, 'orders', `${id('ord', '2')}.json.bad`),
    );
    next.driver.byHand('gimp', false);
    const second = order({ orderId: id('ord', '2'), applications: [asked(tux)] });
    await began(next, [one, second]);
    await next.soon(() =>
      expect(of(next)).toMatchObject({
        state: 'failed',
        code: 'AGENT_CRASHED',
        items: [{ state: 'installed' }, { state: 'failed' }],
      }),
    );
    expect(of(next)?.seq).toBeGreaterThan(past);
    await next.soon(() =>
      expect(of(next, second.orderId)).toMatchObject({ state: 'succeeded', recovered: true }),
    );
    expect(calls(next, 'apply')).toEqual([]);
    expect(readdirSync(join(next.folder, 'orders'))).toContain(`${orderId}.json.bad`);
  });
});

describe('beside what is asked for on this server alone', () => {
  test('one thing at a time', async () => {
    const w = machine({ installMs: 30 });
    let running = 0;
    let most = 0;
    const { apply } = w.driver;
    w.driver.apply = async (...given) => {
      running += 1;
      most = Math.max(most, running);
      return apply(...given).finally(() => {
        running -= 1;
      });
    };
    const mouse = { ...tux, applicationId: id('app', 'm'), slug: 'mouse' };
    w.want({
      applications: [mouse],
      orders: [
        order({ applications: [asked(tux)] }),
        order({ orderId: id('ord', '2'), applications: [asked(gimp)] }),
      ],
    });
    await w.agent.start();
    await w.soon(() => expect(w.driver.installed).toEqual(new Set(['tux', 'gimp', 'mouse'])));
    expect(most).toBe(1);
  });
  test('what is wanted besides is kept: by an order that installs, and by one that takes away', async () => {
    const w = machine({ installed: ['mouse'] });
    const mouse = {
      ...tux,
      applicationId: id('app', 'm'),
      versionId: id('ver', 'm'),
      slug: 'mouse',
    };
    const away = order({ orderId: id('ord', 'z'), applications: [asked(tux, 'absent')] });
    w.want({ applications: [mouse], orders: [one] });
    await w.agent.start();
    await w.soon(() => expect(of(w)).toMatchObject({ state: 'succeeded' }));
    w.want({ applications: [mouse, gimp, tux], orders: [away] });
    await w.soon(() => expect(of(w, away.orderId)).toMatchObject({ state: 'succeeded' }));
    expect(w.driver.kept.filter((call) => call.includes('ord_'))).toEqual([
      `stage ${orderId}: mouse tux gimp`,
      `apply ${orderId}: mouse tux gimp`,
      `stage ${away.orderId}: mouse gimp`,
      `apply ${away.orderId}: mouse gimp`,
    ]);
  });
  test('what an order took away does not come back while the order is wanted', async () => {
    const w = machine({ installed: ['tux'] });
    w.want({ applications: [tux] });
    await w.agent.start();
    await w.soon(() => expect(w.last().applications).toMatchObject([{ state: 'installed' }]));
    const away = order({ applications: [asked(tux, 'absent')] });
    w.want({ applications: [tux], orders: [away] });
    await w.soon(() =>
      expect(of(w)).toMatchObject({ state: 'succeeded', items: [{ state: 'removed' }] }),
    );
    w.clock.at += 60_000;
    w.want({ applications: [tux], orders: [away] });
    await w.soon(() => expect(w.last().generation).toBe(3));
    expect(w.driver.installed.size).toBe(0);
    w.want({ removals: [tux] });
    await w.soon(() => expect(w.last().applications).toMatchObject([{ state: 'removed' }]));
    expect(calls(w, 'install')).toEqual([]);
  });
});

test('an agent that starts on a disk that takes nothing starts, says so, and goes on by itself', async () => {
  const w = world();
  // Where the note of this boot is prepared, nothing can be written.
  const taken = join(w.folder, 'orders', 'boot.new');
  mkdirSync(taken, { recursive: true });
  await began(w, []);
  await w.soon(() =>
    expect(w.reports.at(-1)?.failedSteps).toMatchObject([
      { step: 'keep_journal', element: 'boot' },
    ]),
  );
  rmSync(taken, { recursive: true });
  w.want({});
  await w.soon(() => expect(w.reports.at(-1)?.failedSteps).toEqual([]));
  expect(readFileSync(join(w.folder, 'orders', 'boot'), 'utf8')).toBeTruthy();
});

test('an order that breaks what looks at it keeps nobody from a program', async () => {
  const refuses = () => {
    throw new TypeError('nobody foresaw this');
  };
  const w = world({ driver: { ...createMemoryDriver(), refuses } });
  w.want({ orders: [one], applications: [tux], sessions: [sessionOne] });
  await w.agent.start();
  await w.soon(() =>
    expect(w.reports.at(-1)?.sessions).toMatchObject([
      { sessionId: sessionOne.sessionId, state: 'ready' },
    ]),
  );
});

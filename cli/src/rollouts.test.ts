import type { Rollout } from '@preau/contract/rollout.ts';
import { RolloutDraft } from '@preau/contract/rollout-draft.ts';
import { rolloutStates } from '@preau/contract/rollout-states.ts';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import type { Call } from './call.ts';
import { Refused, Unreachable } from './outcome.ts';
import { answered, draftFrom, exitCodeOf, watch } from './rollouts.ts';
import type { Printer } from './show.ts';

const id = (prefix: string, letter: string) => `${prefix}_${letter.repeat(22)}`;
const answers: Record<string, unknown> = {
  listApplications: {
    items: [
      { id: id('app', 'a'), slug: 'gimp', version: '2.0' },
      { id: id('app', 'b'), slug: 'jeu', version: '1.0' },
    ],
  },
  listVersions: {
    items: [
      { versionId: id('ver', 'x'), version: '1.0', withdrawnAt: null },
      { versionId: id('ver', 'y'), version: '0.9', withdrawnAt: 1 },
    ],
  },
  listSites: {
    items: [
      { id: id('sit', 'a'), uai: '0610100A', name: 'École Colette' },
      { id: id('sit', 'b'), uai: '0610107B', name: 'École Molière' },
    ],
  },
  listSiteGroups: { items: [{ id: id('sgr', 'n'), name: 'Nord', siteIds: [] }] },
};
const call = (async (name: string) => answers[name]) as unknown as Call;

describe('a plan', () => {
  const draftOf = async (options: Parameters<typeof draftFrom>[1]) => {
    const draft = await draftFrom(call, options);
    expect([...Compile(RolloutDraft).Errors(draft)]).toEqual([]);
    return draft;
  };
  test('for everybody, in the usual waves', async () => {
    expect(await draftOf({ apps: 'gimp', gate: 'auto' })).toMatchObject({
      name: 'gimp',
      items: [{ applicationId: id('app', 'a'), want: 'present' }],
      where: { all: true, siteIds: [] },
      waves: [{ size: { sites: 1 } }, { size: { share: 0.1 } }, { size: { rest: true } }],
      onTrip: 'pause',
      windows: { install: null },
    });
  });
  test('of an older version, some removed, for some schools', async () => {
    expect(
      await draftOf({
        apps: 'gimp@1.0',
        remove: 'jeu',
        sites: '0610100a,École Molière',
        labels: 'pilote',
        waves: '1,rest',
        gate: 'manual',
        windows: 'lun-ven 18:00-07:00',
        rollBack: true,
      }),
    ).toMatchObject({
      name: 'gimp 1.0, − jeu',
      items: [
        { applicationId: id('app', 'a'), versionId: id('ver', 'x'), want: 'present' },
        { applicationId: id('app', 'b'), want: 'absent' },
      ],
      where: { all: false, siteIds: [id('sit', 'a'), id('sit', 'b')], labels: ['pilote'] },
      waves: [{ gate: 'manual' }, { gate: 'manual' }],
      onTrip: 'roll_back',
      windows: { install: { open: [{ days: [1, 2, 3, 4, 5] }] } },
    });
    expect((await draftOf({ apps: 'gimp', groups: 'Nord', gate: 'auto' })).where).toMatchObject({
      all: false,
      siteIds: [],
      groupIds: [id('sgr', 'n')],
    });
  });
  // biome-ignore format: a table
  const wrong: [name: string, options: Partial<Parameters<typeof draftFrom>[1]>, word: string][] = [
    ['nothing', {}, 'nothingAsked'], ['a typing error in an application', { apps: 'gimpp' }, 'unknownApplication'], ['in a version', { apps: 'gimp@9' }, 'unknownVersion'], ['a version that has left the catalogue', { apps: 'gimp@0.9' }, 'unknownVersion'], ['in a school', { apps: 'gimp', sites: '0610100A,0610108C' }, 'unknownSite'],
    ['in a group', { apps: 'gimp', groups: 'Sud' }, 'unknownGroup'], ['all and one', { apps: 'gimp', sites: 'all,0610100A' }, 'badChoice'],
  ];
  test.each(wrong)('%s is refused before anything is made', async (_name, options, word) => {
    await expect(draftFrom(call, { gate: 'auto', ...options })).rejects.toMatchObject({
      name: 'UsageError',
      word,
    });
  });
});

describe('a plan that servers are still answering', () => {
  const asking = (until: number | null, hash: string) =>
    ({ id: 'rol', asking: { until }, plan: { hash } }) as unknown as Rollout;
  test('is waited for, and read again', async () => {
    const steps = [asking(5, 'a'), asking(null, 'b')];
    const waits: number[] = [];
    let told = 0;
    const read = async () => steps.shift() as Rollout;
    const rollout = await answered(
      read,
      asking(5, 'a'),
      () => {
        told += 1;
      },
      async (ms) => waits.push(ms),
    );
    expect([rollout.plan.hash, told, waits.length]).toEqual(['b', 1, 2]);
  });
  test('nothing to wait for: as it is', async () => {
    const plain = { ...asking(null, 'a'), asking: null };
    const never = () => {
      throw new Error('asked');
    };
    expect(await answered(never, plain, never)).toBe(plain);
  });
});

describe('watching', () => {
  test('every state has its number', () => {
    const codes = Object.fromEntries(
      rolloutStates.map((state) => [state, exitCodeOf({ state, pauseReason: null }, true)]),
    );
    expect(codes).toEqual({
      planned: null,
      awaiting_approval: 5,
      approved: null,
      scheduled: null,
      running: null,
      paused: 6,
      cancelling: null,
      rolling_back: null,
      completed: 0,
      completed_with_failures: 1,
      cancelled: 1,
      rolled_back: 1,
      failed: 1,
      superseded: 1,
    });
    expect(exitCodeOf({ state: 'paused', pauseReason: 'user' }, false)).toBeNull();
  });

  const state = (name: string, counts: Record<string, number>) => ({
    id: 'rol',
    name: 'GIMP',
    state: name,
    pauseReason: null,
    note: null,
    counts,
    waves: [],
    eta: null,
  });
  const following = (steps: (object | Error)[]) => {
    let at = 0;
    return (async () => {
      const step = steps[Math.min(at, steps.length - 1)];
      at += 1;
      if (step instanceof Error) throw step;
      return step;
    }) as unknown as Call;
  };
  function setUp() {
    const lines: string[] = [];
    const remarks: string[] = [];
    let now = 0;
    const printer: Printer = {
      tty: false,
      out: (line) => lines.push(line),
      remark: (line) => remarks.push(line),
      redraw: () => undefined,
    };
    const clock = {
      now: () => now,
      wait: async (ms: number) => {
        now += ms;
      },
    };
    return { lines, remarks, printer, clock };
  }

  test('prints each change once, through a controller that restarts', async () => {
    const { lines, remarks, printer, clock } = setUp();
    const steps = [
      state('running', { queued: 2 }),
      state('running', { queued: 2 }),
      new Unreachable('x'),
      new Unreachable('x'),
      state('running', { queued: 1, succeeded: 1 }),
      state('completed', { succeeded: 2 }),
    ];
    expect(
      await watch(
        following(steps),
        printer,
        'rol',
        { json: false, untilPause: false, lost: 'lost' },
        clock,
      ),
    ).toBe(0);
    expect(lines).toEqual([
      'running    queued 2',
      'running    queued 1, succeeded 1',
      'completed    succeeded 2',
    ]);
    expect(remarks).toEqual(['lost']);
  });
  test('as JSON: one object for each change', async () => {
    const { lines, printer, clock } = setUp();
    expect(
      await watch(
        following([
          state('running', { queued: 1 }),
          state('running', { queued: 1 }),
          state('failed', { failed: 1 }),
        ]),
        printer,
        'rol',
        { json: true, untilPause: false, lost: '' },
        clock,
      ),
    ).toBe(1);
    expect(lines.map((line) => (JSON.parse(line) as { state: string }).state)).toEqual([
      'running',
      'failed',
    ]);
  });
  test('gives up when nobody answers for ten minutes, or the answer is no', async () => {
    const { printer, clock } = setUp();
    await expect(
      watch(
        following([new Unreachable('x')]),
        printer,
        'rol',
        { json: false, untilPause: false, lost: '' },
        clock,
      ),
    ).rejects.toBeInstanceOf(Unreachable);
    expect(clock.now()).toBeGreaterThan(600_000);
    await expect(
      watch(
        following([new Refused({ code: 'NOT_FOUND', message: { fr: 'a', en: 'b' } })]),
        printer,
        'rol',
        { json: false, untilPause: false, lost: '' },
        clock,
      ),
    ).rejects.toBeInstanceOf(Refused);
  });
});

import type { Rollout, RolloutSummary } from '@preau/contract/rollout.ts';
import { type RolloutState, rolloutStates, targetStates } from '@preau/contract/rollout-states.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import { openBrowser } from '../lib/browser.fixture.ts';

openBrowser();
const words = await import('./words.ts');
const { page } = await import('../lib/page.svelte.ts');
beforeEach(() => {
  page.language = 'en';
});

const now = 1_800_000_000_000;
const minute = 60_000;
const rollout = (more: object = {}): Rollout =>
  ({
    state: 'running',
    pauseReason: null,
    createdById: 'me',
    counts: {},
    waves: [{ state: 'open' }],
    eta: null,
    startedAt: now,
    startAt: null,
    draft: { startAt: null, catchUpDays: 14 },
    ...more,
  }) as unknown as Rollout;

describe('the one button', () => {
  const passed = [{ state: 'passed' }, { state: 'skipped' }];
  const silent = (counts: object, waitingForSilent: number, more: object = {}) => ({
    counts,
    eta: { p50Ms: 0, p95Ms: 0, waitingForSilent },
    waves: passed,
    ...more,
  });
  // biome-ignore format: a table
  test.each<[string, object, string | null]>([
    ['who prepared it waits for somebody else', { state: 'awaiting_approval' }, null],
    ['a colleague approves it', { state: 'awaiting_approval', createdById: 'other' }, 'approve'],
    ['planned', { state: 'planned' }, 'start'],
    ['planned for later', { state: 'planned', draft: { startAt: now + 1 } }, 'schedule'],
    ['planned for what has passed', { state: 'approved', draft: { startAt: now } }, 'start'],
    ['it works', { counts: { installing: 1, blocked: 2 } }, 'pause'],
    ['only silent schools are left', silent({ succeeded: 3, blocked: 2 }, 2), 'finish'],
    ['and some failed', silent({ failed: 1, blocked: 2 }, 2), 'retry'],
    ['not all that wait are silent', silent({ blocked: 2 }, 1), 'pause'],
    ['one still works', silent({ blocked: 2, installing: 1 }, 2), 'pause'],
    ['one is unknown', silent({ blocked: 2, unknown: 1 }, 2), 'pause'],
    ['a wave is to come', silent({ blocked: 2 }, 2, { waves: [{ state: 'passed' }, { state: 'pending' }] }), 'pause'],
    ['nobody waits', silent({ succeeded: 2 }, 0), 'pause'],
    ['paused by a person', { state: 'paused', pauseReason: 'user' }, 'resume'],
    ['at a gate', { state: 'paused', pauseReason: 'gate' }, 'openNext'],
    ['failures', { state: 'paused', pauseReason: 'threshold' }, 'goOn'],
    ['the brake', { state: 'paused', pauseReason: 'brake' }, 'releaseBrake'],
    ['scheduled', { state: 'scheduled' }, null],
    ['it ends', { state: 'cancelling' }, null],
    ['it goes back', { state: 'rolling_back' }, null],
    ['it is done', { state: 'completed', counts: { succeeded: 3 } }, 'again'],
    ['done, with failures', { state: 'completed_with_failures', counts: { timed_out: 1 } }, 'retry'],
    ['another has taken its place', { state: 'superseded', counts: { failed: 1 } }, 'again'],
  ])('%s', (_name, more, button) => {
    expect(words.primaryOf(rollout(more), 'me', now)).toBe(button);
  });
});

describe('how it looks', () => {
  // biome-ignore format: a table
  const looks: Partial<Record<RolloutState, string>> = {
    running: 'busy ▶', completed: 'good ✓', completed_with_failures: 'warn ▲', failed: 'bad ✕', awaiting_approval: 'warn ?',
    cancelling: 'warn ↺', rolling_back: 'warn ↺', rolled_back: 'calm ↺', paused: 'warn ‖',
  };
  test.each(rolloutStates)('%s', (state) => {
    const { tone, mark, word } = words.rolloutLook({ state, pauseReason: null });
    expect(`${tone} ${mark}`).toBe(looks[state] ?? 'calm ○');
    expect(word).not.toBe('');
  });
  test.each([
    ['user', 'warn ‖'],
    ['gate', 'warn ‖'],
    ['threshold', 'bad ■'],
    ['brake', 'bad ■'],
  ] as const)('paused by %s', (pauseReason, look) => {
    const { tone, mark } = words.rolloutLook({ state: 'paused', pauseReason } as RolloutSummary);
    expect(`${tone} ${mark}`).toBe(look);
  });

  test('every state of a server is counted once, where it belongs', () => {
    const counts = Object.fromEntries(targetStates.map((state) => [state, 1]));
    expect(words.bucketCounts(counts)).toEqual({
      done: 2,
      failed: 3,
      working: 6,
      unknown: 1,
      waiting: 2,
      aside: 4,
      all: targetStates.length,
    });
    expect(words.statesOf.aside).toEqual(['cancelled', 'skipped', 'superseded', 'rolled_back']);
    expect(words.bucketCounts({ failed: 2, succeeded: 5 })).toMatchObject({
      failed: 2,
      done: 5,
      all: 7,
    });
  });
});

describe('one program on one server', () => {
  const item = (state: string) => ({ applicationId: 'app', state });
  const target = (more: object) =>
    ({
      action: 'install',
      siteId: 'sit',
      state: 'installing',
      items: [],
      ...more,
    }) as unknown as Parameters<typeof words.cellLook>[0];
  const refusals = [{ siteId: 'sit', applicationId: 'app' }] as unknown as Parameters<
    typeof words.cellLook
  >[2];
  const look = (more: object, refused: typeof refusals = []) => {
    const { tone, mark } = words.cellLook(target(more), 'app', refused);
    return `${tone} ${mark}`;
  };
  // biome-ignore format: a table
  test.each<[string, object, string]>([
    ['nothing was said of it', {}, 'busy ▶'],
    ['another was', { items: [{ ...item('failed'), applicationId: 'x' }] }, 'busy ▶'],
    ['installed', { items: [item('installed')] }, 'good ✓'],
    ['on its way', { items: [item('downloading')] }, 'busy ↓'],
    ['it failed', { items: [item('failed')] }, 'bad ✕'],
    ['it waits', { items: [item('waiting')] }, 'calm …'],
    ['it waited when the server failed', { state: 'failed', items: [item('waiting')] }, 'calm –'],
    ['it is back', { state: 'rolled_back', items: [item('installed')] }, 'calm ↺'],
  ])('%s', (_name, more, expected) => {
    expect(look(more)).toBe(expected);
  });
  test('what the plan leaves out was never asked of that school', () => {
    expect(look({ items: [item('failed')] }, refusals)).toBe('warn –');
    expect(look({ siteId: 'other', items: [item('failed')] }, refusals)).toBe('bad ✕');
    expect(look({ action: 'restore', items: [item('failed')] }, refusals)).toBe('bad ✕');
  });
});

describe('amounts', () => {
  // biome-ignore format: a table
  test.each([
    [0, '0 kB'], [1, '1 kB'], [999_000, '999 kB'], [999_001, '1,000 kB'], [1_000_000, '1 MB'], [1_550_000, '1.6 MB'], [9_940_000, '9.9 MB'],
    [12_400_000, '12 MB'], [999_999_999, '1,000 MB'], [1_000_000_000, '1 GB'], [2_345_000_000, '2.3 GB'], [45_600_000_000, '46 GB'],
  ])('%i bytes', (bytes, said) => {
    expect(words.bytesWords(bytes)).toBe(said);
  });
  test('times are told as roughly as they are known', () => {
    const told = [0, 0.49, 0.5, 1, 59.4, 59.5, 60, 90, 47 * 60 + 59, 48 * 60, 36 * 60 * 2].map(
      (minutes) => words.spanWords(minutes * minute),
    );
    expect(new Set(told.slice(0, 2)).size).toBe(1);
    expect(told[2]).toBe(told[3]);
    expect(told[5]).toBe(told[6]);
    expect(told[4]).toContain('59');
    expect(told[7]).toMatch(/1.*30/);
    expect(told[8]).toMatch(/47.*59/);
    expect(told[9]).toContain('2');
    expect(told[10]).toContain('3');
    expect(told[9]).not.toBe(told[8]);
  });
});

describe('how much longer', () => {
  const eta = (p50: number, p95: number, waitingForSilent = 0) => ({
    eta: { p50Ms: p50 * minute, p95Ms: p95 * minute, waitingForSilent },
  });
  const said = (more: object) => words.etaWords(rollout(more)) ?? '';
  test('nothing is said of what is over or has not begun', () => {
    expect(words.etaWords(rollout({ state: 'completed', ...eta(1, 2) }))).toBeNull();
    expect(words.etaWords(rollout({ startedAt: null }))).toBeNull();
    expect(said({ state: 'scheduled', startAt: now, startedAt: null })).toContain('January 15');
  });
  test('between two times, or within one', () => {
    expect(said(eta(10, 30))).toMatch(/10.*30/);
    // Less than a minute is no lower end worth telling.
    expect(said(eta(30, 30.2))).toMatch(/30/);
    expect(said(eta(30, 30.2))).toBe(said(eta(0.2, 30)));
    expect(said(eta(0, 0))).not.toBe(said({ eta: null }));
    expect(said({ state: 'paused', ...eta(10, 30) })).not.toMatch(/30/);
  });
  test('silent schools are named, with the day until which they are waited for', () => {
    expect(said(eta(10, 30, 2))).toMatch(/2.*January 29/);
    expect(said(eta(10, 30))).not.toContain('January');
  });
});

test('a wave in words: how many, watched for how long, and what opens the next', () => {
  const wave = (more: object) =>
    words.waveWords({ size: { sites: 3 }, gate: 'auto', soakMinutes: 0, ...more } as Parameters<
      typeof words.waveWords
    >[0]);
  expect(wave({})).toMatch(/^3 schools$/);
  expect(wave({ size: { share: 0.1 } })).toBe('10 %');
  expect(wave({ size: { share: 0.333 } })).toBe('33 %');
  expect(wave({ soakMinutes: 90 })).toMatch(/^3 schools, .*1.*30/);
  expect(wave({ gate: { afterMinutes: 30 } })).toMatch(/30/);
  expect(wave({ gate: 'manual' }).split(', ')).toHaveLength(2);
  expect(wave({ gate: 'manual', soakMinutes: 60 }).split(', ')).toHaveLength(3);
});

test('what went wrong is told in the words of installations, or in the common ones', () => {
  expect(words.errorWords(null)).toBeNull();
  expect(words.errorWords('DISK_FULL')?.says).not.toBe('');
  expect(words.errorWords('SOMETHING_NEW')?.says).toBe('SOMETHING_NEW');
  expect(words.errorWords('BUSY')?.next).not.toBe(words.errorWords('FORBIDDEN')?.next);
});

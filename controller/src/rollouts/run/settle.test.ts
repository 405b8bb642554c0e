import type { ReportedOrder } from '@preau/contract/order.ts';
import { type TargetState, targetMoves, targetStates } from '@preau/contract/rollout-states.ts';
import { describe, expect, test } from 'vitest';
import { at } from './facts.fixture.ts';
import { type SettledTarget, settle } from './settle.ts';

const target = (state: TargetState, more: Partial<SettledTarget> = {}): SettledTarget => ({
  state,
  action: 'install',
  attempt: 2,
  lastSeq: 5,
  installUntil: null,
  ...more,
});
const report = (
  state: ReportedOrder['state'],
  more: Partial<ReportedOrder> = {},
): ReportedOrder => ({
  orderId: `ord_${'a'.repeat(22)}`,
  attempt: 2,
  seq: 6,
  state,
  recovered: false,
  tooLate: false,
  code: null,
  message: '',
  bytesDone: 0,
  bytesTotal: null,
  wanBytes: 0,
  log: '',
  items: [],
  ...more,
});
/** For example `moved succeeded late`. */
const said = (one: SettledTarget, told: ReportedOrder, waveIsOpen = true): string => {
  const settlement = settle(one, told, waveIsOpen, at(0));
  switch (settlement.kind) {
    case 'known':
      return 'known';
    case 'stale':
      return `stale: ${settlement.why}`;
    case 'noted':
      return `noted ${settlement.badge}`;
    case 'moved':
      return ['moved', settlement.to, settlement.badge ?? ''].join(' ').trim();
  }
};

describe('which report counts', () => {
  // biome-ignore format: a table
  const cases: [name: string, one: SettledTarget, told: ReportedOrder, settled: string][] = [
    ['the next', target('accepted'), report('downloading'), 'moved downloading'],
    ['the same again', target('downloading'), report('downloading', { seq: 5 }), 'known'],
    ['an older one that comes late', target('installing'), report('downloading', { seq: 4 }), 'known'],
    ['one that skips some', target('accepted'), report('verifying', { seq: 90 }), 'moved verifying'],
    ['the same state, newer: its progress', target('downloading'), report('downloading'), 'moved downloading'],
    ['an attempt before', target('accepted'), report('succeeded', { attempt: 1 }), 'stale: attempt 1, now 2'],
    ['an attempt to come', target('accepted'), report('failed', { attempt: 3 }), 'stale: attempt 3, now 2'],
    ['an attempt before, of a number long known', target('accepted'), report('failed', { attempt: 1, seq: 1 }), 'stale: attempt 1, now 2'],
    ['it was unknown and says the same again: it is back', target('unknown'), report('installing', { seq: 5 }), 'moved installing'],
    ['it was unknown and goes on', target('unknown'), report('succeeded'), 'moved succeeded'],
    ['it was unknown, and an older one comes late', target('unknown'), report('accepted', { seq: 4 }), 'known'],
  ];
  test.each(cases)('%s', (_name, one, told, settled) => {
    expect(said(one, told)).toBe(settled);
  });
});

describe('after the verdict', () => {
  // biome-ignore format: a table
  const cases: [one: SettledTarget, told: ReportedOrder, open: string, closed: string][] = [
    [target('cancelled'), report('succeeded'), 'noted installed_after_cancel', 'noted installed_after_cancel'],
    [target('cancelled'), report('already_installed'), 'noted installed_after_cancel', 'noted installed_after_cancel'],
    [target('cancelled'), report('failed'), 'stale: failed after cancelled', 'stale: failed after cancelled'],
    [target('cancelled'), report('installing'), 'stale: installing after cancelled', 'stale: installing after cancelled'],
    [target('timed_out'), report('succeeded'), 'moved succeeded late', 'noted late'],
    [target('timed_out'), report('already_installed'), 'moved already_installed late', 'noted late'],
    [target('timed_out', { action: 'restore' }), report('succeeded'), 'moved rolled_back late', 'noted late'],
    [target('timed_out'), report('failed'), 'stale: failed after timed_out', 'stale: failed after timed_out'],
    [target('timed_out'), report('installing'), 'stale: installing after timed_out', 'stale: installing after timed_out'],
    [target('timed_out'), report('succeeded', { seq: 5 }), 'known', 'known'],
    [target('succeeded'), report('failed'), 'stale: failed after succeeded', 'stale: failed after succeeded'],
    [target('succeeded'), report('succeeded'), 'stale: succeeded after succeeded', 'stale: succeeded after succeeded'],
    [target('failed'), report('succeeded'), 'stale: succeeded after failed', 'stale: succeeded after failed'],
    [target('rolled_back', { action: 'restore' }), report('succeeded'), 'stale: succeeded after rolled_back', 'stale: succeeded after rolled_back'],
    [target('superseded'), report('succeeded'), 'stale: succeeded after superseded', 'stale: succeeded after superseded'],
  ];
  test.each(cases)('%j, %j', (one, told, open, closed) => {
    expect([said(one, told), said(one, told, false)]).toEqual([open, closed]);
  });
});

describe('what the verdict says besides', () => {
  const recovered = { recovered: true };
  // biome-ignore format: a table
  const cases: [name: string, one: SettledTarget, told: ReportedOrder, settled: string][] = [
    ['to go back is to have gone back', target('verifying', { action: 'restore' }), report('succeeded'), 'moved rolled_back'],
    ['so is to be there already', target('accepted', { action: 'restore' }), report('already_installed'), 'moved rolled_back'],
    ['to fail to go back is to fail', target('verifying', { action: 'restore' }), report('failed'), 'moved failed'],
    ['on the way back it works', target('accepted', { action: 'restore' }), report('installing'), 'moved installing'],
    ['mended after a power cut', target('installing'), report('succeeded', recovered), 'moved succeeded recovered'],
    ['not mended', target('installing'), report('failed', recovered), 'moved failed'],
    ['it was still in its window', target('verifying', { installUntil: at(0) }), report('succeeded'), 'moved succeeded'],
    ['its window was over', target('verifying', { installUntil: at(-1) }), report('succeeded'), 'moved succeeded window_overrun'],
    ['over, and it is still at it', target('installing', { installUntil: at(-1) }), report('verifying'), 'moved verifying'],
    ['over, and it failed', target('installing', { installUntil: at(-1) }), report('failed'), 'moved failed'],
    ['mended tells more than overrun', target('installing', { installUntil: at(-1) }), report('succeeded', recovered), 'moved succeeded recovered'],
  ];
  test.each(cases)('%s', (_name, one, told, settled) => {
    expect(said(one, told)).toBe(settled);
  });
});

describe('every state and every report', () => {
  const reported: ReportedOrder['state'][] = [
    'accepted',
    'downloading',
    'staged',
    'installing',
    'verifying',
    'succeeded',
    'already_installed',
    'failed',
    'rejected',
    'cancelled',
  ];
  const own = new Set<TargetState>(['cancelled', 'timed_out']);
  test.each(targetStates.filter((state) => !own.has(state)))('%s', (state) => {
    for (const told of reported) {
      const inFlight = !['succeeded', 'already_installed', 'failed', 'rejected'].includes(state);
      const may = (told === state && inFlight) || targetMoves[state].includes(told);
      expect(said(target(state), report(told))).toBe(
        may ? `moved ${told}` : `stale: ${told} after ${state}`,
      );
    }
  });
});

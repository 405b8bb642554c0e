import type { RolloutState } from '@preau/contract/rollout-states.ts';
import { describe, expect, test } from 'vitest';
import { advance } from './advance.ts';
import {
  at,
  dayMinutes,
  facts,
  order,
  said,
  saidAgain,
  silent,
  target,
  wave,
} from './facts.fixture.ts';
import type { TargetFacts } from './facts.ts';

type More = Parameters<typeof facts>[1];
const decide = (targets: TargetFacts[], more: More) => advance(facts(targets, more), at(0));
const catchUp = 2 * dayMinutes - 30;

describe('the beginning', () => {
  // biome-ignore format: a table
  const cases: [name: string, more: More, decision: string, again: string][] = [
    ['now', {}, '→ running', ''],
    ['its time has come', { startAt: at(0) }, '→ running', ''],
    ['its time has not', { startAt: at(30) }, '', '30'],
    ['it is looked at again in a minute at the earliest', { startAt: at(0.1) }, '', '1'],
    ['the classes arrive', { startAt: at(-5), arrivalEnds: at(20) }, '', '20'],
    ['they are in', { startAt: at(-5), arrivalEnds: at(0) }, '→ running', ''],
    ['they are in before its time', { startAt: at(30), arrivalEnds: at(20) }, '', '30'],
    ['the brake', { braked: true }, '', '1'],
  ];
  test.each(cases)('%s', (_name, more, decision, again) => {
    const decided = decide([target('x', 'queued')], { state: 'scheduled', ...more });
    expect([said(decided), saidAgain(decided)]).toEqual([decision, again]);
  });
});

describe('the end', () => {
  const passed = [wave(1, 'passed'), wave(2, 'passed')];
  // biome-ignore format: a table
  const cases: [name: string, targets: TargetFacts[], more: More, decision: string][] = [
    ['all well', [target('a', 'succeeded'), target('b', 'already_installed')], { waves: passed }, '→ completed'],
    ['nobody', [], { waves: passed }, '→ completed'],
    ['some left out', [target('a', 'skipped'), target('b', 'cancelled')], { waves: passed }, '→ completed'],
    ['one failed', [target('a', 'succeeded'), target('b', 'failed')], { waves: passed }, '→ completed_with_failures'],
    ['one refused', [target('a', 'rejected')], { waves: passed }, '→ completed_with_failures'],
    ['one late', [target('a', 'timed_out')], { waves: passed }, '→ completed_with_failures'],
    ['one is still out', [target('a', 'succeeded'), target('b', 'blocked', { reason: 'offline', ...silent })], { waves: passed }, ''],
    ['a wave was stopped and accepted', [target('a', 'succeeded')], { waves: [wave(1, 'tripped'), wave(2, 'passed')] }, '→ completed'],
    ['the brake comes first', [target('a', 'succeeded')], { waves: passed, braked: true }, '→ paused brake'],
  ];
  test.each(cases)('%s', (_name, targets, more, decision) => {
    expect(said(decide(targets, more))).toBe(decision);
  });
  const over: RolloutState[] = [
    'planned',
    'awaiting_approval',
    'approved',
    'completed',
    'completed_with_failures',
    'cancelled',
    'rolled_back',
    'failed',
    'superseded',
  ];
  test.each(over)('%s: nothing more', (state) => {
    const targets = [target('x', 'queued', { deadlineAt: at(-1) })];
    expect(said(decide(targets, { state }))).toBe('');
  });
});

describe('another rollout does it all', () => {
  // biome-ignore format: a table
  const cases: [name: string, targets: TargetFacts[], decision: string][] = [
    ['who waits is its', [target('a', 'queued'), target('b', 'installing'), target('c', 'blocked')], 'a superseded, c superseded'],
    ['who works finishes', [target('a', 'superseded'), target('b', 'installing')], ''],
    ['nobody is left', [target('a', 'superseded'), target('b', 'failed')], '→ superseded'],
  ];
  test.each(cases)('%s', (_name, targets, decision) => {
    const waves = [wave(1, 'open'), wave(2, 'pending')];
    expect(said(decide(targets, { superseded: true, waves }))).toBe(decision);
  });
});

describe('cancelled', () => {
  const gone = { server: { gone: true, online: false } };
  // biome-ignore format: a table
  const cases: [name: string, targets: TargetFacts[], more: More, decision: string][] = [
    ['who has nothing yet is free at once', [target('a', 'queued'), target('b', 'blocked'), target('c', 'offered', { order: order() }), target('d', 'unknown', { order: order() })], {}, 'a cancelled, b cancelled, c cancelled, d cancelled'],
    ['who works is told how to stop', [target('a', 'installing', { order: order() })], { cancelKind: 'kill' }, 'a installing [install cancel kill]'],
    ['gently, unless said otherwise', [target('a', 'accepted', { order: order() })], {}, 'a accepted [install cancel finish]'],
    ['and not twice', [target('a', 'installing', { order: order({ cancel: 'finish' }) })], {}, ''],
    ['but harder', [target('a', 'installing', { order: order({ cancel: 'finish' }) })], { cancelKind: 'kill' }, 'a installing [install cancel kill]'],
    ['who was offered an order may have begun what has to go', [target('a', 'offered', { order: order() })], { cancelKind: 'remove' }, 'a offered [install cancel remove]'],
    ['who does not take it is asked no longer', [target('a', 'offered', { order: order({ cancel: 'kill' }), leaseUntil: at(0) })], { cancelKind: 'kill' }, `a queued again by ${catchUp}`],
    ['who was told and is silent is not waited for', [target('a', 'installing', { order: order({ cancel: 'finish' }), leaseUntil: at(0) })], {}, 'a unknown'],
    ['nor who never ends', [target('a', 'installing', { order: order({ cancel: 'finish' }), deadlineAt: at(0) })], {}, 'a timed_out deadline'],
    ['behind the brake nobody is late', [target('a', 'installing', { order: order({ cancel: 'finish' }), leaseUntil: at(0), deadlineAt: at(0) })], { braked: true }, ''],
    ['who works and is gone', [target('a', 'installing', { order: order(), ...gone })], {}, 'a cancelled'],
    ['what is over stands', [target('a', 'failed'), target('b', 'queued')], {}, 'b cancelled'],
    ['all are over', [target('a', 'failed'), target('b', 'cancelled')], { waves: [wave(1, 'passed'), wave(2, 'tripped'), wave(3, 'soaking'), wave(4, 'pending')] }, 'wave 3 skipped, wave 4 skipped, → cancelled'],
    ['nothing holds it, nor the brake', [target('a', 'queued')], { braked: true }, 'a cancelled'],
  ];
  test.each(cases)('%s', (_name, targets, more, decision) => {
    expect(said(decide(targets, { state: 'cancelling', ...more }))).toBe(decision);
  });
});

describe('the way back', () => {
  const can = { canRestore: true };
  const back = (state: TargetFacts['state']) => target('a', state, { action: 'restore' });
  const queued = (name: string) => `${name} queued restore again by ${catchUp}`;
  // biome-ignore format: a table
  const cases: [name: string, targets: TargetFacts[], more: More, decision: string][] = [
    ['what succeeded, failed or came too late goes back', [target('a', 'succeeded', can), target('b', 'failed', can), target('c', 'timed_out', can)], {}, [queued('a'), queued('b'), queued('c')].join(', ')],
    ['what was never touched does not', [target('a', 'already_installed', can), target('b', 'skipped', can), target('c', 'rejected', can), target('d', 'cancelled', can)], { waves: [wave(1, 'passed')] }, '→ rolled_back'],
    ['nor what was not there or is unknown', [target('a', 'succeeded')], { waves: [wave(1, 'passed')] }, '→ rolled_back'],
    ['who waits needs nothing', [target('a', 'queued', can), target('b', 'blocked', can)], {}, 'a cancelled, b cancelled'],
    ['who was offered an order may have begun', [target('a', 'offered', { ...can, order: order() })], {}, 'a offered [install cancel finish]'],
    ['who does not take it is asked no longer', [target('a', 'offered', { ...can, order: order({ cancel: 'finish' }), leaseUntil: at(0) })], {}, `a queued again by ${catchUp}`],
    ['who is silent in the middle goes back when it is heard again', [target('a', 'unknown', { ...can, order: order() })], {}, queued('a')],
    ['but not if it has nothing to go back to, or is of another wave', [target('a', 'unknown', { order: order() }), target('b', 'unknown', { ...can, wave: 2, order: order() })], { rollbackWave: 1 }, 'a cancelled, b cancelled'],
    ['who has not begun is told to stop', [target('a', 'staged', { ...can, order: order() })], {}, 'a staged [install cancel finish]'],
    ['once', [target('a', 'staged', { ...can, order: order({ cancel: 'finish' }) })], {}, ''],
    ['who has begun goes on first', [target('a', 'installing', { ...can, order: order() })], {}, ''],
    ['all waves at once', [target('a', 'queued', { action: 'restore', wave: 1 }), target('b', 'queued', { action: 'restore', wave: 2 })], { waves: [wave(1, 'passed'), wave(2, 'tripped'), wave(3, 'pending')] }, 'a offered (install) by 20, b offered (install) by 20'],
    ['one wave only', [target('a', 'succeeded', can), target('b', 'succeeded', { ...can, wave: 2 })], { rollbackWave: 2 }, queued('b')],
    ['within the budget', [target('a', 'queued', { action: 'restore' }), target('b', 'queued', { action: 'restore' })], { draft: { budget: { sitesAtOnce: 1, serversPerSite: 1, kibibytesPerSecond: null } } }, 'a offered (install) by 20, b blocked budget'],
    ['who is late on the way back is late', [target('a', 'installing', { action: 'restore', deadlineAt: at(0) })], {}, 'a timed_out deadline'],
    ['who is silent is late, and no other change is made of it', [target('a', 'staged', { ...can, order: order(), leaseUntil: at(0) })], {}, 'a staged [install cancel finish]'],
    ['behind the brake it stands still', [target('a', 'succeeded', can)], { braked: true }, ''],
    ['all are back', [back('rolled_back')], { waves: [wave(1, 'passed'), wave(2, 'open'), wave(3, 'pending')] }, 'wave 2 skipped, wave 3 skipped, → rolled_back'],
    ['one that left is no failure', [back('cancelled')], { waves: [] }, '→ rolled_back'],
    ['one did not come back', [back('failed'), target('b', 'succeeded')], { waves: [] }, '→ failed'],
    ['one did not come back in time', [back('timed_out')], { waves: [] }, '→ failed'],
    ['what had failed before and cannot go back is no failure of this', [target('b', 'failed')], { waves: [] }, '→ rolled_back'],
  ];
  test.each(cases)('%s', (_name, targets, more, decision) => {
    expect(said(decide(targets, { state: 'rolling_back', ...more }))).toBe(decision);
  });
});

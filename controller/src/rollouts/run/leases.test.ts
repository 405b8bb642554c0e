import type { TargetState } from '@preau/contract/rollout-states.ts';
import { describe, expect, test } from 'vitest';
import { advance } from './advance.ts';
import { change, nothing } from './decision.ts';
import { at, dayMinutes, facts, order, said, target } from './facts.fixture.ts';
import type { TargetFacts } from './facts.ts';
import { hold, overdue } from './leases.ts';

const inWords = (targets: ReturnType<typeof overdue>) => said({ ...nothing, targets });
const gone = { online: false, gone: true };
/** Two days after the start, which was half an hour ago. */
const catchUp = 2 * dayMinutes - 30;

describe('leases and deadlines', () => {
  // biome-ignore format: a table
  const cases: [state: TargetState, more: Parameters<typeof target>[2], running: string, paused: string][] = [
    ['queued', { deadlineAt: at(1) }, '', ''],
    ['queued', { deadlineAt: at(0) }, 'x timed_out never_came', ''],
    ['blocked', { deadlineAt: at(-1) }, 'x timed_out never_came', ''],
    ['queued', { server: gone }, 'x cancelled server_gone', 'x cancelled server_gone'],
    ['installing', { server: gone }, 'x cancelled server_gone', 'x cancelled server_gone'],
    ['succeeded', { server: gone, deadlineAt: at(-1), leaseUntil: null }, '', ''],
    ['offered', { leaseUntil: at(1) }, '', ''],
    ['offered', { leaseUntil: at(0) }, `x queued again by ${catchUp}`, ''],
    ['offered', { leaseUntil: at(0), deadlineAt: at(-1) }, `x queued again by ${catchUp}`, ''],
    ['offered', { leaseUntil: at(1), deadlineAt: at(0) }, 'x timed_out deadline', ''],
    ['accepted', { leaseUntil: at(1) }, '', ''],
    ['accepted', { leaseUntil: at(0) }, 'x unknown', 'x unknown'],
    ['accepted', { leaseUntil: null }, 'x unknown', 'x unknown'],
    ['staged', { deadlineAt: at(0) }, 'x timed_out deadline', ''],
    ['staged', { deadlineAt: at(0), leaseUntil: at(0) }, 'x timed_out deadline', 'x unknown'],
    ['installing', { deadlineAt: at(1), leaseUntil: at(1) }, '', ''],
    ['installing', { deadlineAt: at(0) }, 'x timed_out deadline', 'x timed_out deadline'],
    ['verifying', { leaseUntil: at(-1) }, 'x unknown', 'x unknown'],
    ['unknown', { leaseUntil: at(-1) }, '', ''],
    ['unknown', { deadlineAt: at(0) }, 'x timed_out deadline', 'x timed_out deadline'],
  ];
  test.each(cases)('%s, %j', (state, more, running, paused) => {
    const one = facts([target('x', state, more)]);
    expect([inWords(overdue(one, at(0), true)), inWords(overdue(one, at(0), false))]).toEqual([
      running,
      paused,
    ]);
  });

  test('a rollout that has not been started counts from now', () => {
    const one = facts([target('x', 'offered', { leaseUntil: null })], { startedAt: null });
    expect(inWords(overdue(one, at(0), true))).toBe(`x queued again by ${2 * dayMinutes}`);
  });

  test('what has run out is settled before anything else, and alone', () => {
    const targets = [target('x', 'accepted', { leaseUntil: at(0) }), target('y', 'queued')];
    expect(said(advance(facts(targets), at(0)))).toBe('x unknown');
  });
});

describe('paused, orders may only download', () => {
  // biome-ignore format: a table
  const cases: [state: TargetState, order: TargetFacts['order'], held: string][] = [
    ['staged', order(), 'x staged held [stage]'],
    ['accepted', order({ installFrom: at(1), installUntil: at(9) }), 'x accepted held [stage]'],
    ['staged', order({ phase: 'stage' }), ''],
    ['staged', order({ cancel: 'finish' }), ''],
    ['staged', null, ''],
    ['installing', order(), ''],
    ['queued', order(), ''],
    ['succeeded', order(), ''],
  ];
  test.each(cases)('%s %j', (state, given, held) => {
    expect(inWords(hold(facts([target('x', state, { order: given })])))).toBe(held);
  });
});

describe('paused', () => {
  const targets = [target('x', 'staged', { order: order() }), target('y', 'queued')];
  const late = target('z', 'installing', { deadlineAt: at(0) });
  const paused = (more: object) =>
    advance(facts([...targets, late], { state: 'paused', ...more }), at(0));
  // biome-ignore format: a table
  const cases: [more: object, decision: string][] = [
    [{ pauseReason: 'user' }, 'z timed_out deadline, x staged held [stage]'],
    [{ pauseReason: 'threshold' }, 'z timed_out deadline, x staged held [stage]'],
    [{ pauseReason: 'gate' }, 'z timed_out deadline, x staged held [stage]'],
    [{ pauseReason: 'brake' }, ''],
    [{ pauseReason: 'user', braked: true }, ''],
  ];
  test.each(cases)('%j', (more, decision) => {
    expect(said(paused(more))).toBe(decision);
  });
});

test('it decides again at the earliest time that would change something', () => {
  const again = (more: Parameters<typeof target>[2]) =>
    advance(
      facts([
        target('x', 'installing', { deadlineAt: at(50), leaseUntil: at(40), ...more }),
        target('over', 'succeeded', { deadlineAt: at(1), leaseUntil: at(1) }),
      ]),
      at(0),
    ).evaluateAt;
  expect(again({})).toBe(at(40));
  expect(again({ deadlineAt: at(30) })).toBe(at(30));
  expect(again({ notBefore: at(20) })).toBe(at(20));
  expect(again({ install: { from: at(10), until: null } })).toBe(at(10));
  expect(again({ download: { from: at(9), until: null } })).toBe(at(9));
  // What is past wakes nobody.
  expect(again({ notBefore: at(0), install: { from: at(-1), until: null } })).toBe(at(40));
  expect(advance(facts([target('x', 'queued', { server: { busy: true } })]), at(0))).toMatchObject({
    targets: [change(target('x', 'queued'), 'blocked', { reason: 'dependency' })],
    evaluateAt: at(60),
  });
});

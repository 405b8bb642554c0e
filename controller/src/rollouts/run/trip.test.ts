import type { TripRules } from '@preau/contract/rollout-draft.ts';
import type { TargetState } from '@preau/contract/rollout-states.ts';
import { describe, expect, test } from 'vitest';
import { advance } from './advance.ts';
import { at, facts, noTrip, said, target, wave } from './facts.fixture.ts';
import type { TargetFacts, WaveFacts } from './facts.ts';
import { trip } from './trip.ts';

const many = (count: number, state: TargetState, more: Partial<TargetFacts> = {}) =>
  Array.from({ length: count }, (_, n) => target(`${state}-${n}`, state, more));
const stopped = (
  rules: Partial<TripRules>,
  members: TargetFacts[],
  more: Partial<WaveFacts> = {},
): string =>
  trip(
    facts(members, { draft: { trip: { ...noTrip, ...rules } } }),
    wave(1, 'open', {}, more),
  )?.en.replace('Wave 1 stopped: ', '') ?? '';
const late = { reason: 'deadline' as const };

describe('what stops a wave', () => {
  // biome-ignore format: a table
  const cases: [name: string, rules: Partial<TripRules>, members: TargetFacts[], why: string][] = [
    ['nothing stops it', {}, many(9, 'failed'), ''],
    ['as many as allowed', { failedCount: 2 }, many(2, 'failed'), ''],
    ['one more', { failedCount: 2 }, many(3, 'failed'), '3 servers failed.'],
    ['none allowed', { failedCount: 0 }, many(1, 'failed'), '1 servers failed.'],
    ['refused orders are failures', { failedCount: 1 }, [...many(1, 'failed'), ...many(1, 'rejected')], '2 servers failed.'],
    ['who was late did not fail', { failedCount: 0 }, many(4, 'timed_out', late), ''],
    ['a tenth of ten, alone', { failedShare: 0.05 }, [...many(1, 'failed'), ...many(9, 'succeeded')], ''],
    ['a fifth of ten is as much as allowed', { failedShare: 0.2 }, [...many(2, 'failed'), ...many(8, 'succeeded')], ''],
    ['and above', { failedShare: 0.19 }, [...many(2, 'failed'), ...many(8, 'succeeded')], '2 of 10 servers failed.'],
    ['the share is of those who were not left out', { failedShare: 0.19 }, [...many(2, 'failed'), ...many(9, 'skipped')], '2 of 2 servers failed.'],
    ['a wave of one: the one', { failedShare: 0.5 }, many(1, 'failed'), '1 of 1 servers failed.'],
    ['late, as much as allowed', { timedOutShare: 0.5 }, [...many(2, 'timed_out', late), ...many(2, 'succeeded')], ''],
    ['late, and above', { timedOutShare: 0.4 }, [...many(2, 'timed_out', late), ...many(2, 'succeeded')], '2 of 4 servers did not finish in time.'],
    ['one late of two is no pattern', { timedOutShare: 0.4 }, [...many(1, 'timed_out', late), ...many(1, 'succeeded')], ''],
    ['who never came is not late', { timedOutShare: 0.1 }, many(4, 'timed_out', { reason: 'never_came' }), ''],
    ['who failed is not late', { timedOutShare: 0.1 }, many(4, 'failed'), ''],
  ];
  test.each(cases)('%s', (_name, rules, members, why) => {
    expect(stopped(rules, members)).toBe(why);
  });

  // biome-ignore format: a table
  const accepted: [name: string, rules: Partial<TripRules>, members: TargetFacts[], more: Partial<WaveFacts>, why: string][] = [
    ['failures that were accepted', { failedCount: 0 }, many(2, 'failed'), { tolerated: 2 }, ''],
    ['a further one', { failedCount: 0 }, many(3, 'failed'), { tolerated: 2 }, '1 servers failed.'],
    ['accepted failures are not accepted delays', { timedOutShare: 0.1 }, many(2, 'timed_out', late), { tolerated: 2 }, '2 of 2 servers did not finish in time.'],
    ['delays that were accepted', { timedOutShare: 0.1 }, many(2, 'timed_out', late), { toleratedLate: 2 }, ''],
    ['accepted delays are not accepted failures', { failedCount: 0 }, many(1, 'failed'), { toleratedLate: 2 }, '1 servers failed.'],
    ['accepted failures are no row either', { consecutiveFailures: 2 }, many(2, 'failed', { finishedAt: at(-1) }), { tolerated: 1 }, ''],
  ];
  test.each(accepted)('%s', (_name, rules, members, more, why) => {
    expect(stopped(rules, members, more)).toBe(why);
  });

  test('another wave’s failures are its own', () => {
    expect(stopped({ failedCount: 0 }, many(3, 'failed', { wave: 2 }))).toBe('');
  });
});

describe('failures in a row, by when they ended', () => {
  /** Each letter is one that ended: f failed, r refused, s well, a had it, t late, k skipped. */
  const ended = (letters: string) =>
    [...letters].map((letter, index) => {
      const states: Record<string, TargetState> = {
        f: 'failed',
        r: 'rejected',
        s: 'succeeded',
        a: 'already_installed',
        t: 'timed_out',
        k: 'skipped',
      };
      // Listed by name, which says nothing about when it ended.
      return target(`${9 - index}`, states[letter] ?? 'queued', {
        finishedAt: at(index - letters.length),
        reason: letter === 't' ? 'deadline' : null,
      });
    });
  // biome-ignore format: a table
  const cases: [letters: string, limit: number, trips: boolean][] = [
    ['f', 1, true], ['ff', 3, false], ['fff', 3, true], ['ffff', 3, true], ['frf', 3, true],
    ['ffsf', 3, false], ['sfff', 3, true], ['fffs', 3, false], ['ffaf', 3, false],
    ['sffsff', 3, false], ['ftff', 3, true], ['fkff', 3, true], ['ttt', 3, false],
  ];
  test.each(cases)('%s of %i', (letters, limit, trips) => {
    expect(stopped({ consecutiveFailures: limit }, ended(letters))).toBe(
      trips ? `${limit} failures in a row.` : '',
    );
  });
});

test('the wave that stops pauses the rollout, or brings it back; which one it was is said', () => {
  const rules = { ...noTrip, failedCount: 0 };
  const waves = [wave(1, 'passed'), wave(2, 'open'), wave(3, 'pending')];
  const members = [target('a', 'failed', { wave: 2 }), target('b', 'queued', { wave: 2 })];
  const decide = (onTrip: 'pause' | 'roll_back') =>
    advance(facts(members, { waves, draft: { trip: rules, onTrip } }), at(0));
  expect(said(decide('pause'))).toBe('wave 2 tripped, → paused threshold');
  expect(said(decide('roll_back'))).toBe('wave 2 tripped, → rolling_back');
  expect(decide('pause').rollout?.note).toEqual({
    fr: 'Vague 2 arrêtée : 1 serveurs en échec.',
    en: 'Wave 2 stopped: 1 servers failed.',
  });
});

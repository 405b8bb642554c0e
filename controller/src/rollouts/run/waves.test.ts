import type { WaveSpec } from '@preau/contract/rollout-draft.ts';
import { describe, expect, test } from 'vitest';
import { advance } from './advance.ts';
import { at, facts, noTrip, said, saidAgain, silent, target, wave } from './facts.fixture.ts';
import type { RolloutFacts, TargetFacts, WaveFacts } from './facts.ts';

const three = (spec: Partial<WaveSpec>, first: Partial<WaveFacts> & Pick<WaveFacts, 'state'>) => [
  wave(1, first.state, spec, first),
  wave(2, 'pending'),
  wave(3, 'pending'),
];
const later = [target('y', 'queued', { wave: 2 }), target('z', 'queued', { wave: 3 })];
const decide = (waves: WaveFacts[], members: TargetFacts[], more: Partial<RolloutFacts> = {}) =>
  advance(facts([...members, ...later], { waves, ...more }), at(0));

describe('when a wave is over', () => {
  const open = three({}, { state: 'open' });
  const asks = three({ gate: 'manual' }, { state: 'open' });
  const soaks = three({ soakMinutes: 60 }, { state: 'open' });
  const offline = { ...silent, reason: 'offline' as const };
  // biome-ignore format: a table
  const cases: [name: string, waves: WaveFacts[], members: TargetFacts[], decision: string][] = [
    ['somebody still works', open, [target('a', 'succeeded'), target('b', 'installing')], ''],
    ['somebody still waits, online', open, [target('a', 'succeeded'), target('b', 'blocked', { reason: 'window', install: { from: null, until: null } })], ''],
    ['all well', open, [target('a', 'succeeded'), target('b', 'already_installed')], 'wave 1 passed'],
    ['some failed, and nothing forbids it', open, [target('a', 'succeeded'), target('b', 'failed')], 'wave 1 passed'],
    ['it has nobody', open, [], 'wave 1 passed'],
    ['one is well, one silent', open, [target('a', 'succeeded'), target('b', 'blocked', offline)], 'wave 1 passed'],
    ['one had it before, one silent', open, [target('a', 'already_installed'), target('b', 'blocked', offline)], 'wave 1 passed'],
    ['nobody answered', open, [target('a', 'blocked', offline), target('b', 'blocked', offline)], ''],
    ['one failed, one silent: nothing is proven', open, [target('a', 'failed'), target('b', 'blocked', offline)], ''],
    ['all failed, nobody silent', open, [target('a', 'failed'), target('b', 'failed')], 'wave 1 passed'],
    ['a person opens the next', asks, [target('a', 'succeeded')], 'wave 1 passed, → paused gate'],
    ['watched for an hour first', soaks, [target('a', 'succeeded')], 'wave 1 soaking until 60'],
    ['nothing was changed, so nothing is watched', soaks, [target('a', 'already_installed')], 'wave 1 passed'],
    ['nobody is in it, so nothing is watched', soaks, [], 'wave 1 passed'],
  ];
  test.each(cases)('%s', (_name, waves, members, decision) => {
    expect(said(decide(waves, members))).toBe(decision);
  });

  test('the last wave passes though nobody answered in it, and asks nobody; the end is not yet', () => {
    const waves = [wave(1, 'passed'), wave(2, 'open', { gate: 'manual' })];
    const members = [target('a', 'succeeded'), target('b', 'blocked', { ...offline, wave: 2 })];
    expect(said(advance(facts(members, { waves }), at(0)))).toBe('wave 2 passed');
  });
});

describe('soaking', () => {
  // biome-ignore format: a table
  const cases: [soakUntil: number, decision: string, again: string][] = [
    [60, '', '60'],
    [1, '', '1'],
    [0, 'wave 1 passed', ''],
    [-1, 'wave 1 passed', ''],
  ];
  test.each(cases)('until %i', (until, decision, again) => {
    const waves = three({ soakMinutes: 60 }, { state: 'soaking', soakUntil: at(until) });
    const decided = decide(waves, [target('a', 'succeeded')]);
    expect([said(decided), saidAgain(decided)]).toEqual([
      decision,
      decision === '' ? again : saidAgain(decided),
    ]);
  });

  test('a failure meanwhile stops the wave', () => {
    const waves = three({ soakMinutes: 60 }, { state: 'soaking', soakUntil: at(60) });
    const trip = { ...noTrip, failedCount: 0 };
    expect(
      said(
        advance(
          facts([target('a', 'succeeded'), target('b', 'failed'), ...later], {
            waves,
            draft: { trip },
          }),
          at(0),
        ),
      ),
    ).toBe('wave 1 tripped, → paused threshold');
  });

  test('a gate follows it: a person is asked only after it', () => {
    const spec = { soakMinutes: 60, gate: 'manual' as const };
    const members = [target('a', 'succeeded')];
    expect(said(decide(three(spec, { state: 'open' }), members))).toBe('wave 1 soaking until 60');
    expect(said(decide(three(spec, { state: 'soaking', soakUntil: at(0) }), members))).toBe(
      'wave 1 passed, → paused gate',
    );
  });
});

describe('what opens the next wave', () => {
  const gate = (afterMinutes: number) => ({ gate: { afterMinutes } });
  // biome-ignore format: a table
  const cases: [name: string, spec: Partial<WaveSpec>, closed: number, decision: string, again: string][] = [
    ['nothing more', {}, 0, 'wave 2 open', ''],
    ['a person, who has resumed it', { gate: 'manual' }, -1, 'wave 2 open', ''],
    ['30 minutes, of which none is over', gate(30), 0, '', '30'],
    ['30 minutes, of which one is left', gate(30), -29, '', '1'],
    ['30 minutes that are over', gate(30), -30, 'wave 2 open', ''],
  ];
  test.each(cases)('%s', (_name, spec, closed, decision, again) => {
    const waves = three(spec, { state: 'passed', closedAt: at(closed) });
    const decided = decide(waves, [target('a', 'succeeded')]);
    expect([said(decided), decision === '' ? saidAgain(decided) : '']).toEqual([decision, again]);
  });

  test('only the next one, and by the gate of the one before it', () => {
    const members = [target('a', 'succeeded'), target('b', 'succeeded', { wave: 2 })];
    const waves = (second: Partial<WaveSpec>) => [
      wave(1, 'passed', gate(1000), { closedAt: at(-1) }),
      wave(2, 'passed', second, { closedAt: at(-1) }),
      wave(3, 'pending'),
    ];
    expect(said(advance(facts(members, { waves: waves({}) }), at(0)))).toBe('wave 3 open');
    const waiting = advance(facts(members, { waves: waves(gate(5)) }), at(0));
    expect([said(waiting), saidAgain(waiting)]).toEqual(['', '4']);
  });

  test('meanwhile who comes back online in the waves before gets its order', () => {
    const waves = three(gate(30), { state: 'passed', closedAt: at(0) });
    expect(said(decide(waves, [target('a', 'succeeded'), target('b', 'queued')]))).toBe(
      'b offered (install) by 20',
    );
  });
});

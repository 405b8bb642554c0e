import { describe, expect, test } from 'vitest';
import { advance } from './advance.ts';
import { nothing } from './decision.ts';
import { at, dayMinutes, facts, order, said, silent, span, target, wave } from './facts.fixture.ts';
import type { RolloutFacts, TargetFacts } from './facts.ts';
import { offers, reachedWaves, retime } from './offers.ts';

type More = Parameters<typeof target>[2];
const first = new Set([1]);
const offered = (targets: TargetFacts[], more: Parameters<typeof facts>[1] = {}) =>
  said({ ...nothing, targets: offers(facts(targets, more), at(0), first) });
const never = span(null, null);

describe('who gets an order, and on which terms', () => {
  // biome-ignore format: a table
  const cases: [name: string, more: More, decision: string][] = [
    ['at any time', {}, 'x offered (install) by 20'],
    ['it has everything already', { server: { hasAll: true } }, 'x already_installed'],
    ['to go back, that does not matter', { action: 'restore', server: { hasAll: true } }, 'x offered (install) by 20'],
    ['offline', silent, 'x blocked offline'],
    ['another rollout works there', { server: { busy: true } }, 'x blocked dependency'],
    ['it takes nobody', { server: { draining: true } }, 'x blocked dependency'],
    ['not yet', { notBefore: at(1) }, ''],
    ['now', { notBefore: at(0) }, 'x offered (install) by 20'],
    ['another wave', { wave: 2 }, ''],
    ['the install window is open', { install: span(0, 60) }, 'x offered (install ..60) by 20'],
    ['and has just enough room', { install: span(0, 10) }, 'x offered (install ..10) by 20'],
    ['too little room is left', { install: span(0, 9) }, 'x blocked window'],
    ['open for ever', { install: span(0, null) }, 'x offered (install) by 20'],
    ['closed, but it may download ahead', { install: span(30, 90) }, 'x offered (install 30..90) by 110'],
    ['closed and of no end', { install: span(30, null) }, 'x offered (install 30..) by 50'],
    ['it opens in less than a day', { install: span(dayMinutes - 1, dayMinutes + 60) }, `x offered (install ${dayMinutes - 1}..${dayMinutes + 60}) by ${dayMinutes + 80}`],
    ['it opens in a day', { install: span(dayMinutes, dayMinutes + 60) }, `x blocked window opens ${dayMinutes}`],
    ['it never opens', { install: never }, 'x blocked window'],
    ['neither window is open', { install: span(30, 90), download: span(20, 90) }, 'x blocked window opens 30'],
    ['both are open', { install: span(0, 60), download: span(0, 60) }, 'x offered (install ..60) by 20'],
    ['installing is open, downloading is not', { install: span(0, 60), download: span(20, 90) }, 'x offered (install ..60) by 20'],
    ['any time to install, no time to download', { download: span(20, 90) }, 'x blocked window opens 20'],
    ['any time to install, and downloading is open', { download: span(0, 90) }, 'x offered (install) by 20'],
    ['going back waits for no window', { action: 'restore', install: span(30, 90), download: span(20, 90) }, 'x offered (install) by 20'],
  ];
  test.each(cases)('%s', (_name, more, decision) => {
    expect(offered([target('x', 'queued', more)])).toBe(decision);
  });

  // biome-ignore format: a table
  const again: [name: string, more: More, decision: string][] = [
    ['it waits for the same', { reason: 'offline', ...silent }, ''],
    ['it waits for something else now', { reason: 'budget', ...silent }, 'x blocked offline'],
    ['its window opens at another time', { reason: 'window', opensAt: at(10), install: span(30, 60), download: never }, 'x blocked window opens 30'],
    ['its window opens when it did', { reason: 'window', opensAt: at(30), install: span(30, 60), download: never }, ''],
    ['what it waited for is over', { reason: 'dependency' }, 'x offered (install) by 20'],
    ['its moment has come', { reason: 'catching_up', notBefore: at(0) }, 'x offered (install) by 20'],
  ];
  test.each(again)('blocked: %s', (_name, more, decision) => {
    expect(offered([target('x', 'blocked', more)])).toBe(decision);
  });

  test('who comes back online starts within twenty seconds, not all at once, and always the same', () => {
    const back = () =>
      offers(
        facts(
          Array.from({ length: 40 }, (_, n) => target(`s${n}`, 'blocked', { reason: 'offline' })),
        ),
        at(0),
        first,
      );
    const starts = back().map(({ notBefore }) => (notBefore ?? 0) - at(0));
    expect(back().every(({ reason }) => reason === 'catching_up')).toBe(true);
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...starts)).toBeLessThan(20_000);
    expect(Math.max(...starts) - Math.min(...starts)).toBeGreaterThan(10_000);
    expect(new Set(starts).size).toBeGreaterThan(35);
    expect(back().map(({ notBefore }) => (notBefore ?? 0) - at(0))).toEqual(starts);
  });
});

describe('budgets', () => {
  const budget = (sitesAtOnce: number | null, serversPerSite: number | null) => ({
    draft: { budget: { sitesAtOnce, serversPerSite, kibibytesPerSecond: null } },
  });
  const at2 = (serverId: string, siteId: string, state: 'queued' | 'installing' | 'succeeded') =>
    target(serverId, state, { siteId });
  const two = [at2('a', 'A', 'queued'), at2('b', 'A', 'queued'), at2('c', 'B', 'queued')];
  const offer = (name: string) => `${name} offered (install) by 20`;
  const wait = (name: string) => `${name} blocked budget`;
  // biome-ignore format: a table
  const cases: [name: string, targets: TargetFacts[], more: object, decision: string[]][] = [
    ['none', two, budget(null, null), [offer('a'), offer('b'), offer('c')]],
    ['one school', two, budget(1, null), [offer('a'), offer('b'), wait('c')]],
    ['one server of each', two, budget(null, 1), [offer('a'), wait('b'), offer('c')]],
    ['both', two, budget(1, 1), [offer('a'), wait('b'), wait('c')]],
    ['what works counts', [at2('w', 'B', 'installing'), ...two], budget(1, 1), [wait('a'), wait('b'), wait('c')]],
    ['beside what works in the same school', [at2('w', 'A', 'installing'), ...two], budget(1, 3), [offer('a'), offer('b'), wait('c')]],
    ['what is over does not', [at2('w', 'B', 'succeeded'), ...two], budget(1, 1), [offer('a'), wait('b'), wait('c')]],
    ['who is offline takes no place', [target('o', 'queued', { siteId: 'A', ...silent }), ...two], budget(1, 1), ['o blocked offline', offer('a'), wait('b'), wait('c')]],
  ];
  test.each(cases)('%s', (_name, targets, more, decision) => {
    expect(offered(targets, more)).toBe(decision.join(', '));
  });
});

describe('new terms for orders that are given', () => {
  const stage = order({ phase: 'stage' });
  // biome-ignore format: a table
  const cases: [name: string, more: More, decision: string][] = [
    ['nothing has changed', { order: order() }, ''],
    ['held until now', { order: stage }, 'x staged [install] by 20'],
    ['held, and its window is closed', { order: stage, install: never }, ''],
    ['its window has closed', { order: order({ installUntil: at(-1) }), install: never }, 'x staged window [stage]'],
    ['it closed and opens tomorrow', { order: order({ installUntil: at(-1) }), install: span(dayMinutes + 1, dayMinutes + 2) }, `x staged window [stage] opens ${dayMinutes + 1}`],
    ['its window has an end now', { order: order(), install: span(0, 30) }, 'x staged [install ..30] by 20'],
    ['its window has none any more', { order: order({ installUntil: at(30) }) }, 'x staged [install] by 20'],
    ['its window has moved', { order: order({ installFrom: at(10), installUntil: at(60) }), install: span(20, 60) }, 'x staged [install 20..60] by 80'],
    ['its window has opened as it was told', { order: order({ installFrom: at(-1), installUntil: at(60) }), install: span(0, 60) }, ''],
    ['it ends anyway', { order: order({ cancel: 'finish', installUntil: at(9) }) }, ''],
    ['it has none', { order: null }, ''],
  ];
  test.each(cases)('%s', (_name, more, decision) => {
    const one = facts([target('x', 'staged', more)]);
    expect(said({ ...nothing, targets: retime(one, at(0)) })).toBe(decision);
  });
  test.each(['installing', 'unknown', 'queued', 'succeeded'] as const)(
    'none for what is %s',
    (state) => {
      expect(retime(facts([target('x', state, { order: stage })]), at(0))).toEqual([]);
    },
  );
});

test('orders go to the waves that were reached, and to no other', () => {
  const states = ['pending', 'open', 'soaking', 'passed', 'tripped', 'skipped'] as const;
  const all: Pick<RolloutFacts, 'waves'> = {
    waves: states.map((state, index) => wave(index + 1, state)),
  };
  expect([...reachedWaves(facts([], all))]).toEqual([2, 3, 4]);
  const targets = [target('x', 'queued', { wave: 2 }), target('y', 'queued', { wave: 3 })];
  const waves = [wave(1, 'passed'), wave(2, 'open'), wave(3, 'pending')];
  expect(said(advance(facts(targets, { waves }), at(0)))).toBe('x offered (install) by 20');
});

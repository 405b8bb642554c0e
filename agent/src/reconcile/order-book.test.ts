import type { Order, ReportedOrder } from '@preau/contract/order.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forgettable, heldApplications, keptOrders, pass, tellOrders } from './order-book.ts';
import type { OrderJournal } from './order-journal.ts';
import {
  type Effect,
  hasEnded,
  type OrderEvent,
  type OrderFacts,
  type Transition,
} from './order-transition.ts';
import {
  application,
  brief,
  content,
  facts,
  held,
  id,
  isReported,
  now,
  o,
  order,
  reach,
  type Wanted,
  type Way,
} from './orders.fixture.ts';
import { step } from './orders.ts';

describe('all orders of one server', () => {
  const named = (name: string, more: Partial<Order> = {}) =>
    order({ orderId: id('ord', name), applications: [application(name)], ...more });
  const none: OrderFacts = facts;
  test('one works, the others are accepted and wait; none beside other work', () => {
    expect(pass(new Map(), [named('a1'), named('b2')], new Set(), none, now).map(brief)).toEqual([
      'accepted/looking: save detect',
      'accepted: save',
    ]);
    expect(
      pass(new Map(), [named('a1')], new Set(), { ...none, free: false }, now).map(brief),
    ).toEqual(['accepted: save']);
  });
  test('before the city has answered, one without a journal waits, and the others go on', () => {
    const book = new Map([[o.orderId, reach('staged')]]);
    const facts: OrderFacts = { ...none, knowsTime: false };
    expect(pass(book, [o, named('b2')], new Set([id('ord', 'b2')]), facts, now).map(brief)).toEqual(
      ['staged/looking: save detect'],
    );
  });
  test('one that is held does not hold up the next', () => {
    const book = new Map([[o.orderId, reach('staged')]]);
    expect(pass(book, [held, named('b2')], new Set(), none, now).map(brief)).toEqual([
      'staged:',
      'accepted/looking: save detect',
    ]);
  });
  test('one that is dropped lets the next go on in the same pass', () => {
    const book = new Map([[o.orderId, reach('looking')]]);
    expect(pass(book, [named('b2')], new Set(), none, now).map(brief)).toEqual([
      'dropped: save abort discard',
      'accepted/looking: save detect',
    ]);
  });
  test('wanted or not, what has begun is told; the rest as long as it is wanted or nobody has heard of its end', () => {
    const told = (way: Way, orders: Order[], untold: string[] = []) =>
      tellOrders(new Map([[o.orderId, reach(way)]]), orders, new Set(untold)).length;
    expect([
      told('installing', []),
      told('succeeded', []),
      told('succeeded', [o]),
      told('succeeded', [], [o.orderId]),
      told('accepted', [o]),
      told('dropped', []),
    ]).toEqual([1, 0, 1, 1, 1, 0]);
  });
  test('what an order works on, or has worked on and is still wanted, is its business', () => {
    const heldBy = (way: Way, orders: Order[]) =>
      heldApplications(new Map([[o.orderId, reach(way)]]), orders).size;
    expect([
      heldBy('staged', [o]),
      heldBy('installing', []),
      heldBy('succeeded', [o]),
      heldBy('succeeded', []),
    ]).toEqual([0, 2, 2, 0]);
  });
  test(`${keptOrders} that are over are kept, the youngest; one that is wanted is never forgotten`, () => {
    const over = Array.from({ length: keptOrders + 3 }, (_, at): [string, OrderJournal] => [
      `ord_${at}`,
      { ...reach('succeeded'), endedAt: now + at },
    ]);
    expect(forgettable(new Map(over), []).sort()).toEqual(['ord_0', 'ord_1', 'ord_2']);
    expect(forgettable(new Map(over), [order({ orderId: 'ord_0' })]).sort()).toEqual([
      'ord_1',
      'ord_2',
    ]);
  });
});

// ---- a machine in virtual time --------------------------------------------------------------

interface Guards {
  journal: boolean;
  orderId: boolean;
}
/** One server: its agent's memory, its disk, what is installed. An installer outlives the agent. */
class Machine {
  installed = new Set<string>();
  disk = new Map<string, string>();
  memory = new Map<string, OrderJournal>();
  pending: { orderId: string; effect: Effect }[] = [];
  installer: Wanted[] | null = null;
  applies = new Map<string, number>();
  effects = 0;
  told: ReportedOrder[] = [];
  guards: Guards;
  broken: ReadonlySet<string>;
  constructor(
    guards: Guards = { journal: true, orderId: true },
    broken: ReadonlySet<string> = new Set(),
  ) {
    this.guards = guards;
    this.broken = broken;
  }

  take(steps: readonly Transition[]) {
    for (const { journal, effects } of steps) {
      this.memory.set(journal.report.orderId, journal);
      for (const effect of effects) this.pending.push({ orderId: journal.report.orderId, effect });
    }
  }
  tell(orderId: string, event: OrderEvent) {
    const next = step(this.memory.get(orderId) ?? null, event, now);
    if (next !== null) this.take([next]);
  }
  pass(orders: readonly Order[]) {
    const known = this.guards.orderId
      ? this.memory
      : new Map([...this.memory].filter(([, journal]) => !hasEnded(journal)));
    this.take(pass(known, orders, new Set(), { ...facts, free: this.pending.length === 0 }, now));
  }
  /** Carries out one effect; false when there is none. */
  advance(): boolean {
    const next = this.pending.shift();
    if (next === undefined) return false;
    this.effects += 1;
    const { orderId, effect } = next;
    switch (effect.kind) {
      case 'save':
        this.disk.set(orderId, JSON.stringify(this.memory.get(orderId)));
        this.told.push(...tellOrders(this.memory, [o], new Set()));
        break;
      case 'detect':
        this.tell(orderId, {
          kind: 'looked',
          run: effect.run,
          found: Object.fromEntries(
            effect.applications.map(({ applicationId, slug, want }) => [
              applicationId,
              {
                version: this.installed.has(slug) ? '1' : null,
                asWanted: this.installed.has(slug) === (want === 'present'),
              },
            ]),
          ),
        });
        break;
      case 'stage':
        this.tell(orderId, { kind: 'staged', run: effect.run });
        break;
      case 'apply': {
        if (effect.applications.some(({ want }) => want === 'present'))
          this.applies.set(orderId, (this.applies.get(orderId) ?? 0) + 1);
        this.installer = effect.applications;
        this.pending.push({ orderId, effect: { kind: 'attach', run: effect.run } });
        break;
      }
      case 'attach': {
        const results = this.finishInstaller();
        this.tell(orderId, { kind: 'installer_gone', run: effect.run, log: '' });
        this.tell(orderId, { kind: 'applied', run: effect.run, results, log: '' });
        break;
      }
      default:
    }
    return true;
  }
  finishInstaller() {
    const done = this.installer ?? [];
    this.installer = null;
    for (const { slug, want } of done) {
      if (want === 'absent') this.installed.delete(slug);
      else if (!this.broken.has(slug)) this.installed.add(slug);
    }
    return content(...done);
  }
  /** The agent dies; its installer finishes, dies with it, or still runs when the next agent
   * comes. */
  crash(installer: 'finishes' | 'dies' | 'runs on') {
    this.pending = [];
    if (installer === 'finishes') this.finishInstaller();
    if (installer === 'dies') this.installer = null;
    this.memory = new Map(
      this.guards.journal
        ? [...this.disk].map(([orderId, text]) => [orderId, JSON.parse(text) as OrderJournal])
        : [],
    );
    for (const orderId of this.memory.keys()) this.tell(orderId, { kind: 'restarted' });
  }
  settle(orders: readonly Order[]) {
    for (let rounds = 0; rounds < 60; rounds += 1) {
      this.pass(orders);
      while (this.advance());
    }
  }
  final(orderId = o.orderId): ReportedOrder | undefined {
    return this.memory.get(orderId)?.report;
  }
}

describe('a crash between any two effects', () => {
  const plain = new Machine();
  plain.settle([o]);
  test('without one', () => {
    expect(plain.final()).toMatchObject({ state: 'succeeded', recovered: false });
    expect(plain.applies.get(o.orderId)).toBe(1);
  });
  const points = Array.from({ length: plain.effects }, (_, at) => at);
  const cases = points.flatMap((at) =>
    (['finishes', 'dies', 'runs on'] as const).map((installer): [number, typeof installer] => [
      at,
      installer,
    ]),
  );
  const crashed = (
    at: number,
    installer: 'finishes' | 'dies' | 'runs on',
    machine = new Machine(),
  ) => {
    for (let done = 0; done < at; ) {
      machine.pass([o]);
      while (done < at && machine.advance()) done += 1;
    }
    machine.crash(installer);
    machine.settle([o]);
    return machine;
  };
  test.each(cases)(
    'after %i effects, the installer %s: one result, at most one installation, and it is true',
    (at, installer) => {
      const machine = crashed(at, installer);
      const report = machine.final();
      expect(report?.state).toMatch(/^(succeeded|already_installed|failed)$/);
      expect(machine.applies.get(o.orderId) ?? 0).toBeLessThanOrEqual(1);
      const there = machine.installed.has('tux') && machine.installed.has('gimp');
      expect(report?.state === 'failed').toBe(!there);
      if (report?.state === 'failed') expect(report.code).toBe('AGENT_CRASHED');
      // What was told has rising numbers, crash or not.
      const seqs = machine.told.map(({ seq }) => seq);
      expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    },
  );
  test('each guard is needed: without the journal, or without the order id, something is installed twice', () => {
    const applies = (guards: Guards) =>
      Math.max(
        ...cases.map(
          ([at, installer]) =>
            crashed(at, installer, new Machine(guards, new Set(['tux']))).applies.get(o.orderId) ??
            0,
        ),
      );
    expect(applies({ journal: true, orderId: true })).toBe(1);
    expect(applies({ journal: false, orderId: true })).toBeGreaterThan(1);
    expect(applies({ journal: true, orderId: false })).toBeGreaterThan(1);
  });
});

const rareDeeds = [
  'crash finishes',
  'crash dies',
  'crash runs on',
  'hold',
  'cancel finish',
  'cancel remove',
  'cancel kill',
  'vanish',
  'return',
] as const;
/** What the controller wants in a random walk: the first order, while it is present. */
interface City {
  first: Order;
  present: boolean;
}
function after(deed: string, city: City): City {
  const { first } = city;
  if (deed === 'vanish' || deed === 'return') return { first, present: deed === 'return' };
  const change: Partial<Order> =
    deed === 'hold'
      ? { phase: first.phase === 'stage' ? 'install' : 'stage' }
      : { cancel: deed.slice('cancel '.length) as 'finish' };
  return { ...city, first: { ...first, ...change } };
}

test('random walks: whatever happens, an order is carried out at most once, ends, and tells the truth', () => {
  const two = order({ orderId: id('ord', 'two'), applications: [application('ruby')] });
  const ordersOf = ({ first, present }: City) => (present ? [first, two] : [two]);
  const deed = fc.oneof(
    { weight: 8, arbitrary: fc.constant('advance' as const) },
    { weight: 4, arbitrary: fc.constant('pass' as const) },
    { weight: 1, arbitrary: fc.constantFrom(...rareDeeds) },
  );
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 120 }), fc.boolean(), (deeds, broken) => {
      const machine = new Machine(
        { journal: true, orderId: true },
        new Set(broken ? ['gimp'] : []),
      );
      let city: City = { first: o, present: true };
      for (const each of deeds) {
        if (each === 'advance') machine.advance();
        else if (each === 'pass') machine.pass(ordersOf(city));
        else if (each.startsWith('crash')) machine.crash(each.slice(6) as 'finishes');
        else city = after(each, city);
        for (const count of machine.applies.values()) expect(count).toBeLessThanOrEqual(1);
        expect(
          [...machine.memory.values()].filter(({ doing }) => doing !== null).length,
        ).toBeLessThanOrEqual(1);
      }
      machine.settle(ordersOf({ first: { ...city.first, phase: 'install' }, present: true }));
      for (const { orderId } of [o, two]) {
        const report = machine.final(orderId);
        expect(machine.memory.get(orderId)?.endedAt).not.toBeNull();
        expect(isReported.Errors(report)).toEqual([]);
        if (report?.state === 'succeeded')
          expect(
            (orderId === two.orderId ? ['ruby'] : ['tux', 'gimp']).every((slug) =>
              machine.installed.has(slug),
            ),
          ).toBe(true);
        expect(
          tellOrders(machine.memory, [o, two], new Set()).map((each) => each.orderId),
        ).toContain(orderId);
      }
    }),
    { numRuns: 400 },
  );
});

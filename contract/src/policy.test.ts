import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Person } from './account.ts';
import type { Calendar } from './calendar.ts';
import { frenchCalendar } from './french-calendar.ts';
import {
  changesAt,
  compilePolicy,
  concernsSite,
  decide,
  explain,
  type PolicySite,
  type Question,
} from './policy.ts';
import {
  defaultTerms,
  type PolicyRule,
  plainRule,
  type RuleAudience,
  type RuleClient,
  type RulePlace,
  type RuleTarget,
  type RuleTimes,
} from './rule.ts';

const application = { id: 'app_geogebra', category: 'mathematics', labels: ['cycle-3'] };
const pupil: Person = {
  id: 'acc_lea',
  role: 'pupil',
  siteId: 'sit_hugo',
  groupIds: ['grp_cm2'],
  attributes: { level: ['CM2'], option: ['Chorale', 'Échecs'] },
};
const site: PolicySite = {
  siteId: 'sit_hugo',
  siteGroupIds: ['sgr_north'],
  timeZone: 'Europe/Paris',
  holidayZone: 'A',
  closures: ['2026-11-27'],
  networks: [
    { subnet: '10.1.2.0/24', labels: ['computer-room'] },
    { subnet: '10.1.0.0/16', labels: ['school'] },
  ],
};
/** A Tuesday with class, 10:00 in Paris. */
const tuesday = Date.parse('2026-11-24T09:00:00Z');
const ask = (more: Partial<Question> = {}): Question => ({
  person: pupil,
  application,
  site,
  address: null,
  now: tuesday,
  ...more,
});

const what: Record<RuleTarget['kind'], RuleTarget> = {
  application: { kind: 'application', applicationId: application.id },
  label: { kind: 'label', label: 'cycle-3' },
  category: { kind: 'category', category: 'mathematics' },
};
const whom: Record<RuleAudience['kind'], RuleAudience> = {
  everyone: { kind: 'everyone' },
  role: { kind: 'role', role: 'pupil' },
  attributes: { kind: 'attributes', all: [{ attribute: 'level', test: 'is', value: 'cm2' }] },
  group: { kind: 'group', groupId: 'grp_cm2' },
  person: { kind: 'person', accountId: 'acc_lea' },
};
const where: Record<RulePlace['kind'], RulePlace> = {
  everywhere: { kind: 'everywhere' },
  site_group: { kind: 'site_group', siteGroupId: 'sgr_north' },
  site: { kind: 'site', siteId: 'sit_hugo' },
};
const hours = (from: string, to: string, more: Partial<RuleTimes> = {}): RuleTimes => ({
  open: [{ days: [1, 2, 3, 4, 5], from, to, period: 'school' }],
  exceptDates: [],
  from: null,
  until: null,
  ...more,
});
const always: RuleTimes = { open: [], exceptDates: [], from: '2020-01-01', until: null };
const rule = (id: string, effect: 'allow' | 'deny', more: Partial<PolicyRule> = {}): PolicyRule => {
  const { note: _note, ...plain } = plainRule;
  return { ...plain, id, effect, target: what.application, audience: whom.everyone, ...more };
};
const allow = (id: string, more: Partial<PolicyRule> = {}) => rule(id, 'allow', more);
const deny = (id: string, more: Partial<PolicyRule> = {}) => rule(id, 'deny', more);
const answer = (
  rules: readonly PolicyRule[],
  question = ask(),
  calendar: Calendar = frenchCalendar,
) => decide(compilePolicy(rules, calendar), question);

describe('who decides', () => {
  // biome-ignore format: a table
  const cases: [name: string, rules: PolicyRule[], allowed: boolean, ruleId: string | null, more?: Partial<Question>][] = [
    ['no rule is a no', [], false, null],
    ['everyone may', [allow('a')], true, 'a'],
    ['another application’s rule does not count', [allow('a', { target: { kind: 'application', applicationId: 'app_other' } })], false, null],
    ['another category’s', [allow('a', { target: { kind: 'category', category: 'music' } })], false, null],
    ['another label’s', [allow('a', { target: { kind: 'label', label: 'cycle-2' } })], false, null],
    ['another school’s', [allow('a', { place: { kind: 'site', siteId: 'sit_ferry' } })], false, null],
    ['another group of schools’', [allow('a', { place: { kind: 'site_group', siteGroupId: 'sgr_south' } })], false, null],
    ['another class’', [allow('a', { audience: { kind: 'group', groupId: 'grp_cm1' } })], false, null],
    ['another person’s', [allow('a', { audience: { kind: 'person', accountId: 'acc_tom' } })], false, null],
    ['another role’s', [allow('a', { audience: { kind: 'role', role: 'teacher' } })], false, null],
    ['between equals deny wins', [allow('a', { audience: whom.group }), deny('b', { audience: whom.group })], false, 'b'],
    ['the smaller id is named between twins', [allow('z'), allow('a')], true, 'a'],
    ['person before group', [allow('a', { audience: whom.group }), deny('b', { audience: whom.person })], false, 'b'],
    ['group before attributes', [deny('a', { audience: whom.attributes }), allow('b', { audience: whom.group })], true, 'b'],
    ['attributes before role', [deny('a', { audience: whom.role }), allow('b', { audience: whom.attributes })], true, 'b'],
    ['role before everyone', [deny('a'), allow('b', { audience: whom.role })], true, 'b'],
    ['application before label', [deny('a', { target: what.label }), allow('b')], true, 'b'],
    ['label before category', [deny('a', { target: what.category }), allow('b', { target: what.label })], true, 'b'],
    ['whom before what: a person’s category beats a group’s application', [deny('a', { audience: whom.group }), allow('b', { target: what.category, audience: whom.person })], true, 'b'],
    ['what before from where', [deny('a', { target: what.label, client: { kind: 'label', label: 'school' } }), allow('b')], true, 'b', { address: '10.1.9.9' }],
    ['a labelled PC before a range', [deny('a', { client: { kind: 'subnet', subnet: '10.1.2.7/32' } }), allow('b', { client: { kind: 'label', label: 'computer-room' } })], true, 'b', { address: '10.1.2.7' }],
    ['a narrow range before a wide one', [deny('a', { client: { kind: 'subnet', subnet: '10.0.0.0/8' } }), allow('b', { client: { kind: 'subnet', subnet: '10.1.2.0/24' } })], true, 'b', { address: '10.1.2.7' }],
    ['from which PC before which school', [deny('a', { place: where.site }), allow('b', { client: { kind: 'subnet', subnet: '10.0.0.0/8' } })], true, 'b', { address: '10.1.2.7' }],
    ['a school before a group of schools before everywhere', [deny('a', { place: where.site_group }), allow('b', { place: where.site }), deny('c')], true, 'b'],
    ['a group of schools before everywhere', [deny('a'), allow('b', { place: where.site_group })], true, 'b'],
    ['hours before no hours', [deny('a'), allow('b', { when: hours('08:00', '12:00') })], true, 'b'],
    ['outside its hours a rule does not fit: the next one decides', [allow('a'), deny('b', { when: hours('13:00', '16:00') })], true, 'a'],
    ['a more precise allow beats a vaguer deny', [deny('a', { target: what.category }), allow('b', { audience: whom.person, place: where.site })], true, 'b'],
  ];
  test.each(cases)('%s', (_name, rules, allowed, ruleId, more = {}) => {
    expect(answer(rules, ask(more))).toMatchObject({ allowed, ruleId });
    expect(answer([...rules].reverse(), ask(more))).toMatchObject({ allowed, ruleId });
  });

  test('a technician without a school gets what holds everywhere, and no school’s rule', () => {
    const nobody = ask({
      person: { id: 'acc_t', role: 'administrator', siteId: null, groupIds: [], attributes: {} },
      site: null,
    });
    expect(answer([allow('a', { place: where.site })], nobody).allowed).toBe(false);
    expect(
      answer([allow('a', { audience: { kind: 'role', role: 'technician' } })], nobody).allowed,
    ).toBe(true);
  });
  test('the school’s contact is a teacher too', () => {
    expect(
      answer(
        [allow('a', { audience: { kind: 'role', role: 'teacher' } })],
        ask({ person: { ...pupil, role: 'contact' } }),
      ).allowed,
    ).toBe(true);
  });

  // biome-ignore format: a table
  const attributes: [test: 'is' | 'is_not' | 'starts_with' | 'contains', attribute: string, value: string, holds: boolean][] = [
    ['is', 'level', 'CM2', true], ['is', 'level', 'cm2', true], ['is', 'level', 'cm', false], ['is', 'option', 'échecs', true], ['is', 'nothing', 'x', false],
    ['is_not', 'level', 'CM1', true], ['is_not', 'level', 'cm2', false], ['is_not', 'nothing', 'x', true],
    ['starts_with', 'level', 'cm', true], ['starts_with', 'level', 'm2', false], ['contains', 'option', 'oral', true], ['contains', 'option', 'golf', false],
  ];
  test.each(attributes)('attribute test %s: %s, %s', (kind, attribute, value, holds) => {
    expect(
      answer([
        allow('a', { audience: { kind: 'attributes', all: [{ attribute, test: kind, value }] } }),
      ]).allowed,
    ).toBe(holds);
  });
  test('all attribute tests must hold', () => {
    const two = (value: string): RuleAudience => ({
      kind: 'attributes',
      all: [
        { attribute: 'level', test: 'is', value: 'CM2' },
        { attribute: 'option', test: 'is', value },
      ],
    });
    expect(answer([allow('a', { audience: two('chorale') })]).allowed).toBe(true);
    expect(answer([allow('a', { audience: two('golf') })]).allowed).toBe(false);
  });

  // biome-ignore format: a table
  const addresses: [address: string | null, client: RuleClient, fits: boolean][] = [
    ['10.1.2.7', { kind: 'subnet', subnet: '10.1.2.0/24' }, true], ['::ffff:10.1.2.7', { kind: 'subnet', subnet: '10.1.2.0/24' }, true], ['10.1.3.7', { kind: 'subnet', subnet: '10.1.2.0/24' }, false],
    [null, { kind: 'subnet', subnet: '0.0.0.0/0' }, false], ['not an address', { kind: 'subnet', subnet: '0.0.0.0/0' }, false], ['fd00::7', { kind: 'subnet', subnet: 'fd00::/8' }, true], ['fd00::7', { kind: 'subnet', subnet: '0.0.0.0/0' }, false],
    ['10.1.2.7', { kind: 'label', label: 'computer-room' }, true], ['10.1.3.7', { kind: 'label', label: 'computer-room' }, false], ['10.1.3.7', { kind: 'label', label: 'school' }, true], [null, { kind: 'label', label: 'school' }, false],
  ];
  test.each(addresses)('from %s, rule for %o: %s', (address, client, fits) => {
    expect(answer([allow('a', { client })], ask({ address })).allowed).toBe(fits);
  });
  test('a range that cannot be read allows nobody, and still forbids', () => {
    const broken: RuleClient = { kind: 'subnet', subnet: '10.1.2.0/99' };
    expect(answer([allow('a', { client: broken })], ask({ address: '10.1.2.7' })).allowed).toBe(
      false,
    );
    expect(
      answer([allow('a'), deny('b', { client: broken })], ask({ address: '10.1.2.7' })).allowed,
    ).toBe(false);
  });

  test('the rule that decides says how, and nothing flows unless it says so', () => {
    const how = { ...defaultTerms, clipboard: 'both' as const, maxMinutes: 45, seats: 12 };
    expect(
      answer([
        allow('a', { how }),
        allow('b', { target: what.category, how: { ...defaultTerms, idleMinutes: 5 } }),
      ]).terms,
    ).toEqual(how);
    expect(answer([allow('a')]).terms).toEqual(defaultTerms);
    expect(defaultTerms).toMatchObject({ clipboard: 'none' });
  });
});

describe('when', () => {
  const at = (text: string) => ask({ now: Date.parse(text) });
  // biome-ignore format: a table
  const cases: [name: string, when: RuleTimes, at: string, on: boolean][] = [
    ['in the window', hours('08:30', '16:30'), '2026-11-24T08:30:00+01:00', true],
    ['at its end', hours('08:30', '16:30'), '2026-11-24T16:30:00+01:00', false],
    ['just before its end', hours('08:30', '16:30'), '2026-11-24T16:29:59+01:00', true],
    ['on a Sunday', hours('08:30', '16:30'), '2026-11-29T10:00:00+01:00', false],
    ['on a closure of the school', hours('08:30', '16:30'), '2026-11-27T10:00:00+01:00', false],
    ['in the holidays of zone A', hours('08:30', '16:30'), '2026-12-22T10:00:00+01:00', false],
    ['on the last day before them', hours('08:30', '16:30'), '2026-12-18T10:00:00+01:00', true],
    ['on the day class begins again', hours('08:30', '16:30'), '2027-01-04T10:00:00+01:00', true],
    ['on a public holiday', hours('08:30', '16:30'), '2026-11-11T10:00:00+01:00', false],
    ['in summer time the wall decides', hours('08:30', '16:30'), '2027-06-01T08:30:00+02:00', true],
    ['an hour too early in summer', hours('08:30', '16:30'), '2027-06-01T07:30:00+02:00', false],
    ['before its first day', hours('08:30', '16:30', { from: '2026-11-25' }), '2026-11-24T10:00:00+01:00', false],
    ['on its first day', hours('08:30', '16:30', { from: '2026-11-24' }), '2026-11-24T10:00:00+01:00', true],
    ['on its last day', hours('08:30', '16:30', { until: '2026-11-24' }), '2026-11-24T10:00:00+01:00', true],
    ['after its last day', hours('08:30', '16:30', { until: '2026-11-23' }), '2026-11-24T10:00:00+01:00', false],
    ['on an exception', hours('08:30', '16:30', { exceptDates: ['2026-11-24'] }), '2026-11-24T10:00:00+01:00', false],
    ['dates without hours: at night', { open: [], exceptDates: [], from: '2026-11-24', until: '2026-11-24' }, '2026-11-24T23:59:59+01:00', true],
    ['dates without hours: the next day', { open: [], exceptDates: [], from: '2026-11-24', until: '2026-11-24' }, '2026-11-25T00:00:00+01:00', false],
    ['whole days but one', { open: [], exceptDates: ['2026-11-24'], from: null, until: null }, '2026-11-24T12:00:00+01:00', false],
    ['a day that the calendar does not know is no class', hours('08:30', '16:30'), '2040-11-20T10:00:00+01:00', false],
  ];
  test.each(cases)('%s', (_name, when, moment, on) => {
    expect(answer([allow('a', { when })], at(moment)).allowed).toBe(on);
  });

  test('the night the clock is put back, an hour that comes twice is open twice', () => {
    const when: RuleTimes = {
      open: [{ days: [7], from: '02:00', to: '03:00', period: 'always' }],
      exceptDates: [],
      from: null,
      until: null,
    };
    const open = [
      '2027-10-31T01:59:00+02:00',
      '2027-10-31T02:30:00+02:00',
      '2027-10-31T02:30:00+01:00',
      '2027-10-31T03:00:00+01:00',
    ].map((moment) => answer([allow('a', { when })], at(moment)).allowed);
    expect(open).toEqual([false, true, true, false]);
  });
  test('the night it is put forward, an hour that does not exist is never open', () => {
    const when: RuleTimes = {
      open: [{ days: [7], from: '02:10', to: '02:50', period: 'always' }],
      exceptDates: [],
      from: null,
      until: null,
    };
    const moments = Array.from(
      { length: 240 },
      (_, minute) => Date.parse('2027-03-28T00:00:00+01:00') + minute * 60_000,
    );
    expect(moments.some((now) => answer([allow('a', { when })], ask({ now })).allowed)).toBe(false);
  });
  test('another school’s wall shows another hour', () => {
    const reunion = { ...site, siteId: 'sit_reunion', timeZone: 'Indian/Reunion' };
    const rules = [
      allow('a', {
        when: {
          ...hours('08:30', '16:30'),
          open: [{ days: [2], from: '08:30', to: '16:30', period: 'always' }],
        },
      }),
    ];
    const policy = compilePolicy(rules, frenchCalendar);
    const now = Date.parse('2026-11-24T07:00:00Z');
    // One compiled policy, asked about both: what it remembers of one school is not taken for the
    // other.
    expect([
      decide(policy, ask({ now })).allowed,
      decide(policy, ask({ now, site: reunion })).allowed,
      decide(policy, ask({ now })).allowed,
    ]).toEqual([false, true, false]);
  });

  test('tells when it changes', () => {
    const policy = compilePolicy([allow('a', { when: hours('08:30', '11:30') })], frenchCalendar);
    expect(changesAt(policy, ask(), tuesday + 86_400_000)).toBe(
      Date.parse('2026-11-24T11:30:00+01:00'),
    );
    expect(
      changesAt(
        policy,
        ask({ now: Date.parse('2026-11-24T12:00:00+01:00') }),
        tuesday + 86_400_000 * 3,
      ),
    ).toBe(Date.parse('2026-11-25T08:30:00+01:00'));
    // Friday 27 is a closure.
    expect(
      changesAt(
        policy,
        ask({ now: Date.parse('2026-11-26T12:00:00+01:00') }),
        tuesday + 86_400_000 * 9,
      ),
    ).toBe(Date.parse('2026-11-30T08:30:00+01:00'));
    expect(changesAt(policy, ask(), tuesday + 3_600_000)).toBeNull();
    expect(
      changesAt(compilePolicy([allow('a')], frenchCalendar), ask(), Number.POSITIVE_INFINITY),
    ).toBeNull();
  });
  test('a boundary that changes nothing is no change', () => {
    const policy = compilePolicy(
      [allow('a'), allow('b', { audience: whom.role, when: hours('08:30', '11:30') })],
      frenchCalendar,
    );
    expect(changesAt(policy, ask(), tuesday + 86_400_000 * 30)).toBeNull();
  });
  test('what it remembers is not used for the past', () => {
    const policy = compilePolicy([allow('a', { when: hours('08:30', '11:30') })], frenchCalendar);
    const asked = [
      '2026-11-24T11:00:00+01:00',
      '2026-11-24T08:00:00+01:00',
      '2026-11-24T12:00:00+01:00',
      '2026-11-24T09:00:00+01:00',
    ].map((moment) => decide(policy, at(moment)).allowed);
    expect(asked).toEqual([true, false, false, true]);
  });
});

describe('explains', () => {
  const told = (rules: PolicyRule[], more: Partial<Question> = {}) =>
    explain(compilePolicy(rules, frenchCalendar), ask(more));
  test('every rule and what became of it, the most precise first', () => {
    const rules = [
      allow('a'),
      deny('b', { audience: { kind: 'group', groupId: 'grp_cm1' } }),
      allow('c', { audience: whom.person, when: hours('13:00', '16:00') }),
      allow('d', { client: { kind: 'subnet', subnet: '10.9.0.0/16' }, audience: whom.group }),
      deny('e', { place: { kind: 'site', siteId: 'sit_ferry' }, audience: whom.person }),
      allow('f', { target: what.category }),
    ];
    expect(told(rules).considered.map(({ ruleId, outcome }) => `${ruleId} ${outcome}`)).toEqual([
      'e other_place',
      'c out_of_hours',
      'd other_device',
      'b other_person',
      'a decided',
      'f outranked',
    ]);
    expect(told(rules).considered.find(({ ruleId }) => ruleId === 'c')?.opensAt).toBe(
      Date.parse('2026-11-24T13:00:00+01:00'),
    );
  });
  // biome-ignore format: a table
  const remedies: [name: string, rules: PolicyRule[], more: Partial<Question>, remedy: object][] = [
    ['nothing published: a rule for this person', [], {}, { kind: 'add', effect: 'allow' }],
    ['out of hours: wait', [allow('a', { when: hours('13:00', '16:00') })], {}, { kind: 'wait', at: Date.parse('2026-11-24T13:00:00+01:00') }],
    ['another PC: move', [allow('a', { client: { kind: 'label', label: 'computer-room' } })], { address: '10.1.9.9' }, { kind: 'move', ruleId: 'a' }],
    ['forbidden by a rule for them alone: withdraw it', [allow('a'), deny('b', { audience: whom.person })], {}, { kind: 'withdraw', ruleId: 'b' }],
    ['forbidden to many: an exception for this person', [deny('a', { audience: whom.group })], {}, { kind: 'add', effect: 'allow' }],
    ['allowed to many: forbid this person', [allow('a')], {}, { kind: 'add', effect: 'deny' }],
    ['allowed to them alone: withdraw it', [allow('a', { audience: whom.person })], {}, { kind: 'withdraw', ruleId: 'a' }],
  ];
  test.each(remedies)('%s', (_name, rules, more, remedy) => {
    expect(told(rules, more).remedy).toEqual(remedy);
  });
});

// ---- properties -----------------------------------------------------------------------------

const times = fc.constantFrom<RuleTimes | null>(
  null,
  always,
  hours('08:30', '11:30'),
  hours('13:30', '16:30'),
  {
    open: [{ days: [1, 2, 3, 4, 5, 6, 7], from: '22:00', to: '03:00', period: 'always' }],
    exceptDates: ['2026-11-25'],
    from: null,
    until: null,
  },
);
const anyRule: fc.Arbitrary<Omit<PolicyRule, 'id'>> = fc.record({
  effect: fc.constantFrom('allow' as const, 'deny' as const),
  target: fc.constantFrom<RuleTarget>(
    ...Object.values(what),
    { kind: 'category', category: 'music' },
    { kind: 'label', label: 'cycle-2' },
  ),
  audience: fc.constantFrom<RuleAudience>(
    ...Object.values(whom),
    { kind: 'group', groupId: 'grp_other' },
    { kind: 'role', role: 'teacher' },
  ),
  place: fc.constantFrom<RulePlace>(...Object.values(where), { kind: 'site', siteId: 'sit_ferry' }),
  client: fc.constantFrom<RuleClient | null>(
    null,
    { kind: 'label', label: 'computer-room' },
    { kind: 'subnet', subnet: '10.0.0.0/8' },
    { kind: 'subnet', subnet: '10.1.2.0/24' },
    { kind: 'subnet', subnet: '192.168.0.0/16' },
  ),
  when: times,
  how: fc.constant(null),
});
const anyRules = fc
  .array(anyRule, { maxLength: 10 })
  .map((drafts) => drafts.map((each, at): PolicyRule => ({ ...each, id: `rul_${at}` })));
const anyQuestion = fc
  .record({
    address: fc.constantFrom(null, '10.1.2.7', '10.1.9.9', '192.168.1.1'),
    minutes: fc.integer({ min: 0, max: 60 * 24 * 400 }),
  })
  .map(({ address, minutes }) =>
    ask({ address, now: Date.parse('2026-09-01T00:00:00Z') + minutes * 60_000 }),
  );

describe('whatever the rules', () => {
  test('their order does not matter', () => {
    const shuffled = anyRules.chain((rules) =>
      fc.tuple(
        fc.constant(rules),
        fc.shuffledSubarray(rules, { minLength: rules.length, maxLength: rules.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, anyQuestion, ([rules, other], question) => {
        expect(answer(other, question)).toEqual(answer(rules, question));
      }),
    );
  });
  test('one more deny never turns a no into a yes', () => {
    fc.assert(
      fc.property(anyRules, anyRule, anyQuestion, (rules, one, question) => {
        const was = answer(rules, question).allowed;
        const is = answer([...rules, { ...one, id: 'rul_more', effect: 'deny' }], question).allowed;
        expect(is && !was).toBe(false);
      }),
    );
  });
  test('one more allow never turns a yes into a no', () => {
    fc.assert(
      fc.property(anyRules, anyRule, anyQuestion, (rules, one, question) => {
        const was = answer(rules, question).allowed;
        expect(
          was && !answer([...rules, { ...one, id: 'rul_more', effect: 'allow' }], question).allowed,
        ).toBe(false);
      }),
    );
  });
  test('the deny twin of the rule that decided turns its yes into a no', () => {
    fc.assert(
      fc.property(anyRules, anyQuestion, (rules, question) => {
        const decider = rules.find(({ id }) => id === answer(rules, question).ruleId);
        if (decider !== undefined)
          expect(
            answer([...rules, { ...decider, id: 'rul_twin', effect: 'deny' }], question).allowed,
          ).toBe(false);
      }),
    );
  });
  test('the rules that concern a school are all that decides there', () => {
    fc.assert(
      fc.property(anyRules, anyQuestion, (rules, question) => {
        expect(
          answer(
            rules.filter((each) => concernsSite(each, site)),
            question,
          ),
        ).toEqual(answer(rules, question));
      }),
    );
  });
  test('asked many times in any order, a compiled policy answers as a fresh one', () => {
    fc.assert(
      fc.property(anyRules, fc.array(anyQuestion, { maxLength: 8 }), (rules, questions) => {
        const policy = compilePolicy(rules, frenchCalendar);
        for (const question of questions)
          expect(decide(policy, question)).toEqual(answer(rules, question));
      }),
    );
  });
  test('between now and the change it tells of, the answer stays; then it turns', () => {
    fc.assert(
      fc.property(
        anyRules,
        anyQuestion,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (rules, question, part) => {
          const policy = compilePolicy(rules, frenchCalendar);
          const { allowed } = decide(policy, question);
          const limit = question.now + 7 * 86_400_000;
          const turns = changesAt(policy, question, limit);
          const between = Math.floor(
            question.now + ((turns ?? limit) - question.now) * part * 0.999,
          );
          expect(decide(policy, { ...question, now: between }).allowed).toBe(allowed);
          if (turns !== null)
            expect(decide(policy, { ...question, now: turns }).allowed).toBe(!allowed);
        },
      ),
    );
  });
  test('the same wall clock gives the same answer in every time zone', () => {
    const zones = fc.constantFrom('America/Martinique', 'Indian/Reunion', 'Pacific/Noumea');
    fc.assert(
      fc.property(
        anyRules,
        fc.integer({ min: 0, max: 60 * 24 * 40 }),
        zones,
        (rules, minutes, timeZone) => {
          // January: no clock is put forward or back anywhere.
          const wall = Date.parse('2027-01-05T00:00:00Z') + minutes * 60_000;
          const offset = { 'America/Martinique': -4, 'Indian/Reunion': 4, 'Pacific/Noumea': 11 }[
            timeZone
          ];
          const here = answer(rules, ask({ now: wall - 3_600_000 }));
          const there = answer(
            rules,
            ask({ now: wall - offset * 3_600_000, site: { ...site, timeZone } }),
          );
          expect(there).toEqual(here);
        },
      ),
    );
  });
  test('what is added as a remedy turns the answer', () => {
    fc.assert(
      fc.property(anyRules, anyQuestion, (rules, question) => {
        const explained = explain(compilePolicy(rules, frenchCalendar), question);
        expect(explained.considered.filter(({ outcome }) => outcome === 'decided').length).toBe(
          explained.ruleId === null ? 0 : 1,
        );
        if (explained.remedy.kind === 'withdraw') {
          const { ruleId } = explained.remedy;
          expect(
            answer(
              rules.filter(({ id }) => id !== ruleId),
              question,
            ).allowed,
          ).toBe(!explained.allowed);
        }
        if (explained.remedy.kind === 'wait')
          expect(answer(rules, { ...question, now: explained.remedy.at }).allowed).toBe(true);
      }),
    );
  });
});

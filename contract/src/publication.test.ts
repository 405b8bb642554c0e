import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Person } from './account.ts';
import { evaluate, type RuleDraft } from './publication.ts';

type TestRule = RuleDraft & { id: string };
const app = { id: 'app_geogebra', category: 'mathematics' };
const pupil: Person = { id: 'acc_lea', role: 'pupil', siteId: 'sit_hugo', groupIds: ['grp_cm2'] };

const application: RuleDraft['target'] = { kind: 'application', applicationId: app.id };
const category: RuleDraft['target'] = { kind: 'category', category: 'mathematics' };
const everyone: RuleDraft['audience'] = { kind: 'everyone' };
const role: RuleDraft['audience'] = { kind: 'role', role: 'pupil' };
const group: RuleDraft['audience'] = { kind: 'group', groupId: 'grp_cm2' };
const person: RuleDraft['audience'] = { kind: 'person', accountId: 'acc_lea' };
const rule = (id: string, effect: 'allow' | 'deny', target: RuleDraft['target'], audience: RuleDraft['audience'], siteId: string | null = null): TestRule => ({ id, effect, target, audience, siteId });

describe('evaluate', () => {
  const cases: [name: string, rules: TestRule[], allowed: boolean, ruleId: string | null][] = [
    ['no rule is a no', [], false, null],
    ['everyone may', [rule('a', 'allow', application, everyone)], true, 'a'],
    ['another application’s rule does not count', [rule('a', 'allow', { kind: 'application', applicationId: 'app_other' }, everyone)], false, null],
    ['another category’s rule does not count', [rule('a', 'allow', { kind: 'category', category: 'music' }, everyone)], false, null],
    ['another school’s rule does not count', [rule('a', 'allow', application, everyone, 'sit_ferry')], false, null],
    ['another class’s rule does not count', [rule('a', 'allow', application, { kind: 'group', groupId: 'grp_cm1' })], false, null],
    ['another person’s rule does not count', [rule('a', 'allow', application, { kind: 'person', accountId: 'acc_tom' })], false, null],
    ['another role’s rule does not count', [rule('a', 'allow', application, { kind: 'role', role: 'teacher' })], false, null],
    ['own school’s rule counts', [rule('a', 'allow', application, everyone, 'sit_hugo')], true, 'a'],
    ['between equals deny wins', [rule('a', 'allow', application, group), rule('b', 'deny', application, group)], false, 'b'],
    ['role before everyone', [rule('a', 'deny', application, everyone), rule('b', 'allow', application, role)], true, 'b'],
    ['group before role', [rule('a', 'deny', application, role), rule('b', 'allow', application, group)], true, 'b'],
    ['person before group', [rule('a', 'allow', application, group), rule('b', 'deny', application, person)], false, 'b'],
    ['whom before what: a person’s category beats a group’s application', [rule('a', 'deny', application, group), rule('b', 'allow', category, person)], true, 'b'],
    ['application before category', [rule('a', 'deny', category, group), rule('b', 'allow', application, group)], true, 'b'],
    ['what before where: an application everywhere beats a category at the school', [rule('a', 'deny', category, everyone, 'sit_hugo'), rule('b', 'allow', application, everyone)], true, 'b'],
    ['a school before all schools', [rule('a', 'deny', application, everyone), rule('b', 'allow', application, everyone, 'sit_hugo')], true, 'b'],
    ['a more precise allow beats a vaguer deny', [rule('a', 'deny', category, everyone), rule('b', 'allow', application, person, 'sit_hugo')], true, 'b'],
    ['the smaller id is named between twins', [rule('z', 'allow', application, everyone), rule('a', 'allow', application, everyone)], true, 'a'],
  ];
  test.each(cases)('%s', (_name, rules, allowed, ruleId) => {
    expect(evaluate(rules, pupil, app)).toEqual({ allowed, ruleId });
    expect(evaluate([...rules].reverse(), pupil, app)).toEqual({ allowed, ruleId });
  });

  test('a person without a school gets no school’s rule', () => {
    const technician: Person = { id: 'acc_t', role: 'technician', siteId: null, groupIds: [] };
    expect(evaluate([rule('a', 'allow', application, everyone, 'sit_hugo')], technician, app).allowed).toBe(false);
    expect(evaluate([rule('a', 'allow', application, everyone)], technician, app).allowed).toBe(true);
  });

  const targets = fc.constantFrom<RuleDraft['target']>(application, category, { kind: 'category', category: 'music' }, { kind: 'application', applicationId: 'app_other' });
  const audiences = fc.constantFrom<RuleDraft['audience']>(everyone, role, group, person, { kind: 'group', groupId: 'grp_other' }, { kind: 'role', role: 'teacher' });
  const anyRule = fc.record({ effect: fc.constantFrom('allow' as const, 'deny' as const), target: targets, audience: audiences, siteId: fc.constantFrom(null, 'sit_hugo', 'sit_ferry') });
  const anyRules = fc.array(anyRule, { maxLength: 8 }).map((drafts) => drafts.map((draft, at) => ({ ...draft, id: `rul_${at}` })));

  test('never depends on the order of the rules', () => {
    const shuffled = anyRules.chain((rules) => fc.tuple(fc.constant(rules), fc.shuffledSubarray(rules, { minLength: rules.length, maxLength: rules.length })));
    fc.assert(fc.property(shuffled, ([rules, other]) => {
      expect(evaluate(other, pupil, app)).toEqual(evaluate(rules, pupil, app));
    }));
  });

  test('the deny twin of any rule turns its yes into a no', () => {
    fc.assert(fc.property(anyRules, (rules) => {
      const { ruleId } = evaluate(rules, pupil, app);
      const decider = rules.find((candidate) => candidate.id === ruleId);
      if (decider !== undefined) expect(evaluate([...rules, { ...decider, id: 'rul_twin', effect: 'deny' }], pupil, app).allowed).toBe(false);
    }));
  });

  test('rules that do not name the person change nothing', () => {
    const foreign = anyRules.map((rules) => rules.map((each) => ({ ...each, id: `x${each.id}`, siteId: 'sit_ferry' })));
    fc.assert(fc.property(anyRules, foreign, (rules, others) => {
      expect(evaluate([...others, ...rules], pupil, app)).toEqual(evaluate(rules, pupil, app));
    }));
  });
});

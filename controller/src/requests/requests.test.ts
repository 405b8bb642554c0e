import { type RequestFacts, requestCan, sameProgram, stateOf } from '@preau/contract/request.ts';
import { describe, expect, test } from 'vitest';
import { makeCity } from '#src/testing.fixture.ts';
import { requestCases } from './requests.cases.ts';

requestCases((settings) => makeCity(':memory:', settings));

describe('states', () => {
  const facts = (more: Partial<RequestFacts>): RequestFacts => ({
    decision: 'open',
    applicationId: 'app_x',
    readyAt: null,
    installing: false,
    ...more,
  });
  test.each([
    ['asked', {}],
    ['approved_by_school', { decision: 'passed_on' }],
    ['approved', { decision: 'approved' }],
    ['installing', { decision: 'approved', installing: true }],
    ['ready', { decision: 'approved', readyAt: 1, installing: true }],
    ['refused', { decision: 'refused', readyAt: 1 }],
    ['withdrawn', { decision: 'withdrawn', installing: true }],
  ] as [string, Partial<RequestFacts>][])('%s', (state, more) =>
    expect(stateOf(facts(more))).toBe(state),
  );

  test('what each state allows, and to whom', () => {
    const allowed = (more: Partial<RequestFacts>, role: 'contact' | 'technician') =>
      Object.entries(requestCan)
        .filter(([, may]) => may(facts(more), { role }))
        .map(([name]) => name);
    expect(allowed({}, 'contact')).toEqual(['withdraw', 'answer', 'refuse', 'approve']);
    expect(allowed({}, 'technician')).toEqual(['withdraw', 'answer', 'refuse', 'approve', 'link']);
    expect(allowed({ applicationId: null }, 'technician')).toEqual([
      'withdraw',
      'answer',
      'refuse',
      'link',
    ]);
    expect(allowed({ decision: 'passed_on' }, 'contact')).toEqual(['withdraw', 'answer']);
    expect(allowed({ decision: 'approved' }, 'technician')).toEqual(['answer', 'install']);
    expect(allowed({ decision: 'approved', installing: true }, 'technician')).toEqual(['answer']);
    for (const over of [
      { decision: 'approved', readyAt: 1 },
      { decision: 'refused' },
      { decision: 'withdrawn' },
    ] as const)
      expect(allowed(over, 'technician')).toEqual([]);
  });

  test('the same program, whatever capitals, accents and spaces; not at another school', () => {
    const key = (name: string, siteId = 's', applicationId: string | null = null) =>
      sameProgram({ name, siteId, applicationId });
    expect(key('Géo-Gebra !')).toBe(key('geogebra'));
    expect(key('GeoGebra', 's')).not.toBe(key('GeoGebra', 't'));
    expect(key('GeoGebra', 's', 'app_1')).toBe(key('Autre nom', 's', 'app_1'));
    expect(key('数学')).not.toBe(key('音楽'));
  });
});

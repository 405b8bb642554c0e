import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import type { Rule } from '@preau/contract/rule.ts';
import { defaultTerms, plainRule } from '@preau/contract/rule.ts';
import { describe, expect, it } from 'vitest';
import {
  classHours,
  draftOf,
  emptyWriting,
  momentAt,
  nextWeekday,
  noFilter,
  noTimes,
  type Pulse,
  passes,
  pulseOf,
  type RuleFilter,
  type Writing,
  wallClock,
  writingOf,
  writingProblem,
} from './draft.ts';

const id = (kind: string, mark = 'x') => `${kind}_${mark.repeat(22)}`;
const place = { timeZone: 'Europe/Paris', holidayZone: 'B' as const, closures: [] };
const rule: Rule = {
  id: id('rul'),
  version: 1,
  ...plainRule,
  effect: 'allow',
  target: { kind: 'application', applicationId: id('app') },
  audience: { kind: 'role', role: 'pupil' },
  targetName: 'GeoGebra',
  audienceName: 'pupil',
  placeName: 'everywhere',
  changedAt: 1,
  changedByName: 'Dominique Lefort',
};
const whole: Writing = {
  ...emptyWriting(),
  target: { kind: 'application', applicationId: id('app') },
  audience: { kind: 'everyone' },
  targetName: 'GeoGebra',
};

describe('a rule while it is written', () => {
  it.each<[string, Partial<Writing>, string | null]>([
    ['whole', {}, null],
    ['without an application', { target: null }, 'target'],
    ['of an application that is gone', { targetName: null }, 'target'],
    ['of a label in capitals', { target: { kind: 'label', label: 'Examen' } }, 'target'],
    ['for nobody', { audience: null }, 'audience'],
    [
      'for an attribute without a value',
      { audience: { kind: 'attributes', all: [{ attribute: 'level', test: 'is', value: ' ' }] } },
      'audience',
    ],
    ['at no school in particular', { place: { kind: 'site', siteId: '' } }, 'place'],
    ['from what is no range', { client: { kind: 'subnet', subnet: '10.0.0.0/99' } }, 'client'],
    ['from PCs without a label', { client: { kind: 'label', label: '' } }, 'client'],
    ['at no hour', { when: noTimes }, 'when'],
    ['on a day that does not exist', { when: { ...noTimes, until: '2027-02-30' } }, 'when'],
    [
      'that ends before it begins',
      { when: { ...noTimes, from: '2027-02-02', until: '2027-02-01' } },
      'when',
    ],
    [
      'that forbids, with terms left over',
      { effect: 'deny', how: { ...defaultTerms, clipboard: 'both' } },
      null,
    ],
  ])('%s', (_name, change, field) => {
    expect(writingProblem({ ...whole, ...change })?.field ?? null).toBe(field);
  });

  it('becomes a draft that says only what it must', () => {
    expect(draftOf(emptyWriting())).toBeNull();
    expect(
      draftOf({
        ...whole,
        note: '  ',
        effect: 'deny',
        how: { ...defaultTerms, clipboard: 'both' },
      }),
    ).toEqual({
      ...plainRule,
      effect: 'deny',
      target: whole.target,
      audience: { kind: 'everyone' },
    });
    expect(draftOf(writingOf(rule))).toEqual({
      ...plainRule,
      effect: 'allow',
      target: rule.target,
      audience: rule.audience,
    });
  });
});

describe('whether a rule counts now', () => {
  const tuesday = Date.parse('2026-11-24T09:00:00Z');
  it.each<[string, Partial<Rule>, Pulse['state']]>([
    ['always', {}, 'on'],
    ['in class hours', { when: { ...noTimes, open: [classHours] } }, 'on'],
    ['on another day', { when: { ...noTimes, open: [{ ...classHours, days: [3] }] } }, 'off'],
    ['not on this date', { when: { ...noTimes, exceptDates: ['2026-11-24'] } }, 'off'],
    ['until yesterday', { when: { ...noTimes, until: '2026-11-23' } }, 'ended'],
    ['until today', { when: { ...noTimes, until: '2026-11-24' } }, 'on'],
    ['from tomorrow', { when: { ...noTimes, from: '2026-11-25' } }, 'ahead'],
    ['about a person who is gone', { audienceName: null }, 'gone'],
  ])('%s', (_name, change, state) => {
    expect(pulseOf({ ...rule, ...change }, frenchCalendar, place, tuesday).state).toBe(state);
  });
  it('says when it opens', () => {
    expect(
      pulseOf(
        { ...rule, when: { ...noTimes, open: [{ ...classHours, days: [3] }] } },
        frenchCalendar,
        place,
        tuesday,
      ),
    ).toEqual({ state: 'off', opensAt: Date.parse('2026-11-25T07:30:00Z') });
  });
});

describe('the list', () => {
  const facts = {
    sentence: 'Les élèves peuvent utiliser GeoGebra.',
    pulse: { state: 'on' } as Pulse,
    groupsOfSite: [id('sgr')],
    application: { category: 'mathematics', labels: ['examen'] },
  };
  it.each<[string, Partial<Rule>, Partial<RuleFilter>, boolean]>([
    ['all', {}, {}, true],
    ['without accents, in any order', {}, { words: 'geogebra ELEVES' }, true],
    ['by who changed it', {}, { words: 'lefort' }, true],
    ['by the note', { note: 'Demande de la rentrée' }, { words: 'rentree' }, true],
    ['other words', {}, { words: 'scratch' }, false],
    ['the other effect', {}, { effect: 'deny' }, false],
    ['everywhere counts for a school', {}, { siteId: id('sit') }, true],
    [
      'another school',
      { place: { kind: 'site', siteId: id('sit', 'y') } },
      { siteId: id('sit') },
      false,
    ],
    [
      'its group of schools',
      { place: { kind: 'site_group', siteGroupId: id('sgr') } },
      { siteId: id('sit') },
      true,
    ],
    [
      'another group of schools',
      { place: { kind: 'site_group', siteGroupId: id('sgr', 'y') } },
      { siteId: id('sit') },
      false,
    ],
    [
      'its category counts for an application',
      { target: { kind: 'category', category: 'mathematics' } },
      { applicationId: id('app', 'z') },
      true,
    ],
    [
      'its label',
      { target: { kind: 'label', label: 'examen' } },
      { applicationId: id('app', 'z') },
      true,
    ],
    [
      'another label',
      { target: { kind: 'label', label: 'jeux' } },
      { applicationId: id('app', 'z') },
      false,
    ],
    ['out of hours only', {}, { state: 'off' }, false],
  ])('%s', (_name, change, filter, shown) => {
    expect(passes({ ...rule, ...change }, { ...noFilter, ...filter }, facts)).toBe(shown);
  });
});

describe('the hour at a school', () => {
  it.each([
    ['2026-11-30T10:00', 'Europe/Paris', '2026-11-30T09:00:00Z'],
    ['2026-07-01T10:00', 'Europe/Paris', '2026-07-01T08:00:00Z'],
    ['2026-11-30T10:00', 'Indian/Reunion', '2026-11-30T06:00:00Z'],
    ['2026-10-25T12:00', 'Europe/Paris', '2026-10-25T11:00:00Z'],
    // The hours around a change of clocks.
    ['2026-10-25T00:30', 'Europe/Paris', '2026-10-24T22:30:00Z'],
    ['2026-10-25T01:59', 'Europe/Paris', '2026-10-24T23:59:00Z'],
    ['2026-10-25T03:00', 'Europe/Paris', '2026-10-25T02:00:00Z'],
    ['2026-10-25T03:30', 'Europe/Paris', '2026-10-25T02:30:00Z'],
    ['2026-03-29T00:30', 'Europe/Paris', '2026-03-28T23:30:00Z'],
    ['2026-03-29T01:59', 'Europe/Paris', '2026-03-29T00:59:00Z'],
    ['2026-03-29T03:00', 'Europe/Paris', '2026-03-29T01:00:00Z'],
    ['2026-03-29T04:30', 'Europe/Paris', '2026-03-29T02:30:00Z'],
    ['2026-03-08T01:30', 'America/Miquelon', '2026-03-08T04:30:00Z'],
    ['2026-03-08T03:30', 'America/Miquelon', '2026-03-08T05:30:00Z'],
    ['2026-11-01T00:30', 'America/Miquelon', '2026-11-01T02:30:00Z'],
    ['2026-11-01T02:30', 'America/Miquelon', '2026-11-01T05:30:00Z'],
  ])('%s in %s', (local, zone, utc) => {
    expect(momentAt(local, zone)).toBe(Date.parse(utc));
    expect(wallClock(Date.parse(utc), zone)).toBe(local);
  });
  it('is one of the two where an hour comes twice, and near where one is missing', () => {
    const twice = momentAt('2026-10-25T02:30', 'Europe/Paris') ?? 0;
    expect(wallClock(twice, 'Europe/Paris')).toBe('2026-10-25T02:30');
    const missing = momentAt('2026-03-29T02:30', 'Europe/Paris') ?? 0;
    expect(Math.abs(missing - Date.parse('2026-03-29T01:00:00Z'))).toBeLessThanOrEqual(1_800_000);
  });
  it('is nothing when nothing is filled in', () => expect(momentAt('', 'Europe/Paris')).toBeNull());
  it('next Monday is never today', () => {
    expect(nextWeekday(1, '10:00', Date.parse('2026-11-24T09:00:00Z'), 'Europe/Paris')).toBe(
      '2026-11-30T10:00',
    );
    expect(nextWeekday(1, '10:00', Date.parse('2026-11-30T09:00:00Z'), 'Europe/Paris')).toBe(
      '2026-12-07T10:00',
    );
    expect(nextWeekday(7, '10:00', Date.parse('2026-11-24T09:00:00Z'), 'Europe/Paris')).toBe(
      '2026-11-29T10:00',
    );
  });
});

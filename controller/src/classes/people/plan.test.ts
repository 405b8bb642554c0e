/** The decisions an import is planned with, case by case. */
import { describe, expect, test } from 'vitest';
import { follows, mailOf } from './names.ts';
import { changesClass, changesOf, createClassNames, decideByName } from './plan-matches.ts';
import { createSiteFinder, newSiteOf, type PlacedRow, problemOfNames } from './plan-rows.ts';
import type { ImportRow, KnownPerson } from './plan-shapes.ts';
import { columnsOf, roleOf } from './rows.ts';

const row = (more: Partial<ImportRow> = {}): ImportRow => ({
  line: 2,
  lastName: 'Petit',
  firstName: 'Léo',
  className: 'CP A',
  level: '',
  externalId: null,
  uai: '',
  siteName: '',
  city: '',
  role: 'pupil',
  mail: '',
  ...more,
});
const placed = (more: Partial<PlacedRow> = {}): PlacedRow => ({
  row: row(),
  site: 'sit_1',
  siteName: 'École Colette',
  name: 'Léo Petit',
  key: 'sit_1 pupil leo petit',
  level: 'CP',
  ...more,
});
const person = (more: Partial<KnownPerson> = {}): KnownPerson => ({
  id: 'acc_1',
  siteId: 'sit_1',
  role: 'pupil',
  name: 'Léo Petit',
  login: 'leo.petit',
  externalId: null,
  byDirectory: false,
  level: 'CP',
  classes: [{ id: 'grp_1', name: 'CP A' }],
  disabled: false,
  ...more,
});

// biome-ignore format: a table
describe('names', () => {
  test.each([
    [null, 'CP', true], ['CP', null, true], ['CP', 'CP', true], ['CP', 'CE1', true], ['CP', 'CE2', false], ['CE1', 'CP', false], ['?', 'CP', false],
  ])('level %s before, %s now: %s', (before, now, expected) => expect(follows(before, now)).toBe(expected));
  test.each([
    [' a@b.fr ', 'a@b.fr'], ['a@b@c', null], ['a b@c', null], ['@b', null], ['', null],
  ])('mail %j: %j', (text, expected) => expect(mailOf(text)).toBe(expected));
  test.each([
    ['Élève', 'pupil'], ['Student', 'pupil'], ['PROFESSEUR', 'teacher'], ['Maître', 'teacher'], ['Directrice', 'teacher'], ['', 'other'], ['cantine', 'other'],
  ])('role %j: %s', (text, expected) => {
    expect(roleOf(text, 'pupil')).toBe(expected === 'other' ? 'pupil' : expected);
    expect(roleOf(text, 'teacher')).toBe(expected === 'other' ? 'teacher' : expected);
  });
  test('columns: guessed, or as chosen; what a plan needs and nobody named is absent', () => {
    expect(columnsOf(['Nom', 'Né le'], null, 'sit_1')).toEqual({ columns: ['lastName', null], absent: ['firstName'] });
    expect(columnsOf(['Nom', 'Prénom'], null, null)).toEqual({ columns: ['lastName', 'firstName'], absent: ['uai'] });
    expect(columnsOf(['A', 'B', 'C'], ['firstName', 'lastName'], 'sit_1')).toEqual({ columns: ['firstName', 'lastName', null], absent: [] });
  });
});

// biome-ignore format: a table
describe('a row', () => {
  test.each([
    ['is good', {}, null],
    ['has no first name', { firstName: '' }, { problem: 'no_name', text: 'Petit' }],
    ['has a name that is too long', { lastName: 'x'.repeat(130) }, { problem: 'bad_name' }],
    ['has a class that is too long', { className: 'x'.repeat(90) }, { problem: 'bad_class' }],
    ['has no class', { className: '' }, null],
  ])('%s', (_name, more, expected) => {
    const problem = problemOfNames(row(more));
    if (expected === null) expect(problem).toBeNull();
    else expect(problem).toMatchObject(expected);
  });

  const sites = [{ id: 'sit_1', uai: '0380001A', name: 'Colette' }, { id: 'sit_2', uai: '0380002B', name: 'Verne' }];
  const facts = { sites, siteId: null, foreignUais: new Set(['0380009Z']), mayCreateSites: true };
  const wanted = [{ uai: '0380003C', timeZone: 'Europe/Paris', holidayZone: 'A' as const }];
  test.each([
    ['by its code', facts, '0380002b', { site: 'sit_2', siteName: 'Verne' }],
    ['without one, in the city', facts, '', { problem: 'no_site' }],
    ['without one, in a school', { ...facts, siteId: 'sit_1' }, '', { site: 'sit_1' }],
    ['of another school', { ...facts, siteId: 'sit_1' }, '0380002B', { problem: 'foreign_site', text: 'Verne' }],
    ['of an unknown school, in a school', { ...facts, siteId: 'sit_1' }, '0380003C', { problem: 'foreign_site', text: '0380003C' }],
    ['of somebody else’s school', facts, '0380009Z', { problem: 'foreign_site' }],
    ['of an unknown school', facts, '0380004D', { problem: 'unknown_site' }],
    ['of a school to be made', facts, '0380003C', { site: 'new:0380003C', siteName: '0380003C' }],
    ['of one the caller may not make', { ...facts, mayCreateSites: false }, '0380003C', { problem: 'unknown_site' }],
  ])('school %s', (_name, given, uai, expected) =>
    expect(createSiteFinder(given, wanted).siteOf(row({ uai }))).toMatchObject(expected));
  test('a school to be made needs a code that can be one', () =>
    expect(['0380003C', 'CHATEAU'].map((uai) => newSiteOf(row({ siteName: 'COLETTE', city: 'GRENOBLE' }), uai, true))).toEqual([
      { uai: '0380003C', name: 'Colette', city: 'Grenoble', lines: 0, created: true },
      { uai: 'CHATEAU', name: 'Colette', city: 'Grenoble', lines: 0, created: false },
    ]));
});

// biome-ignore format: a table
describe('a row beside a person', () => {
  const teacher = { row: row({ role: 'teacher' }) };
  test.each([
    ['the line names none', {}, {}, null, false],
    ['the same, written otherwise', {}, {}, 'cp-a', false],
    ['another', {}, {}, 'CP B', true],
    ['the same, in another school', { site: 'sit_2' }, {}, 'CP A', true],
    ['a pupil in two', {}, { classes: [{ id: '1', name: 'CP A' }, { id: '2', name: 'CP B' }] }, 'CP A', true],
    ['a teacher in two', teacher, { classes: [{ id: '1', name: 'CP A' }, { id: '2', name: 'CP B' }] }, 'CP A', false],
    ['a teacher of another', teacher, {}, 'CP B', true],
  ])('class: %s', (_name, one, known, className, expected) =>
    expect(changesClass(placed(one), person(known), className)).toBe(expected));
  test.each([
    ['nothing', {}, {}, []],
    ['another level', { level: 'CE1' }, {}, ['level']],
    ['a level of a teacher', { ...teacher, level: 'CE1' }, {}, []],
    ['the name in capitals', { name: 'LEO PETIT' }, {}, []],
    ['another name, back again', { name: 'Léo Roux' }, { disabled: true }, ['name', 'returned']],
    ['an identifier at last', { row: row({ externalId: 'id:1' }) }, {}, ['identifier']],
    ['an identifier that was there', { row: row({ externalId: 'id:1' }) }, { externalId: 'id:0' }, []],
  ])('%s', (_name, one, known, expected) => expect(changesOf(placed(one), person(known), null)).toEqual(expected));

  const [leo, zoe] = [person(), person({ id: 'acc_2' })];
  test.each([
    ['nobody', [], 0, null, { kind: 'add' }],
    ['nobody, but a twin in the file', [], 1, null, { kind: 'ask' }],
    ['one', [leo], 0, null, { kind: 'match', person: leo, certain: true }],
    ['one, and a twin in the file', [leo], 1, null, { kind: 'ask' }],
    ['one who left', [person({ disabled: true })], 0, null, { kind: 'ask' }],
    ['one whose level does not follow', [person({ level: 'CM2' })], 0, null, { kind: 'ask' }],
    ['two', [leo, zoe], 0, null, { kind: 'ask' }],
    ['two, answered', [leo, zoe], 0, 'acc_2', { kind: 'match', person: zoe, certain: false }],
    ['one, answered: somebody new', [leo], 0, 'new', { kind: 'add' }],
    ['one, answered: skip', [leo], 0, 'skip', { kind: 'skip' }],
    ['an answer that is nobody here', [leo, zoe], 0, 'acc_9', { kind: 'ask' }],
  ])('known by this name: %s', (_name, people, twins, answer, expected) =>
    expect(decideByName('CP', { people, twins, sharing: twins + 1 }, answer)).toEqual(expected));

  test('classes are named as the school writes them, and made once', () => {
    const names = createClassNames([{ id: 'grp_1', siteId: 'sit_1', name: 'CP A' }]);
    const of = (className: string) => names.nameOf(placed({ row: row({ className }) }));
    expect(['', 'cp  a', 'CE1', 'ce1'].map(of)).toEqual([null, 'CP A', 'CE1', 'CE1']);
    expect(names.newClasses).toEqual([{ site: 'sit_1', siteName: 'École Colette', name: 'CE1' }]);
  });
});

import { defaultTerms, plainRule } from '@preau/contract/rule.ts';
import { describe, expect, it } from 'vitest';
import { atSchool, groupAndSchool, ofSchool } from './name-words.ts';
import { previewSentence } from './preview-words.ts';
import { termsWords } from './terms-words.ts';
import { ruleParts, ruleSentence, type Told } from './words.ts';

const id = (kind: string) => `${kind}_${'x'.repeat(22)}`;
const verne = 'École Jules Verne';
const base: Told = {
  ...plainRule,
  effect: 'allow',
  target: { kind: 'application', applicationId: id('app') },
  audience: { kind: 'role', role: 'pupil' },
  targetName: 'GeoGebra',
  audienceName: 'pupil',
  placeName: 'everywhere',
};
const inSchool = { place: { kind: 'site', siteId: id('sit') }, placeName: verne } as const;
const classTimes = { days: [1, 2, 3, 4, 5], from: '08:30', to: '16:30', period: 'school' } as const;
const when = (change: Partial<NonNullable<Told['when']>>): Told['when'] => ({
  open: [],
  exceptDates: [],
  from: null,
  until: null,
  ...change,
});
const open = (
  ...windows: {
    days: number[];
    from: string;
    to: string;
    period: 'always' | 'school' | 'holidays' | 'outside_holidays';
  }[]
) => ({ when: when({ open: windows }) });

const cases: { name: string; rule: Partial<Told>; fr: string; en: string }[] = [
  {
    name: 'a role, everywhere',
    rule: {},
    fr: 'Tous les élèves peuvent utiliser GeoGebra.',
    en: 'All pupils may use GeoGebra.',
  },
  {
    name: 'a role at a school',
    rule: inSchool,
    fr: 'Les élèves de l’École Jules Verne peuvent utiliser GeoGebra.',
    en: 'Pupils of École Jules Verne may use GeoGebra.',
  },
  {
    name: 'a role in a group of schools',
    rule: { place: { kind: 'site_group', siteGroupId: id('sgr') }, placeName: 'REP' },
    fr: 'Les élèves des écoles « REP » peuvent utiliser GeoGebra.',
    en: 'Pupils of the schools “REP” may use GeoGebra.',
  },
  {
    name: 'forbidden',
    rule: { ...inSchool, effect: 'deny', audience: { kind: 'role', role: 'teacher' } },
    fr: 'Aucun enseignant de l’École Jules Verne ne peut utiliser GeoGebra.',
    en: 'No teacher of École Jules Verne may use GeoGebra.',
  },
  {
    name: 'forbidden to all pupils',
    rule: { effect: 'deny' },
    fr: 'Aucun élève ne peut utiliser GeoGebra.',
    en: 'No pupil may use GeoGebra.',
  },
  {
    name: 'forbidden to everyone at a school',
    rule: { ...inSchool, effect: 'deny', audience: { kind: 'everyone' } },
    fr: 'Personne à l’École Jules Verne ne peut utiliser GeoGebra.',
    en: 'Nobody at École Jules Verne may use GeoGebra.',
  },
  {
    name: 'forbidden to a class',
    rule: {
      effect: 'deny',
      audience: { kind: 'group', groupId: id('grp') },
      audienceName: `CM2 A, ${verne}`,
    },
    fr: 'CM2 A de l’École Jules Verne ne peuvent pas utiliser GeoGebra.',
    en: 'CM2 A of École Jules Verne may not use GeoGebra.',
  },
  {
    name: 'a class in its hours',
    rule: {
      ...inSchool,
      audience: { kind: 'group', groupId: id('grp') },
      audienceName: `CM2 A, ${verne}`,
      when: when({ open: [{ ...classTimes, days: [...classTimes.days] }] }),
    },
    fr: 'CM2 A de l’École Jules Verne peuvent utiliser GeoGebra, du lundi au vendredi 8:30–16:30 en période de classe.',
    en: 'CM2 A of École Jules Verne may use GeoGebra, Monday to Friday 8:30–16:30 on days with class.',
  },
  {
    name: 'a class at another school',
    rule: {
      place: { kind: 'site', siteId: id('sit') },
      placeName: 'Collège Zola',
      audience: { kind: 'group', groupId: id('grp') },
      audienceName: `CM2 A, ${verne}`,
    },
    fr: 'CM2 A de l’École Jules Verne peuvent utiliser GeoGebra au Collège Zola.',
    en: 'CM2 A of École Jules Verne may use GeoGebra at Collège Zola.',
  },
  {
    name: 'a person',
    rule: {
      audience: { kind: 'person', accountId: id('acc') },
      audienceName: 'Léo Petit',
      effect: 'deny',
    },
    fr: 'Léo Petit ne peut pas utiliser GeoGebra.',
    en: 'Léo Petit may not use GeoGebra.',
  },
  {
    name: 'everyone at a school',
    rule: { ...inSchool, audience: { kind: 'everyone' } },
    fr: 'Tout le monde à l’École Jules Verne peut utiliser GeoGebra.',
    en: 'Everyone at École Jules Verne may use GeoGebra.',
  },
  {
    name: 'attributes',
    rule: {
      audience: {
        kind: 'attributes',
        all: [
          { attribute: 'level', test: 'is', value: 'CM2' },
          { attribute: 'subject', test: 'contains', value: 'mus' },
        ],
      },
    },
    fr: 'Les personnes dont « level » est « CM2 » et « subject » contient « mus » peuvent utiliser GeoGebra.',
    en: 'The people whose “level” is “CM2” and “subject” contains “mus” may use GeoGebra.',
  },
  {
    name: 'a category',
    rule: { target: { kind: 'category', category: 'mathematics' }, targetName: 'mathematics' },
    fr: 'Tous les élèves peuvent utiliser les applications de la catégorie Mathématiques.',
    en: 'All pupils may use applications of the category Mathematics.',
  },
  {
    name: 'a label, from an address range',
    rule: {
      target: { kind: 'label', label: 'examen' },
      targetName: 'examen',
      client: { kind: 'subnet', subnet: '10.0.0.0/8' },
    },
    fr: 'Tous les élèves peuvent utiliser les applications étiquetées « examen » depuis 10.0.0.0/8.',
    en: 'All pupils may use applications labelled “examen” from 10.0.0.0/8.',
  },
  {
    name: 'labelled PCs',
    rule: { client: { kind: 'label', label: 'salle-info' } },
    fr: 'Tous les élèves peuvent utiliser GeoGebra depuis les postes « salle-info ».',
    en: 'All pupils may use GeoGebra from the PCs “salle-info”.',
  },
  {
    name: 'two windows on the same days',
    rule: open(
      { days: [2, 4], from: '08:30', to: '11:30', period: 'school' },
      { days: [4, 2], from: '13:30', to: '16:30', period: 'school' },
    ),
    fr:
      'Tous les élèves peuvent utiliser GeoGebra, le mardi et le jeudi 8:30–11:30 et ' +
      '13:30–16:30 en période de classe.',
    en: 'All pupils may use GeoGebra, on Tuesdays and Thursdays 8:30–11:30 and 13:30–16:30 on days with class.',
  },
  {
    name: 'the weekend, overnight, whole days',
    rule: open(
      { days: [6, 7], from: '19:00', to: '06:00', period: 'always' },
      { days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '24:00', period: 'holidays' },
    ),
    fr:
      'Tous les élèves peuvent utiliser GeoGebra, le week-end 19:00–6:00 (le lendemain), et ' +
      'tous les jours toute la journée pendant les vacances et les jours fériés.',
    en: 'All pupils may use GeoGebra, at weekends 19:00–6:00 (the day after), and every day all day in holidays.',
  },
  {
    name: 'until a date',
    rule: { when: when({ until: '2027-06-30' }) },
    fr: 'Tous les élèves peuvent utiliser GeoGebra, jusqu’au 30 juin 2027.',
    en: 'All pupils may use GeoGebra, until 30 June 2027.',
  },
  {
    name: 'between dates, except one',
    rule: { when: when({ from: '2026-09-01', until: '2027-06-30', exceptDates: ['2026-12-01'] }) },
    fr: 'Tous les élèves peuvent utiliser GeoGebra, du 1er septembre 2026 au 30 juin 2027, sauf le 1er décembre 2026.',
    en: 'All pupils may use GeoGebra, from 1 September 2026 to 30 June 2027, except on 1 December 2026.',
  },
  {
    name: 'from a date, except many',
    rule: {
      when: when({
        from: '2026-09-01',
        exceptDates: ['2026-12-01', '2026-12-02', '2026-12-03', '2026-12-04'],
      }),
    },
    fr: 'Tous les élèves peuvent utiliser GeoGebra, à partir du 1er septembre 2026, sauf 4 jours.',
    en: 'All pupils may use GeoGebra, from 1 September 2026 on, except on 4 days.',
  },
  {
    name: 'terms',
    rule: { how: { ...defaultTerms, clipboard: 'in', maxMinutes: 45, seats: 1 } },
    fr:
      'Tous les élèves peuvent utiliser GeoGebra (copier-coller vers l’application, 45 min au ' +
      'plus, 1 place par école).',
    en: 'All pupils may use GeoGebra (copy and paste into the application, 45 min at most, 1 seat per school).',
  },
  {
    name: 'terms that say nothing',
    rule: { how: defaultTerms },
    fr: 'Tous les élèves peuvent utiliser GeoGebra.',
    en: 'All pupils may use GeoGebra.',
  },
  {
    name: 'what is gone',
    rule: {
      ...inSchool,
      placeName: null,
      targetName: null,
      audience: { kind: 'person', accountId: id('acc') },
      audienceName: null,
    },
    fr: 'Quelqu’un qui n’est plus là peut utiliser une application qui n’existe plus (un lieu qui n’existe plus).',
    en: 'Somebody who is gone may use an application that is gone (a place that is gone).',
  },
  {
    name: 'nothing chosen yet',
    rule: { ...inSchool, target: null, audience: null },
    fr: '… peuvent utiliser … à l’École Jules Verne.',
    en: '… may use … at École Jules Verne.',
  },
];

describe('a rule is one sentence', () => {
  it.each(cases)('$name', ({ rule, fr, en }) => {
    const told: Told = { ...base, ...rule };
    expect(ruleSentence(told, 'fr')).toBe(fr);
    expect(ruleSentence(told, 'en')).toBe(en);
    expect(ruleSentence(structuredClone(told), 'fr')).toBe(fr);
  });

  it('marks what is gone and what is missing, so that a page can', () => {
    expect(
      ruleParts({ ...base, targetName: null }, 'fr').filter(({ kind }) => kind === 'gone'),
    ).toHaveLength(1);
    expect(
      ruleParts({ ...base, target: null, audience: null }, 'fr').filter(
        ({ kind }) => kind === 'hole',
      ),
    ).toHaveLength(2);
    expect(
      ruleParts({ ...base, ...inSchool }, 'fr').find(({ kind }) => kind === 'whom')?.text,
    ).toBe('Les élèves');
  });
});

describe('names of schools', () => {
  it.each([
    ['École Colette', 'de l’École Colette', 'à l’École Colette'],
    ['Collège Zola', 'du Collège Zola', 'au Collège Zola'],
    ['Maternelle du Port', 'de la Maternelle du Port', 'à la Maternelle du Port'],
    ['Les Tilleuls', 'de Les Tilleuls', 'à Les Tilleuls'],
    ['Aubrac', 'd’Aubrac', 'à Aubrac'],
    ['Groupe scolaire Nord', 'du Groupe scolaire Nord', 'au Groupe scolaire Nord'],
  ])('%s', (name, of, at) => {
    expect(ofSchool(name)).toBe(of);
    expect(atSchool(name)).toBe(at);
  });
  it('are split off a group', () => {
    expect(groupAndSchool('CM2 A, École Molière')).toEqual({
      group: 'CM2 A',
      school: 'École Molière',
    });
    expect(groupAndSchool('Direction')).toEqual({ group: 'Direction', school: null });
  });
});

it('terms say only what differs from nothing', () => {
  expect(termsWords(defaultTerms, 'fr')).toEqual([]);
  expect(
    termsWords(
      {
        clipboard: 'both',
        files: 'out',
        printing: true,
        recording: true,
        maxMinutes: null,
        idleMinutes: 10,
        seats: 12,
      },
      'fr',
    ),
  ).toEqual([
    'copier-coller dans les deux sens',
    'fichiers depuis l’application',
    'impression',
    'séance enregistrée',
    'fermée après 10 min sans un geste',
    '12 places par école',
  ]);
});

describe('what a rule changes', () => {
  const change = (people: number, schools: number, applications = 1) => ({
    people,
    schools,
    applications,
    examples: [],
  });
  const pupils = { target: base.target, targetName: 'GeoGebra', audience: base.audience };
  it.each([
    [
      'gains',
      change(412, 3),
      change(0, 0),
      pupils,
      '412 élèves de 3 écoles gagnent GeoGebra, personne ne perd rien.',
      '412 pupils in 3 schools gain GeoGebra, nobody loses anything.',
    ],
    [
      'a loss',
      change(0, 0),
      change(1, 1),
      pupils,
      '1 élève d’une école perd GeoGebra, personne ne gagne rien.',
      '1 pupil in one school loses GeoGebra, nobody gains anything.',
    ],
    [
      'both, of a category, for anybody',
      change(2, 1, 3),
      change(1, 0),
      {
        ...pupils,
        audience: { kind: 'everyone' },
        target: { kind: 'category', category: 'games' },
      } as const,
      '2 personnes d’une école gagnent 3 applications, 1 personne perd une application.',
      '2 people in one school gain 3 applications, 1 person loses one application.',
    ],
    [
      'nothing',
      change(0, 0),
      change(0, 0),
      pupils,
      'Rien ne change pour personne.',
      'Nothing changes for anybody.',
    ],
  ])('%s', (...[, gains, losses, rule, fr, en]) => {
    expect(previewSentence({ gains, losses }, rule, 'fr')).toBe(fr);
    expect(previewSentence({ gains, losses }, rule, 'en')).toBe(en);
  });
});

/** Who sees what, in both languages; the compiler keeps them complete. */
import type { ExplainedRule } from '@preau/contract/explanation.ts';
import { messages } from '../lib/page.svelte.ts';
import { enS, frS } from '../lib/plural.ts';
import type { Both } from '../lib/words.ts';

type Outcome = ExplainedRule['outcome'];

export const accessWords = messages({
  // Access
  tabs: {
    explain: { fr: 'Expliquer et simuler', en: 'Explain and simulate' },
    matrix: { fr: 'Applications × écoles', en: 'Applications × schools' },
    csv: { fr: 'Exporter', en: 'Export' },
  },
  whoField: { fr: 'Qui', en: 'Who' },
  whoHint: { fr: 'Nom ou identifiant', en: 'Name or user name' },
  wherefrom: { fr: 'Depuis quel poste', en: 'From which PC' },
  anyPc: { fr: 'Nulle part en particulier', en: 'Nowhere in particular' },
  addressLabel: { fr: 'Adresse du poste', en: 'Address of the PC' },
  addressHint: { fr: 'Par exemple 10.12.3.40', en: 'For example 10.12.3.40' },
  whenField: { fr: 'À quel moment', en: 'At which moment' },
  momentNow: { fr: 'Maintenant', en: 'Now' },
  momentOther: { fr: 'Un autre moment', en: 'Another moment' },
  momentHere: {
    fr: (zone: string) => `À l’heure de l’école (${zone})`,
    en: (zone: string) => `By the school’s clock (${zone})`,
  },
  nextMonday: { fr: 'lundi prochain 10:00', en: 'next Monday 10:00' },
  nextSaturday: { fr: 'samedi prochain 15:00', en: 'next Saturday 15:00' },
  yesterday: { fr: 'hier 10:00', en: 'yesterday 10:00' },
  inPast: {
    fr: 'Le passé est jugé d’après les règles de ce moment-là.',
    en: 'The past is judged by the rules of that moment.',
  },
  inFuture: {
    fr: 'Le futur est jugé d’après les règles d’aujourd’hui.',
    en: 'The future is judged by the rules of today.',
  },
  choosePerson: {
    fr: 'Choisissez une personne pour voir ses applications, et pourquoi.',
    en: 'Choose a person to see their applications, and why.',
  },
  opened: { fr: 'Ouverte', en: 'Open' },
  closed: { fr: 'Fermée', en: 'Closed' },
  openN: { fr: (n: number) => `${n} ouverte${frS(n)}`, en: (n: number) => `${n} open` },
  closedN: { fr: (n: number) => `${n} fermée${frS(n)}`, en: (n: number) => `${n} closed` },
  onlyOpen: { fr: 'Ouvertes seulement', en: 'Open ones only' },
  everyApplication: { fr: 'Toutes', en: 'All' },
  filterApplications: { fr: 'Chercher une application', en: 'Search for an application' },
  noSchool: { fr: 'sans école', en: 'without a school' },
  noRule: { fr: 'aucune règle ne l’ouvre à cette personne', en: 'no rule opens it to this person' },
  until: { fr: (when: string) => `jusqu’à ${when}`, en: (when: string) => `until ${when}` },
  from: { fr: (when: string) => `à partir de ${when}`, en: (when: string) => `from ${when}` },
  notInstalled: { fr: 'non installée dans l’école', en: 'not installed at the school' },
  consider: { fr: 'Toutes les règles examinées', en: 'Every rule considered' },
  noneConsidered: {
    fr: 'Aucune règle ne parle de cette application.',
    en: 'No rule speaks of this application.',
  },
  outcome: {
    decided: { fr: 'A décidé', en: 'Decided' },
    outranked: { fr: 'Une plus précise a décidé', en: 'A more precise one decided' },
    out_of_hours: { fr: 'Hors horaire', en: 'Out of hours' },
    other_device: { fr: 'Autre poste', en: 'Other PC' },
    other_place: { fr: 'Autre école', en: 'Other school' },
    other_person: { fr: 'Autre personne', en: 'Other person' },
  } satisfies Record<Outcome, Both>,
  opensOn: { fr: (when: string) => `ouvre ${when}`, en: (when: string) => `opens ${when}` },
  remedy: { fr: 'Pour changer la réponse', en: 'To change the answer' },
  remedyWait: {
    fr: (when: string) => `Il suffit d’attendre : la réponse change d’elle-même ${when}.`,
    en: (when: string) => `Waiting is enough: the answer turns by itself ${when}.`,
  },
  remedyMove: {
    fr: 'Il suffit de changer de poste : cette règle l’ouvre depuis d’autres postes.',
    en: 'Changing PCs is enough: this rule opens it from other PCs.',
  },
  remedyWithdraw: {
    fr: 'Retirer cette règle, qui décide pour cette seule personne :',
    en: 'Withdraw this rule, which decides for this person alone:',
  },
  remedyAdd: {
    allow: { fr: 'Ouvrir à cette personne', en: 'Open it to this person' },
    deny: { fr: 'Fermer à cette personne', en: 'Close it to this person' },
  },
  remedyAddText: {
    allow: {
      fr: 'Une règle pour cette seule personne suffirait :',
      en: 'A rule for this person alone would do:',
    },
    deny: {
      fr: 'Une règle pour cette seule personne suffirait :',
      en: 'A rule for this person alone would do:',
    },
  },
  otherwiseAdd: {
    fr: 'Ou une règle pour cette seule personne :',
    en: 'Or a rule for this person alone:',
  },
  explainThis: { fr: 'Pourquoi ?', en: 'Why?' },
  // Matrix
  role: { fr: 'Qui', en: 'Who' },
  allPeople: { fr: 'Tout le monde', en: 'Everyone' },
  pupils: { fr: 'Élèves', en: 'Pupils' },
  teachers: { fr: 'Enseignants', en: 'Teachers' },
  allCategories: { fr: 'Toutes les catégories', en: 'Every category' },
  matrixLegend: {
    fr: 'Nombre de personnes à qui c’est ouvert en ce moment. Hachuré : pas installée dans l’école.',
    en: 'How many people it is open to at this moment. Hatched: not installed at the school.',
  },
  cell: {
    fr: (application: string, school: string, open: number, all: number, installed: boolean) =>
      `${application}, ${school} : ouverte à ${open} personne${frS(open)} sur ` +
      `${all}${installed ? '' : ', pas installée'}`,
    en: (application: string, school: string, open: number, all: number, installed: boolean) =>
      `${application}, ${school}: open to ${open} of ${all} ` +
      `${all === 1 ? 'person' : 'people'}${installed ? '' : ', not installed'}`,
  },
  rulesOf: {
    fr: (application: string, school: string) => `Règles qui parlent de ${application} à ${school}`,
    en: (application: string, school: string) => `Rules about ${application} at ${school}`,
  },
  noneSpeaks: {
    fr: 'Aucune règle n’en parle : c’est fermé pour tous.',
    en: 'No rule speaks of it: it is closed for all.',
  },
  previous: { fr: 'Page précédente', en: 'Previous page' },
  next: { fr: 'Page suivante', en: 'Next page' },
  schoolsShown: {
    fr: (n: number) => `${n} école${frS(n)} sur cette page`,
    en: (n: number) => `${n} school${enS(n)} on this page`,
  },
  onlyOpenSomewhere: { fr: 'Ouvertes quelque part', en: 'Open somewhere' },
  // Export
  csvText: {
    fr:
      'Qui pouvait ouvrir quoi sur une période, d’après les règles de chaque moment. Une ligne ' +
      'par personne et par application.',
    en: 'Who could open what over a period, by the rules of each moment. One line per person and application.',
  },
  csvSchool: { fr: 'École', en: 'School' },
  csvApplication: { fr: 'Application', en: 'Application' },
  csvAny: { fr: 'Toutes', en: 'All' },
  csvBoth: {
    fr: 'Choisissez au moins une école ou une application.',
    en: 'Choose at least a school or an application.',
  },
  csvOrder: {
    fr: 'Le dernier jour vient avant le premier.',
    en: 'The last day comes before the first.',
  },
  csvDownload: { fr: 'Télécharger le tableau', en: 'Download the table' },
});

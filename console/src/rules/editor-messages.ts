/** Writing a rule, and what it would change, in both languages; the compiler keeps them complete. */
import type { attributeTests, directions } from '@preau/contract/rule.ts';
import { messages } from '../lib/page.svelte.ts';
import { enS, frS } from '../lib/plural.ts';
import type { Both } from '../lib/words.ts';

type Field = 'target' | 'audience' | 'place' | 'client' | 'when' | 'how';

export const editorWords = messages({
  // Editor
  editRule: { fr: 'Modifier la règle', en: 'Change the rule' },
  theSentence: { fr: 'La règle se lit ainsi', en: 'The rule reads' },
  stepEffect: { fr: 'Autoriser ou interdire', en: 'Allow or forbid' },
  allow: { fr: 'Autoriser', en: 'Allow' },
  deny: { fr: 'Interdire', en: 'Forbid' },
  stepWhat: { fr: 'Quoi', en: 'What' },
  stepWhom: { fr: 'Pour qui', en: 'For whom' },
  stepWhere: { fr: 'Où', en: 'Where' },
  stepWhen: { fr: 'Quand', en: 'When' },
  stepHow: { fr: 'Comment', en: 'How' },
  noteLabel: { fr: 'Pourquoi (pour les collègues)', en: 'Why (for colleagues)' },
  optional: { fr: 'facultatif', en: 'optional' },
  appsN: {
    fr: (n: number) => `${n} application${frS(n)}`,
    en: (n: number) => `${n} application${enS(n)}`,
  },
  whatSearch: { fr: 'Application, étiquette ou catégorie', en: 'Application, label or category' },
  application: { fr: 'Application', en: 'Application' },
  label: { fr: 'Étiquette', en: 'Label' },
  categoryWord: { fr: 'Catégorie', en: 'Category' },
  whomSearch: {
    fr: 'Nom d’une personne, d’une classe ou d’un groupe',
    en: 'Name of a person, a class or a group',
  },
  person: { fr: 'Personne', en: 'Person' },
  group: { fr: 'Groupe', en: 'Group' },
  classWord: { fr: 'Classe', en: 'Class' },
  kinds: {
    everyone: { fr: 'Tout le monde', en: 'Everyone' },
    pupil: { fr: 'Les élèves', en: 'Pupils' },
    teacher: { fr: 'Les enseignants', en: 'Teachers' },
    named: { fr: 'Une classe, un groupe, une personne', en: 'A class, a group, a person' },
    attributes: { fr: 'D’après l’annuaire', en: 'By the directory' },
  },
  more: { fr: 'Autres rôles', en: 'Other roles' },
  otherRole: { fr: 'Un autre rôle', en: 'Another role' },
  attribute: { fr: 'Attribut', en: 'Attribute' },
  value: { fr: 'Valeur', en: 'Value' },
  test: { fr: 'Condition', en: 'Condition' },
  tests: {
    is: { fr: 'est', en: 'is' },
    is_not: { fr: 'n’est pas', en: 'is not' },
    starts_with: { fr: 'commence par', en: 'starts with' },
    contains: { fr: 'contient', en: 'contains' },
  } satisfies Record<(typeof attributeTests)[number], Both>,
  addTest: { fr: 'Ajouter une condition', en: 'Add a condition' },
  removeTest: {
    fr: (n: number) => `Enlever la condition ${n}`,
    en: (n: number) => `Remove condition ${n}`,
  },
  allTests: {
    fr: 'Toutes les conditions doivent être vraies. Majuscules et minuscules se valent.',
    en: 'All of the conditions must hold. Capitals do not matter.',
  },
  placeKinds: {
    everywhere: { fr: 'Toutes les écoles', en: 'Every school' },
    site_group: { fr: 'Un groupe d’écoles', en: 'A group of schools' },
    site: { fr: 'Une école', en: 'One school' },
  },
  chooseGroup: { fr: 'Groupe d’écoles', en: 'Group of schools' },
  chooseSchool: { fr: 'École', en: 'School' },
  noSchoolGroups: {
    fr: 'Aucun groupe d’écoles : créez-en un depuis la page Écoles.',
    en: 'No group of schools yet: make one on the Schools page.',
  },
  fromWhich: { fr: 'Depuis quels postes', en: 'From which PCs' },
  clientKinds: {
    any: { fr: 'N’importe lequel', en: 'Any' },
    label: { fr: 'Postes étiquetés', en: 'Labelled PCs' },
    subnet: { fr: 'Plage d’adresses', en: 'Address range' },
  },
  pcLabel: { fr: 'Étiquette des postes', en: 'Label of the PCs' },
  pcLabelHint: {
    fr: 'Les étiquettes se donnent aux réseaux dans les réglages de chaque école.',
    en: 'Networks get their labels in each school’s settings.',
  },
  subnet: { fr: 'Plage d’adresses', en: 'Address range' },
  subnetHint: { fr: 'Par exemple 10.12.0.0/16.', en: 'For example 10.12.0.0/16.' },
  whenKinds: {
    always: { fr: 'Toujours', en: 'Always' },
    class: { fr: 'En classe', en: 'In class' },
    holidays: { fr: 'Hors vacances', en: 'Outside holidays' },
    own: { fr: 'Horaires choisis', en: 'Chosen hours' },
  },
  whenHint: {
    always: { fr: 'À toute heure, tous les jours.', en: 'At any hour, every day.' },
    class: {
      fr: 'Du lundi au vendredi, 8:30–16:30, les jours de classe.',
      en: 'Monday to Friday, 8:30–16:30, on days with class.',
    },
    holidays: {
      fr: 'Tous les jours, toute la journée, sauf pendant les vacances.',
      en: 'Every day, all day, except in the holidays.',
    },
    own: { fr: 'Jours et heures au choix.', en: 'Days and hours of your choice.' },
  },
  fromDay: { fr: 'Premier jour', en: 'First day' },
  untilDay: { fr: 'Dernier jour', en: 'Last day' },
  dates: { fr: 'Dates', en: 'Dates' },
  datesHint: {
    fr: 'Les deux jours sont compris. Vides : sans limite.',
    en: 'Both days included. Empty: no limit.',
  },
  hoursHint: {
    fr: 'À l’heure de l’école, été comme hiver.',
    en: 'By the school’s clock, summer and winter.',
  },
  clipboard: { fr: 'Copier-coller', en: 'Copy and paste' },
  filesTerm: { fr: 'Fichiers (dossier « Mon appareil »)', en: 'Files (folder “My device”)' },
  printingTerm: {
    fr: 'Imprimer sur l’imprimante de l’appareil',
    en: 'Print on the device’s printer',
  },
  recordingTerm: { fr: 'Enregistrer ce que montre l’écran', en: 'Record what the screen shows' },
  recordingHint: {
    fr:
      'La personne en est avertie tant que dure la séance. À justifier dans la note ; les ' +
      'enregistrements s’effacent au bout du délai fixé dans Données personnelles.',
    en:
      'The person is told as long as the session lasts. Say why in the note; recordings are ' +
      'erased after the time set under Personal data.',
  },
  directions: {
    none: { fr: 'Non', en: 'No' },
    in: { fr: 'Vers l’application', en: 'Into the application' },
    out: { fr: 'Depuis l’application', en: 'Out of the application' },
    both: { fr: 'Dans les deux sens', en: 'Both ways' },
  } satisfies Record<(typeof directions)[number], Both>,
  maxMinutes: { fr: 'Durée au plus (minutes)', en: 'Time at most (minutes)' },
  idleMinutes: {
    fr: 'Fermer sans un geste après (minutes)',
    en: 'Close without a touch after (minutes)',
  },
  seats: { fr: 'Places par école', en: 'Seats per school' },
  noLimit: { fr: 'sans limite', en: 'no limit' },
  ownTerms: { fr: 'Fixer les conditions d’usage', en: 'Set terms of use' },
  plainTerms: {
    fr: 'Sans cela : rien ne se copie, ne s’imprime ni ne s’enregistre, et la durée est libre.',
    en: 'Without: nothing is copied, printed or recorded, and time is free.',
  },
  save: { fr: 'Enregistrer', en: 'Save' },
  cancel: { fr: 'Annuler', en: 'Cancel' },
  leaveTitle: { fr: 'Quitter sans enregistrer ?', en: 'Leave without saving?' },
  leaveText: {
    fr: 'Les changements de cette règle seront perdus.',
    en: 'The changes to this rule will be lost.',
  },
  leave: { fr: 'Quitter', en: 'Leave' },
  stay: { fr: 'Rester', en: 'Stay' },
  changedTitle: {
    fr: 'Un collègue a modifié cette règle',
    en: 'A colleague has changed this rule',
  },
  changedText: {
    fr: (who: string, when: string) => `${who} l’a enregistrée ${when}. Elle se lit maintenant :`,
    en: (who: string, when: string) => `${who} saved it ${when}. It now reads:`,
  },
  withdrawnMeanwhile: {
    fr: 'Un collègue a retiré cette règle entre-temps.',
    en: 'A colleague has withdrawn this rule in the meantime.',
  },
  takeTheirs: { fr: 'Reprendre sa version', en: 'Take their version' },
  keepMine: { fr: 'Garder la mienne par-dessus', en: 'Save mine over it' },
  saveAsNew: { fr: 'Enregistrer comme nouvelle règle', en: 'Save as a new rule' },
  fieldOf: {
    target: { fr: 'Quoi', en: 'What' },
    audience: { fr: 'Pour qui', en: 'For whom' },
    place: { fr: 'Où', en: 'Where' },
    client: { fr: 'Depuis quels postes', en: 'From which PCs' },
    when: { fr: 'Quand', en: 'When' },
    how: { fr: 'Comment', en: 'How' },
  } satisfies Record<Field, Both>,
  // Preview
  preview: { fr: 'Ce que cela change', en: 'What it changes' },
  previewing: { fr: 'Calcul…', en: 'Weighing…' },
  concerned: {
    fr: (people: string) => `Parmi ${people} que la règle nomme.`,
    en: (people: string) => `Of ${people} that the rule names.`,
  },
  examples: {
    fr: (names: string) => `par exemple ${names}`,
    en: (names: string) => `for example ${names}`,
  },
  weighedAt: {
    fr: (when: string) =>
      `Compté ${when}, dans les horaires de la règle ; en dehors, les autres règles décident.`,
    en: (when: string) =>
      `Counted ${when}, in the hours of the rule; outside of them the other rules decide.`,
  },
  conflicts: { fr: 'Règles qui disent le contraire', en: 'Rules that say the opposite' },
  winsOther: { fr: 'Cette autre règle l’emporte', en: 'That other rule wins' },
  winsThis: { fr: 'Votre règle l’emporte', en: 'Your rule wins' },
  becausePrecise: { fr: 'parce qu’elle est plus précise', en: 'because it is more precise' },
  becauseDeny: {
    fr: 'parce qu’à précision égale l’interdiction l’emporte',
    en: 'because between equals the one that forbids wins',
  },
  forPeople: { fr: (people: string) => `pour ${people}`, en: (people: string) => `for ${people}` },
  notYet: { fr: 'La règle n’est pas encore complète.', en: 'The rule is not complete yet.' },
});

/** Importing people, in both languages; the compiler keeps them complete. */
import type { Change, ImportField, RowProblem } from '@preau/contract/people-import.ts';
import { messages } from '../lib/page.svelte.ts';
import { enS, frS, isMany } from '../lib/plural.ts';
import type { Both } from '../lib/words.ts';

export const importWords = messages({
  importHint: {
    fr:
      'Chaque septembre, ou quand il le faut : un fichier CSV d’élèves ou d’enseignants, comme ' +
      'ONDE les exporte. Rien ne change avant votre accord, et personne n’est supprimé.',
    en:
      'Each September, or when needed: a CSV file of pupils or teachers, as ONDE exports them. ' +
      'Nothing changes before you agree, and nobody is deleted.',
  },
  steps: {
    fr: ['Fichier', 'Colonnes', 'Différences', 'Compte rendu'],
    en: ['File', 'Columns', 'Differences', 'Report'],
  },
  chooseFile: { fr: 'Choisir un fichier CSV', en: 'Choose a CSV file' },
  who: { fr: 'Ce fichier contient', en: 'This file holds' },
  whoPupils: { fr: 'des élèves', en: 'pupils' },
  whoTeachers: { fr: 'des enseignants', en: 'teachers' },
  intoSchool: { fr: 'École', en: 'School' },
  everySchool: { fr: 'D’après la colonne UAI', en: 'By the UAI column' },
  readFile: { fr: 'Lire le fichier', en: 'Read the file' },
  readingFile: { fr: 'Lecture…', en: 'Reading…' },
  tooLarge: { fr: 'Ce fichier dépasse 20 Mo.', en: 'This file is larger than 20 MB.' },
  seen: {
    fr: (encoding: string, separator: string, lines: string) =>
      `${lines} lignes, ${encoding}, séparateur « ${separator} »`,
    en: (encoding: string, separator: string, lines: string) =>
      `${lines} lines, ${encoding}, separator “${separator}”`,
  },
  tab: { fr: 'tabulation', en: 'tab' },
  column: { fr: 'Colonne', en: 'Column' },
  meaning: { fr: 'Ce que c’est', en: 'What it is' },
  example: { fr: 'Exemple', en: 'Example' },
  ignored: { fr: 'Ne pas lire', en: 'Do not read' },
  absent: {
    fr: (names: string) => `Il manque : ${names}. Indiquez quelle colonne c’est.`,
    en: (names: string) => `Missing: ${names}. Say which column it is.`,
  },
  next: { fr: 'Continuer', en: 'Continue' },
  previous: { fr: 'Retour', en: 'Back' },
  fields: {
    lastName: { fr: 'Nom', en: 'Last name' },
    firstName: { fr: 'Prénom', en: 'First name' },
    className: { fr: 'Classe', en: 'Class' },
    level: { fr: 'Niveau', en: 'Level' },
    externalId: { fr: 'INE ou identifiant', en: 'INE or identifier' },
    uai: { fr: 'UAI de l’école', en: 'The school’s UAI' },
    siteName: { fr: 'Nom de l’école', en: 'Name of the school' },
    city: { fr: 'Commune', en: 'Town' },
    role: { fr: 'Rôle', en: 'Role' },
    mail: { fr: 'Courriel', en: 'Mail' },
  } satisfies Record<ImportField, Both>,
  privacy: {
    fr: 'Les dates de naissance et les autres colonnes ne sont pas lues. L’INE n’est gardé que sous forme d’empreinte.',
    en: 'Birth dates and other columns are not read. The INE is kept only as a fingerprint.',
  },
  added: { fr: 'Nouveaux', en: 'New' },
  changed: { fr: 'Modifiés', en: 'Changed' },
  unchanged: { fr: 'Sans changement', en: 'Unchanged' },
  missing: { fr: 'Partis ?', en: 'Gone?' },
  undecided: { fr: 'Homonymes à trancher', en: 'Namesakes to decide' },
  problems: { fr: 'Lignes en erreur', en: 'Lines in error' },
  newClasses: { fr: 'Classes à créer', en: 'Classes to add' },
  newSites: { fr: 'Écoles inconnues', en: 'Unknown schools' },
  line: { fr: 'Ligne', en: 'Line' },
  name: { fr: 'Nom', en: 'Name' },
  before: { fr: 'Avant', en: 'Before' },
  after: { fr: 'Après', en: 'After' },
  what: { fr: 'Quoi', en: 'What' },
  changes: {
    class: { fr: 'classe', en: 'class' },
    level: { fr: 'niveau', en: 'level' },
    name: { fr: 'nom', en: 'name' },
    site: { fr: 'école', en: 'school' },
    returned: { fr: 'de retour', en: 'back' },
    identifier: { fr: 'identifiant reconnu', en: 'identifier recognised' },
  } satisfies Record<Change, Both>,
  homonymText: {
    fr:
      'Ces lignes portent le nom de quelqu’un d’autre : dites qui est qui. Sans réponse, la ' +
      'ligne n’est pas importée.',
    en: 'These lines bear somebody else’s name: say who is who. Without an answer the line is not imported.',
  },
  twins: {
    fr: (lines: string) => `Même nom aux lignes ${lines}`,
    en: (lines: string) => `Same name in lines ${lines}`,
  },
  isNew: { fr: 'Une nouvelle personne', en: 'A new person' },
  isSkip: { fr: 'Ne pas importer', en: 'Do not import' },
  decideLater: { fr: 'À trancher', en: 'To be decided' },
  whoIs: {
    fr: (name: string, line: number) => `Qui est ${name}, ligne ${line} ?`,
    en: (name: string, line: number) => `Who is ${name}, line ${line}?`,
  },
  missingText: {
    fr:
      'Ces personnes ne sont plus dans le fichier. Elles restent, sauf si vous les cochez : ' +
      'elles ne pourront alors plus se connecter. Leurs fichiers sont gardés.',
    en:
      'These people are no longer in the file. They stay unless you tick them: then they can no ' +
      'longer sign in. Their files are kept.',
  },
  tickAll: { fr: 'Tout cocher', en: 'Tick all' },
  tickNone: { fr: 'Tout décocher', en: 'Untick all' },
  leaves: { fr: (name: string) => `${name} est parti`, en: (name: string) => `${name} has left` },
  siteText: {
    fr: 'Ces écoles ne sont pas dans Préau. Cochez celles à créer ; les lignes des autres ne sont pas importées.',
    en: 'These schools are not in Préau. Tick those to add; the lines of the others are not imported.',
  },
  createSite: { fr: (name: string) => `Créer ${name}`, en: (name: string) => `Add ${name}` },
  linesN: { fr: (n: number) => `${n} ligne${frS(n)}`, en: (n: number) => `${n} line${enS(n)}` },
  problemOf: {
    no_name: { fr: 'nom ou prénom vide', en: 'first or last name empty' },
    bad_name: { fr: 'nom impossible à garder', en: 'a name that cannot be kept' },
    no_site: { fr: 'école absente', en: 'no school' },
    unknown_site: { fr: 'école inconnue', en: 'unknown school' },
    foreign_site: { fr: 'école d’un autre référent', en: 'another contact’s school' },
    known_elsewhere: {
      fr: 'connu dans une autre école : un technicien peut l’importer',
      en: 'known in another school: a technician can import them',
    },
    twice: { fr: 'identifiant déjà vu plus haut', en: 'identifier seen in a line above' },
    other_role: { fr: 'connu avec un autre rôle', en: 'known with another role' },
    bad_class: { fr: 'nom de classe impossible', en: 'a class name that cannot be kept' },
    same_line: { fr: 'même personne qu’une ligne plus haut', en: 'same person as a line above' },
  } satisfies Record<RowProblem, Both>,
  apply: {
    fr: (n: number) => `Appliquer ${n} changement${frS(n)}`,
    en: (n: number) => `Make ${n} change${enS(n)}`,
  },
  nothingToDo: { fr: 'Rien à changer', en: 'Nothing to change' },
  applying: { fr: 'Import en cours…', en: 'Importing…' },
  confirmLeave: {
    fr: (n: number) =>
      `${n} personne${frS(n)} ne pourr${isMany(n, 'fr') ? 'ont' : 'a'} plus se connecter. Continuer ?`,
    en: (n: number) =>
      `${n} ${isMany(n, 'en') ? 'people' : 'person'} will no longer be able to sign in. Go on?`,
  },
  reportTitle: { fr: 'Import terminé', en: 'Import done' },
  reportText: {
    fr: (added: number, changed: number, left: number) =>
      `${added} ajouté${frS(added)}, ${changed} modifié${frS(changed)}, ${left} désactivé${frS(left)}.`,
    en: (added: number, changed: number, left: number) =>
      `${added} added, ${changed} changed, ${left} disabled.`,
  },
  downloadReport: { fr: 'Télécharger les identifiants', en: 'Download the user names' },
  another: { fr: 'Importer un autre fichier', en: 'Import another file' },
  leaveUndecided: {
    fr: (n: number) =>
      `${n} homonyme${frS(n)} non tranché${frS(n)} ne ser${isMany(n, 'fr') ? 'ont' : 'a'} pas importé${frS(n)}.`,
    en: (n: number) => `${n} undecided namesake${enS(n)} will not be imported.`,
  },
});

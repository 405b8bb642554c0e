/** The sentences of classes, badges and the import, in both languages; the compiler keeps them
 * complete. Children are addressed as children. */
import type { Animal } from '@preau/contract/drawings.ts';
import { messages } from '../lib/page.svelte.ts';
import { enS, frS } from '../lib/plural.ts';
import type { Both } from '../lib/words.ts';

export const classWords = messages({
  whichClass: { fr: 'Quelle est ta classe ?', en: 'Which class are you in?' },
  withPassword: { fr: 'Avec un mot de passe', en: 'With a password' },
  entering: { fr: 'Bienvenue !', en: 'Welcome!' },
  animals: {
    cat: { fr: 'chat', en: 'cat' },
    dog: { fr: 'chien', en: 'dog' },
    bear: { fr: 'ours', en: 'bear' },
    rabbit: { fr: 'lapin', en: 'rabbit' },
    fox: { fr: 'renard', en: 'fox' },
    owl: { fr: 'hibou', en: 'owl' },
    frog: { fr: 'grenouille', en: 'frog' },
    pig: { fr: 'cochon', en: 'pig' },
    chick: { fr: 'poussin', en: 'chick' },
    mouse: { fr: 'souris', en: 'mouse' },
    penguin: { fr: 'manchot', en: 'penguin' },
    fish: { fr: 'poisson', en: 'fish' },
  } satisfies Record<Animal, Both>,
  // Teacher
  classes: { fr: 'Mes classes', en: 'My classes' },
  allClasses: { fr: 'Classes', en: 'Classes' },
  pupilsN: { fr: (n: number) => `${n} élève${frS(n)}`, en: (n: number) => `${n} pupil${enS(n)}` },
  badgesOf: {
    fr: (n: number, all: number) => `${n} badge${frS(n)} sur ${all}`,
    en: (n: number, all: number) => `${n} badge${enS(n)} of ${all}`,
  },
  picturesOf: {
    fr: (n: number, all: number) => `${n} mot${frS(n)} de passe en images sur ${all}`,
    en: (n: number, all: number) => `${n} picture password${enS(n)} of ${all}`,
  },
  searchClass: { fr: 'Chercher une classe', en: 'Search for a class' },
  addClass: { fr: 'Ajouter une classe', en: 'Add a class' },
  className: { fr: 'Nom de la classe', en: 'Name of the class' },
  school: { fr: 'École', en: 'School' },
  noClassYet: { fr: 'Aucune classe pour le moment.', en: 'No class yet.' },
  noClassText: {
    fr: 'Les classes viennent de l’annuaire, de l’import de septembre, ou se créent ici par le référent de l’école.',
    en: 'Classes come from the directory or from the September import, or are made here by the school’s contact.',
  },
  toClasses: { fr: '‹ Classes', en: '‹ Classes' },
  classPage: { fr: 'Page de la classe', en: 'The class’s page' },
  classPageHint: {
    fr:
      'Sur les tablettes de l’école, ouvrez cette adresse : les enfants y choisissent leur ' +
      'prénom, puis leurs images.',
    en: 'On the school’s tablets, open this address: children choose their first name there, then their pictures.',
  },
  noNetwork: {
    fr:
      'Aucun réseau n’est déclaré pour cette école : badges et images n’y ouvrent rien. Le ' +
      'technicien l’ajoute dans Administration, Écoles, Réglages, Réseaux.',
    en:
      'This school has no network set: badges and pictures open nothing there. The technician ' +
      'adds it in Administration, Schools, Settings, Networks.',
  },
  byDirectory: {
    fr: 'Cette classe vient d’un annuaire : ce que vous y changez ici sera remis comme il le dit.',
    en: 'This class comes from a directory: what you change here will be put back as it says.',
  },
  makeBadges: {
    fr: (n: number) => `Faire ${n === 1 ? 'le badge manquant' : `les ${n} badges manquants`}`,
    en: (n: number) => (n === 1 ? 'Make the missing badge' : `Make the ${n} missing badges`),
  },
  printSheet: { fr: 'Imprimer les badges', en: 'Print the badges' },
  printOne: { fr: 'Imprimer', en: 'Print' },
  badge: { fr: 'Badge', en: 'Badge' },
  pictures: { fr: 'Images', en: 'Pictures' },
  pupil: { fr: 'Élève', en: 'Pupil' },
  actions: { fr: 'Actions', en: 'Actions' },
  noBadge: { fr: 'Pas de badge', en: 'No badge' },
  validBadge: {
    fr: (serial: number) => `Valable, n° ${serial}`,
    en: (serial: number) => `Valid, no. ${serial}`,
  },
  voidedBadge: { fr: 'Annulé', en: 'Voided' },
  hasPictures: { fr: 'Choisies', en: 'Chosen' },
  noPicturesYet: { fr: 'Aucune', en: 'None' },
  renew: { fr: 'Refaire', en: 'Make anew' },
  void: { fr: 'Annuler le badge', en: 'Void the badge' },
  renewQuestion: {
    fr: (name: string) =>
      `Refaire le badge de ${name} ? L’ancien ne servira plus dès maintenant, même ` +
      'photographié, et ses connexions en cours se ferment.',
    en: (name: string) =>
      `Make ${name}’s badge anew? The old one stops working at once, photographed copies too, and open sign-ins close.`,
  },
  renewNow: { fr: 'Refaire et imprimer', en: 'Make anew and print' },
  voidQuestion: {
    fr: (name: string) =>
      `Annuler le badge de ${name} ? Il ne servira plus dès maintenant, et ses connexions en cours se ferment.`,
    en: (name: string) =>
      `Void ${name}’s badge? It stops working at once, and open sign-ins close.`,
  },
  setPictures: { fr: 'Choisir les images', en: 'Choose pictures' },
  changePictures: { fr: 'Changer les images', en: 'Change pictures' },
  save: { fr: 'Enregistrer', en: 'Save' },
  cancel: { fr: 'Annuler', en: 'Cancel' },
  close: { fr: 'Fermer', en: 'Close' },
  addPupil: { fr: 'Ajouter un élève', en: 'Add a pupil' },
  movePupil: { fr: 'Prendre dans une autre classe', en: 'Take from another class' },
  newPupil: { fr: 'Nouvel élève', en: 'New pupil' },
  firstName: { fr: 'Prénom', en: 'First name' },
  lastName: { fr: 'Nom', en: 'Last name' },
  searchPupil: { fr: 'Nom d’un élève de l’école', en: 'Name of a pupil of the school' },
  inClasses: {
    fr: (names: string) => `aujourd’hui en ${names}`,
    en: (names: string) => `now in ${names}`,
  },
  inNoClass: { fr: 'sans classe', en: 'in no class' },
  takeIn: { fr: 'Mettre dans cette classe', en: 'Put into this class' },
  removePupil: { fr: 'Sortir de la classe', en: 'Take out of the class' },
  removeQuestion: {
    fr: (name: string, group: string) =>
      `Sortir ${name} de ${group} ? Son compte, son badge et ses fichiers restent.`,
    en: (name: string, group: string) =>
      `Take ${name} out of ${group}? The account, the badge and the files stay.`,
  },
  rename: { fr: 'Renommer', en: 'Rename' },
  noPupils: { fr: 'Aucun élève dans cette classe.', en: 'No pupil in this class.' },
  noneFound: { fr: 'Personne ne correspond.', en: 'Nobody matches.' },
  done: {
    badges: { fr: 'Badges faits.', en: 'Badges made.' },
    renewed: { fr: 'Badge refait.', en: 'Badge made anew.' },
    voided: { fr: 'Badge annulé.', en: 'Badge voided.' },
    pictures: { fr: 'Images enregistrées.', en: 'Pictures saved.' },
    moved: { fr: 'Élève déplacé.', en: 'Pupil moved.' },
    added: { fr: 'Élève ajouté.', en: 'Pupil added.' },
    removed: { fr: 'Élève sorti de la classe.', en: 'Pupil taken out of the class.' },
    renamed: { fr: 'Classe renommée.', en: 'Class renamed.' },
  },
  more: { fr: (name: string) => `Plus pour ${name}`, en: (name: string) => `More for ${name}` },
  // Import
  import: { fr: 'Importer des personnes', en: 'Import people' },
  file: { fr: 'Fichier', en: 'File' },
  shownOf: {
    fr: (shown: number, all: number) => `${shown} montré${frS(shown)} sur ${all}`,
    en: (shown: number, all: number) => `${shown} of ${all} shown`,
  },
  again: { fr: 'Recalculer', en: 'Work out again' },
  loading: { fr: 'Chargement…', en: 'Loading…' },
});
export type ClassMessages = ReturnType<typeof classWords>;

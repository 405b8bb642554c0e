/** Personal data and statistics, in both languages; the compiler keeps them complete. */

import { messages } from '../lib/page.svelte.ts';
import { enBe, enS, frS, isMany } from '../lib/plural.ts';

export const privacyWords = messages({
  privacy: { fr: 'Données personnelles', en: 'Personal data' },
  tabs: {
    people: { fr: 'Une personne', en: 'A person' },
    leavers: { fr: 'Fin d’année', en: 'Year end' },
    statistics: { fr: 'Statistiques', en: 'Statistics' },
    keep: { fr: 'Durées', en: 'Retention' },
  },
  findPerson: { fr: 'Chercher une personne', en: 'Find a person' },
  findHint: {
    fr: 'Nom ou identifiant, au moins deux lettres.',
    en: 'Name or user name, at least two letters.',
  },
  noPerson: { fr: 'Personne de ce nom.', en: 'Nobody of that name.' },
  onlyAdmins: {
    fr: 'Exporter et effacer est réservé aux administrateurs.',
    en: 'Exporting and erasing is for administrators.',
  },
  sessionsN: {
    fr: (n: number) => `${n} session${frS(n)}`,
    en: (n: number) => `${n} session${enS(n)}`,
  },
  left: { fr: (when: string) => `parti·e le ${when}`, en: (when: string) => `left on ${when}` },
  exportIt: { fr: 'Exporter', en: 'Export' },
  erase: { fr: 'Effacer', en: 'Erase' },
  erasing: { fr: 'Effacement…', en: 'Erasing…' },
  eraseTitle: { fr: (name: string) => `Effacer ${name} ?`, en: (name: string) => `Erase ${name}?` },
  eraseText: {
    fr:
      'Le nom, l’identifiant, l’adresse et les droits disparaissent pour de bon, jusque dans le ' +
      'journal, qui reste vérifiable. Son dossier et ses fichiers sont effacés de tous les ' +
      'serveurs ; un serveur éteint le fait à son retour.',
    en:
      'Name, user name, address and rights disappear for good, from the audit too, which can ' +
      'still be verified. Their folder and files are erased from every server; a server that is ' +
      'off does so when it is back.',
  },
  homesWaiting: {
    fr: (n: number) => `Dossiers effacés : on attend encore ${n} serveur${frS(n)}`,
    en: (n: number) => `Folders being erased: waiting for ${n} server${enS(n)}`,
  },
  homesHint: {
    fr:
      'Un serveur éteint ou coupé du réseau efface les dossiers à son retour. Un serveur ' +
      'qui ne reviendra pas : retirez-le, et effacez son disque.',
    en:
      'A server that is off or cut off erases the folders when it is back. A server that ' +
      'will not come back: retire it, and wipe its disk.',
  },
  homesN: {
    fr: (n: number) => `${n} dossier${frS(n)} au plus`,
    en: (n: number) => `at most ${n} folder${enS(n)}`,
  },
  eraseConfirm: {
    fr: (login: string) => `Pour confirmer, tapez son identifiant : ${login}`,
    en: (login: string) => `To confirm, type their user name: ${login}`,
  },
  erased: {
    fr: (accounts: number, events: number) =>
      `${accounts} compte${frS(accounts)} effacé${frS(accounts)}, ${events} ` +
      `événement${frS(events)} du journal rendu${frS(events)} anonyme${frS(events)}.`,
    en: (accounts: number, events: number) =>
      `${accounts} account${enS(accounts)} erased, ${events} event${enS(events)} of the audit made anonymous.`,
  },
  eraseForGood: { fr: 'Effacer pour de bon', en: 'Erase for good' },
  liveFirst: {
    fr: 'Une application est ouverte : fermez-la d’abord.',
    en: 'An application is open: close it first.',
  },
  leaversText: {
    fr: (days: number) =>
      `Élèves dont le compte est fermé depuis plus de ${days} jour${frS(days)}.`,
    en: (days: number) =>
      `Pupils whose account has been closed for more than ${days} day${enS(days)}.`,
  },
  noLeavers: {
    fr: 'Aucun élève parti depuis assez longtemps.',
    en: 'No pupil left long enough ago.',
  },
  eraseN: {
    fr: (n: number) => `Effacer ${n} élève${frS(n)}`,
    en: (n: number) => `Erase ${n} pupil${enS(n)}`,
  },
  eraseNTitle: {
    fr: (n: number) => `Effacer ${n} élève${frS(n)} pour de bon ?`,
    en: (n: number) => `Erase ${n} pupil${enS(n)} for good?`,
  },
  selectAll: { fr: 'Tout choisir', en: 'Choose all' },
  choose1: { fr: 'Choix', en: 'Choice' },
  leftOn: { fr: 'Parti·e le', en: 'Left on' },
  keptN: {
    fr: (n: number) =>
      `${n} n’${isMany(n, 'fr') ? 'ont' : 'a'} pas été effacé${frS(n)} (application ouverte, ou compte rouvert).`,
    en: (n: number) => `${n} ${enBe(n)} not erased (an application open, or the account reopened).`,
  },
  keepTitle: { fr: 'Ce qui est gardé, et combien de temps', en: 'What is kept, and for how long' },
  auditDays: { fr: 'Journal (jours)', en: 'Audit (days)' },
  sessionDays: { fr: 'Historique des sessions (jours)', en: 'History of sessions (days)' },
  recordingDays: { fr: 'Enregistrements d’écran (jours)', en: 'Screen recordings (days)' },
  leftDays: {
    fr: 'Élèves partis avant effacement (jours)',
    en: 'Pupils who left, until erased (days)',
  },
  save: { fr: 'Enregistrer', en: 'Save' },
  saved: { fr: 'Enregistré.', en: 'Saved.' },
  keepHint: {
    fr: 'De 30 à 3650 jours. Ce qui est plus ancien est retiré chaque jour ; le début du journal qui reste est signé.',
    en: 'From 30 to 3650 days. What is older is removed every day; the beginning of the audit that stays is signed.',
  },
  statsTitle: { fr: 'Utilisation des applications', en: 'Use of applications' },
  statsHint: {
    fr: 'Par école et par mois, sans noms. Sous cinq personnes, rien n’est compté.',
    en: 'By school and month, without names. Under five people, nothing is counted out.',
  },
  month: { fr: 'Mois', en: 'Month' },
  people: { fr: 'Personnes', en: 'People' },
  sessions: { fr: 'Sessions', en: 'Sessions' },
  fewer: { fr: '< 5', en: '< 5' },
  noStats: { fr: 'Aucune session sur cette période.', en: 'No session in this period.' },
  application: { fr: 'Application', en: 'Application' },
  schoolWord: { fr: 'École', en: 'School' },
  allSchools: { fr: 'Toutes les écoles', en: 'All schools' },
});

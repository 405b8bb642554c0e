/** Every sentence about rollouts, in both languages; the compiler keeps them complete. */

import { messages } from '../lib/page.svelte.ts';
import { enBe, enS, frS, isMany } from '../lib/plural.ts';

/** Shown when every server answers. */
const answering = {
  fr: (all: number): string =>
    isMany(all, 'fr') ? `Les ${all} serveurs répondent.` : `${all} serveur répond.`,
  en: (all: number): string =>
    all < 2
      ? `${all} server${enS(all)} ${enBe(all)} answering.`
      : `All ${all} servers are answering.`,
};

export const rolloutWords = messages({
  dashboard: { fr: 'Tableau de bord', en: 'Dashboard' },
  rollouts: { fr: 'Déploiements', en: 'Rollouts' },
  newRollout: { fr: 'Nouveau déploiement', en: 'New rollout' },
  settings: { fr: 'Réglages', en: 'Settings' },
  history: { fr: 'Historique', en: 'History' },
  schedules: { fr: 'Répétitions', en: 'Repetitions' },
  current: { fr: 'En cours et à venir', en: 'Running and to come' },
  schools: { fr: (n: number) => `${n} école${frS(n)}`, en: (n: number) => `${n} school${enS(n)}` },
  servers: {
    fr: (n: number) => `${n} serveur${frS(n)}`,
    en: (n: number) => `${n} server${enS(n)}`,
  },
  applications: {
    fr: (n: number) => `${n} application${frS(n)}`,
    en: (n: number) => `${n} application${enS(n)}`,
  },
  more: { fr: (n: number) => `et ${n} de plus`, en: (n: number) => `and ${n} more` },
  selected: { fr: (n: number) => `${n} choisie${frS(n)}`, en: (n: number) => `${n} chosen` },
  // Dashboard
  glance: { fr: 'Les écoles d’un coup d’œil', en: 'The schools at a glance' },
  allWell: { fr: 'Toutes les écoles répondent.', en: 'Every school is answering.' },
  running: { fr: 'Ce qui tourne', en: 'What runs' },
  nothingRuns: { fr: 'Aucun déploiement en cours.', en: 'No rollout is running.' },
  lastFailures: { fr: 'Ce qui a échoué, et pourquoi', en: 'What failed, and why' },
  noFailures: { fr: 'Aucun échec récent.', en: 'No recent failure.' },
  awaitingMe: { fr: 'À approuver par vous', en: 'For you to approve' },
  openIt: { fr: 'Ouvrir', en: 'Open' },
  deployHere: { fr: 'Déployer ici', en: 'Roll out here' },
  clearSelection: { fr: 'Vider le choix', en: 'Clear the choice' },
  searchSchool: { fr: 'Chercher une école', en: 'Search for a school' },
  selectSchools: { fr: 'Choisir des écoles', en: 'Choose schools' },
  noSchool: { fr: 'Aucune école ne correspond.', en: 'No school matches.' },
  toSchools: { fr: 'Gérer les écoles', en: 'Manage schools' },
  failedSteps: {
    fr: (n: number) => `${n} échec${frS(n)}`,
    en: (n: number) => `${n} failure${enS(n)}`,
  },
  sessionsN: {
    fr: (n: number) => `${n} session${frS(n)}`,
    en: (n: number) => `${n} session${enS(n)}`,
  },
  health: {
    online: { fr: 'En ligne', en: 'Online' },
    offline: { fr: 'Hors ligne', en: 'Offline' },
    failing: { fr: 'En difficulté', en: 'In trouble' },
    quarantined: { fr: 'À l’écart', en: 'Set apart' },
    none: { fr: 'Sans serveur', en: 'No server' },
  },
  // Brake
  brake: { fr: 'Frein', en: 'Brake' },
  brakeOff: { fr: 'Le frein n’est pas mis', en: 'The brake is off' },
  brakeOn: {
    fr: 'Le frein est mis : aucun déploiement n’avance',
    en: 'The brake is on: no rollout moves',
  },
  setBrake: { fr: 'Mettre le frein', en: 'Set the brake' },
  releaseBrake: { fr: 'Lever le frein', en: 'Release the brake' },
  brakeByFleet: {
    fr: (silent: number, all: number) =>
      `Mis par Préau : ${silent} serveur${frS(silent)} sur ${all} ` +
      `${isMany(silent, 'fr') ? 'sont' : 'est'} muet${frS(silent)}. Regardez d’abord du côté ` +
      'de la ville (réseau, contrôleur, électricité).',
    en: (silent: number, all: number) =>
      `Set by Préau: ${silent} of ${all} server${enS(all)} ${enBe(silent)} silent. Look at ` +
      'the city’s side first (network, controller, power).',
  },
  brakeBy: { fr: (who: string) => `Mis par ${who}`, en: (who: string) => `Set by ${who}` },
  silentNow: {
    fr: (silent: number, all: number) =>
      silent === 0
        ? answering.fr(all)
        : `${silent} serveur${frS(silent)} muet${frS(silent)} sur ${all}.`,
    en: (silent: number, all: number) =>
      silent === 0 ? answering.en(all) : `${silent} of ${all} server${enS(all)} silent.`,
  },
  confirmSetBrake: {
    fr:
      'Mettre le frein ? Tous les déploiements s’arrêtent aussitôt ; ce qui s’installe en ce ' +
      'moment se termine. Rien n’est jugé tant que le frein est mis.',
    en:
      'Set the brake? Every rollout stops at once; what is installing now finishes. Nothing is ' +
      'judged while the brake is on.',
  },
  confirmReleaseBrake: {
    fr: 'Lever le frein ? Les déploiements reprennent là où ils en étaient.',
    en: 'Release the brake? Rollouts go on where they were.',
  },
  // Settings
  approvalAbove: {
    fr: 'Second technicien au-delà de (écoles)',
    en: 'Second technician above (schools)',
  },
  brakeShare: {
    fr: 'Frein quand sont muets (% des serveurs)',
    en: 'Brake when silent (% of servers)',
  },
  drift: {
    fr: 'Refuser un plan qui a changé de plus de (%)',
    en: 'Refuse a plan that changed by more than (%)',
  },
  closures: {
    fr: 'Fermetures de la ville (jours sans classe)',
    en: 'Closures of the city (days without class)',
  },
  closuresHint: { fr: 'Une date par ligne : 2026-12-24', en: 'One date per line: 2026-12-24' },
  save: { fr: 'Enregistrer', en: 'Save' },
  saved: { fr: 'Enregistré.', en: 'Saved.' },
  readOnly: {
    fr: 'Seul un administrateur change ces réglages.',
    en: 'Only an administrator changes these settings.',
  },
  emptyNever: { fr: 'vide : jamais', en: 'empty: never' },
  badDate: {
    fr: (line: string) => `« ${line} » n’est pas une date. Écrivez par exemple 2026-12-24.`,
    en: (line: string) => `“${line}” is not a date. Write for example 2026-12-24.`,
  },
  // Quantities
  colon: { fr: ' : ', en: ': ' },
  semicolon: { fr: ' ; ', en: '; ' },
  lessThanMinute: { fr: 'moins d’une minute', en: 'less than a minute' },
  min: { fr: (n: number) => `${n} min`, en: (n: number) => `${n} min` },
  hours: {
    fr: (h: number, m: number) => (m === 0 ? `${h} h` : `${h} h ${String(m).padStart(2, '0')}`),
    en: (h: number, m: number) => (m === 0 ? `${h} h` : `${h} h ${String(m).padStart(2, '0')}`),
  },
  daysN: { fr: (n: number) => `${n} jour${frS(n)}`, en: (n: number) => `${n} day${enS(n)}` },
  kB: { fr: 'Ko', en: 'kB' },
  MB: { fr: 'Mo', en: 'MB' },
  GB: { fr: 'Go', en: 'GB' },
  whatNext: { fr: 'À faire', en: 'What to do' },
  next_: {
    retry: {
      fr: 'Réessayez ; si l’échec revient, lisez le journal du serveur.',
      en: 'Try again; if it fails again, read the server’s log.',
    },
    correct: {
      fr: 'Corrigez la cause, puis réessayez ou refaites le plan.',
      en: 'Correct the cause, then try again or make the plan anew.',
    },
  },
});

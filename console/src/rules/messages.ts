/** Every sentence about rules, who sees what, and the ends of access, in both
 * languages; the compiler keeps them complete. */
import type { Role } from '@preau/contract/account.ts';
import { messages } from '../lib/page.svelte.ts';
import { enS, frS, isMany } from '../lib/plural.ts';
import type { Both } from '../lib/words.ts';

export const ruleWords = messages({
  rules: { fr: 'Règles', en: 'Rules' },
  rulesShort: { fr: 'Règles', en: 'Rules' },
  access: { fr: 'Qui voit quoi', en: 'Who sees what' },
  newRule: { fr: 'Nouvelle règle', en: 'New rule' },
  hint: {
    fr:
      'La règle la plus précise l’emporte ; à précision égale, l’interdiction l’emporte. Sans ' +
      'règle, rien n’est ouvert.',
    en: 'The most precise rule wins; between equals, the one that forbids. Without a rule nothing is open.',
  },
  colon: { fr: ' : ', en: ': ' },
  roleNames: {
    pupil: { fr: 'Élève', en: 'Pupil' },
    teacher: { fr: 'Enseignant', en: 'Teacher' },
    contact: { fr: 'Référent d’école', en: 'School contact' },
    technician: { fr: 'Technicien', en: 'Technician' },
    administrator: { fr: 'Administrateur', en: 'Administrator' },
  } satisfies Record<Role, Both>,
  // List
  rulesN: {
    fr: (shown: number, all: number) =>
      shown === all ? `${all} règle${frS(all)}` : `${shown} règle${frS(shown)} sur ${all}`,
    en: (shown: number, all: number) =>
      shown === all ? `${all} rule${enS(all)}` : `${shown} of ${all} rule${enS(all)}`,
  },
  search: { fr: 'Chercher dans les règles', en: 'Search the rules' },
  allEffects: { fr: 'Autorisations et interdictions', en: 'Allowing and forbidding' },
  onlyAllow: { fr: 'Autorisations', en: 'Allowing' },
  onlyDeny: { fr: 'Interdictions', en: 'Forbidding' },
  allApplications: { fr: 'Toutes les applications', en: 'Every application' },
  allSchools: { fr: 'Toutes les écoles', en: 'Every school' },
  allStates: { fr: 'Tous les états', en: 'Every state' },
  groupBy: { fr: 'Regrouper par', en: 'Group by' },
  by: {
    application: { fr: 'Application', en: 'Application' },
    school: { fr: 'École', en: 'School' },
    whom: { fr: 'Pour qui', en: 'For whom' },
  },
  inForce: { fr: 'En vigueur', en: 'In force' },
  withdrawn: { fr: 'Retirées récemment', en: 'Lately withdrawn' },
  everywhere: { fr: 'Toutes les écoles', en: 'Every school' },
  labels: {
    fr: (label: string) => `Étiquette « ${label} »`,
    en: (label: string) => `Label “${label}”`,
  },
  category: { fr: (name: string) => `Catégorie ${name}`, en: (name: string) => `Category ${name}` },
  goneGroup: { fr: 'Ce qui n’existe plus', en: 'What is gone' },
  pulse: {
    on: { fr: 'En vigueur', en: 'In force' },
    off: { fr: 'Hors horaire', en: 'Out of hours' },
    ended: { fr: 'Terminée', en: 'Over' },
    ahead: { fr: 'À venir', en: 'Ahead' },
    gone: { fr: 'Sans effet', en: 'Without effect' },
  },
  opensAt: { fr: (when: string) => `ouvre ${when}`, en: (when: string) => `opens ${when}` },
  goneHint: {
    fr: 'Elle nomme quelque chose qui n’existe plus : elle ne décide de rien.',
    en: 'It names something that is gone: it decides nothing.',
  },
  changedBy: {
    fr: (who: string, when: string) => `${who}, ${when}`,
    en: (who: string, when: string) => `${who}, ${when}`,
  },
  edit: { fr: 'Modifier', en: 'Change' },
  withdraw: { fr: 'Retirer', en: 'Withdraw' },
  history: { fr: 'Historique', en: 'History' },
  restore: { fr: 'Rétablir', en: 'Bring back' },
  undo: { fr: 'Annuler', en: 'Undo' },
  withdrawnNotice: { fr: 'Règle retirée.', en: 'Rule withdrawn.' },
  restoredNotice: { fr: 'Règle rétablie.', en: 'Rule brought back.' },
  savedNotice: { fr: 'Règle enregistrée.', en: 'Rule saved.' },
  dismiss: { fr: 'Fermer l’avis', en: 'Dismiss the notice' },
  noRules: { fr: 'Aucune règle : personne ne voit rien.', en: 'No rule: nobody sees anything.' },
  noneMatches: { fr: 'Aucune règle ne correspond.', en: 'No rule matches.' },
  noneWithdrawn: {
    fr: 'Aucune règle retirée dans les 30 derniers jours.',
    en: 'No rule was withdrawn in the last 30 days.',
  },
  clearFilters: { fr: 'Tout afficher', en: 'Show all' },
  version: { fr: (n: number) => `Version ${n}`, en: (n: number) => `Version ${n}` },
  since: { fr: (when: string) => `depuis le ${when}`, en: (when: string) => `since ${when}` },
  untilMoment: { fr: (when: string) => `jusqu’au ${when}`, en: (when: string) => `until ${when}` },
  inForceNow: { fr: 'en vigueur', en: 'in force' },
  confirmWithdraw: { fr: 'Retirer cette règle ?', en: 'Withdraw this rule?' },
  whoSees: { fr: 'Qui voit cela ?', en: 'Who sees it?' },
  // Push
  pushed: {
    fr: (n: number) => `Règles : ${n} école${frS(n)} à jour`,
    en: (n: number) => `Rules: ${n} school${enS(n)} up to date`,
  },
  pushWaiting: { fr: (n: number) => `${n} en cours`, en: (n: number) => `${n} under way` },
  pushLate: {
    fr: (n: number, names: string) => `${n} en retard : ${names}`,
    en: (n: number, names: string) => `${n} late: ${names}`,
  },
  pushOffline: {
    fr: (n: number, names: string) =>
      `${n} hors ligne, suivr${isMany(n, 'fr') ? 'ont' : 'a'} à ${isMany(n, 'fr') ? 'leur' : 'son'} retour : ${names}`,
    en: (n: number, names: string) => `${n} offline, following when back: ${names}`,
  },
  andMore: { fr: (n: number) => `et ${n} de plus`, en: (n: number) => `and ${n} more` },
  // Applications
  labelsColumn: { fr: 'Étiquettes', en: 'Labels' },
  rulesColumn: { fr: 'Règles', en: 'Rules' },
  seeRules: { fr: 'Voir les règles', en: 'See the rules' },
});

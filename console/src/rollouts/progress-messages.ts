/** The page of one rollout, in both languages; the compiler keeps them complete. */

import type { CancelKind } from '@preau/contract/order.ts';
import { messages } from '../lib/page.svelte.ts';
import { enS, frS } from '../lib/plural.ts';
import type { Both } from '../lib/words.ts';

export const progressWords = messages({
  approve: { fr: 'Approuver ce plan', en: 'Approve this plan' },
  waitColleague: {
    fr: 'En attente d’un collègue : on n’approuve pas son propre plan.',
    en: 'Waiting for a colleague: one does not approve one’s own plan.',
  },
  pauseAction: { fr: 'Mettre en pause', en: 'Pause' },
  resume: { fr: 'Reprendre', en: 'Resume' },
  openNext: { fr: 'Ouvrir la vague suivante', en: 'Open the next wave' },
  goOn: { fr: 'Continuer malgré les échecs', en: 'Go on in spite of failures' },
  retry: {
    fr: (n: number) => `Réessayer les ${n} en échec`,
    en: (n: number) => `Retry the ${n} that failed`,
  },
  retryOne: { fr: 'Réessayer l’échec', en: 'Retry the one that failed' },
  again: { fr: 'Refaire un semblable', en: 'Make one like it' },
  otherActions: { fr: 'Autres actions', en: 'Other actions' },
  cancelRollout: { fr: 'Annuler…', en: 'Cancel…' },
  rollBackAll: { fr: 'Revenir en arrière partout…', en: 'Roll back everywhere…' },
  rollBackWave: { fr: 'Revenir en arrière, une vague…', en: 'Roll back one wave…' },
  finishWithout: {
    fr: 'Terminer sans les écoles muettes…',
    en: 'Finish without the silent schools…',
  },
  planAgain: { fr: 'Refaire le plan', en: 'Plan again' },
  edit: { fr: 'Modifier', en: 'Edit' },
  csv: { fr: 'Exporter en CSV', en: 'Export as CSV' },
  remove: { fr: 'Jeter ce brouillon', en: 'Throw this draft away' },
  cancelTitle: { fr: 'Annuler ce déploiement', en: 'Cancel this rollout' },
  cancelKind: {
    finish: { fr: 'Laisser finir ce qui s’installe', en: 'Let what installs finish' },
    remove: { fr: 'Laisser finir, puis retirer', en: 'Let it finish, then remove it' },
    kill: { fr: 'Tuer les installations en cours', en: 'Kill running installations' },
  } satisfies Record<CancelKind, Both>,
  cancelHint: {
    finish: {
      fr: 'Rien de nouveau ne part. Ce qui est en train de s’installer va au bout et reste.',
      en: 'Nothing new leaves. What is being installed goes to its end and stays.',
    },
    remove: {
      fr: 'Comme ci-dessus, puis ce qui vient de s’installer est désinstallé.',
      en: 'As above, then what was just installed is removed.',
    },
    kill: {
      fr: 'Arrête les installateurs au milieu : le serveur peut rester à réparer. Administrateurs seulement.',
      en: 'Stops installers in the middle: the server may need repair. Administrators only.',
    },
  } satisfies Record<CancelKind, Both>,
  administratorsOnly: { fr: 'Réservé aux administrateurs', en: 'Administrators only' },
  doCancel: { fr: 'Annuler le déploiement', en: 'Cancel the rollout' },
  keepIt: { fr: 'Ne pas annuler', en: 'Do not cancel' },
  rollBackTitle: { fr: 'Revenir à l’état d’avant', en: 'Back to what was before' },
  rollBackText: {
    fr:
      'Chaque serveur touché retrouve ce qu’il avait avant, quand on sait que cela marchait. ' +
      'Aucun créneau ne retarde le retour.',
    en:
      'Each server touched gets back what it had before, where that is known to have worked. No ' +
      'window delays the way back.',
  },
  wholeRollout: { fr: 'Tout le déploiement', en: 'The whole rollout' },
  doRollBack: { fr: 'Revenir en arrière', en: 'Roll back' },
  finishTitle: { fr: 'Terminer sans les écoles muettes', en: 'Finish without the silent schools' },
  finishText: {
    fr: 'Les écoles qui n’ont pas encore reçu le déploiement seront sautées. Ce qui tourne va au bout.',
    en: 'Schools that have not received the rollout yet will be skipped. What runs goes to its end.',
  },
  doFinish: { fr: 'Terminer sans elles', en: 'Finish without them' },
  confirmRemove: {
    fr: 'Jeter ce brouillon ? Son plan sera perdu.',
    en: 'Throw this draft away? Its plan will be lost.',
  },
  progress: { fr: 'Avancement', en: 'Progress' },
  // The words behind a number of servers.
  done: { fr: (n: number) => `fait${frS(n)}`, en: () => 'done' },
  failed: { fr: () => 'en échec', en: () => 'failed' },
  working: { fr: () => 'au travail', en: () => 'at work' },
  waiting: { fr: () => 'en attente', en: () => 'waiting' },
  unknown: { fr: () => 'sans nouvelles', en: () => 'no news' },
  aside: { fr: (n: number) => `laissé${frS(n)}`, en: () => 'left' },
  ofServers: {
    fr: (done: number, all: number) => `${done} serveur${frS(done)} sur ${all}`,
    en: (done: number, all: number) => `${done} of ${all} server${enS(all)}`,
  },
  etaNone: { fr: 'Pas encore d’estimation.', en: 'No estimate yet.' },
  eta: {
    fr: (p50: string, p95: string) => `Encore environ ${p50}, au plus ${p95}`,
    en: (p50: string, p95: string) => `About ${p50} left, ${p95} at most`,
  },
  etaWithin: {
    fr: (p95: string) => `Encore ${p95} au plus`,
    en: (p95: string) => `${p95} left at most`,
  },
  etaDone: { fr: 'Plus rien ne travaille', en: 'Nothing is at work any more' },
  etaSilent: {
    fr: (n: number, until: string) =>
      `${n} école${frS(n)} muette${frS(n)} attendue${frS(n)} jusqu’au ${until}`,
    en: (n: number, until: string) => `${n} silent school${enS(n)} waited for until ${until}`,
  },
  etaPaused: {
    fr: 'Le temps ne court pas pendant la pause',
    en: 'Time stands still while it is paused',
  },
  startsOn: {
    fr: (when: string) => `Commencera le ${when}`,
    en: (when: string) => `Will start on ${when}`,
  },
  grid: { fr: 'Écoles × applications', en: 'Schools × applications' },
  allStates: { fr: 'Tous les états', en: 'All states' },
  allWaves: { fr: 'Toutes les vagues', en: 'All waves' },
  filterState: { fr: 'État', en: 'State' },
  filterWave: { fr: 'Vague', en: 'Wave' },
  groupsOfStates: {
    failed: { fr: 'En échec', en: 'Failed' },
    working: { fr: 'Au travail', en: 'At work' },
    waiting: { fr: 'En attente', en: 'Waiting' },
    done: { fr: 'Faits', en: 'Done' },
    aside: { fr: 'Laissés', en: 'Left' },
  },
  noTargets: { fr: 'Aucun serveur ne correspond.', en: 'No server matches.' },
  attempt: { fr: (n: number) => `essai ${n}`, en: (n: number) => `attempt ${n}` },
  opensAt: { fr: (when: string) => `créneau : ${when}`, en: (when: string) => `window: ${when}` },
  restore: { fr: 'retour à l’état d’avant', en: 'back to what was before' },
  panel: { fr: 'Détail du serveur', en: 'Details of the server' },
  log: { fr: 'Fin du journal d’installation', en: 'End of the installation log' },
  noLog: { fr: 'Rien n’a encore été écrit.', en: 'Nothing has been written yet.' },
  evidence: { fr: 'Messages arrivés trop tard', en: 'Messages that came too late' },
  downloaded: {
    fr: (done: string, total: string) => `${done} sur ${total}`,
    en: (done: string, total: string) => `${done} of ${total}`,
  },
  offeredAt: { fr: 'Proposé', en: 'Offered' },
  finishedAt: { fr: 'Fini', en: 'Finished' },
  deadline: { fr: 'À finir avant', en: 'To be done by' },
  toServer: { fr: 'Fiche du serveur', en: 'The server’s page' },
  took: { fr: 'durée', en: 'took' },
  installerSays: { fr: 'L’installateur dit', en: 'The installer says' },
  newer_one: { fr: 'Remplacé par', en: 'Superseded by' },
  createdBy: {
    fr: (who: string, when: string) => `Préparé par ${who}, ${when}`,
    en: (who: string, when: string) => `Prepared by ${who}, ${when}`,
  },
  approvedBy: {
    fr: (who: string) => `approuvé par ${who}`,
    en: (who: string) => `approved by ${who}`,
  },
  noneYet: {
    fr: 'Le déploiement n’a pas commencé : voici son plan.',
    en: 'The rollout has not begun: here is its plan.',
  },
  draftSettings: { fr: 'Ce qui a été demandé', en: 'What was asked for' },
});

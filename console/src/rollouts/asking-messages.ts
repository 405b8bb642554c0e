/** Asking the schools' servers before a start, in both languages. */
import type { SchoolAnswer } from '@preau/contract/rollout-plan.ts';
import { messages } from '../lib/page.svelte.ts';
import { enS, frS, isMany } from '../lib/plural.ts';
import type { Both } from '../lib/words.ts';

export const askingWords = messages({
  title: { fr: 'Réponses des écoles', en: 'Answers of the schools' },
  asking: {
    fr: 'On demande au serveur de chaque école ce que cela ferait…',
    en: 'Asking the server of each school what this would do…',
  },
  progress: {
    fr: (n: number, of: number) => `${n} sur ${of} ${isMany(n, 'fr') ? 'ont' : 'a'} répondu.`,
    en: (n: number, of: number) => `${n} of ${of} ${isMany(n, 'en') ? 'have' : 'has'} answered.`,
  },
  answered: {
    fr: (n: number) =>
      n === 0
        ? 'Aucune école n’a pu être interrogée.'
        : `${n} école${frS(n)} ${isMany(n, 'fr') ? 'ont' : 'a'} répondu.`,
    en: (n: number) =>
      n === 0
        ? 'No school could be asked.'
        : `${n} school${enS(n)} ${isMany(n, 'en') ? 'have' : 'has'} answered.`,
  },
  later: {
    fr: (n: number) =>
      isMany(n, 'fr')
        ? `${n} seront interrogées au démarrage, avant tout changement.`
        : `${n} sera interrogée au démarrage, avant tout changement.`,
    en: (n: number) => `${n} will be asked at the start, before anything is changed.`,
  },
  bySchool: {
    fr: 'Ce que cela ferait, école par école',
    en: 'What this would do, school by school',
  },
  installs: {
    fr: (n: number) => (n === 0 ? '' : `au plus ${n} paquet${frS(n)} à installer`),
    en: (n: number) => (n === 0 ? '' : `at most ${n} package${enS(n)} to install`),
  },
  upgrades: {
    fr: (n: number) => (n === 0 ? '' : `${n} à mettre à jour`),
    en: (n: number) => (n === 0 ? '' : `${n} to upgrade`),
  },
  refusedHere: {
    fr: (n: number) => `${n} installation${frS(n)} refusée${frS(n)}`,
    en: (n: number) => `${n} installation${enS(n)} refused`,
  },
  unsure: {
    fr: (n: number) =>
      `${n} application${frS(n)} sans réponse pour l’instant, redemandée${frS(n)} au démarrage`,
    en: (n: number) => `no answer yet for ${n} application${enS(n)}, asked again at the start`,
  },
  nothing: { fr: 'rien à installer', en: 'nothing to install' },
  more: { fr: 'Afficher la suite', en: 'Show more' },
  refused: {
    fr: (n: number) =>
      isMany(n, 'fr')
        ? `${n} installations refusées par les serveurs`
        : '1 installation refusée par un serveur',
    en: (n: number) =>
      isMany(n, 'en')
        ? `${n} installations refused by the servers`
        : '1 installation refused by a server',
  },
  whatToDo: {
    fr:
      'Cela n’y sera pas installé ; le reste du plan ne change pas. Pour l’installer quand même : ' +
      'retirez d’abord l’autre application de cette école, puis refaites le plan.',
    en:
      'This will not be installed there; the rest of the plan stays as it is. To install it all the ' +
      'same: first remove the other application from that school, then make the plan again.',
  },
  state: {
    asking: { fr: 'répond…', en: 'answering…' },
    silent: {
      fr: 'n’a pas répondu à temps : sera demandé au démarrage',
      en: 'did not answer in time: will be asked at the start',
    },
    at_start: {
      fr: 'hors ligne, ou agent plus ancien : sera demandé au démarrage',
      en: 'offline, or an older agent: will be asked at the start',
    },
  } satisfies Record<Exclude<SchoolAnswer['state'], 'answered'>, Both>,
});

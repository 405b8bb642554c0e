/** Restarts of servers, in both languages. */
import type { RestartReason } from '@preau/contract/restart.ts';
import { messages } from '../lib/page.svelte.ts';
import { enS, frS, isMany } from '../lib/plural.ts';
import type { Both } from '../lib/words.ts';

export const restartWords = messages({
  title: { fr: 'Redémarrages', en: 'Restarts' },
  needed: { fr: 'redémarrage nécessaire', en: 'restart needed' },
  choose: { fr: 'Choisir quand', en: 'Choose when' },
  since: {
    fr: (at: string, packages: string) =>
      `Depuis le ${at}${packages === '' ? '' : ` : ${packages}`}`,
    en: (at: string, packages: string) => `Since ${at}${packages === '' ? '' : `: ${packages}`}`,
  },
  need: {
    fr: (n: number) =>
      isMany(n, 'fr')
        ? `${n} serveurs doivent redémarrer pour finir leurs mises à jour.`
        : 'Un serveur doit redémarrer pour finir ses mises à jour.',
    en: (n: number) =>
      isMany(n, 'en')
        ? `${n} servers must restart to finish their updates.`
        : 'One server must restart to finish its updates.',
  },
  tonight: {
    fr: (n: number): string =>
      isMany(n, 'fr') ? 'Redémarrer cette nuit, un serveur après l’autre' : 'Redémarrer cette nuit',
    en: (n: number): string =>
      isMany(n, 'en') ? 'Restart tonight, one server after the other' : 'Restart tonight',
  },
  now: { fr: 'Maintenant…', en: 'Now…' },
  nowTitle: { fr: 'Redémarrer maintenant ?', en: 'Restart now?' },
  nowAction: { fr: 'Redémarrer', en: 'Restart' },
  nowText: {
    fr: (sessions: number) =>
      sessions === 0
        ? 'Personne n’y travaille. Dans une école de plusieurs serveurs, ils redémarrent l’un après l’autre.'
        : `${sessions} session${frS(sessions)} y ` +
          `${isMany(sessions, 'fr') ? 'sont ouvertes' : 'est ouverte'} : les personnes sont prévenues ` +
          'cinq minutes avant, puis leur session se ferme.',
    en: (sessions: number) =>
      sessions === 0
        ? 'Nobody works there. In a school with several servers they restart one after the other.'
        : `${sessions} session${enS(sessions)} ${isMany(sessions, 'en') ? 'are' : 'is'} open there: ` +
          'people are told five minutes before, then their session closes.',
  },
  cancel: { fr: 'Annuler', en: 'Cancel' },
  planned: {
    fr: (n: number) => `${n} redémarrage${frS(n)} prévu${frS(n)}`,
    en: (n: number) => `${n} restart${enS(n)} planned`,
  },
  waiting: {
    fr: (at: string) => `redémarre ${at}`,
    en: (at: string) => `restarts ${at}`,
  },
  after: {
    fr: (at: string) => `redémarre ${at}, ou quand le précédent de son école est revenu`,
    en: (at: string) => `restarts ${at}, or once the one before it in its school is back`,
  },
  told: {
    fr: (at: string) => `redémarre ${at}, les sessions sont prévenues`,
    en: (at: string) => `restarts ${at}, sessions have been told`,
  },
  restarting: { fr: 'redémarre en ce moment', en: 'is restarting' },
  failedTitle: { fr: 'Un redémarrage ne s’est pas bien passé', en: 'A restart did not go well' },
  reason: {
    not_back: {
      fr: 'n’est pas revenu au bout d’un quart d’heure : allez voir la machine, ou son écran',
      en: 'has not come back after a quarter of an hour: look at the machine, or its screen',
    },
    unwell: {
      fr: 'est revenu, mais n’ouvre pas d’écran : lisez ses étapes en échec',
      en: 'is back, but opens no display: read its failed steps',
    },
    offline: {
      fr: 'était hors ligne à l’heure dite : il n’a pas été redémarré',
      en: 'was offline at the time: it was not restarted',
    },
    busy: {
      fr: 'était occupé par un déploiement : il n’a pas été redémarré',
      en: 'was busy with a rollout: it was not restarted',
    },
    gone: { fr: 'n’est plus en service', en: 'is no longer in service' },
    stopped: {
      fr: 'n’a pas été redémarré, car un autre serveur de l’école n’est pas revenu',
      en: 'was not restarted, because another server of the school has not come back',
    },
  } satisfies Record<RestartReason, Both>,
  filter: { fr: 'À redémarrer', en: 'To be restarted' },
});

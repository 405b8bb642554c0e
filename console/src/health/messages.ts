import { messages } from '../lib/page.svelte.ts';

export const healthWords = messages({
  title: { fr: 'État de Préau', en: 'State of Préau' },
  down: { fr: 'Préau ne peut servir personne.', en: 'Préau can serve nobody.' },
  degraded: {
    fr: 'Préau fonctionne, mais pas entièrement.',
    en: 'Préau works, but not entirely.',
  },
  since: {
    fr: (since: string) => `depuis ${since}`,
    en: (since: string) => `since ${since}`,
  },
  whatToDo: { fr: 'Que faire ?', en: 'What to do' },
  detail: { fr: 'Détail', en: 'Detail' },
  part: {
    database: { fr: 'Base de données', en: 'Database' },
    disk: { fr: 'Disque et dossier de données', en: 'Disk and data folder' },
    gateway: { fr: 'Affichage des programmes (guacd)', en: 'Display of programs (guacd)' },
    redis: { fr: 'Réveils (Redis)', en: 'Wake-ups (Redis)' },
    queue: { fr: 'Travaux de fond', en: 'Background work' },
    clock: { fr: 'Horloge du contrôleur', en: 'The controller’s clock' },
    loop: { fr: 'Charge du contrôleur', en: 'Load of the controller' },
    backup: { fr: 'Sauvegarde', en: 'Backup' },
  },
  effect: {
    database: { fr: 'Rien ne peut être enregistré.', en: 'Nothing can be saved.' },
    disk: { fr: 'Bientôt, rien ne pourra être enregistré.', en: 'Soon nothing can be saved.' },
    gateway: {
      fr: 'Aucun programme ne s’ouvre ; tout le reste fonctionne.',
      en: 'No program opens; everything else works.',
    },
    redis: {
      fr: 'Les pages et les serveurs apprennent les changements plus tard.',
      en: 'Pages and servers learn of changes later.',
    },
    queue: {
      fr: 'Nettoyages, nouvelles et déploiements prennent du retard.',
      en: 'Clean-ups, news and rollouts are late.',
    },
    clock: {
      fr: 'Horaires, fins d’accès et durées peuvent être faux.',
      en: 'Opening hours, ends of access and durations may be wrong.',
    },
    loop: { fr: 'Tout le monde attend un peu.', en: 'Everybody waits a little.' },
    backup: {
      fr: 'Tout fonctionne, mais une panne de disque ferait perdre ce qui n’est pas sauvegardé.',
      en: 'Everything works, but a broken disk would lose what is not backed up.',
    },
  },
});

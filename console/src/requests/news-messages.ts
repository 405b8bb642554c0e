/** Requests on the home page, in both languages; the compiler keeps them complete. */
import { messages } from '../lib/page.svelte.ts';

export const newsWords = messages({
  seeNews: { fr: 'Voir mes demandes', en: 'See my requests' },
  dismiss: { fr: 'J’ai vu', en: 'Seen' },
  newsReady: {
    fr: (name: string) => `${name} est disponible : son icône est sur cette page.`,
    en: (name: string) => `${name} is there: its icon is on this page.`,
  },
  newsOther: {
    fr: (n: number) => `Du nouveau dans vos demandes (${n}).`,
    en: (n: number) => `News of your requests (${n}).`,
  },
});

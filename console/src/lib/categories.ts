/** The names of categories of applications. */
import type { Category } from '@preau/contract/application.ts';
import type { Both } from './words.ts';

export const categories = {
  office: { fr: 'Bureautique', en: 'Office' },
  mathematics: { fr: 'Mathématiques', en: 'Mathematics' },
  french: { fr: 'Français', en: 'French' },
  languages: { fr: 'Langues', en: 'Languages' },
  science: { fr: 'Sciences', en: 'Science' },
  geography: { fr: 'Géographie', en: 'Geography' },
  drawing: { fr: 'Dessin', en: 'Drawing' },
  music: { fr: 'Musique', en: 'Music' },
  programming: { fr: 'Programmation', en: 'Programming' },
  games: { fr: 'Jeux', en: 'Games' },
  tools: { fr: 'Outils', en: 'Tools' },
} as const satisfies Record<Category, Both>;

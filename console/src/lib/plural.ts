/** Singular or plural as each language counts: in French, zero is singular. */
import type { Language } from './words.ts';

const rules = { fr: new Intl.PluralRules('fr'), en: new Intl.PluralRules('en') };

export const isMany = (n: number, language: Language): boolean =>
  rules[language].select(n) !== 'one';

/** The plural ending of a French word: "0 école", "1 école", "2 écoles". */
export const frS = (n: number): string => (isMany(n, 'fr') ? 's' : '');
/** The plural ending of an English word: "0 schools", "1 school", "2 schools". */
export const enS = (n: number): string => (isMany(n, 'en') ? 's' : '');
export const enBe = (n: number): string => (isMany(n, 'en') ? 'are' : 'is');

/** Accent folding: the only place that defines which letters are equal in searches and in generated
 * names. Pure. */

/** `Œdipe Noël` → `Œdipe Noel`. Removes the combining marks of Latin, Greek and Cyrillic (U+0300 to
 * U+036F); those of other scripts are vowels and stay. */
export const withoutAccents = (text: string): string =>
  text.normalize('NFD').replace(/[\u0300-\u036f]/g, '');

/** For searching: `ecole` finds `École`. Punctuation and spaces stay as they are. */
export const fold = (text: string): string => withoutAccents(text).toLowerCase();

/** For comparing names: lower case, without accents (of any script), hyphens or apostrophes, and
 * with ligatures expanded, so that two spellings of one name are equal. */
export const foldName = (text: string): string =>
  fold(text)
    .replace(/\p{M}/gu, '')
    .replace(/œ/g, 'oe')
    .replace(/æ/g, 'ae')
    .replace(/ß/g, 'ss')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** Accents, folded: the one place that says which letters are the same when people search and when
 * names are made of names. Pure. */

/** `Œdipe Noël` → `Œdipe Noel`. The combining marks of Latin, Greek and Cyrillic go (U+0300 to
 * U+036F); those of other scripts are vowels there, and stay. */
export const withoutAccents = (text: string): string =>
  text.normalize('NFD').replace(/[\u0300-\u036f]/g, '');

/** For searching: `École` is found by `ecole`. Signs and spaces stay as they are. */
export const fold = (text: string): string => withoutAccents(text).toLowerCase();

/** For comparing names: lower case, without accents (of any script), hyphens or apostrophes, and with
 * ligatures written out: two writings of one name are equal. */
export const foldName = (text: string): string =>
  fold(text)
    .replace(/\p{M}/gu, '')
    .replace(/œ/g, 'oe')
    .replace(/æ/g, 'ae')
    .replace(/ß/g, 'ss')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

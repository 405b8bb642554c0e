/** Sorts names as a French dictionary does: accents and capitals count last, numbers by value. */
const collator = new Intl.Collator('fr', { numeric: true });
export const byName = (a: string, b: string): number => collator.compare(a, b);

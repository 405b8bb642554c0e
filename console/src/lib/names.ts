/** Names in the order of a French dictionary, accents and capitals aside, numbers by their size. */
const collator = new Intl.Collator('fr', { numeric: true });
export const byName = (a: string, b: string): number => collator.compare(a, b);

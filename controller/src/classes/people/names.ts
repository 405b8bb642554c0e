/** Names, levels and addresses as school offices write them. Pure. */

const levels = ['TPS', 'PS', 'MS', 'GS', 'CP', 'CE1', 'CE2', 'CM1', 'CM2', '6E', '5E', '4E', '3E'];
/** `CM2 - cours moyen 2e année` and `CM2 B` are both CM2. Null when no level is named, or
 * several. */
export function levelOf(text: string): string | null {
  const named = new Set(
    text
      .toUpperCase()
      .replace(/([3-6])(ÈME|EME|E)\b/g, '$1E')
      .split(/[^A-Z0-9]+/)
      .filter((word) => levels.includes(word)),
  );
  return named.size === 1 ? ([...named][0] ?? null) : null;
}
/** Whether the level is the same or the next one; an unknown level rules nothing out. */
export function follows(before: string | null, now: string | null): boolean {
  if (before === null || now === null || before === now) return true;
  const [from, to] = [levels.indexOf(before), levels.indexOf(now)];
  return from >= 0 && to === from + 1;
}

/** `DUPONT-LÉON` → `Dupont-Léon`; a name that is not all capitals is kept as written. */
export const titled = (text: string): string => {
  const tidy = text.replace(/\s+/g, ' ').trim();
  return tidy !== tidy.toUpperCase()
    ? tidy
    : tidy
        .toLowerCase()
        .replace(
          /(^|[\s'’-])(\p{L})/gu,
          (_, before: string, letter: string) => before + letter.toUpperCase(),
        );
};

/** Null: not an address. */
export const mailOf = (text: string): string | null =>
  /^[^\s@]{1,64}@[^\s@]{1,190}$/.test(text.trim()) ? text.trim() : null;

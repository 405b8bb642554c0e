/** Groups of a directory, by their DNs. */
import type { ProviderPerson } from '../admission/vouch.ts';

const maxGroups = 500;

/** These groups and all their ancestors, each once, even when they contain each other in a cycle;
 * at most 500. */
export async function above(
  start: readonly string[],
  parentsOf: (dn: string) => Promise<readonly string[]>,
): Promise<string[]> {
  const seen = new Map<string, string>();
  let wave = [...start];
  while (wave.length > 0 && seen.size < maxGroups) {
    const fresh = wave.filter((dn) => !seen.has(dn.toLowerCase()));
    for (const dn of fresh) seen.set(dn.toLowerCase(), dn);
    wave = [];
    for (const dn of fresh) wave.push(...(await parentsOf(dn)));
  }
  return [...seen.values()].slice(0, maxGroups);
}

const nameOfDn = (dn: string) =>
  (/^[^=]+=((?:[^,\\]|\\.)+)/.exec(dn)?.[1] ?? dn).replace(/\\(.)/g, '$1');
export const asGroup = (dn: string) => ({ id: dn, name: nameOfDn(dn) });
/** Both are DNs. */
export interface Membership {
  person: string;
  group: string;
}
/** By the person's DN in lower case. Pure. */
export function byPerson(
  memberships: readonly Membership[],
): Map<string, ProviderPerson['groups'][number][]> {
  const grouped = Map.groupBy(memberships, ({ person }) => person.toLowerCase());
  return new Map(
    [...grouped].map(([person, own]) => [person, own.map(({ group }) => asGroup(group))]),
  );
}

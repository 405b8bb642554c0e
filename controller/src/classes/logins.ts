/** Names to sign in with, for people who come without one. */
import { foldName } from '@preau/contract/people-import.ts';
import type { Rows } from '#src/platform/database.ts';
import { selectTakenLogins } from './store.ts';

/** `jean-marie d'Amico` → `jeanmarie.damico`; letters of other alphabets leave nothing: `eleve`. Pure. */
export function loginBase({ firstName, lastName }: { firstName: string; lastName: string }): string {
  const plain = (text: string) => foldName(text).replace(/[^a-z0-9]+/g, '');
  const [first, last] = [plain(firstName), plain(lastName)];
  const base = [first, last].filter((part) => part !== '').join('.').slice(0, 54);
  return base.length < 2 ? 'eleve' : base;
}

/** One per person, in their order, taken by nobody and by none of the others. */
export async function freeLogins(rows: Rows, people: readonly { firstName: string; lastName: string }[]): Promise<string[]> {
  const bases = people.map(loginBase);
  const taken = await selectTakenLogins(rows, [...new Set(bases)]);
  const next = new Map<string, number>();
  return bases.map((base) => {
    let number = next.get(base) ?? 1;
    let login = base;
    while (taken.has(login)) {
      number += 1;
      login = `${base}${number}`;
    }
    next.set(base, number);
    taken.add(login);
    return login;
  });
}

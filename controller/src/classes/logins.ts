/** Generates logins for people who have none. */
import { foldName } from '@preau/contract/fold.ts';
import type { Rows } from '#src/platform/database.ts';
import { selectTakenLogins } from './store.ts';

/** `jean-marie d'Amico` → `jeanmarie.damico`; names without Latin letters give `eleve`. Pure. */
export function loginBase({
  firstName,
  lastName,
}: {
  firstName: string;
  lastName: string;
}): string {
  const plain = (text: string) => foldName(text).replace(/[^a-z0-9]+/g, '');
  const [first, last] = [plain(firstName), plain(lastName)];
  const base = [first, last]
    .filter((part) => part !== '')
    .join('.')
    .slice(0, 54);
  return base.length < 2 ? 'eleve' : base;
}

/** One free login per person, in their order, all different. */
export async function freeLogins(
  rows: Rows,
  people: readonly { firstName: string; lastName: string }[],
): Promise<string[]> {
  const bases = people.map(loginBase);
  const needed = new Map<string, number>();
  for (const base of bases) needed.set(base, (needed.get(base) ?? 0) + 1);
  const free = new Map<string, string[]>([...needed.keys()].map((base) => [base, []]));
  // Looks up exact candidate logins, in growing batches: most people have a unique name.
  for (
    let [open, from, step] = [[...needed.keys()], 1, 1];
    open.length > 0;
    from += step, step *= 4
  ) {
    const names = new Map(
      open.map((base) => [
        base,
        Array.from({ length: (needed.get(base) ?? 1) + step - 1 }, (_, at) =>
          from + at === 1 ? base : `${base}${from + at}`,
        ),
      ]),
    );
    const taken = await selectTakenLogins(rows, [...names.values()].flat());
    for (const [base, some] of names)
      free
        .get(base)
        ?.push(
          ...some.filter((name) => !taken.has(name) && free.get(base)?.includes(name) !== true),
        );
    open = open.filter((base) => (free.get(base)?.length ?? 0) < (needed.get(base) ?? 1));
  }
  // A numbered login such as `lea1` may equal another person's base name.
  const given = new Set<string>();
  return bases.map((base) => {
    let login = free.get(base)?.shift() ?? '';
    while (given.has(login)) login = free.get(base)?.shift() ?? `${base}.${given.size}`;
    given.add(login);
    return login;
  });
}

/** Remembers which packages are here because Préau installed them: only those may ever be removed to
 * make room for others. */
import { readText, writeDurably } from '#src/files.ts';
import { gone, type Packages, versionOf } from './dpkg.ts';

export interface Placed {
  /** Package → slug of the application it was installed for; empty: for several at once. */
  all: () => Readonly<Record<string, string>>;
  /** Called before a run: what it may install, and what was there before. A package that was there
   * already stays somebody else's. */
  expect: (names: ReadonlyMap<string, string>, before: Packages) => void;
}

export function openPlaced(path: string): Placed {
  let known: Record<string, string> | null = null;
  const all = (): Record<string, string> => {
    known ??= parse(readText(path));
    return known;
  };
  return {
    all,
    expect: (names, before) => {
      const next: Record<string, string> = {};
      for (const [name, slug] of Object.entries(all()))
        if (versionOf(before, name) !== null) next[name] = slug;
      for (const [name, slug] of names)
        if (gone.has(before.get(name)?.status ?? 'not-installed')) next[name] = slug;
      if (JSON.stringify(next) === JSON.stringify(known)) return;
      writeDurably(path, JSON.stringify(next));
      known = next;
    },
  };
}

/** After a power cut the file may be cut short: then nothing counts as installed by Préau. */
function parse(text: string | undefined): Record<string, string> {
  try {
    return JSON.parse(text ?? '{}') as Record<string, string>;
  } catch {
    return {};
  }
}

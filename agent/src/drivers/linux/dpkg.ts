/** What dpkg knows, read in this process: dpkg-query costs a process each time, and detection runs
 * hundreds of times a minute. The status file is trusted only while dpkg is idle: during a run the
 * newest facts are in its `updates` folder. */
import { run } from '#src/command.ts';
import { names, readText, stamp } from '#src/files.ts';

export interface Package {
  version: string;
  /** `installed`, or one of the states in which an interrupted or failed run leaves a package. */
  status: string;
  architecture: string;
  /** Part of the base system (essential, or priority standard and above). */
  base: boolean;
  /** Somebody has asked that it stay as it is. */
  held: boolean;
}
export type Packages = ReadonlyMap<string, Package>;

/** States of a package that is not installed. */
export const gone = new Set(['config-files', 'not-installed']);

export const versionOf = (packages: Packages, name: string): string | null => {
  const found = packages.get(name);
  return found?.status === 'installed' ? found.version : null;
};

const native = process.arch === 'x64' ? 'amd64' : process.arch;

/** Parses dpkg's status file. A package may have one entry per architecture: an installed one is
 * preferred, then that of the machine's own architecture. Pure. */
export function parseStatus(text: string): Map<string, Package> {
  const found = new Map<string, Package>();
  for (const paragraph of text.split('\n\n')) {
    const field = (name: string) => new RegExp(`^${name}: *(.*)$`, 'm').exec(paragraph)?.[1];
    const name = field('Package');
    const [selection, , status] = field('Status')?.split(' ') ?? [];
    if (name === undefined || status === undefined || status === 'not-installed') continue;
    const base =
      field('Essential') === 'yes' ||
      /^(required|important|standard)$/.test(field('Priority') ?? '');
    add(found, name, {
      version: field('Version') ?? '',
      status,
      architecture: field('Architecture') ?? '',
      base,
      held: selection === 'hold',
    });
  }
  return found;
}

function add(found: Map<string, Package>, name: string, entry: Package): void {
  const other = found.get(name);
  const rank = ({ status, architecture }: Package) =>
    (status === 'installed' ? 2 : 0) + (architecture === native || architecture === 'all' ? 1 : 0);
  if (other === undefined || rank(entry) > rank(other)) found.set(name, entry);
}

/** Packages that were installed as a dependency, from apt's extended_states. Pure. */
export const parseAutomatic = (text: string): Set<string> =>
  new Set(
    text
      .split('\n\n')
      .flatMap((paragraph) =>
        /^Auto-Installed: 1$/m.test(paragraph)
          ? [/^Package: (\S+)$/m.exec(paragraph)?.[1] ?? '']
          : [],
      ),
  );

export interface Dpkg {
  /** Options that every run of dpkg needs. */
  options: readonly string[];
  /** Installed packages. While dpkg runs, the answer may be two seconds old, because reading must
   * not slow it down. */
  packages: () => Promise<Packages>;
  /** The current state, whatever it costs to read. */
  packagesNow: () => Promise<Packages>;
  /** Whether a run of dpkg has left its journal: it is at work, or was interrupted. */
  hasJournal: () => boolean;
  /** Changes when anything dpkg knows changes. */
  stamp: () => string;
  /** Installed on purpose: not with the base system, not as a dependency. */
  chosen: () => Promise<{ name: string; version: string }[]>;
}

const lookAgainMs = 2000;

export function readDpkg(
  folder = '/var/lib/dpkg',
  extendedStates = '/var/lib/apt/extended_states',
  options: readonly string[] = [],
): Dpkg {
  let known: { stamp: string; packages: Packages } | null = null;
  let asked: Promise<Packages> | null = null;
  let told: { at: number; packages: Packages } | null = null;
  let chosen: { stamp: string; list: { name: string; version: string }[] } | null = null;
  const status = `${folder}/status`;
  const ask = async (): Promise<Packages> => {
    const answer = await run(
      '/usr/bin/dpkg-query',
      [
        '--admindir',
        folder,
        '-W',
        '-f',
        '${Package}\t${db:Status-Status}\t${Version}\t${Architecture}\t${Essential}\t${Priority}\t${db:Status-Want}\n',
      ],
      { timeoutMs: 30_000 },
    );
    const found = new Map<string, Package>();
    for (const line of answer.stdout.split('\n')) {
      const [name, state, version, architecture, essential, priority, selection] = line.split('\t');
      if (name !== undefined && name !== '' && state !== undefined && state !== 'not-installed')
        add(found, name, {
          version: version ?? '',
          status: state,
          architecture: architecture ?? '',
          base: essential === 'yes' || /^(required|important|standard)$/.test(priority ?? ''),
          held: selection === 'hold',
        });
    }
    return found;
  };
  const dpkg: Dpkg = {
    options,
    stamp: () => stamp(status) ?? '',
    hasJournal: () => names(`${folder}/updates`).some((name) => /^\d+$/.test(name)),
    packages: async () => {
      if (
        names(`${folder}/updates`).length > 0 &&
        told !== null &&
        performance.now() - told.at < lookAgainMs
      )
        return told.packages;
      return dpkg.packagesNow();
    },
    packagesNow: async () => {
      if (names(`${folder}/updates`).length > 0) {
        asked ??= ask()
          .then((packages) => {
            told = { at: performance.now(), packages };
            return packages;
          })
          .finally(() => {
            asked = null;
          });
        return asked;
      }
      told = null;
      const now = dpkg.stamp();
      if (known?.stamp !== now)
        known = { stamp: now, packages: parseStatus(readText(status) ?? '') };
      return known.packages;
    },
    chosen: async () => {
      const now = `${dpkg.stamp()} ${stamp(extendedStates) ?? ''}`;
      if (chosen?.stamp !== now) {
        const automatic = parseAutomatic(readText(extendedStates) ?? '');
        const list = [...(await dpkg.packages())]
          .filter(
            ([name, { status: state, base }]) =>
              state === 'installed' && !base && !automatic.has(name),
          )
          .map(([name, { version }]) => ({
            name: name.slice(0, 120),
            version: version.slice(0, 120),
          }));
        chosen = {
          stamp: now,
          list: list.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, 2000),
        };
      }
      return chosen.list;
    },
  };
  return dpkg;
}

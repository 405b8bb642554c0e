/** Judges what apt says that a change would do, before anything is changed. Nothing that another
 * application needs is ever removed, and nothing that Préau did not install. Pure. */
import type { ForeseenRemoval } from '@preau/contract/asking.ts';
import type { Wanted } from '#src/drivers/driver.ts';
import {
  type Changes,
  codeOf,
  lastWords,
  type NamedVersion,
  parseHeld,
  parseUnknown,
  parseUnmet,
  parseVirtual,
  type Simulated,
} from './apt-output.ts';
import { gone, type Packages } from './dpkg.ts';
import type { Outcome } from './recipes/recipe.ts';

/** What is known of this server. */
export interface Known {
  /** Applications that should be here beside the one that is judged. */
  wanted: readonly Wanted[];
  /** Packages that Préau installed, each with the application it was for; empty: for several. */
  placed: Readonly<Record<string, string>>;
  packages: Packages;
}

/** The application that needs this package; null when Préau did not install it. */
const neededBy = (name: string, { wanted, placed }: Known): string | null =>
  wanted.find(({ packages }) => packages.includes(name))?.slug ?? (placed[name] || null);

export const removalsOf = ({ removes }: Changes, known: Known): ForeseenRemoval[] =>
  removes.map(({ name, version }) => ({
    name,
    version: version || '?',
    wantedBy: neededBy(name, known),
  }));

const mayGo = ({ name }: NamedVersion, { wanted, placed }: Known): boolean =>
  Object.hasOwn(placed, name) && !wanted.some(({ packages }) => packages.includes(name));

const because = ({ name, version }: NamedVersion, known: Known): string => {
  const slug = known.wanted.find(({ packages }) => packages.includes(name))?.slug;
  return slug === undefined
    ? `${name} ${version}, which Préau did not install`
    : `${name} ${version}, which ${slug} needs`;
};

const stays = (doing: string, removes: readonly NamedVersion[], known: Known): Outcome => {
  const kept = removes.filter((each) => !mayGo(each, known));
  return kept.length === 0
    ? null
    : {
        code: 'PACKAGE_CONFLICT',
        message:
          `${doing} would remove ${kept.map((each) => because(each, known)).join('; ')}`.slice(
            0,
            1500,
          ),
      };
};

/** Why this application must not be installed so; null: it may. */
export function judgeInstall({ slug, packages }: Wanted, asked: Simulated, known: Known): Outcome {
  if (asked.code !== 0) return refusalOf(slug, asked, known);
  const conflict = stays(`installing ${slug}`, asked.removes, known);
  if (conflict !== null) return conflict;
  const named = new Set([...asked.installs, ...asked.upgrades].map(({ name }) => name));
  // apt installs the only provider of a virtual package without a word. A package that is only half
  // installed, after a power cut for example, is configured, and not named as installed.
  const isHere = (name: string) => !gone.has(known.packages.get(name)?.status ?? 'not-installed');
  const virtual = packages.find((name) => !named.has(name) && !isHere(name));
  return virtual === undefined
    ? null
    : {
        code: 'PACKAGE_VIRTUAL',
        message: `${virtual} is no package of its own; apt would install ${
          asked.installs.map(({ name }) => name).join(', ') || 'nothing'
        }`,
      };
}

/** Why these packages must not be removed so; null: they may. */
export function judgeRemoval(
  slug: string,
  going: ReadonlySet<string>,
  asked: Simulated,
  known: Known,
): Outcome {
  if (asked.code !== 0) return refusalOf(slug, asked, known, 'REMOVE_FAILED');
  return stays(
    `removing ${slug}`,
    asked.removes.filter(({ name }) => !going.has(name)),
    known,
  );
}

function refusalOf(
  slug: string,
  { text }: Simulated,
  known: Known,
  otherwise: 'INSTALL_FAILED' | 'REMOVE_FAILED' = 'INSTALL_FAILED',
): NonNullable<Outcome> {
  const why = lastWords({ tail: text });
  const isHeld = (name: string) => known.packages.get(name)?.held === true;
  const unmet = parseUnmet(text);
  const held = [
    ...parseHeld(text),
    ...unmet.flatMap(({ name, other }) => [name, other].filter(isHeld)),
  ];
  const virtual = parseVirtual(text);
  if (virtual.length > 0)
    return {
      code: 'PACKAGE_VIRTUAL',
      message: virtual
        .map(({ name, providers }) => `${name} is provided by ${providers.join(', ')}`)
        .join('; '),
    };
  if (held.length > 0)
    return {
      code: 'PACKAGE_HELD',
      message: `${slug} needs a change of what is held: ${[...new Set(held)]
        .map((name) => `${name} ${known.packages.get(name)?.version ?? ''}`.trim())
        .join(', ')}`,
    };
  const conflict = unmet.find(({ relation }) => /Conflicts|Breaks/.test(relation));
  if (conflict !== undefined) {
    const { name, relation, other } = conflict;
    const needs = known.wanted.find(
      ({ packages, slug: by }) =>
        by !== slug && packages.some((one) => one === name || one === other),
    );
    return {
      code: 'PACKAGE_CONFLICT',
      message: `${slug}: ${name} ${relation.toLowerCase()} with ${other}${
        needs === undefined ? '' : `, which ${needs.slug} needs`
      }`,
    };
  }
  const unknown = parseUnknown(text);
  if (unknown.length > 0)
    return {
      code: 'PACKAGE_NOT_FOUND',
      message: `no package ${unknown.join(', ')} in this server's sources`,
    };
  return { code: codeOf({ tail: text, timedOut: false }, otherwise), message: why };
}

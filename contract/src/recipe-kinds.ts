/** Properties of each recipe kind, one row per kind. The compiler requires a row for a kind that is
 * new in `application.ts`. Code that depends on the kind reads this table instead of comparing
 * names. */
import type {
  LinuxRecipe,
  PackageFile,
  RecipePlatform,
  Recipes,
  WindowsRecipe,
} from './application.ts';

export type Recipe = LinuxRecipe | WindowsRecipe;
export type RecipeKind = Recipe['kind'];
export type RecipeOf<K extends RecipeKind> = Extract<Recipe, { kind: K }>;

export interface DebianPackage {
  name: string;
  /** Pinned to this version; null: any version. */
  version: string | null;
}

/** The script that a second technician reviewed and the controller signed. */
export interface ReviewedScript {
  script: string;
  install: PackageFile;
  remove?: PackageFile | undefined;
  signature: string;
}

export interface RecipeFacts<R extends Recipe> {
  platform: RecipePlatform;
  /** Files that a server needs to install it (`present`) and to remove it (`absent`). */
  files(recipe: R): Record<'present' | 'absent', PackageFile[]>;
  /** Debian packages that the recipe lists itself, without their dependencies. */
  packages(recipe: R): DebianPackage[];
  /** A recipe that must carry the controller's signature to run; null: this kind needs none. */
  reviewed(recipe: R): ReviewedScript | null;
  /** Once installed it stays wanted, and it can be removed again. Otherwise it is installed once
   * and cannot be removed. */
  kept: boolean;
  /** Who may add a recipe of this kind to the catalogue. */
  addedBy: 'technician' | 'controller';
  /** The agent that installs it exits and its successor continues, so it must come last in an
   * order. */
  replacesAgent: boolean;
  /** Whether it must still be detected once it was installed. Updates need not: new ones appear. */
  staysFound: boolean;
  /** When detection can return null although another version is installed: only for pinned packages,
   * or by a rule specific to the kind. */
  missesOtherVersions: 'when_pinned' | 'by_its_own_rule';
}

const noFiles = { present: [], absent: [] };
const ofFile = ({ file }: { file: PackageFile }) => ({ present: [file], absent: [] });

const ordinary = {
  packages: () => [],
  reviewed: () => null,
  kept: true,
  addedBy: 'technician',
  replacesAgent: false,
  staysFound: true,
  missesOtherVersions: 'by_its_own_rule',
} as const;

export const recipeFacts: { [K in RecipeKind]: RecipeFacts<RecipeOf<K>> } = {
  apt: {
    ...ordinary,
    platform: 'linux',
    files: () => noFiles,
    packages: ({ packages }) =>
      packages.map((listed) => {
        const at = listed.indexOf('=');
        return at < 0
          ? { name: listed, version: null }
          : { name: listed.slice(0, at), version: listed.slice(at + 1) };
      }),
    missesOtherVersions: 'when_pinned',
  },
  deb: {
    ...ordinary,
    platform: 'linux',
    files: ofFile,
    packages: (recipe) => [{ name: recipe.package, version: null }],
  },
  archive: { ...ordinary, platform: 'linux', files: ofFile },
  script: {
    ...ordinary,
    platform: 'linux',
    files: ({ install, remove }) => ({
      present: [install],
      absent: remove === undefined ? [] : [remove],
    }),
    reviewed: (recipe) => recipe,
  },
  updates: {
    ...ordinary,
    platform: 'linux',
    files: () => noFiles,
    kept: false,
    staysFound: false,
  },
  agent: {
    ...ordinary,
    platform: 'linux',
    files: ofFile,
    kept: false,
    addedBy: 'controller',
    replacesAgent: true,
  },
  msi: { ...ordinary, platform: 'windows', files: ofFile },
  exe: { ...ordinary, platform: 'windows', files: ofFile },
  winget: { ...ordinary, platform: 'windows', files: () => noFiles },
};

/** Undefined for a kind of another release, because rows and journals outlive the code that wrote
 * them. */
export const factsOf = (recipe: Recipe): RecipeFacts<Recipe> | undefined =>
  Object.hasOwn(recipeFacts, recipe.kind) ? recipeFacts[recipe.kind] : undefined;

/** Names of the Debian packages that a recipe installs, without version pins. */
export const packagesOf = (recipe: Recipe | undefined): string[] =>
  recipe === undefined ? [] : (factsOf(recipe)?.packages(recipe) ?? []).map(({ name }) => name);

/** The packages that a recipe pins, with their versions. */
export const pinsOf = (recipe: Recipe): [name: string, version: string][] =>
  (factsOf(recipe)?.packages(recipe) ?? []).flatMap(({ name, version }) =>
    version === null ? [] : [[name, version] as [string, string]],
  );

/** Files needed to install it (`present`) or to remove it (`absent`). */
export const filesFor = (recipe: Recipe, want: 'present' | 'absent'): PackageFile[] =>
  factsOf(recipe)?.files(recipe)[want] ?? [];

/** False for updates and the agent's own bundle, which are installed once; everything else stays
 * wanted and can be rolled back. */
export const isKept = ({ linux }: Recipes): boolean =>
  linux === undefined || factsOf(linux)?.kept !== false;

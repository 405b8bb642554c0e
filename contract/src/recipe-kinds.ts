/** What one has to know of a recipe's kind, wherever it matters: a row per kind. The compiler asks
 * for the row of a kind that is new in `application.ts`. Code that must tell kinds apart asks here
 * instead of comparing names. */
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
  /** Held at this version; null: any will do. */
  version: string | null;
}

/** What a second technician read, and the controller signed. */
export interface ReviewedScript {
  script: string;
  install: PackageFile;
  remove?: PackageFile | undefined;
  signature: string;
}

export interface RecipeFacts<R extends Recipe> {
  platform: RecipePlatform;
  /** Files that a server needs to bring it, and to take it away. */
  files(recipe: R): Record<'present' | 'absent', PackageFile[]>;
  /** Debian packages that the recipe lists itself, without their dependencies. */
  packages(recipe: R): DebianPackage[];
  /** Runs nowhere without the controller's signature; null: this kind needs none. */
  reviewed(recipe: R): ReviewedScript | null;
  /** It stays wanted where it was brought, and can be taken away again. What is not kept is brought
   * once, and cannot be taken away. */
  kept: boolean;
  /** Who may add a recipe of this kind to the catalogue. */
  addedBy: 'technician' | 'controller';
  /** The agent that brings it ends, and its successor goes on: nothing may follow it in an order. */
  replacesAgent: boolean;
  /** Whether what was found once must be found from then on. Updates are not: new ones come. */
  staysFound: boolean;
  /** When detection answers null although another version may be there: only for a package that is
   * held at a version, or for reasons of the kind's own. */
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

/** Undefined for a kind of another release: rows and journals outlive the code that wrote them. */
export const factsOf = (recipe: Recipe): RecipeFacts<Recipe> | undefined =>
  Object.hasOwn(recipeFacts, recipe.kind) ? recipeFacts[recipe.kind] : undefined;

/** Names of the Debian packages a recipe brings, without their pins. */
export const packagesOf = (recipe: Recipe | undefined): string[] =>
  recipe === undefined ? [] : (factsOf(recipe)?.packages(recipe) ?? []).map(({ name }) => name);

/** Packages a recipe holds at one version, by name. */
export const pinsOf = (recipe: Recipe): [name: string, version: string][] =>
  (factsOf(recipe)?.packages(recipe) ?? []).flatMap(({ name, version }) =>
    version === null ? [] : [[name, version] as [string, string]],
  );

/** Files that bringing it (`present`) or taking it away (`absent`) needs. */
export const filesFor = (recipe: Recipe, want: 'present' | 'absent'): PackageFile[] =>
  factsOf(recipe)?.files(recipe)[want] ?? [];

/** Updates and the agent's own bundle are brought once; everything else is kept there from then on,
 * and can be gone back from. */
export const isKept = ({ linux }: Recipes): boolean =>
  linux === undefined || factsOf(linux)?.kept !== false;

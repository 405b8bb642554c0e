/** What a kind of recipe means on a Debian server. Everything that depends on the kind is a member
 * of these interfaces, and `table.ts` has one entry for each kind. */
import type { DetectionRule, LinuxRecipe } from '@preau/contract/application.ts';
import type { ErrorCode } from '@preau/contract/errors.ts';
import type { Installable } from '#src/drivers/driver.ts';
import type { Apt, Patience } from '../apt.ts';
import type { Packages } from '../dpkg.ts';
import type { Ran } from '../installer.ts';
import type { Staged } from '../staged.ts';

/** Result for one application; null: the installer reported success. */
export type Outcome = { code: ErrorCode; message: string } | null;

/** What `prepare` gets. */
interface Staging {
  apt: Apt;
  staged: Staged;
  /** How to wait for another program that holds apt's lists. */
  patience: Patience;
  /** Updates apt's lists, unless that was done just before. */
  freshLists: () => Promise<void>;
  /** The error, with this application named as the one at fault. */
  blame: (error: unknown) => Error;
}

/** What `detect` gets. */
export interface Detection {
  packages: () => Promise<Packages>;
  /** What the rule alone finds, for rules that any kind of recipe may have. */
  byRule: (rule: DetectionRule, version: string) => Promise<string | null>;
  nothingPending: (scope: 'security' | 'all') => Promise<boolean>;
  /** Folder in which archives are unpacked. */
  applications: string;
  /** SHA-256 of the bundle that runs. */
  runningAgent: string | null;
}

/** What `install` and `remove` get. */
export interface Work {
  staged: Staged;
  /** Folder in which archives are unpacked. */
  applications: string;
  signal: AbortSignal;
  /** One run of an installer, within the time that is left. */
  run: (file: string, args: readonly string[], env: Record<string, string>) => Promise<Ran>;
  /** Does not return on success: the agent exits, and the launcher starts the new bundle. */
  beginTrial: (sha256: string, path: string) => Promise<never>;
}

type Sought = Pick<Installable, 'slug' | 'version' | 'want'>;

interface AnyRecipe<R> {
  /** Called before files are fetched for installing: tells apt what it needs to find them. */
  prepare?(recipe: R, slug: string, staging: Staging): Promise<void>;
  /** The version that is there, or null (see `Driver.detect`). */
  detect(recipe: R, application: Sought, detection: Detection): Promise<string | null>;
}

/** Installed by apt-get, in one run with its neighbours in the order. */
export interface AptGetRecipe<R> extends AnyRecipe<R> {
  by: 'apt-get';
  /** Arguments for `apt-get install`. */
  arguments(recipe: R, staged: Staged): string[];
  /** Whether it is installed although the run failed; null: it is. */
  isThere(recipe: R, packages: Packages, staged: Staged): Promise<Outcome>;
  /** Checks what success of apt-get does not prove. */
  confirm?(recipe: R, packages: Packages, staged: Staged): Promise<Outcome>;
  /** Arguments of the form `name=version` that must not mark a dependency as manually installed. */
  nobodysChoice?(recipe: R, staged: Staged): string[];
  /** How it is removed: with its packages, or never, and then nothing is done. */
  goes: 'with its packages' | 'never';
  /** Called after its packages are removed. */
  gone?(recipe: R, slug: string, apt: Apt): void;
}

/** Installed in its own way, alone. */
export interface SingleRecipe<R> extends AnyRecipe<R> {
  by: 'itself';
  /** May throw an AppError instead. */
  install(recipe: R, application: Installable, work: Work): Promise<Outcome>;
  remove(recipe: R, application: Installable, work: Work): Promise<Outcome>;
}

export type RecipeDriver<R extends LinuxRecipe> = AptGetRecipe<R> | SingleRecipe<R>;

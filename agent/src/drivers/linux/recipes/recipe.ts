/** What a kind of recipe means on a Debian server. Everything the agent decides by kind is a member
 * of these, and `table.ts` has one for each kind. */
import type { DetectionRule, LinuxRecipe } from '@preau/contract/application.ts';
import type { ErrorCode } from '@preau/contract/errors.ts';
import type { Installable } from '#src/drivers/driver.ts';
import type { Apt } from '../apt.ts';
import type { Packages } from '../dpkg.ts';
import type { Ran } from '../installer.ts';
import type { Staged } from '../staged.ts';

/** What became of one application; null: the installer was content. */
export type Outcome = { code: ErrorCode; message: string } | null;

/** Help for `prepare`. */
export interface Staging {
  apt: Apt;
  staged: Staged;
  /** Reads apt's lists anew, unless that was done a moment ago. */
  freshLists: () => Promise<void>;
  /** The error, with this application named as the guilty one. */
  blame: (error: unknown) => Error;
}

/** Help for `detect`. */
export interface Detection {
  packages: () => Promise<Packages>;
  /** What the rule alone finds: rules that any kind of recipe may have. */
  byRule: (rule: DetectionRule, version: string) => Promise<string | null>;
  nothingPending: (scope: 'security' | 'all') => Promise<boolean>;
  /** Archives are unpacked below. */
  applications: string;
  /** SHA-256 of the bundle that runs. */
  runningAgent: string | null;
}

/** Help for `install` and `remove`. */
export interface Work {
  staged: Staged;
  /** Archives are unpacked below. */
  applications: string;
  signal: AbortSignal;
  /** One run of an installer, within the time that is left. */
  run: (file: string, args: readonly string[], env: Record<string, string>) => Promise<Ran>;
  /** Does not return when all is well: the agent ends, and begins again as the new one. */
  beginTrial: (sha256: string, path: string) => Promise<never>;
}

type Sought = Pick<Installable, 'slug' | 'version' | 'want'>;

interface AnyRecipe<R> {
  /** Before files are fetched for bringing it: what apt must know to find them. */
  prepare?(recipe: R, slug: string, staging: Staging): Promise<void>;
  /** The version that is there, or null (see `Driver.detect`). */
  detect(recipe: R, application: Sought, detection: Detection): Promise<string | null>;
}

/** Brought by apt-get, in one run with its neighbours in the order. */
export interface AptGetRecipe<R> extends AnyRecipe<R> {
  by: 'apt-get';
  /** What `apt-get install` is told. */
  arguments(recipe: R, staged: Staged): string[];
  /** Whether it is there although the run failed. */
  isThere(recipe: R, packages: Packages, staged: Staged): Promise<Outcome>;
  /** What success of apt-get does not prove. */
  confirm?(recipe: R, packages: Packages, staged: Staged): Promise<Outcome>;
  /** Arguments of the form `name=version` that must not turn a dependency into a choice. */
  nobodysChoice?(recipe: R, staged: Staged): string[];
  /** How it goes: its packages are removed, or it cannot be taken away and nothing is done. */
  goes: 'with its packages' | 'never';
  /** After its packages are gone. */
  gone?(recipe: R, slug: string, apt: Apt): void;
}

/** Brought in a way of its own, alone. */
export interface SingleRecipe<R> extends AnyRecipe<R> {
  by: 'itself';
  /** May throw an AppError instead. */
  install(recipe: R, application: Installable, work: Work): Promise<Outcome>;
  remove(recipe: R, application: Installable, work: Work): Promise<Outcome>;
}

export type RecipeDriver<R extends LinuxRecipe> = AptGetRecipe<R> | SingleRecipe<R>;

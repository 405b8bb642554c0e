/** A command that runs on the city's own machine, beside its database. */
import type { Environment } from '#src/config.ts';

export interface Command {
  /** What follows the name, as usage shows it. */
  args: string;
  /** One sentence. */
  does: string;
  /** It runs although a setting is wrong, with defaults in place of what is. Absent: it is refused. */
  toleratesFaults?: true;
  /** Returns the exit code: 0 done, 1 refused or failed, 2 used wrongly. Prints one sentence a line.
   * What it throws is printed as a refused start is. */
  run: (config: Environment, args: readonly string[]) => Promise<number>;
}

/** Prints to standard error; for `return refuse(…)`. */
export function refuse(sentence: string, exitCode: 1 | 2 = 2): number {
  console.error(sentence);
  return exitCode;
}

/** An action started by a click: whether it is running, and the message if it failed. */
import { sentence } from './api.ts';

export class Attempt {
  busy = $state(false);
  problem = $state<string | null>(null);

  /** Resolves to whether it succeeded. `words`: makes the message, for callers that know more about
   * an error. */
  async run(
    work: () => Promise<unknown>,
    words: (error: unknown) => string = sentence,
  ): Promise<boolean> {
    this.busy = true;
    this.problem = null;
    try {
      await work();
      return true;
    } catch (error) {
      this.problem = words(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}

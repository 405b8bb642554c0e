/** Work that somebody asked for with a click: whether it is under way, and the sentence when it
 * went wrong. */
import { sentence } from './api.ts';

export class Attempt {
  busy = $state(false);
  problem = $state<string | null>(null);

  /** Answers whether it was done. `words`: for who knows more of an error than everybody does. */
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

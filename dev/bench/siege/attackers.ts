/** Attackers, in a process of their own with half a core: everybody of attacks.ts at once, from one
 * address, until told to stop. `startTalking` starts it. */
import { type Attack, type AttackCounts, attacks } from './attacks.ts';
import { type Loot, prepareLoot } from './loot.ts';
import { type Front, openWeb } from './web.ts';

export type AttackQuestion =
  | {
      do: 'prepare';
      front: Front;
      pupils: readonly string[];
      contact: string;
      siteId: string;
      password: string;
      slugs: Loot['slugs'];
    }
  /** `only`: names of attacks.ts; null: everybody. */
  | { do: 'begin'; only: readonly string[] | null }
  /** What each has done since it began. */
  | { do: 'count' }
  | { do: 'stop' };

let loot: Loot | null = null;
let running: [string, Attack][] = [];

async function answer(question: AttackQuestion): Promise<Record<string, AttackCounts> | null> {
  switch (question.do) {
    case 'prepare':
      loot = await prepareLoot(openWeb(question.front), question);
      return null;
    case 'begin': {
      const found = loot;
      if (found === null) throw new Error('nothing is prepared');
      const { only } = question;
      running = Object.entries(attacks)
        .filter(([name]) => only === null || only.includes(name))
        .map(([name, begin]) => [name, begin(found)]);
      return null;
    }
    case 'count':
      return Object.fromEntries(running.map(([name, attack]) => [name, attack.counts]));
    case 'stop':
      for (const [, attack] of running) attack.stop();
      running = [];
      return null;
  }
}

process.on('message', ({ id, question }: { id: number; question: AttackQuestion }) => {
  answer(question).then(
    (reply) => process.send?.({ id, reply }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));

/** A thread for the tests of heavy work: does as it is told. */
import { AppError } from '@preau/contract/errors.ts';
import type { HeavyTask } from './heavy-work.ts';
import { serve } from './serve.ts';

export type Trial = 'answer' | 'ask' | 'refuse' | 'forever' | 'memory' | 'throw';

export const trial: HeavyTask<Trial, string, string, string> = {
  kind: 'icon_extraction',
  worker: new URL('./trial.worker.fixture.ts', import.meta.url),
};

await serve(trial, async (what, { ask, early }) => {
  if (what === 'ask') return `${await ask('who?')}!`;
  if (what === 'refuse') throw new AppError('IMPORT_REFUSED', { why: { fr: 'non', en: 'no' } });
  if (what === 'throw') throw new Error('unforeseen');
  if (what === 'forever') {
    early('so far');
    for (;;) performance.now();
  }
  if (what === 'memory') {
    const kept: object[] = [];
    for (;;) kept.push({ at: kept.length, text: `line ${kept.length}` });
  }
  return 'answered';
});

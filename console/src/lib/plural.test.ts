import { expect, it, vi } from 'vitest';
import type { Language, Table } from './words.ts';

const said = vi.hoisted(() => ({ language: 'fr' as Language }));
vi.mock('./page.svelte.ts', async () => {
  const { inLanguage } = await import('./words.ts');
  return { page: said, messages: (table: Table) => () => inLanguage(table, said.language) };
});
const { rolloutWords } = await import('../rollouts/messages.ts');
const { progressWords } = await import('../rollouts/progress-messages.ts');
const { fleetWords } = await import('../schools/messages.ts');
const { requestWords } = await import('../requests/messages.ts');
const { peopleWords } = await import('../people/messages.ts');
const { catalogueWords } = await import('../catalogue/messages.ts');
const { tokenWords } = await import('../people/token-messages.ts');
const { inLanguage } = await import('./words.ts');
const { isMany } = await import('./plural.ts');

const told = (language: Language, sentence: (n: number) => string): string[] => {
  said.language = language;
  return [0, 1, 2].map(sentence);
};

it('French counts none as one, English does not', () => {
  expect([0, 1, 1.5, 2, 1_000_000].map((n) => isMany(n, 'fr'))).toEqual([
    false,
    false,
    false,
    true,
    true,
  ]);
  expect([0, 1, 1.5, 2].map((n) => isMany(n, 'en'))).toEqual([true, false, true, true]);
});

it.each<[string, (n: number) => string, string[], string[]]>([
  [
    'all servers answer',
    (n) => rolloutWords().silentNow(0, n),
    ['0 serveur répond.', '1 serveur répond.', 'Les 2 serveurs répondent.'],
    ['0 servers are answering.', '1 server is answering.', 'All 2 servers are answering.'],
  ],
  [
    'some are silent',
    (n) =>
      rolloutWords()
        .silentNow(n, 2)
        .replace(/^Les 2.*|^All 2.*/, ''),
    ['', '1 serveur muet sur 2.', '2 serveurs muets sur 2.'],
    ['', '1 of 2 servers silent.', '2 of 2 servers silent.'],
  ],
  [
    'progress, done',
    (n) => `${n} ${progressWords().done(n)}`,
    ['0 fait', '1 fait', '2 faits'],
    ['0 done', '1 done', '2 done'],
  ],
  [
    'progress, left aside',
    (n) => `${n} ${progressWords().aside(n)}`,
    ['0 laissé', '1 laissé', '2 laissés'],
    ['0 left', '1 left', '2 left'],
  ],
  [
    'schools as asked',
    (n) => fleetWords().driftSummary(0, n),
    [
      '0 école est comme demandé.',
      '1 école est comme demandé.',
      'Les 2 écoles sont comme demandé.',
    ],
    ['0 schools are as asked.', '1 school is as asked.', 'All 2 schools are as asked.'],
  ],
  [
    'who asks',
    (n) => requestWords().severalAsk(n),
    ['0 enseignant le demande', '1 enseignant le demande', '2 enseignants le demandent'],
    ['0 teachers ask for it', '1 teacher asks for it', '2 teachers ask for it'],
  ],
  [
    'accounts that would vanish',
    (n) => peopleWords().brakeTitle(n),
    [
      '0 compte disparaîtrait : rien n’a été changé.',
      '1 compte disparaîtrait : rien n’a été changé.',
      '2 comptes disparaîtraient : rien n’a été changé.',
    ],
    [
      '0 accounts would vanish: nothing was changed.',
      '1 account would vanish: nothing was changed.',
      '2 accounts would vanish: nothing was changed.',
    ],
  ],
  [
    'licences',
    (n) => catalogueWords().seatsWord(n),
    [
      '0 licence pour toute la ville',
      '1 licence pour toute la ville',
      '2 licences pour toute la ville',
    ],
    [
      '0 licences for the whole city',
      '1 licence for the whole city',
      '2 licences for the whole city',
    ],
  ],
  [
    'schools of a token',
    (n) => tokenWords().schoolsN(n),
    ['0 école', '1 école', '2 écoles'],
    ['0 schools', '1 school', '2 schools'],
  ],
])('%s: none, one, two', (_, sentence, french, english) => {
  expect(told('fr', sentence)).toEqual(french);
  expect(told('en', sentence)).toEqual(english);
});

it('a table is told in one language, groups too', () => {
  const table = { a: { fr: 'un', en: 'one' }, b: { c: { fr: () => 'deux', en: () => 'two' } } };
  const words = inLanguage(table, 'en');
  expect([words.a, words.b.c()]).toEqual(['one', 'two']);
});

import { describe, expect, test } from 'vitest';
import { cut, filesIn } from './catalogue.ts';
import { checkedUrl, languageOf } from './config.ts';
import { gateFrom, wavesFrom, windowsFrom, wishesFrom } from './parse.ts';
import { plain, progressLine, progressOf, stateLine, table } from './show.ts';

const refusalOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof Error && error.name === 'UsageError') return error.message;
    throw error;
  }
  return 'done';
};

describe('waves', () => {
  // biome-ignore format: a table
  const good: [text: string, sizes: unknown[]][] = [
    ['1,10%,rest', [{ sites: 1 }, { share: 0.1 }, { rest: true }]], ['rest', [{ rest: true }]], ['3', [{ sites: 3 }, { rest: true }]], [' 1 , 2.5% ', [{ sites: 1 }, { share: 0.025 }, { rest: true }]], ['100%', [{ share: 1 }, { rest: true }]],
  ];
  test.each(good)('%s', (text, sizes) =>
    expect(wavesFrom(text, 'auto')).toEqual(
      sizes.map((size) => ({ size, gate: 'auto', soakMinutes: 0 })),
    ),
  );
  test.each([
    '',
    ',',
    '0',
    '0%',
    '101%',
    '-1',
    '1.5',
    'rest,1',
    'all',
    '10 %x',
    '1,2,3,4,5,6,7,8,9,10,11,12',
  ])('refuses “%s”', (text) => expect(refusalOf(() => wavesFrom(text, 'auto'))).toBe('badWaves'));
  test('gates', () => {
    expect([gateFrom('auto'), gateFrom('manual'), gateFrom('90')]).toEqual([
      'auto',
      'manual',
      { afterMinutes: 90 },
    ]);
    for (const text of ['', '0', '20161', '1.5', 'Auto'])
      expect(refusalOf(() => gateFrom(text))).toBe('badChoice');
  });
});

describe('windows', () => {
  // biome-ignore format: a table
  const good: [text: string, open: unknown[]][] = [
    ['lun-ven 18:00-07:00', [{ days: [1, 2, 3, 4, 5], from: '18:00', to: '07:00', period: 'always' }]],
    ['mon-fri 18:00-24:00', [{ days: [1, 2, 3, 4, 5], from: '18:00', to: '24:00', period: 'always' }]],
    ['* 00:00-06:00', [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '06:00', period: 'always' }]],
    ['outside_holidays mer,sam 12:30 - 18:00; holidays 1-7 08:00-18:00', [{ days: [3, 6], from: '12:30', to: '18:00', period: 'outside_holidays' }, { days: [1, 2, 3, 4, 5, 6, 7], from: '08:00', to: '18:00', period: 'holidays' }]],
    ['vendredi-lundi 20:00-06:00', [{ days: [1, 5, 6, 7], from: '20:00', to: '06:00', period: 'always' }]],
  ];
  test.each(good)('%s', (text, open) =>
    expect(windowsFrom(text)).toEqual({ open, exceptDates: [] }),
  );
  test.each([
    '',
    ';',
    'lun 8:00-9:00',
    'lun 24:00-06:00',
    'lun 18:00-24:30',
    'xyz 18:00-07:00',
    '8 18:00-07:00',
    'lun-ven',
    'sometimes lun 18:00-07:00',
  ])('refuses “%s”', (text) => expect(refusalOf(() => windowsFrom(text))).toBe('badWindow'));
});

test('wishes', () =>
  expect(wishesFrom('a, b@1.2:3,', 'absent')).toEqual([
    { slug: 'a', version: null, want: 'absent' },
    { slug: 'b', version: '1.2:3', want: 'absent' },
  ]));

describe('where and in which language', () => {
  test.each([
    ['https://preau.example', 'https://preau.example'],
    ['http://127.0.0.1:8080/', 'http://127.0.0.1:8080'],
  ])('%s', (text, url) => expect(checkedUrl(text)).toBe(url));
  test.each([
    '',
    'preau.example',
    'ftp://x',
    'https://a:b@x',
    'https://x/admin',
    'https://x/?token=y',
    'file:///etc',
  ])('refuses “%s”', (text) => expect(refusalOf(() => checkedUrl(text))).toBe('badUrl'));
  test.each([
    [{}, 'fr'],
    [{ LANG: 'en_GB.UTF-8' }, 'en'],
    [{ LANG: 'fr_FR.UTF-8' }, 'fr'],
    [{ LANG: 'C.UTF-8' }, 'fr'],
    [{ LC_ALL: 'en', LANG: 'fr' }, 'en'],
    [{ LC_MESSAGES: 'fr', LANG: 'en' }, 'fr'],
  ] as const)('%j', (environment, language) => expect(languageOf(environment)).toBe(language));
});

describe('what is printed', () => {
  const rollout = {
    state: 'running',
    pauseReason: null,
    counts: { succeeded: 10, already_installed: 2, failed: 1, installing: 3, queued: 0 },
    waves: [
      { number: 1, state: 'passed' },
      { number: 2, state: 'open' },
      { number: 3, state: 'pending' },
    ],
    eta: { p50Ms: 130_000, p95Ms: 1, waitingForSilent: 0 },
  } as never;
  test('progress', () => {
    expect(
      progressOf({
        succeeded: 10,
        already_installed: 2,
        failed: 1,
        timed_out: 1,
        rejected: 1,
        installing: 3,
        cancelled: 4,
      }),
    ).toEqual({ total: 22, over: 19, good: 12, bad: 3 });
    expect(progressLine(rollout, 16)).toBe('[█████████████░░░] 13/16  running  2/3  ✗ 1  ~2 min');
    expect(stateLine(rollout)).toBe(
      'running  1:passed 2:open 3:pending  already_installed 2, failed 1, installing 3, succeeded 10',
    );
  });
  test('nothing from afar moves the cursor', () =>
    expect(plain('a\u001b[2Jb\u202ec\n')).toBe('a·[2Jb·c·'));
  test('columns line up, accents too', () =>
    expect(
      table([
        ['é', 1, 'x'],
        ['abc', 22, 'y'],
      ]),
    ).toEqual(['é    1   x', 'abc  22  y']));
});

describe('drafts', () => {
  test('are cut by number and by size, in order', () => {
    expect(
      cut(Array.from({ length: 4001 }, (_, index) => index)).map((part) => part.length),
    ).toEqual([2000, 2000, 1]);
    expect(
      cut(Array.from({ length: 4 }, () => 'x'.repeat(1_500_000))).map((part) => part.length),
    ).toEqual([2, 2]);
    expect(cut(['x'.repeat(5_000_000), 'y']).map((part) => part.length)).toEqual([1, 1]);
  });
  test('name their files', () => {
    const file = (name: string, more = {}) => ({ name, sha256: name.repeat(64), size: 3, ...more });
    expect(
      filesIn([
        { recipes: { linux: { kind: 'deb', file: file('a') } } },
        {
          recipes: {
            linux: { kind: 'script', install: file('b'), remove: file('c') },
            windows: { file: file('d', { url: 'https://x/' }) },
          },
        },
        null,
        'x',
        { recipes: { linux: { file: file('a') } } },
      ])
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['a', 'b', 'c']);
  });
});

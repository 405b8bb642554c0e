import { Compile } from 'typebox/compile';
import { expect, test } from 'vitest';
import { FirstFile, LinuxRecipe } from './application.ts';

const isFirstFile = Compile(FirstFile);
const isRecipe = Compile(LinuxRecipe);

// biome-ignore format: a table
test.each<[boolean, string]>([
  [true, '.config/kigrc'],
  [true, 'settings.ini'],
  [true, '.config/libreoffice/4/user/registrymodifications.xcu'],
  [true, '.a/..b/c...d'],
  [false, ''],
  [false, '/etc/passwd'],
  [false, '../other/.profile'],
  [false, '.config/../../other'],
  [false, '.config/..'],
  [false, './a'],
  [false, '..'],
  [false, '.config//a'],
  [false, '.config/'],
  [false, '.config/a b'],
  [false, '.config/$(id)'],
  [false, '.config/a\nb'],
  [false, `${'a'.repeat(160)}b`],
])('%s: a file in a home may be %s', (allowed, path) => {
  expect(isFirstFile.Check({ path, text: '' })).toBe(allowed);
});

// biome-ignore format: a table
test.each<[boolean, string]>([
  [true, '[General]\n\tLanguage=fr é\n'],
  [true, 'a'.repeat(4000)],
  [false, 'a'.repeat(4001)],
  [false, 'a\u0000b'],
  [false, 'a\u001bb'],
])('%s: its text may be %j', (allowed, text) => {
  expect(isFirstFile.Check({ path: 'a', text })).toBe(allowed);
});

test('a recipe holds at most eight of them', () => {
  const recipe = (files: number) => ({
    kind: 'apt',
    packages: ['kig'],
    detect: { kind: 'package', package: 'kig' },
    launch: {
      command: ['kig'],
      firstFiles: Array.from({ length: files }, (_, at) => ({ path: `f${at}`, text: '' })),
    },
  });
  expect([1, 8, 9].map((files) => isRecipe.Check(recipe(files)))).toEqual([true, true, false]);
});

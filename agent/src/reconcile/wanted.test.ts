import { expect, test } from 'vitest';
import type { Installable } from '#src/drivers/driver.ts';
import { isAsWanted, recipeMark, wantedBeside } from './wanted.ts';

const application = (slug: string, recipes: Installable['recipes'] = {}): Installable => ({
  applicationId: `app_${slug}`,
  versionId: `ver_${slug}`,
  slug,
  version: '2',
  want: 'present',
  recipes,
});
const file = (letter: string) => ({ name: 'x', sha256: letter.repeat(64), size: 1 });
const bundle = (letter: string) =>
  application('agent', {
    linux: { kind: 'agent', file: file(letter), detect: { kind: 'agent' } },
  });

test('the second update of the agent counts, although the one before noted another recipe', () => {
  const noted = recipeMark(bundle('a'), 'linux');
  expect(isAsWanted(bundle('b'), '2', 'linux', noted)).toBe(true);
  expect(isAsWanted(bundle('b'), null, 'linux', noted)).toBe(false);
  const archive = (letter: string) =>
    application('jeu', {
      linux: {
        kind: 'archive',
        format: 'tar',
        file: file(letter),
        detect: { kind: 'file', path: '/opt/x' },
      },
    });
  const old = recipeMark(archive('a'), 'linux');
  expect(isAsWanted(archive('b'), '2', 'linux', old)).toBe(false);
});

test('what stays while others change: those that are wanted, and those that come', () => {
  const apt = (slug: string, want: Installable['want'] = 'present') => ({
    ...application(slug, {
      linux: {
        kind: 'apt' as const,
        packages: [`${slug}=1`],
        detect: { kind: 'package' as const, package: slug },
      },
    }),
    want,
  });
  expect(wantedBeside([apt('comes'), apt('goes', 'absent')], [apt('stays'), apt('goes')])).toEqual([
    { slug: 'stays', packages: ['stays'] },
    { slug: 'comes', packages: ['comes'] },
  ]);
});

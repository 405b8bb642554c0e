import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LinuxRecipe } from '@preau/contract/application.ts';
import { providerKinds } from '@preau/contract/identity.ts';
import { describe, expect, test } from 'vitest';
import { root } from '../dev/services.ts';
import { claimsOf, differences, missingNights, pageOf } from '../dev/tested-with.ts';
import { type Counterpart, counterparts, type Note, provenBy } from './counterparts.ts';

const kinds = LinuxRecipe.anyOf.map(({ properties }) => properties.kind.const);
const page = readFileSync(join(root, 'docs/tested-with.md'), 'utf8');
const tests = ['agent/src', 'controller/src', 'cli/src', 'dev', 'test']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
      join(root, folder, name),
    ),
  )
  .filter((path) => /\.(test|fixture)\.ts$/.test(path) && !path.includes('tested-with'))
  .map((path) => readFileSync(path, 'utf8'));

describe('the list of counterparts', () => {
  const rows = Object.entries<Counterpart>(counterparts);
  const metBySomeTest = (name: string) =>
    tests.some((text) => new RegExp(`\\bmet\\(\\s*'${name}'`).test(text));

  test.each(rows.filter(([, { never, nightly }]) => never === undefined && nightly === undefined))(
    '%s is met by a test',
    (name) => expect(metBySomeTest(name)).toBe(true),
  );
  test.each(rows.filter(([, { never }]) => never !== undefined))(
    '%s, which says never, is met by none',
    (name) => expect(metBySomeTest(name)).toBe(false),
  );
  test('every provider of identity and every real driver is proven by a counterpart', () => {
    expect(Object.keys(provenBy.providers).sort()).toEqual(
      providerKinds.filter((kind) => kind !== 'local').sort(),
    );
    const drivers = readdirSync(join(root, 'agent/src/drivers'), { withFileTypes: true });
    expect(Object.keys(provenBy.drivers)).toEqual(
      drivers.filter((entry) => entry.isDirectory()).map(({ name }) => name),
    );
  });
  test('docs/tested-with.md has a row for each counterpart and each recipe kind', () => {
    for (const [, { title }] of rows) expect(page).toContain(`| ${title} |`);
    for (const kind of kinds) expect(page).toContain(`| \`${kind}\` |`);
  });
});

describe('the page', () => {
  const met: Note = {
    kind: 'counterpart',
    name: 'redis',
    version: '7.0.15',
    how: 'INFO server',
    test: 'test/a.test.ts',
  };
  const carriedOut: Note = {
    kind: 'recipe',
    recipe: 'apt',
    step: 'install',
    on: 'Debian 12',
    test: 'test/b.test.ts',
  };
  test('says version, question and test; what was not met is in bold', () => {
    const text = pageOf([met, { ...met, version: '7.0.16' }, carriedOut], kinds);
    expect(text).toContain('| Redis | 7.0.15, 7.0.16 | INFO server | `test/a.test.ts` |');
    expect(text).toContain('| PostgreSQL | **not met** |  |  |');
    expect(text).toContain('| `apt` | ✓ Debian 12 | — | — | — | — |');
  });
  test('names are compared, versions and systems are not', () => {
    const claims = (version: string, on: string) =>
      claimsOf(
        pageOf(
          [
            { ...met, version },
            { ...carriedOut, on },
          ],
          kinds,
        ),
      );
    expect(claims('7.0.15', 'Debian 12')).toEqual(claims('8.0.1', 'Debian 13'));
    expect(claimsOf(pageOf([met], kinds))).not.toEqual(claimsOf(pageOf([], kinds)));
  });
});

describe('a run', () => {
  const by = (test: string): Note => ({
    kind: 'counterpart',
    name: 'redis',
    version: '7',
    how: 'INFO server',
    test,
  });
  const [here, there] = [by('test/here.test.ts'), by('test/there.test.ts')];
  const claimed = claimsOf(pageOf([here, there], kinds));
  test('that met what the page claims differs in nothing', () =>
    expect(differences(claimed, [here, there], kinds)).toEqual([]));
  test('that missed one of two tests of a counterpart says which', () =>
    expect(differences(claimed, [here], kinds)).toEqual([
      'claimed, not seen: Redis: `test/there.test.ts`',
    ]));
  test('is not asked for the test that it left out, but for the others', () => {
    const leftOut = (test: string): Note => ({ kind: 'left_out', why: 'no room', test });
    expect(differences(claimed, [here, leftOut('test/there.test.ts')], kinds)).toEqual([]);
    expect(differences(claimed, [here, leftOut('test/else.test.ts')], kinds)).toHaveLength(1);
    const alone = claimsOf(pageOf([there], kinds));
    expect(differences(alone, [leftOut('test/there.test.ts')], kinds)).toEqual([]);
    expect(differences(alone, [], kinds)).toHaveLength(1);
  });
  test('that met more says what the page does not claim', () => {
    const news = 'seen, not claimed: Redis: `test/new.test.ts`';
    expect(differences(claimed, [here, there, by('test/new.test.ts')], kinds)).toEqual([news]);
  });
});

test('a row that only a night can prove needs its newest night to have passed', () => {
  const night = (sign: string, name: string) => `| abc | 2026-11-30 | ${name} | 270 | ${sign} |`;
  const titled = (text: string) => missingNights(text).map((fault) => fault.split(':')[0]);
  const nights = Object.values<Counterpart>(counterparts).flatMap(({ nightly }) => nightly ?? []);
  const passed = [...new Set(nights)].map((name) => night('✓', name));
  expect(titled(passed.join('\n'))).toEqual([]);
  expect(titled([night('✗', 'containers'), ...passed].join('\n'))).toEqual(['Docker, Compose']);
  // Words of the page are no proof.
  expect(titled('`containers`: a city.\n| | | |').length).toBe(nights.length);
});

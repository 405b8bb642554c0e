import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Expansion, expandRequirements, type Requiring } from './requirements.ts';

const catalogue = (requires: Record<string, string[]>): Requiring[] =>
  Object.entries(requires).map(([slug, needs]) => ({ id: `app_${slug}`, slug, requires: needs }));
const shown = (expansion: Expansion): string =>
  'refused' in expansion
    ? `${expansion.refused} ${expansion.path.join('>')}`
    : expansion.order
        .map(({ id, becauseOf }) => `${id.slice(4)}${becauseOf === null ? '' : `<${becauseOf}`}`)
        .join(' ');

describe('expandRequirements', () => {
  // biome-ignore format: a table
  const cases: [name: string, catalogue: Record<string, string[]>, wanted: string[], answer: string][] = [
    ['nothing', { a: [] }, [], ''],
    ['no requirement', { a: [], b: [] }, ['b', 'a'], 'b a'],
    ['the required one first', { a: ['b'], b: [] }, ['a'], 'b<a a'],
    ['a chain', { a: ['b'], b: ['c'], c: [] }, ['a'], 'c<b b<a a'],
    ['shared by two: once, for the first', { a: ['c'], b: ['c'], c: [] }, ['a', 'b'], 'c<a a b'],
    ['a diamond', { a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }, ['a'], 'd<b b<a c<a a'],
    ['wanted itself, and required', { a: ['b'], b: [] }, ['a', 'b'], 'b a'],
    ['wanted twice', { a: [] }, ['a', 'a'], 'a'],
    ['itself', { a: ['a'] }, ['a'], 'REQUIREMENTS_CIRCULAR a>a'],
    ['a circle further down', { a: ['b'], b: ['c'], c: ['b'] }, ['a'], 'REQUIREMENTS_CIRCULAR b>c>b'],
    ['a circle elsewhere does not matter', { a: [], b: ['c'], c: ['b'] }, ['a'], 'a'],
    ['missing', { a: ['b'], b: ['zz'] }, ['a'], 'REQUIREMENT_MISSING a>b>zz'],
    ['an unknown wish', { a: [] }, ['a', 'q'], 'REQUIREMENT_MISSING app_q'],
  ];
  test.each(cases)('%s', (_name, requires, wanted, answer) => {
    expect(
      shown(
        expandRequirements(
          catalogue(requires),
          wanted.map((slug) => `app_${slug}`),
        ),
      ),
    ).toBe(answer);
  });

  test('whatever the catalogue: everything required is there before, once, or the fault is real', () => {
    const slugs = ['a', 'b', 'c', 'd', 'e', 'f'];
    fc.assert(
      fc.property(
        fc.array(fc.subarray([...slugs, 'missing']), { minLength: 6, maxLength: 6 }),
        fc.subarray(slugs, { minLength: 1 }),
        (requires, wanted) => {
          const all = catalogue(
            Object.fromEntries(slugs.map((slug, index) => [slug, requires[index] ?? []])),
          );
          const needs = new Map(all.map((one) => [one.slug, one.requires]));
          const answer = expandRequirements(
            all,
            wanted.map((slug) => `app_${slug}`),
          );
          if ('refused' in answer) {
            const [first = '', last = ''] = [answer.path[0], answer.path.at(-1)];
            for (let at = 1; at < answer.path.length; at += 1)
              expect(needs.get(answer.path[at - 1] ?? '')).toContain(answer.path[at]);
            if (answer.refused === 'REQUIREMENTS_CIRCULAR') expect(first).toBe(last);
            else expect(needs.has(last)).toBe(false);
            return;
          }
          const order = answer.order.map(({ id }) => id.slice(4));
          expect(new Set(order).size).toBe(order.length);
          for (const slug of wanted) expect(order).toContain(slug);
          order.forEach((slug, index) => {
            for (const needed of needs.get(slug) ?? [])
              expect(order.slice(0, index)).toContain(needed);
          });
        },
      ),
    );
  });

  test('two thousand in one chain', () => {
    const long = Array.from({ length: 2000 }, (_, index) => ({
      id: `app_${index}`,
      slug: `s${index}`,
      requires: index === 1999 ? [] : [`s${index + 1}`],
    }));
    const answer = expandRequirements(long, ['app_0']);
    expect('order' in answer && answer.order.length).toBe(2000);
  });
});

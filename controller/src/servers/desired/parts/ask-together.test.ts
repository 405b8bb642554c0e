import type { DesiredApplication } from '@preau/contract/desired-state.ts';
import { expect, test } from 'vitest';
import { askTogether } from './ask-together.ts';

const asked = (slug: string, version = '1'): DesiredApplication => ({
  applicationId: `app ${slug}`,
  versionId: `ver ${slug} ${version}`,
  slug,
  category: 'tools',
  labels: [],
  version,
  recipes: {},
  askedAt: 1,
});
const together = (...questions: [key: string, ...asked: DesiredApplication[]][]) => {
  const { asked: applications, questions: kept } = askTogether(
    questions.map(([key, ...list]) => ({ key, asked: list })),
  );
  return [applications.map(({ versionId }) => versionId.slice(4)), kept.map(({ key }) => key)];
};

test('applications and questions once each', () => {
  expect(
    together(['k', asked('x'), asked('y')], ['l', asked('x')], ['k', asked('x'), asked('y')]),
  ).toEqual([
    ['x 1', 'y 1'],
    ['k', 'l'],
  ]);
});
test('another version of the same application waits until the first is answered', () => {
  expect(
    together(['k', asked('x')], ['l', asked('x', '2'), asked('y')], ['m', asked('z')]),
  ).toEqual([
    ['x 1', 'z 1'],
    ['k', 'm'],
  ]);
});
test('no more than a state can hold', () => {
  const many = Array.from({ length: 30 }, (_, n): [string, DesiredApplication] => [
    `k${n}`,
    asked(`a${n}`),
  ]);
  expect(together(...many)[1]).toHaveLength(20);
  const wide = Array.from({ length: 300 }, (_, n) => asked(`w${n}`));
  const wider = Array.from({ length: 300 }, (_, n) => asked(`v${n}`));
  expect(together(['k', ...wide], ['l', ...wider])[1]).toEqual(['k']);
});

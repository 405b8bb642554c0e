import type { DesiredState } from '@preau/contract/desired-state.ts';
import { expect, test } from 'vitest';
import { forEarlierAgent } from './for-agent.ts';

const recipes = (firstFiles: object) =>
  ({
    linux: {
      kind: 'apt',
      packages: ['gimp'],
      detect: { kind: 'package', package: 'gimp' },
      launch: { command: ['gimp'], ...firstFiles },
    },
  }) as const;
const gimp = { slug: 'gimp', recipes: recipes({ firstFiles: [{ path: '.a', text: 'b' }] }) };
const plain = { slug: 'gimp', recipes: recipes({}) };

test('an agent of version 0.1.0 gets no member that it would refuse', () => {
  const state = {
    applications: [gimp],
    removals: [gimp, plain],
    sessions: [{ sessionId: 'ses_1', uid: 800_001 }],
    orders: [{ orderId: 'ord_1', applications: [gimp] }],
    restart: { bootId: 'b', at: 1 },
    transfers: [],
  } as unknown as DesiredState;
  expect(forEarlierAgent(state)).toEqual({
    applications: [plain],
    removals: [plain, plain],
    sessions: [{ sessionId: 'ses_1' }],
    orders: [{ orderId: 'ord_1', applications: [plain] }],
    transfers: [],
  });
});

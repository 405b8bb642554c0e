import { expect, test } from 'vitest';
import { awaitsApprovalBy } from './rollout-states.ts';

const mine = { state: 'awaiting_approval', createdById: 'acc_one', createdByName: 'Marie Leroy' };

test('a rollout awaits the approval of a second technician, also of one with the same name', () => {
  expect(awaitsApprovalBy({ ...mine, state: 'awaiting_approval' }, 'acc_one')).toBe(false);
  // Another Marie Leroy: names do not tell people apart.
  expect(awaitsApprovalBy({ ...mine, state: 'awaiting_approval' }, 'acc_two')).toBe(true);
  expect(awaitsApprovalBy({ ...mine, state: 'running' }, 'acc_two')).toBe(false);
});

/** What an agent must know of one order after it died: on disk before each step is taken. Only
 * orders have a journal; applications.ts looks again instead. */

import { ApplicationId } from '@preau/contract/application.ts';
import { cancelKinds, Order, ReportedOrder } from '@preau/contract/order.ts';
import { Nullable, OneOf, Strict } from '@preau/contract/schema.ts';
import { type Static, Type } from 'typebox';

/** What runs for the order now. `looking`: detection, before anything is changed; `verifying`:
 * detection afterwards. `attaching`: waits for an installer that a dead agent began. `undoing`:
 * takes away what the order brought. */
export const doings = [
  'looking',
  'staging',
  'applying',
  'attaching',
  'verifying',
  'undoing',
] as const;
const Count = Type.Integer({ minimum: 0 });

export const OrderJournal = Strict({
  /** What is to be done; null when there is nothing left to do: the order ended, or was dropped
   * before it began. */
  order: Nullable(Order),
  /** As told to the controller; its `seq` is the last one used. */
  report: ReportedOrder,
  doing: Nullable(OneOf(doings)),
  /** Counts what was begun: an answer to something older is not heard. */
  run: Count,
  fetched: Strict({ done: Count, total: Nullable(Count), wan: Count }),
  /** When progress was last told. */
  progressAt: Count,
  /** What was fetched for. */
  staged: Type.Array(ApplicationId),
  /** What the installer was given; and which of these were there, in whatever version, before. */
  bringing: Type.Array(ApplicationId),
  before: Type.Array(ApplicationId),
  cancel: Nullable(OneOf(cancelKinds)),
  /** Taking away what was brought has begun: it is not begun twice. */
  undone: Type.Boolean(),
  /** Times the agent died while it worked on this order. */
  crashes: Count,
  recovering: Type.Boolean(),
  /** The agent was stopped on purpose: no crash. */
  stopped: Type.Boolean(),
  dropped: Type.Boolean(),
  endedAt: Nullable(Count),
});
export type OrderJournal = Static<typeof OrderJournal>;

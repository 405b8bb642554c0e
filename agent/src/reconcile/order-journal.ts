/** What an agent must know about one order after a crash: on disk before each step is taken. Only
 * orders have a journal; applications.ts detects again instead. */

import { ApplicationId } from '@preau/contract/application.ts';
import { cancelKinds, Order, ReportedOrder } from '@preau/contract/order.ts';
import { Nullable, OneOf, Strict } from '@preau/contract/schema.ts';
import { type Static, Type } from 'typebox';

/** What runs for the order now. `looking`: detection, before anything is changed; `verifying`:
 * detection afterwards. `attaching`: waits for an installer that an agent started before it died.
 * `undoing`: removes what the order installed. */
const doings = ['looking', 'staging', 'applying', 'attaching', 'verifying', 'undoing'] as const;
const Count = Type.Integer({ minimum: 0 });

export const OrderJournal = Strict({
  /** What is to be done; null when there is nothing left to do: the order ended, or was dropped
   * before it began. */
  order: Nullable(Order),
  /** As reported to the controller; its `seq` is the last one used. */
  report: ReportedOrder,
  doing: Nullable(OneOf(doings)),
  /** Number of the effect started last; answers to earlier ones are ignored. */
  run: Count,
  fetched: Strict({ done: Count, total: Nullable(Count), wan: Count }),
  /** When progress was last reported. */
  progressAt: Count,
  /** Applications whose files were fetched. */
  staged: Type.Array(ApplicationId),
  /** `bringing`: what the installer was given. `before`: those of it that were installed before, in
   * any version. */
  bringing: Type.Array(ApplicationId),
  before: Type.Array(ApplicationId),
  cancel: Nullable(OneOf(cancelKinds)),
  /** Removal of what was installed has started; it is not started twice. */
  undone: Type.Boolean(),
  /** Times the agent died while it worked on this order. */
  crashes: Count,
  recovering: Type.Boolean(),
  /** It recovers from a restart of the whole machine. Absent in journals of earlier versions. */
  rebooted: Type.Optional(Type.Boolean()),
  /** The agent was stopped on purpose: no crash. */
  stopped: Type.Boolean(),
  dropped: Type.Boolean(),
  endedAt: Nullable(Count),
});
export type OrderJournal = Static<typeof OrderJournal>;

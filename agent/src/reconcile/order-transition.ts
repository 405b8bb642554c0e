/** The order state machine's vocabulary: events, effects, and the few ways in which a journal
 * changes. Pure. */

import type { ErrorCode } from '@preau/contract/errors.ts';
import type {
  Order,
  OrderedApplication,
  ReportedItem,
  ReportedOrder,
} from '@preau/contract/order.ts';
import { factsOf } from '@preau/contract/recipe-kinds.ts';

import type { Applied } from '#src/drivers/driver.ts';
import type { OrderJournal } from './order-journal.ts';
import type { Found } from './wanted.ts';

export type Effect =
  | { kind: 'save' }
  /** `before`: a recipe that differs from the one installed last counts as not installed. `after`:
   * only the detection rule counts. */
  | { kind: 'detect'; run: number; purpose: 'before' | 'after'; applications: OrderedApplication[] }
  | {
      kind: 'stage';
      run: number;
      applications: OrderedApplication[];
      kibibytesPerSecond: number | null;
    }
  | { kind: 'apply'; run: number; applications: OrderedApplication[]; timeoutMs: number }
  /** Wait until the installer of an agent that died has ended; answers at once when there is
   * none. */
  | { kind: 'attach'; run: number }
  /** Abort the running download or installer. Its answer still comes. */
  | { kind: 'abort' }
  /** Record these recipes as installed (or removed, where `want` is `absent`). */
  | { kind: 'remember'; applications: OrderedApplication[] }
  | { kind: 'discard' };

export interface OrderFacts {
  /** No other package work is in progress. */
  free: boolean;
  /** The city has answered since the agent started, so the time is the city's. */
  knowsTime: boolean;
  refuses: (application: OrderedApplication) => ErrorCode | null;
}

interface Failure {
  code: ErrorCode;
  message: string;
}
export type OrderEvent =
  /** The order is in the desired state; sent at every pass. `lost`: there was a journal, and it
   * cannot be read. */
  | ({ kind: 'wanted'; order: Order; lost?: boolean } & OrderFacts)
  | { kind: 'unwanted' }
  /** The agent has started and found this journal on disk. `rebooted`: the whole machine has
   * restarted meanwhile. */
  | { kind: 'restarted'; rebooted?: boolean }
  | { kind: 'stopping' }
  | { kind: 'looked'; run: number; found: Readonly<Record<string, Found>> }
  | ({ kind: 'look_failed'; run: number } & Failure)
  | { kind: 'progress'; run: number; done: number; total: number | null; wan: number }
  | { kind: 'staged'; run: number }
  /** `slug`: the application at fault; empty when it is not one application's. */
  | ({ kind: 'stage_failed'; run: number; slug: string } & Failure)
  | { kind: 'item'; run: number; applicationId: string; state: 'installing' | 'failed' }
  | { kind: 'applied'; run: number; results: readonly Applied[]; log: string }
  | ({ kind: 'apply_failed'; run: number; log: string } & Failure)
  | { kind: 'installer_gone'; run: number; log: string };

export interface Transition {
  journal: OrderJournal;
  effects: Effect[];
}

export const hasEnded = (journal: OrderJournal): boolean => journal.endedAt !== null;
/** The server may have changed: from here on the order runs to its end, wanted or not. */
export const hasBegun = ({ doing }: OrderJournal): boolean =>
  doing === 'applying' || doing === 'attaching' || doing === 'verifying' || doing === 'undoing';

/** The agent that installs this recipe is replaced by it, and does not see the result. */
export const replacesAgent = ({ recipes: { linux } }: OrderedApplication): boolean =>
  linux !== undefined && factsOf(linux)?.replacesAgent === true;

/** How long an installer may run. */
export const installWithinMs = { least: 10 * 60_000, most: 120 * 60_000 };

/** Changes what is reported to the controller, and raises `seq`. */
export const tell = (
  journal: OrderJournal,
  change: Partial<ReportedOrder>,
  more: Partial<OrderJournal> = {},
): OrderJournal => {
  const next = { ...journal, ...more };
  const { done, total, wan } = next.fetched;
  return {
    ...next,
    report: {
      ...journal.report,
      bytesDone: done,
      bytesTotal: total,
      wanBytes: wan,
      ...change,
      message: (change.message ?? journal.report.message).slice(0, 2000),
      seq: journal.report.seq + 1,
    },
  };
};
export const told = (
  journal: OrderJournal,
  change: Partial<ReportedOrder>,
  more: Partial<OrderJournal> = {},
): Transition => ({ journal: tell(journal, change, more), effects: [{ kind: 'save' }] });
export const items = (
  journal: OrderJournal,
  change: (item: ReportedItem) => Partial<ReportedItem>,
): ReportedItem[] => journal.report.items.map((item) => ({ ...item, ...change(item) }));

/** Starts an effect; the journal is saved first. */
export const begin = (
  journal: OrderJournal,
  doing: NonNullable<OrderJournal['doing']>,
  effect: (run: number) => Effect,
): Transition => {
  const run = journal.run + 1;
  return { journal: { ...journal, doing, run }, effects: [{ kind: 'save' }, effect(run)] };
};

export const end = (
  journal: OrderJournal,
  change: Partial<ReportedOrder> & Pick<ReportedOrder, 'state'>,
  now: number,
  first: Effect[] = [],
): Transition => ({
  journal: tell(journal, change, { order: null, doing: null, endedAt: now }),
  effects: [
    ...first,
    { kind: 'save' },
    ...(journal.doing === 'looking' || journal.doing === 'staging'
      ? [{ kind: 'abort' } as const]
      : []),
    { kind: 'discard' },
  ],
});

/** Whether installing may begin now. False too when it would not finish within the window: the
 * controller then finds another one. */
export const isTime = (order: Order, now: number): boolean =>
  order.phase === 'install' &&
  (order.installFrom === null || order.installFrom <= now) &&
  (order.installUntil === null || now + order.expectedMs <= order.installUntil);

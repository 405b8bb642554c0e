/** All orders of one server: which may run now, what is reported, what is forgotten. Pure, like
 * orders.ts. */
import type { Order, ReportedOrder } from '@preau/contract/order.ts';
import type { OrderJournal } from './order-journal.ts';
import { hasBegun, hasEnded, type OrderFacts, type Transition } from './order-transition.ts';
import { step } from './orders.ts';

export type OrderBook = ReadonlyMap<string, OrderJournal>;
/** Number of finished orders kept: one that comes again gets its stored result and does not run
 * twice. */
export const keptOrders = 100;

/** One order runs at a time, and none during other package work; the others wait for their turn, in
 * the order given. `lost`: orders whose journals cannot be read. */
export function pass(
  book: OrderBook,
  orders: readonly Order[],
  lost: ReadonlySet<string>,
  facts: OrderFacts,
  now: number,
): Transition[] {
  const steps: Transition[] = [];
  const wanted = new Set(orders.map(({ orderId }) => orderId));
  for (const [orderId, journal] of book) {
    const next = wanted.has(orderId) ? null : step(journal, { kind: 'unwanted' }, now);
    if (next !== null) steps.push(next);
  }
  const known = (orderId: string) =>
    steps.find(({ journal }) => journal.report.orderId === orderId)?.journal ??
    book.get(orderId) ??
    null;
  let free =
    facts.free && ![...book.keys()].some((orderId) => (known(orderId)?.doing ?? null) !== null);
  for (const order of orders) {
    const journal = book.get(order.orderId) ?? null;
    // The number of its first report is the time: by a wrong clock it could be lower than those
    // that the controller already has.
    if (journal === null && !facts.knowsTime) continue;
    const next = step(
      journal,
      { kind: 'wanted', order, lost: lost.has(order.orderId), ...facts, free },
      now,
    );
    if (next === null) continue;
    steps.push(next);
    if (next.journal.doing !== null) free = false;
  }
  return steps;
}

/** Reports of all orders that are wanted or in progress: the current state, or the stored result.
 * `untold`: ended, and not yet reported. */
export function tellOrders(
  book: OrderBook,
  orders: readonly Order[],
  untold: ReadonlySet<string>,
): ReportedOrder[] {
  const wanted = new Set(orders.map(({ orderId }) => orderId));
  return [...book]
    .filter(
      ([orderId, journal]) =>
        !journal.dropped && (wanted.has(orderId) || hasBegun(journal) || untold.has(orderId)),
    )
    .map(([, { report }]) => report)
    .slice(-40);
}

/** Applications held by an order: it is changing them, or has changed them and is still wanted.
 * Other requests for them wait, or the two would undo each other. */
export function heldApplications(book: OrderBook, orders: readonly Order[]): Set<string> {
  const wanted = new Set(orders.map(({ orderId }) => orderId));
  const busy = [...book].filter(
    ([orderId, journal]) =>
      hasBegun(journal) ||
      (hasEnded(journal) && wanted.has(orderId) && journal.bringing.length > 0),
  );
  return new Set(
    busy.flatMap(([, { report }]) => report.items.map(({ applicationId }) => applicationId)),
  );
}

/** Finished orders that are no longer wanted, except the newest `keptOrders`. */
export function forgettable(book: OrderBook, orders: readonly Order[]): string[] {
  const wanted = new Set(orders.map(({ orderId }) => orderId));
  const over = [...book].filter(
    ([orderId, journal]) => (hasEnded(journal) || journal.dropped) && !wanted.has(orderId),
  );
  return over
    .sort(([, one], [, other]) => (other.endedAt ?? 0) - (one.endedAt ?? 0))
    .slice(keptOrders)
    .map(([orderId]) => orderId);
}

/** An order until it starts, and again after a crash: accepted or refused, waiting for its turn and
 * its window. Pure. */

import type { CancelKind, Order } from '@preau/contract/order.ts';
import type { OrderJournal } from './order-journal.ts';
import {
  begin,
  end,
  hasBegun,
  isTime,
  items,
  type OrderEvent,
  type OrderFacts,
  replacesAgent,
  type Transition,
  tell,
  told,
} from './order-transition.ts';

const crashesToPoison = 2;
const severity: Record<CancelKind, number> = { finish: 0, remove: 1, kill: 2 };

/** An order that is new here, or wanted again. */
export function arrive(
  past: OrderJournal | null,
  event: Extract<OrderEvent, { kind: 'wanted' }>,
  now: number,
): Transition {
  const { order } = event;
  const journal = freshJournal(past, order, now);
  // Its progress is unknown: treated as if the agent had died while installing.
  if (event.lost === true)
    return begin(
      tell(
        journal,
        { state: 'verifying' },
        {
          recovering: true,
          bringing: order.applications.map(({ applicationId }) => applicationId),
        },
      ),
      'attaching',
      (run) => ({ kind: 'attach', run }),
    );
  if (order.cancel !== null) return end(journal, { state: 'cancelled' }, now);
  const refusal = refusalOf(journal, order, event);
  if (refusal !== null) return end(journal, refusal, now);
  const accepted = told(journal, {});
  const next = goOn(accepted.journal, event, now);
  return next.effects.length > 0 ? next : { ...next, effects: accepted.effects };
}

/** An order that is still wanted: it is cancelled, goes on waiting, or starts. */
export function goOn(
  journal: OrderJournal,
  event: Extract<OrderEvent, { kind: 'wanted' }>,
  now: number,
): Transition {
  const { order } = event;
  if (order.cancel !== null) {
    if (!hasBegun(journal)) return end(journal, { state: 'cancelled' }, now);
    if (journal.cancel !== null && severity[journal.cancel] >= severity[order.cancel])
      return { journal, effects: [] };
    const late = told(journal, { tooLate: true }, { cancel: order.cancel });
    return order.cancel === 'kill' && (journal.doing === 'applying' || journal.doing === 'undoing')
      ? { ...late, effects: [...late.effects, { kind: 'abort' }] }
      : late;
  }
  if (journal.doing !== null || !event.free) return { journal, effects: [] };
  if (journal.report.state === 'staged' && !isTime(order, now)) return { journal, effects: [] };
  const { applications } = journal.order ?? order;
  return begin(journal, 'looking', (run) => ({
    kind: 'detect',
    run,
    purpose: 'before',
    applications,
  }));
}

function freshJournal(past: OrderJournal | null, order: Order, now: number): OrderJournal {
  return {
    order,
    doing: null,
    run: past?.run ?? 0,
    fetched: { done: 0, total: null, wan: 0 },
    progressAt: 0,
    staged: [],
    bringing: [],
    before: [],
    cancel: null,
    undone: false,
    crashes: past?.crashes ?? 0,
    recovering: false,
    stopped: false,
    dropped: false,
    endedAt: null,
    report: {
      // `seq` starts at the current time: higher than any that a lost journal had reached.
      orderId: order.orderId,
      attempt: order.attempt,
      seq: past?.report.seq ?? now,
      state: 'accepted',
      recovered: false,
      tooLate: false,
      code: null,
      message: '',
      bytesDone: 0,
      bytesTotal: null,
      wanBytes: 0,
      log: '',
      items: order.applications.map(({ applicationId }) => ({
        applicationId,
        state: 'waiting',
        version: null,
        code: null,
        message: '',
        ms: null,
        bytes: null,
      })),
    },
  };
}

/** The rejection to report when this server cannot carry out the whole order; null: it can. */
function refusalOf(journal: OrderJournal, order: Order, { refuses }: OrderFacts) {
  const refused = order.applications.flatMap((application) => {
    const code = refuses(application);
    return code === null ? [] : [{ application, code }];
  });
  const [first] = refused;
  if (first === undefined) return null;
  const codes = new Map(refused.map(({ application, code }) => [application.applicationId, code]));
  const why = items(journal, ({ applicationId }) => {
    const code = codes.get(applicationId);
    return code === undefined
      ? {}
      : { state: code === 'NOT_APPLICABLE' ? 'not_applicable' : 'failed', code };
  });
  return {
    state: 'rejected',
    code: first.code,
    message: first.application.slug,
    items: why,
  } as const;
}

/** After a restart. Before installing begins, every step may be repeated; afterwards only detection
 * shows the result. */
export function restart(
  journal: OrderJournal,
  order: Order,
  now: number,
  rebooted: boolean,
): Transition | null {
  if (journal.doing === null) return null;
  // An agent that installs its own next version ends during the installation: no crash. Neither is
  // a power cut.
  const expected =
    journal.stopped ||
    rebooted ||
    (journal.doing === 'applying' && bringsAgent(order, journal.bringing));
  const counted = { ...journal, crashes: journal.crashes + (expected ? 0 : 1), stopped: false };
  if (counted.crashes >= crashesToPoison)
    return end(
      { ...counted, doing: null },
      {
        state: 'rejected',
        code: 'ORDER_POISONED',
        message: `the agent died ${counted.crashes} times while ${journal.doing}`,
      },
      now,
    );
  if (!hasBegun(journal))
    return { journal: { ...counted, doing: null }, effects: [{ kind: 'save' }] };
  return begin({ ...counted, recovering: true, rebooted }, 'attaching', (run) => ({
    kind: 'attach',
    run,
  }));
}

const bringsAgent = (order: Order, bringing: readonly string[]): boolean =>
  order.applications.some(
    (application) => replacesAgent(application) && bringing.includes(application.applicationId),
  );

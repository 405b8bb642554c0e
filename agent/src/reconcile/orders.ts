/** State machine of one rollout order, from its arrival to its end: an event in, the next journal
 * and the effects out. `order-arrival.ts` decides until the order starts, `order-answers.ts` while
 * it is in progress, `order-verdict.ts` how it ends. `../orders.ts` carries the effects out;
 * `plan.ts` decides what is wanted without a rollout. Pure, with no clock of its own, so that a
 * simulation can crash it between any two effects.
 *
 * The caller keeps two promises. *The journal*: effects are carried out one after the other, and
 * `save` has reached the disk before the next one starts or a report mentions it. *The order id*:
 * `step` gets the journal stored for that order id, even an ended one; null starts a new one. Each
 * promise can be broken on purpose to see that it is needed. */
import { AppError } from '@preau/contract/errors.ts';
import { answered } from './order-answers.ts';
import { arrive, goOn, restart } from './order-arrival.ts';
import type { OrderJournal } from './order-journal.ts';
import { hasBegun, hasEnded, type OrderEvent, type Transition } from './order-transition.ts';

export function step(
  journal: OrderJournal | null,
  event: OrderEvent,
  now: number,
): Transition | null {
  if (journal === null) return event.kind === 'wanted' ? arrive(null, event, now) : null;
  if (hasEnded(journal)) return null;
  if (journal.dropped) return event.kind === 'wanted' ? arrive(journal, event, now) : null;
  const { order } = journal;
  if (order === null)
    throw new AppError('INTERNAL', {
      why: `order ${journal.report.orderId} has not ended and has nothing to do`,
    });
  switch (event.kind) {
    case 'wanted':
      return goOn(
        { ...journal, order: { ...event.order, applications: order.applications } },
        event,
        now,
      );
    case 'unwanted':
      return hasBegun(journal)
        ? null
        : {
            journal: { ...journal, order: null, doing: null, dropped: true },
            effects: [
              { kind: 'save' },
              ...(journal.doing === null ? [] : [{ kind: 'abort' } as const]),
              { kind: 'discard' },
            ],
          };
    case 'restarted':
      return restart(journal, order, now, event.rebooted === true);
    case 'stopping':
      if (journal.doing === null) return null;
      return hasBegun(journal)
        ? { journal: { ...journal, stopped: true }, effects: [{ kind: 'save' }] }
        : { journal: { ...journal, doing: null }, effects: [{ kind: 'save' }, { kind: 'abort' }] };
    default:
      return journal.run === event.run ? answered(journal, order, event, now) : null;
  }
}

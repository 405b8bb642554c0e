/** An order in progress: each answer to a started effect leads to the next step. Pure. */

import type { Order, ReportedItem } from '@preau/contract/order.ts';
import type { OrderJournal } from './order-journal.ts';
import {
  begin,
  end,
  installWithinMs,
  isTime,
  items,
  type OrderEvent,
  replacesAgent,
  type Transition,
  tell,
  told,
} from './order-transition.ts';
import { conclude, takenBack } from './order-verdict.ts';
import { type Found, versionFound } from './wanted.ts';

const tellProgressEveryMs = 2000;

type Answer = Extract<OrderEvent, { run: number }>;
type AnswerOf<K extends Answer['kind']> = Extract<Answer, { kind: K }>;

/** Null: the answer is to something that is no longer in progress. */
export function answered(
  journal: OrderJournal,
  order: Order,
  event: Answer,
  now: number,
): Transition | null {
  const { doing } = journal;
  switch (event.kind) {
    case 'looked':
      if (doing === 'looking') return looked(journal, order, event.found, now);
      return doing === 'verifying' ? conclude(journal, order, event.found, now) : null;
    case 'look_failed':
      return doing === 'looking' || doing === 'verifying' ? lookFailed(journal, event, now) : null;
    case 'progress':
      return doing === 'staging' ? fetched(journal, event, now) : null;
    case 'staged':
      return doing === 'staging' ? staged(journal) : null;
    case 'stage_failed':
      return doing === 'staging' ? stageFailed(journal, order, event, now) : null;
    case 'item':
      return doing === 'applying' ? itemProgressed(journal, event) : null;
    case 'applied':
    case 'apply_failed':
      return doing === 'applying' || doing === 'undoing' ? applied(journal, order, event) : null;
    case 'installer_gone':
      return doing === 'attaching'
        ? verify(tell(journal, { state: 'verifying', log: event.log.slice(-8000) }), order)
        : null;
  }
}

// ---- looking --------------------------------------------------------------------------------

function lookFailed(
  journal: OrderJournal,
  { code, message }: AnswerOf<'look_failed'>,
  now: number,
): Transition {
  if (journal.doing === 'looking')
    return end({ ...journal, doing: null }, { state: 'failed', code, message }, now);
  return end(journal, { state: takenBack(journal) ? 'cancelled' : 'failed', code, message }, now);
}

/** Detection before anything is changed: there is nothing to do, something to fetch, or all is
 * ready to be installed. */
function looked(
  journal: OrderJournal,
  order: Order,
  found: Readonly<Record<string, Found>>,
  now: number,
): Transition {
  const work = order.applications.filter(
    ({ applicationId }) => found[applicationId]?.asWanted !== true,
  );
  const toDo = new Set(work.map(({ applicationId }) => applicationId));
  const wantsAway = new Set(
    order.applications
      .filter(({ want }) => want === 'absent')
      .map(({ applicationId }) => applicationId),
  );
  const seen = (state: ReportedItem['state']) =>
    items(journal, ({ applicationId }) => ({
      state: toDo.has(applicationId)
        ? state
        : wantsAway.has(applicationId)
          ? 'removed'
          : 'already_installed',
      version: versionFound(found[applicationId]),
    }));
  const idle = { ...journal, doing: null };
  if (work.length === 0)
    return end(idle, { state: 'already_installed', items: seen('waiting') }, now, [
      { kind: 'remember', applications: order.applications },
    ]);
  if (
    work.some(({ applicationId }) => !journal.staged.includes(applicationId)) ||
    journal.report.state !== 'staged'
  ) {
    return begin(
      tell(
        idle,
        { state: 'downloading', items: seen('downloading') },
        { staged: [...toDo], progressAt: now },
      ),
      'staging',
      (run) => ({
        kind: 'stage',
        run,
        applications: work,
        kibibytesPerSecond: order.kibibytesPerSecond,
      }),
    );
  }
  // The window may have closed, or the order may have been held, while the answer was under way.
  if (!isTime(order, now)) return { journal: idle, effects: [{ kind: 'save' }] };
  const before = work
    .filter(({ applicationId }) => versionFound(found[applicationId]) !== null)
    .map(({ applicationId }) => applicationId);
  const installing = tell(
    idle,
    { state: 'installing', items: seen('staged') },
    { bringing: [...toDo], before },
  );
  const timeoutMs = Math.min(
    Math.max(order.deadlineAt - now, 2 * order.expectedMs, installWithinMs.least),
    installWithinMs.most,
  );
  // The agent itself comes last: installing it ends this agent, so nothing after it would be done.
  return begin(installing, 'applying', (run) => ({
    kind: 'apply',
    run,
    applications: [
      ...work.filter((application) => !replacesAgent(application)),
      ...work.filter(replacesAgent),
    ],
    timeoutMs,
  }));
}

// ---- fetching -------------------------------------------------------------------------------

function fetched(
  journal: OrderJournal,
  { done, total, wan }: AnswerOf<'progress'>,
  now: number,
): Transition {
  const fetched = {
    done: Math.floor(done),
    total: total === null ? null : Math.ceil(total),
    wan: Math.floor(wan),
  };
  return now - journal.progressAt < tellProgressEveryMs
    ? { journal: { ...journal, fetched }, effects: [] }
    : told(journal, {}, { fetched, progressAt: now });
}

const staged = (journal: OrderJournal): Transition =>
  told(
    journal,
    {
      state: 'staged',
      items: items(journal, ({ applicationId }) =>
        journal.staged.includes(applicationId) ? { state: 'staged' } : {},
      ),
    },
    { doing: null },
  );

function stageFailed(
  journal: OrderJournal,
  order: Order,
  { code, message, slug }: AnswerOf<'stage_failed'>,
  now: number,
): Transition {
  const guilty = order.applications.find((each) => each.slug === slug)?.applicationId;
  const left = items(journal, ({ applicationId }) => {
    if (applicationId === guilty) return { state: 'failed', code, message: message.slice(0, 2000) };
    return journal.staged.includes(applicationId) ? { state: 'waiting' } : {};
  });
  return end({ ...journal, doing: null }, { state: 'failed', code, message, items: left }, now);
}

// ---- installing -----------------------------------------------------------------------------

const itemProgressed = (journal: OrderJournal, event: AnswerOf<'item'>): Transition =>
  told(journal, {
    items: items(journal, ({ applicationId }) =>
      applicationId === event.applicationId ? { state: event.state } : {},
    ),
  });

function applied(
  journal: OrderJournal,
  order: Order,
  event: AnswerOf<'applied' | 'apply_failed'>,
): Transition {
  const results =
    event.kind === 'applied'
      ? event.results
      : journal.bringing.map((applicationId) => ({
          applicationId,
          code: event.code,
          message: event.message,
          ms: 0,
        }));
  const noted = items(journal, ({ applicationId }): Partial<ReportedItem> => {
    const result = results.find((each) => each.applicationId === applicationId);
    return result === undefined
      ? {}
      : { code: result.code, message: result.message.slice(0, 2000), ms: Math.round(result.ms) };
  });
  return verify(
    tell(journal, { state: 'verifying', items: noted, log: event.log.slice(-8000) }),
    order,
  );
}

/** After a crash it is unknown whether an older version was replaced. `before` therefore also
 * compares recipes: where another recipe was installed last, the application does not count as
 * installed. */
const verify = (journal: OrderJournal, order: Order): Transition =>
  begin(journal, 'verifying', (run) => ({
    kind: 'detect',
    run,
    purpose: journal.recovering ? 'before' : 'after',
    applications: order.applications,
  }));

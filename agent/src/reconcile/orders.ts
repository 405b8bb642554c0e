/** One order from its arrival to its end: what happened in, the next journal and what to do out.
 * Pure, with no clock of its own, so that a simulation can crash it between any two effects.
 *
 *  Whoever runs it keeps two promises. *The journal*: effects are carried out one after the other,
 * and `save` has reached the disk before the next begins or a report tells of it. *The order id*:
 * `step` is given the journal that order id has, ended ones included; from null it begins anew.
 * Each can be broken on purpose to see that it is needed. */
import { AppError, type ErrorCode } from '@preau/contract/errors.ts';
import type {
  CancelKind,
  Order,
  OrderedApplication,
  ReportedItem,
  ReportedOrder,
} from '@preau/contract/order.ts';
import { factsOf, isKept } from '@preau/contract/recipe-kinds.ts';
import type { Applied } from '#src/drivers/driver.ts';
import type { OrderJournal } from './order-journal.ts';
import type { Found } from './wanted.ts';

export type Effect =
  | { kind: 'save' }
  /** `before`: a recipe that differs from what was brought last counts as not there. `after`: the
   * rule alone. */
  | { kind: 'detect'; run: number; purpose: 'before' | 'after'; applications: OrderedApplication[] }
  | {
      kind: 'stage';
      run: number;
      applications: OrderedApplication[];
      kibibytesPerSecond: number | null;
    }
  | { kind: 'apply'; run: number; applications: OrderedApplication[]; timeoutMs: number }
  /** Wait until the installer that a dead agent began is gone; at once when there is none. */
  | { kind: 'attach'; run: number }
  /** Stop what runs: fetching, or the installer. Its answer still comes. */
  | { kind: 'abort' }
  /** These recipes are in force now (or what they brought is gone). */
  | { kind: 'remember'; applications: OrderedApplication[] }
  | { kind: 'discard' };

export interface OrderFacts {
  /** No other work on packages goes on. */
  free: boolean;
  /** This clock minus the controller's; null: not known. */
  skewMs: number | null;
  refuses: (application: OrderedApplication) => ErrorCode | null;
}

interface Failure {
  code: ErrorCode;
  message: string;
}
export type OrderEvent =
  /** The order is in the desired state: told at every pass. `lost`: there was a journal, and it
   * cannot be read. */
  | ({ kind: 'wanted'; order: Order; lost?: boolean } & OrderFacts)
  | { kind: 'unwanted' }
  /** The agent begins to run, with this journal on its disk. */
  | { kind: 'restarted' }
  | { kind: 'stopping' }
  | { kind: 'looked'; run: number; found: Readonly<Record<string, Found>> }
  | ({ kind: 'look_failed'; run: number } & Failure)
  | { kind: 'progress'; run: number; done: number; total: number | null; wan: number }
  | { kind: 'staged'; run: number }
  /** `slug`: whose fault it is, when it is one's. */
  | ({ kind: 'stage_failed'; run: number; slug: string } & Failure)
  | { kind: 'item'; run: number; applicationId: string; state: 'installing' | 'failed' }
  | { kind: 'applied'; run: number; results: readonly Applied[]; log: string }
  | ({ kind: 'apply_failed'; run: number; log: string } & Failure)
  | { kind: 'installer_gone'; run: number; log: string };

export interface Transition {
  journal: OrderJournal;
  effects: Effect[];
}

export const maxSkewMs = 60_000;
export const tellProgressEveryMs = 2000;
const crashesToPoison = 2;
const installWithinMs = { least: 10 * 60_000, most: 120 * 60_000 };
const severity: Record<CancelKind, number> = { finish: 0, remove: 1, kill: 2 };

export const hasEnded = (journal: OrderJournal): boolean => journal.endedAt !== null;
/** The server may have changed: from here on the order is carried to an end, wanted or not. */
export const hasBegun = ({ doing }: OrderJournal): boolean =>
  doing === 'applying' || doing === 'attaching' || doing === 'verifying' || doing === 'undoing';

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
      return restart(journal, order, now);
    case 'stopping':
      if (journal.doing === null) return null;
      return hasBegun(journal)
        ? { journal: { ...journal, stopped: true }, effects: [{ kind: 'save' }] }
        : { journal: { ...journal, doing: null }, effects: [{ kind: 'save' }, { kind: 'abort' }] };
    default:
      return journal.run === event.run ? answered(journal, order, event, now) : null;
  }
}

/** A change the controller shall hear of. */
const tell = (
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
const told = (
  journal: OrderJournal,
  change: Partial<ReportedOrder>,
  more: Partial<OrderJournal> = {},
): Transition => ({ journal: tell(journal, change, more), effects: [{ kind: 'save' }] });
const items = (
  journal: OrderJournal,
  change: (item: ReportedItem) => Partial<ReportedItem>,
): ReportedItem[] => journal.report.items.map((item) => ({ ...item, ...change(item) }));

/** Something is begun: the journal says so first. */
const begin = (
  journal: OrderJournal,
  doing: NonNullable<OrderJournal['doing']>,
  effect: (run: number) => Effect,
): Transition => {
  const run = journal.run + 1;
  return { journal: { ...journal, doing, run }, effects: [{ kind: 'save' }, effect(run)] };
};

const end = (
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

// ---- arriving and waiting -------------------------------------------------------------------------------------------

function arrive(
  past: OrderJournal | null,
  event: Extract<OrderEvent, { kind: 'wanted' }>,
  now: number,
): Transition {
  const { order } = event;
  const journal: OrderJournal = {
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
      // Higher than any number reached by a journal that was lost, alone or with its disk.
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
  // How far it was is not known: as if the agent had died in the midst of installing.
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
  const refused = order.applications
    .map((application) => ({ application, code: event.refuses(application) }))
    .filter(({ code }) => code !== null);
  const [first] = refused;
  if (first !== undefined) {
    const codes = new Map(
      refused.map(({ application, code }) => [application.applicationId, code]),
    );
    const why = items(journal, ({ applicationId }) => {
      const code = codes.get(applicationId) ?? null;
      return code === null
        ? {}
        : { state: code === 'NOT_APPLICABLE' ? 'not_applicable' : 'failed', code };
    });
    return end(
      journal,
      { state: 'rejected', code: first.code, message: first.application.slug, items: why },
      now,
    );
  }
  if (clockIsOff(order, event)) return end(journal, clockSkewed(event), now);
  const accepted = told(journal, {});
  const next = goOn(accepted.journal, event, now);
  return next.effects.length > 0 ? next : { ...next, effects: accepted.effects };
}

const clockIsOff = (order: Order, { skewMs }: OrderFacts): boolean =>
  (order.installFrom !== null || order.installUntil !== null) &&
  skewMs !== null &&
  Math.abs(skewMs) > maxSkewMs;
const clockSkewed = ({ skewMs }: OrderFacts) =>
  ({
    state: 'rejected',
    code: 'CLOCK_SKEWED',
    message: `this clock is ${Math.round((skewMs ?? 0) / 1000)} s off the controller’s`,
  }) as const;

/** May installing begin now? Not what would not be done in time: the controller finds another
 * window. */
const isTime = (order: Order, now: number): boolean =>
  order.phase === 'install' &&
  (order.installFrom === null || order.installFrom <= now) &&
  (order.installUntil === null || now + order.expectedMs <= order.installUntil);

function goOn(
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
  if (journal.report.state === 'staged') {
    if (!isTime(order, now)) return { journal, effects: [] };
    if (clockIsOff(order, event)) return end(journal, clockSkewed(event), now);
  }
  const { applications } = journal.order ?? order;
  return begin(journal, 'looking', (run) => ({
    kind: 'detect',
    run,
    purpose: 'before',
    applications,
  }));
}

/** Before installing begins everything may be repeated; afterwards only looking tells what became
 * of it. */
function restart(journal: OrderJournal, order: Order, now: number): Transition | null {
  if (journal.doing === null) return null;
  // An agent that brings its own next version ends in the midst of it: that once is no crash.
  const expected =
    journal.stopped || (journal.doing === 'applying' && bringsAgent(order, journal.bringing));
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
  return begin({ ...counted, recovering: true }, 'attaching', (run) => ({ kind: 'attach', run }));
}

const isAgent = ({ recipes: { linux } }: OrderedApplication): boolean =>
  linux !== undefined && factsOf(linux)?.replacesAgent === true;
const bringsAgent = (order: Order, bringing: readonly string[]): boolean =>
  order.applications.some(
    (application) => isAgent(application) && bringing.includes(application.applicationId),
  );

// ---- what was begun has answered --------------------------------------------------------------------------------------

function answered(
  journal: OrderJournal,
  order: Order,
  event: Extract<OrderEvent, { run: number }>,
  now: number,
): Transition | null {
  const { doing } = journal;
  switch (event.kind) {
    case 'looked':
      if (doing === 'looking') return looked(journal, order, event.found, now);
      return doing === 'verifying' ? conclude(journal, order, event.found, now) : null;
    case 'look_failed':
      if (doing === 'looking')
        return end(
          { ...journal, doing: null },
          { state: 'failed', code: event.code, message: event.message },
          now,
        );
      return doing === 'verifying'
        ? end(
            journal,
            {
              state: takenBack(journal) ? 'cancelled' : 'failed',
              code: event.code,
              message: event.message,
            },
            now,
          )
        : null;
    case 'progress': {
      if (doing !== 'staging') return null;
      const fetched = {
        done: Math.floor(event.done),
        total: event.total === null ? null : Math.ceil(event.total),
        wan: Math.floor(event.wan),
      };
      return now - journal.progressAt < tellProgressEveryMs
        ? { journal: { ...journal, fetched }, effects: [] }
        : told(journal, {}, { fetched, progressAt: now });
    }
    case 'staged': {
      if (doing !== 'staging') return null;
      return told(
        journal,
        {
          state: 'staged',
          items: items(journal, ({ applicationId }) =>
            journal.staged.includes(applicationId) ? { state: 'staged' } : {},
          ),
        },
        { doing: null },
      );
    }
    case 'stage_failed': {
      if (doing !== 'staging') return null;
      const { code, message } = event;
      const guilty = order.applications.find(({ slug }) => slug === event.slug)?.applicationId;
      const left = items(journal, ({ applicationId }) =>
        applicationId === guilty
          ? { state: 'failed', code, message: message.slice(0, 2000) }
          : journal.staged.includes(applicationId)
            ? { state: 'waiting' }
            : {},
      );
      return end({ ...journal, doing: null }, { state: 'failed', code, message, items: left }, now);
    }
    case 'item':
      return doing === 'applying'
        ? told(journal, {
            items: items(journal, ({ applicationId }) =>
              applicationId === event.applicationId ? { state: event.state } : {},
            ),
          })
        : null;
    case 'applied':
    case 'apply_failed': {
      if (doing !== 'applying' && doing !== 'undoing') return null;
      const results =
        event.kind === 'applied'
          ? event.results
          : journal.bringing.map((applicationId) => ({
              applicationId,
              code: event.code,
              message: event.message,
              ms: 0,
            }));
      const noted = items(journal, ({ applicationId }) => {
        const result = results.find((each) => each.applicationId === applicationId);
        return result === undefined
          ? {}
          : {
              code: result.code,
              message: result.message.slice(0, 2000),
              ms: Math.round(result.ms),
            };
      });
      return verify(
        tell(journal, { state: 'verifying', items: noted, log: event.log.slice(-8000) }),
        order,
      );
    }
    case 'installer_gone':
      return doing === 'attaching'
        ? verify(tell(journal, { state: 'verifying', log: event.log.slice(-8000) }), order)
        : null;
  }
}

/** After a crash nobody knows whether an older version was replaced: only what differs from it
 * counts as there. */
const verify = (journal: OrderJournal, order: Order): Transition =>
  begin(journal, 'verifying', (run) => ({
    kind: 'detect',
    run,
    purpose: journal.recovering ? 'before' : 'after',
    applications: order.applications,
  }));

const versionOf = (found: Found | undefined): string | null => found?.version?.slice(0, 80) || null;

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
      version: versionOf(found[applicationId]),
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
    .filter(({ applicationId }) => versionOf(found[applicationId]) !== null)
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
  // The agent itself comes last: what follows it would not be done.
  return begin(installing, 'applying', (run) => ({
    kind: 'apply',
    run,
    applications: [...work.filter((application) => !isAgent(application)), ...work.filter(isAgent)],
    timeoutMs,
  }));
}

const takenBack = ({ cancel }: OrderJournal): boolean => cancel === 'remove' || cancel === 'kill';

/** What detection found decides; what the installer said explains. */
function conclude(
  journal: OrderJournal,
  order: Order,
  found: Readonly<Record<string, Found>>,
  now: number,
): Transition {
  const asked = new Map(
    order.applications.map((application) => [application.applicationId, application]),
  );
  const settled = items(journal, (item) => {
    const { applicationId } = item;
    const application = asked.get(applicationId);
    const version = versionOf(found[applicationId]);
    if (application === undefined) return { version };
    if (journal.undone) {
      if (!brought(journal, application) || item.state !== 'installed') return { version };
      return version === null
        ? { state: 'removed', version, code: null }
        : { state: 'failed', version, code: item.code ?? 'REMOVE_FAILED' };
    }
    // Was as wanted before: unless what was done beside it took it away.
    if (!journal.bringing.includes(applicationId) && found[applicationId]?.asWanted === true)
      return { version };
    // An older version answers to the same rule: there the installer must have been content, too.
    const good =
      found[applicationId]?.asWanted === true &&
      (item.code === null ||
        application.want === 'absent' ||
        !journal.before.includes(applicationId));
    if (good)
      return {
        state: application.want === 'absent' ? 'removed' : 'installed',
        version,
        code: null,
      };
    return {
      state: 'failed',
      version,
      code:
        item.code ??
        (journal.recovering
          ? isAgent(application)
            ? 'INSTALL_FAILED'
            : 'AGENT_CRASHED'
          : application.want === 'absent'
            ? 'REMOVE_FAILED'
            : 'NOT_DETECTED'),
    };
  });
  const stateOf = new Map(settled.map((item) => [item.applicationId, item.state]));
  if (journal.cancel === 'remove' && !journal.undone) {
    const back = order.applications
      .filter(
        (application) =>
          brought(journal, application) && stateOf.get(application.applicationId) === 'installed',
      )
      .reverse();
    if (back.length > 0) {
      const applications = back.map(
        (application): OrderedApplication => ({ ...application, want: 'absent' }),
      );
      return begin(tell(journal, { items: settled }, { undone: true }), 'undoing', (run) => ({
        kind: 'apply',
        run,
        applications,
        timeoutMs: installWithinMs.most,
      }));
    }
  }
  const inForce = order.applications.flatMap((application): OrderedApplication[] => {
    const state = stateOf.get(application.applicationId);
    return state === 'failed'
      ? []
      : state === 'removed'
        ? [{ ...application, want: 'absent' }]
        : [application];
  });
  const remember: Effect[] =
    inForce.length === 0 ? [] : [{ kind: 'remember', applications: inForce }];
  if (takenBack(journal))
    return end(
      journal,
      { state: 'cancelled', recovered: journal.recovering, items: settled },
      now,
      remember,
    );
  const failed = settled.find(({ state }) => state === 'failed');
  if (failed === undefined)
    return end(
      journal,
      { state: 'succeeded', recovered: journal.recovering, items: settled },
      now,
      remember,
    );
  const message = failed.message || (asked.get(failed.applicationId)?.slug ?? failed.applicationId);
  return end(
    journal,
    { state: 'failed', recovered: journal.recovering, code: failed.code, message, items: settled },
    now,
    remember,
  );
}

/** What could be taken away again: updates and the agent itself cannot. */
const brought = (
  journal: OrderJournal,
  { applicationId, want, recipes }: OrderedApplication,
): boolean =>
  want === 'present' &&
  isKept(recipes) &&
  journal.bringing.includes(applicationId) &&
  !journal.before.includes(applicationId);

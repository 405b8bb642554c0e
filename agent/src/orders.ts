/** Installs what a rollout orders, step by step, with a journal: carries out the effects that
 * reconcile/orders.ts decides. What is wanted on this server without a rollout, applications.ts
 * installs; both use the same driver, and never work at the same time.
 *
 * Each journal is on disk before the step it announces is taken. When the disk refuses the write,
 * the step waits and the write is retried at the next pass. */
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import type { Order, OrderedApplication, ReportedOrder } from '@preau/contract/order.ts';
import { Compile } from 'typebox/compile';
import type { Applications } from './applications.ts';
import type { Driver, Installable } from './drivers/driver.ts';
import { type Failures, reasonOf } from './failures.ts';
import { makeFolder, moveAside, names, readText, remove, writeDurably } from './files.ts';
import type { Pace } from './pace.ts';
import {
  forgettable,
  heldApplications,
  keptOrders,
  pass,
  tellOrders,
} from './reconcile/order-book.ts';
import { OrderJournal } from './reconcile/order-journal.ts';
import {
  type Effect,
  hasEnded,
  type OrderEvent,
  type Transition,
} from './reconcile/order-transition.ts';
import { step } from './reconcile/orders.ts';
import { type Found, wantedBeside } from './reconcile/wanted.ts';

export interface Orders {
  /** `bootId`: which run of the kernel this is. */
  recall: (bootId: string) => void;
  /** `busy`: other package work is in progress. Returns without waiting for what it starts. */
  pass: (wanted: readonly Order[], busy: boolean) => void;
  working: () => boolean;
  held: (wanted: readonly Order[]) => Set<string>;
  tell: (wanted: readonly Order[]) => ReportedOrder[];
  /** The controller has received a report with these. */
  heard: (orders: readonly ReportedOrder[]) => void;
  /** Stops downloads. A running installer outlives the agent, and the next agent finds out its
   * result. */
  stop: () => Promise<void>;
}

interface OrdersDeps {
  stateFolder: string;
  driver: Driver;
  now: () => number;
  failures: Failures;
  pace: Pick<Pace, 'tell'>;
  /** Asks for a pass. */
  again: () => void;
  /** The time is the city's. */
  knowsTime: () => boolean;
  applications: Pick<Applications, 'find' | 'remember'>;
  /** Every application this server should have: packages they share with one that is removed
   * stay. */
  wanted: () => readonly Pick<Installable, 'applicationId' | 'slug' | 'recipes'>[];
}

const isJournal = Compile(OrderJournal);
const ending = '.json';

export function createOrders({
  stateFolder,
  driver,
  now,
  failures,
  pace,
  again,
  knowsTime,
  applications,
  wanted,
}: OrdersDeps): Orders {
  const folder = join(stateFolder, 'orders');
  const pathOf = (orderId: string) => join(folder, `${orderId}${ending}`);
  const bootPath = join(folder, 'boot');
  const book = new Map<string, OrderJournal>();
  /** Journals as on disk. Only these are reported: a restarted agent must know all that was
   * reported. */
  const saved = new Map<string, OrderJournal>();
  /** Orders whose journal cannot be read. */
  const lost = new Set<string>();
  const untold = new Set<string>();
  /** Effects not carried out yet, per order. */
  const backlog = new Map<string, Effect[]>();
  /** Running effects, per order. */
  const outstanding = new Map<string, { promise: Promise<void>; abort: AbortController }>();
  let stopped = false;
  let unsavedBoot: string | null = null;

  /** Tried again at each pass: an agent that starts on a full disk must start all the same, and say
   * that it is full. */
  const keepBoot = () => {
    if (unsavedBoot === null) return;
    try {
      writeDurably(bootPath, unsavedBoot);
      unsavedBoot = null;
      failures.mended('keep_journal', 'boot');
    } catch (error) {
      failures.failed('keep_journal', 'boot', error, 'yes');
    }
  };

  const tell = (orderId: string, event: OrderEvent) => {
    const next = stopped ? null : step(book.get(orderId) ?? null, event, now());
    if (next !== null) take(next);
  };

  const take = ({ journal, effects }: Transition) => {
    const { orderId, seq } = journal.report;
    const past = book.get(orderId);
    book.set(orderId, journal);
    if (hasEnded(journal)) untold.add(orderId);
    const waiting = backlog.get(orderId);
    if (waiting !== undefined) waiting.push(...effects);
    else {
      backlog.set(orderId, [...effects]);
      drain(orderId);
    }
    if (past?.report.seq !== seq) pace.tell(hasEnded(journal) ? 'over' : 'soon');
  };

  const drain = (orderId: string) => {
    const effects = backlog.get(orderId) ?? [];
    for (let effect = effects[0]; effect !== undefined; effect = effects[0]) {
      try {
        carryOut(orderId, effect);
      } catch (error) {
        failures.failed('keep_journal', orderId, error, 'yes');
        return;
      }
      effects.shift();
    }
    backlog.delete(orderId);
    failures.mended('keep_journal', orderId);
  };

  const run = (orderId: string, abort: AbortController, task: () => Promise<void>) => {
    const promise = Promise.resolve()
      .then(task)
      .finally(() => {
        if (outstanding.get(orderId)?.promise === promise) outstanding.delete(orderId);
        again();
      });
    outstanding.set(orderId, { promise, abort });
  };

  const carryOut = (orderId: string, effect: Effect) => {
    const abort = new AbortController();
    switch (effect.kind) {
      case 'save': {
        const journal = book.get(orderId);
        if (journal === undefined) return;
        writeDurably(pathOf(orderId), JSON.stringify(journal));
        saved.set(orderId, journal);
        return;
      }
      case 'remember':
        return applications.remember(effect.applications);
      case 'abort':
        return outstanding.get(orderId)?.abort.abort();
      case 'discard': {
        const running = outstanding.get(orderId);
        if (running === undefined) driver.discard(orderId);
        else void running.promise.then(() => driver.discard(orderId));
        return;
      }
      case 'detect':
        return run(orderId, abort, () => detect(orderId, effect));
      case 'stage':
        return run(orderId, abort, () => stage(orderId, effect, abort.signal));
      case 'apply':
        return run(orderId, abort, () => apply(orderId, effect, abort.signal));
      case 'attach':
        return run(orderId, abort, async () => {
          await driver.installerOf(orderId);
          tell(orderId, { kind: 'installer_gone', run: effect.run, log: driver.logOf(orderId) });
        });
    }
  };

  const detect = async (orderId: string, effect: Extract<Effect, { kind: 'detect' }>) => {
    const { run } = effect;
    try {
      const found: Record<string, Found> = {};
      for (const application of effect.applications)
        found[application.applicationId] = await applications.find(application, effect.purpose);
      tell(orderId, { kind: 'looked', run, found });
    } catch (error) {
      tell(orderId, { kind: 'look_failed', run, ...reasonOf(error) });
    }
  };

  const stage = async (
    orderId: string,
    effect: Extract<Effect, { kind: 'stage' }>,
    signal: AbortSignal,
  ) => {
    const { run, kibibytesPerSecond } = effect;
    try {
      await driver.stage(orderId, effect.applications, {
        kibibytesPerSecond,
        wanted: wantedBeside(effect.applications, wanted()),
        signal,
        progress: (done, total, wan) => tell(orderId, { kind: 'progress', run, done, total, wan }),
      });
      tell(orderId, { kind: 'staged', run });
    } catch (error) {
      tell(orderId, {
        kind: 'stage_failed',
        run,
        slug: error instanceof AppError ? String(error.details['element'] ?? '') : '',
        ...reasonOf(error),
      });
    }
  };

  const apply = async (
    orderId: string,
    effect: Extract<Effect, { kind: 'apply' }>,
    signal: AbortSignal,
  ) => {
    const { run, timeoutMs } = effect;
    try {
      const results = await driver.apply(orderId, effect.applications, {
        signal,
        timeoutMs,
        wanted: wantedBeside(effect.applications, wanted()),
        progress: (applicationId, state) => {
          if (state === 'installing' || state === 'failed')
            tell(orderId, { kind: 'item', run, applicationId, state });
        },
      });
      tell(orderId, { kind: 'applied', run, results, log: driver.logOf(orderId) });
    } catch (error) {
      tell(orderId, { kind: 'apply_failed', run, log: driver.logOf(orderId), ...reasonOf(error) });
    }
  };

  const forget = (orders: readonly Order[]) => {
    for (const orderId of forgettable(book, orders)) {
      book.delete(orderId);
      saved.delete(orderId);
      untold.delete(orderId);
      remove(pathOf(orderId));
      remove(`${pathOf(orderId)}.bad`);
    }
  };

  return {
    recall: (bootId) => {
      makeFolder(folder, 0o700);
      const lastBoot = readText(bootPath);
      const rebooted = lastBoot !== undefined && lastBoot !== bootId;
      const files = names(folder);
      for (const name of files.filter((each) => each.endsWith(ending))) {
        const orderId = name.slice(0, -ending.length);
        const journal = parse(readText(join(folder, name)));
        if (journal !== null && journal.report.orderId === orderId) {
          book.set(orderId, journal);
          saved.set(orderId, journal);
        } else {
          moveAside(join(folder, name));
          lost.add(orderId);
          failures.failed(
            'keep_journal',
            orderId,
            new AppError('INTERNAL', {
              why: `the journal ${name} cannot be read; it was moved aside`,
            }),
            'no',
          );
        }
      }
      // An agent moved these aside and died before it could start new journals.
      const aside = files.filter((name) => name.endsWith(`${ending}.bad`));
      for (const name of aside.slice(0, Math.max(0, aside.length - keptOrders)))
        remove(join(folder, name));
      for (const name of aside.slice(-keptOrders)) lost.add(name.slice(0, -`${ending}.bad`.length));
      for (const orderId of book.keys()) tell(orderId, { kind: 'restarted', rebooted });
      if (lastBoot !== bootId) unsavedBoot = bootId;
      keepBoot();
    },
    pass: (orders, busy) => {
      keepBoot();
      for (const orderId of [...backlog.keys()]) drain(orderId);
      const facts = {
        free: !busy && outstanding.size === 0 && backlog.size === 0,
        knowsTime: knowsTime(),
        refuses: (application: OrderedApplication) => driver.refuses(application),
      };
      for (const next of stopped ? [] : pass(book, orders, lost, facts, now())) take(next);
      forget(orders);
    },
    working: () => outstanding.size > 0 || [...book.values()].some(({ doing }) => doing !== null),
    held: (orders) => heldApplications(book, orders),
    tell: (orders) => tellOrders(saved, orders, untold),
    heard: (orders) => {
      for (const { orderId, seq } of orders)
        if (book.get(orderId)?.report.seq === seq) untold.delete(orderId);
    },
    stop: async () => {
      for (const orderId of [...book.keys()]) tell(orderId, { kind: 'stopping' });
      stopped = true;
      await Promise.allSettled(
        [...outstanding]
          .filter(([orderId]) => book.get(orderId)?.doing === null)
          .map(([, { promise }]) => promise),
      );
    },
  };
}

function parse(text: string | undefined): OrderJournal | null {
  try {
    const journal: unknown = JSON.parse(text ?? '');
    // Every valid journal has an order, was dropped, or has ended.
    return isJournal.Check(journal) &&
      (journal.order !== null || journal.dropped || hasEnded(journal))
      ? journal
      : null;
  } catch {
    return null;
  }
}

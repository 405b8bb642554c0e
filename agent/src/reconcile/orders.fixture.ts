/** Orders, applications and journals for tests. */
import { Order, ReportedOrder } from '@preau/contract/order.ts';
import { Compile } from 'typebox/compile';
import { OrderJournal } from './order-journal.ts';
import type { OrderEvent, OrderFacts, Transition } from './order-transition.ts';
import { step } from './orders.ts';
import type { Found } from './wanted.ts';

export const now = 1_800_000_000_000;
export const isJournal = Compile(OrderJournal);
export const isReported = Compile(ReportedOrder);
export const isOrder = Compile(Order);
export const id = (prefix: string, name: string) =>
  `${prefix}_${name.padEnd(22, '0').slice(0, 22)}`;
export type Wanted = Order['applications'][number];
export const application = (name: string, more: Partial<Wanted> = {}): Wanted => ({
  applicationId: id('app', name),
  versionId: id('ver', name),
  slug: name,
  version: '1',
  want: 'present',
  recipes: { linux: { kind: 'apt', packages: [name], detect: { kind: 'package', package: name } } },
  ...more,
});
export const tux = application('tux');
export const gimp = application('gimp');
export const itself = application('agent', {
  recipes: {
    linux: {
      kind: 'agent',
      file: { name: 'agent.mjs', sha256: 'a'.repeat(64), size: 1 },
      detect: { kind: 'agent' },
    },
  },
});
export const order = (more: Partial<Order> = {}): Order => ({
  orderId: id('ord', 'one'),
  attempt: 1,
  applications: [tux, gimp],
  phase: 'install',
  installFrom: null,
  installUntil: null,
  expectedMs: 60_000,
  deadlineAt: now + 3_600_000,
  kibibytesPerSecond: null,
  cancel: null,
  ...more,
});
export const facts: OrderFacts = { free: true, knowsTime: true, refuses: () => null };
export const wanted = (
  of: Order,
  more: Partial<OrderFacts & { lost: boolean }> = {},
): OrderEvent => ({ kind: 'wanted', order: of, ...facts, ...more });
export const finds = (...there: Wanted[]): Record<string, Found> =>
  Object.fromEntries(
    [tux, gimp, itself].map((each) => [
      each.applicationId,
      { version: there.includes(each) ? '1' : null, asWanted: there.includes(each) },
    ]),
  );
export const content = (...of: Wanted[]) =>
  of.map(({ applicationId }) => ({ applicationId, code: null, message: '', ms: 5 }));

/** Feeds events to one journal; an event made from the journal knows its `run`. */
export type Feed = OrderEvent | ((run: number) => OrderEvent);
export function play(journal: OrderJournal | null, events: readonly Feed[], at = now): Transition {
  let last: Transition | null = journal === null ? null : { journal, effects: [] };
  for (const event of events) {
    const next = step(
      last?.journal ?? null,
      typeof event === 'function' ? event(last?.journal.run ?? 0) : event,
      at,
    );
    if (next !== null) last = next;
  }
  if (last === null) throw new Error('nothing happened');
  return last;
}
export const looked =
  (...there: Wanted[]): Feed =>
  (run) => ({ kind: 'looked', run, found: finds(...there) });
export const staged: Feed = (run) => ({ kind: 'staged', run });
export const applied: Feed = (run) => ({
  kind: 'applied',
  run,
  results: content(tux, gimp),
  log: 'done',
});
export const gone: Feed = (run) => ({ kind: 'installer_gone', run, log: 'the end' });
export const o = order();
export const held = order({ phase: 'stage' });
export const cancelled = (cancel: NonNullable<Order['cancel']>) => order({ cancel });

export const toStaged: Feed[] = [wanted(held), looked(), staged];
const toInstalling: Feed[] = [...toStaged, wanted(o), looked()];
/** How a journal gets into each of its states. */
export const ways = {
  accepted: [wanted(o, { free: false })],
  looking: [wanted(o)],
  staging: [wanted(o), looked()],
  staged: toStaged,
  'staged, looking': [...toStaged, wanted(o)],
  installing: toInstalling,
  verifying: [...toInstalling, applied],
  attaching: [...toInstalling, { kind: 'restarted' }],
  recovering: [...toInstalling, { kind: 'restarted' }, gone],
  undoing: [...toInstalling, wanted(cancelled('remove')), applied, looked(tux, gimp)],
  succeeded: [...toInstalling, applied, looked(tux, gimp)],
  dropped: [wanted(o), looked(), { kind: 'unwanted' }],
} satisfies Record<string, Feed[]>;
export type Way = keyof typeof ways;
export const reach = (way: Way): OrderJournal => play(null, ways[way]).journal;

/** `reported state/doing: effects`, or `-` when nothing happens. */
export function brief(next: Transition | null): string {
  if (next === null) return '-';
  const { journal, effects } = next;
  const { report } = journal;
  const code = report.code === null ? '' : ` ${report.code}`;
  const state = journal.dropped ? 'dropped' : `${report.state}${code}`;
  const doing = journal.doing === null ? '' : `/${journal.doing}`;
  const marks = `${report.tooLate ? ' late' : ''}${report.recovered ? ' recovered' : ''}`;
  return `${state}${doing}${marks}: ${effects.map(({ kind }) => kind).join(' ')}`.trim();
}

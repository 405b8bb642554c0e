/** The end of an order: detection decides the result, the installer's answer explains it. Pure. */

import type { ErrorCode } from '@preau/contract/errors.ts';
import type {
  Order,
  OrderedApplication,
  ReportedItem,
  ReportedOrder,
} from '@preau/contract/order.ts';
import { isKept } from '@preau/contract/recipe-kinds.ts';

import type { OrderJournal } from './order-journal.ts';
import {
  begin,
  type Effect,
  end,
  installWithinMs,
  items,
  replacesAgent,
  type Transition,
  tell,
} from './order-transition.ts';
import { type Found, versionFound } from './wanted.ts';

type FoundById = Readonly<Record<string, Found>>;

export const takenBack = ({ cancel }: OrderJournal): boolean =>
  cancel === 'remove' || cancel === 'kill';

export function conclude(
  journal: OrderJournal,
  order: Order,
  found: FoundById,
  now: number,
): Transition {
  const asked = new Map(
    order.applications.map((application) => [application.applicationId, application]),
  );
  const settled = items(journal, (item) => {
    const { applicationId } = item;
    const application = asked.get(applicationId);
    if (application === undefined) return { version: versionFound(found[applicationId]) };
    return journal.undone
      ? afterUndoing(journal, application, item, found[applicationId])
      : afterInstalling(journal, application, item, found[applicationId]);
  });
  const goBack = undo(journal, order, settled);
  if (goBack !== null) return goBack;
  if (mayStartOver(journal, order, settled, now)) return startOver(journal, settled);
  const ended = { recovered: journal.recovering, items: settled };
  return end(
    journal,
    { ...ended, ...resultOf(journal, order, settled) },
    now,
    inForce(order, settled),
  );
}

function afterInstalling(
  journal: OrderJournal,
  application: OrderedApplication,
  item: ReportedItem,
  found: Found | undefined,
): Partial<ReportedItem> {
  const { applicationId, want } = application;
  const version = versionFound(found);
  const asWanted = found?.asWanted === true;
  // It needed no work and is still as wanted.
  if (!journal.bringing.includes(applicationId) && asWanted) return { version };
  // An older version may satisfy the same rule: then the installer must have succeeded, too.
  const mayTrust =
    item.code === null || want === 'absent' || !journal.before.includes(applicationId);
  if (asWanted && mayTrust)
    return { state: want === 'absent' ? 'removed' : 'installed', version, code: null };
  return { state: 'failed', version, code: item.code ?? codeOf(journal, application) };
}

/** After a restart of the whole machine, a power cut say, what is missing is installed once more
 * instead of being reported as failed: the installer died with the machine, and nobody is to blame
 * for it. */
const mayStartOver = (
  journal: OrderJournal,
  order: Order,
  settled: readonly ReportedItem[],
  now: number,
): boolean =>
  journal.rebooted === true &&
  !journal.undone &&
  journal.cancel === null &&
  now < order.deadlineAt &&
  settled.some(({ state }) => state === 'failed') &&
  settled.every(({ state, code }) => state !== 'failed' || code === 'AGENT_CRASHED');

/** Back to the beginning, until the order's deadline. */
const startOver = (journal: OrderJournal, settled: readonly ReportedItem[]): Transition => ({
  journal: tell(
    journal,
    {
      state: 'downloading',
      items: settled.map((item) =>
        item.state === 'failed' ? { ...item, state: 'waiting', code: null } : item,
      ),
    },
    { doing: null, recovering: false, rebooted: false, staged: [], bringing: [], before: [] },
  ),
  effects: [{ kind: 'save' }],
});

/** Error code of an application that is not as wanted, when the installer reported none. */
function codeOf(journal: OrderJournal, application: OrderedApplication): ErrorCode {
  if (journal.recovering) return replacesAgent(application) ? 'INSTALL_FAILED' : 'AGENT_CRASHED';
  return application.want === 'absent' ? 'REMOVE_FAILED' : 'NOT_DETECTED';
}

function afterUndoing(
  journal: OrderJournal,
  application: OrderedApplication,
  item: ReportedItem,
  found: Found | undefined,
): Partial<ReportedItem> {
  const version = versionFound(found);
  if (!brought(journal, application) || item.state !== 'installed') return { version };
  return version === null
    ? { state: 'removed', version, code: null }
    : { state: 'failed', version, code: item.code ?? 'REMOVE_FAILED' };
}

/** Removes what the order installed, when it was cancelled with `remove`; null: there is nothing to
 * remove, or it was done already. */
function undo(
  journal: OrderJournal,
  order: Order,
  settled: readonly ReportedItem[],
): Transition | null {
  if (journal.cancel !== 'remove' || journal.undone) return null;
  const stateOf = statesOf(settled);
  const applications = order.applications
    .filter(
      (application) =>
        brought(journal, application) && stateOf.get(application.applicationId) === 'installed',
    )
    .reverse()
    .map((application): OrderedApplication => ({ ...application, want: 'absent' }));
  if (applications.length === 0) return null;
  return begin(tell(journal, { items: [...settled] }, { undone: true }), 'undoing', (run) => ({
    kind: 'apply',
    run,
    applications,
    timeoutMs: installWithinMs.most,
  }));
}

/** Recipes to record as installed from now on, or as removed. */
function inForce(order: Order, settled: readonly ReportedItem[]): Effect[] {
  const stateOf = statesOf(settled);
  const applications = order.applications.flatMap((application): OrderedApplication[] => {
    const state = stateOf.get(application.applicationId);
    if (state === 'failed') return [];
    return state === 'removed' ? [{ ...application, want: 'absent' }] : [application];
  });
  return applications.length === 0 ? [] : [{ kind: 'remember', applications }];
}

const statesOf = (settled: readonly ReportedItem[]): Map<string, ReportedItem['state']> =>
  new Map(settled.map(({ applicationId, state }) => [applicationId, state]));

function resultOf(
  journal: OrderJournal,
  order: Order,
  settled: readonly ReportedItem[],
): Partial<ReportedOrder> & Pick<ReportedOrder, 'state'> {
  if (takenBack(journal)) return { state: 'cancelled' };
  const failed = settled.find(({ state }) => state === 'failed');
  if (failed === undefined) return { state: 'succeeded' };
  const { applicationId, code } = failed;
  const slug = order.applications.find((each) => each.applicationId === applicationId)?.slug;
  return { state: 'failed', code, message: failed.message || (slug ?? applicationId) };
}

/** Whether the order installed it and could remove it again; updates and the agent itself stay. */
const brought = (
  journal: OrderJournal,
  { applicationId, want, recipes }: OrderedApplication,
): boolean =>
  want === 'present' &&
  isKept(recipes) &&
  journal.bringing.includes(applicationId) &&
  !journal.before.includes(applicationId);

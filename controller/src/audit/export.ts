/** The audit as files: self-verifying JSON Lines, and CSV for people. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { AuditEvent } from '@preau/contract/audit.ts';
import {
  type ExportEnd,
  type ExportStart,
  headText,
  type Link,
} from '@preau/contract/audit-chain.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { Actor } from '#src/platform/actor.ts';
import { toCsv } from '#src/platform/csv.ts';
import type { Platform } from '#src/platform/platform.ts';
import { chainEvents } from './chain.ts';
import { recordEffect } from './record.ts';
import { type AuditFilter, selectAuditEvents, selectChain, selectChained } from './store.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'secrets' | 'wakeups'>;

/** Maximum number of events per file; the next file continues where it ends. */
const eventsPerFile = 100_000;

/** JSON Lines: the starting link, the events as the chain holds them, and the signed end.
 * `after`: sequence number to start after; 0 for everything that is kept. Refuses with NOT_FOUND a
 * number beyond the end. */
export async function exportChain(deps: Deps, actor: Actor, after: number): Promise<Buffer> {
  await chainEvents(deps);
  const { head, removed } = await selectChain(deps.database);
  const from = Math.max(after, removed.seq);
  const [before] = from === removed.seq ? [] : await selectChained(deps.database, from - 1, 1);
  // Never signs a position that is not in the chain.
  if (from !== removed.seq && before?.seq !== from) throw new AppError('NOT_FOUND', { after });
  let at: Link =
    before === undefined
      ? { seq: removed.seq, hash: removed.hash }
      : { seq: before.seq, hash: before.hash };
  const start: ExportStart = {
    preau: 'audit',
    key: deps.secrets.controllerKey,
    start: at,
    removal:
      removed.signature === null || from !== removed.seq
        ? null
        : { seq: removed.seq, hash: removed.hash, signature: removed.signature },
  };
  const lines = [JSON.stringify(start)];
  for (let left = eventsPerFile; left > 0; ) {
    const page = await selectChained(deps.database, at.seq, Math.min(left, 1000));
    for (const event of page) lines.push(JSON.stringify(event));
    const last = page.at(-1);
    if (last === undefined) break;
    at = { seq: last.seq, hash: last.hash };
    left -= page.length;
    await breathe();
  }
  const now = deps.clock.now();
  const end: ExportEnd = {
    end: { ...at, at: now, signature: deps.secrets.sign(headText(at, now)) },
    last: at.seq >= head.seq,
  };
  lines.push(JSON.stringify(end));
  await recordEffect(deps, deps.database, actor, {
    action: 'audit.exported',
    subjectName: 'audit',
    details: { from: start.start.seq, to: at.seq },
  });
  deps.wakeups.wake(['audit']);
  return Buffer.from(`${lines.join('\n')}\n`);
}

/** The events that match the filter, newest first, as CSV. Cells are escaped so that no name can
 * start a spreadsheet formula. */
export async function exportAuditCsv(
  deps: Deps,
  actor: Actor,
  filter: Omit<AuditFilter, 'before' | 'limit'>,
): Promise<Buffer> {
  const rows: string[][] = [];
  for (let before: string | null = null; rows.length < eventsPerFile; ) {
    const page: AuditEvent[] = await selectAuditEvents(deps.database, {
      ...filter,
      before,
      limit: 1000,
    });
    rows.push(...page.map(cellsOf));
    before = page.at(-1)?.id ?? null;
    await breathe();
    if (page.length < 1000) break;
  }
  await recordEffect(deps, deps.database, actor, {
    action: 'audit.exported',
    subjectName: 'csv',
    details: { events: rows.length },
  });
  deps.wakeups.wake(['audit']);
  const head = ['quand (UTC)', 'qui', 'sorte', 'action', 'objet', 'école', 'détails', 'événement'];
  return Buffer.from(await toCsv(head, rows, '\n'));
}

const cellsOf = (event: AuditEvent): string[] => [
  new Date(event.at).toISOString(),
  event.actorName,
  event.actorKind,
  event.action,
  event.subjectName,
  event.siteId ?? '',
  JSON.stringify(event.details),
  event.id,
];

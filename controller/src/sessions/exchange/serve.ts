/** The server's side of transfers: its downloads from the controller, its uploads and its
 * reports; and the periodic clean-up. */
import { AppError } from '@preau/contract/errors.ts';
import { maxTransferBytes } from '@preau/contract/exchange.ts';
import type { Report } from '@preau/contract/report.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor, AgentActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { publishDesiredState } from '#src/servers/desired/desired-state.ts';
import { nextGeneration } from '#src/servers/store.ts';
import { selectSession } from '../store.ts';
import { transferFiles } from './files.ts';
import {
  deleteTransfer,
  forgetBytes,
  moveTransfer,
  type StoredTransfer,
  selectKnownIds,
  selectSpent,
  selectStranded,
  selectTransfer,
  selectTransfersOf,
} from './store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

/** Bytes that nobody fetched are deleted after this delay. */
const keptMs = 3_600_000;

/** A file that this server is to download and store. Refuses with NOT_FOUND. */
export async function findBrought(
  deps: Pick<Platform, 'database'>,
  actor: AgentActor,
  transferId: string,
): Promise<StoredTransfer> {
  const transfer = await selectTransfer(deps.database, transferId);
  if (
    transfer === undefined ||
    transfer.serverId !== actor.id ||
    transfer.direction !== 'in' ||
    transfer.state !== 'here'
  )
    throw new AppError('NOT_FOUND', { transfer: transferId });
  return transfer;
}

/** Receives a file that this server was asked for. Sending it again is safe. Refuses with
 * NOT_FOUND, PAYLOAD_TOO_LARGE, UPLOAD_REFUSED, DISK_FULL. */
export async function receiveAsked(
  deps: Deps,
  actor: AgentActor,
  transferId: string,
  announced: { sha256: string; size: number },
  body: AsyncIterable<Buffer>,
): Promise<void> {
  const transfer = await selectTransfer(deps.database, transferId);
  if (transfer === undefined || transfer.serverId !== actor.id || transfer.direction !== 'out')
    throw new AppError('NOT_FOUND', { transfer: transferId });
  if (transfer.state === 'here' && transfer.sha256 === announced.sha256) return;
  if (transfer.state !== 'asked') throw new AppError('NOT_FOUND', { transfer: transferId });
  if (announced.size > maxTransferBytes)
    throw new AppError('PAYLOAD_TOO_LARGE', { maxMiB: maxTransferBytes / 1_048_576 });
  const files = transferFiles(deps.config.PREAU_DATA);
  await files.receive(transferId, announced, body);
  const topics = await deps.database
    .transaction()
    .execute(async (rows): Promise<Topic[] | null> => {
      const generation = await nextGeneration(rows, actor.id);
      if (
        !(await moveTransfer(
          rows,
          transferId,
          'asked',
          { state: 'here', sha256: announced.sha256, bytes: announced.size },
          deps.clock.now(),
        ))
      )
        return null;
      return [
        await publishDesiredState(deps, rows, actor.id, generation),
        `person:${transfer.accountId}`,
      ];
    });
  if (topics !== null) return deps.wakeups.wake(topics);
  // The transfer is no longer wanted.
  await files.remove(transferId);
  throw new AppError('NOT_FOUND', { transfer: transferId });
}

/** Applies what an agent reports of its transfers, in the caller's transaction. Running it twice
 * is a no-op. Returns the topics to wake. */
export async function settleTransfers(
  deps: Deps,
  rows: Rows,
  actor: AgentActor,
  reported: Report['transfers'],
): Promise<Topic[]> {
  if (reported.length === 0) return [];
  const pending = new Map(
    (await selectTransfersOf(rows, { serverId: actor.id })).map((transfer) => [
      transfer.id,
      transfer,
    ]),
  );
  const topics: Topic[] = [];
  for (const { transferId, code, message } of reported) {
    const transfer = pending.get(transferId);
    // An outgoing transfer ends when its bytes arrive, or with a reported failure.
    if (
      transfer === undefined ||
      (transfer.direction === 'out' && (code === null || transfer.state !== 'asked'))
    )
      continue;
    const moved = await moveTransfer(
      rows,
      transferId,
      transfer.state,
      code === null ? { state: 'done' } : { state: 'failed', failure_code: code },
      deps.clock.now(),
    );
    if (!moved) continue;
    topics.push(`person:${transfer.accountId}`);
    if (code !== null) {
      await noteFailure(deps, rows, actor, transfer, { code, message });
      topics.push('audit');
    }
  }
  if (topics.length > 0) topics.push(await publishDesiredState(deps, rows, actor.id));
  return topics;
}

/** Deletes transfers that are too old, and bytes that have arrived; fails transfers whose session
 * is over. The audit log keeps its entries. */
export async function sweepTransfers(deps: Deps, actor: Actor): Promise<void> {
  const now = deps.clock.now();
  const files = transferFiles(deps.config.PREAU_DATA);
  for (const transfer of await selectTransfersOf(deps.database, { olderThan: now - keptMs })) {
    await files.remove(transfer.id);
    await deleteTransfer(deps.database, transfer.id);
  }
  for (const id of await selectSpent(deps.database)) {
    await files.remove(id);
    await forgetBytes(deps.database, id);
  }
  // Bytes without a row: their person was erased, or a controller died during the upload.
  const stray = await files.strays(now - keptMs);
  const known = stray.length === 0 ? new Set<string>() : await selectKnownIds(deps.database, stray);
  for (const id of stray) if (!known.has(id)) await files.remove(id);
  for (const transfer of await selectStranded(deps.database)) {
    if (
      await moveTransfer(
        deps.database,
        transfer.id,
        transfer.state,
        { state: 'failed', failure_code: 'SESSION_OVER' },
        now,
      )
    )
      await noteFailure(deps, deps.database, actor, transfer, { code: 'SESSION_OVER' });
  }
}

async function noteFailure(
  deps: Pick<Platform, 'clock'>,
  rows: Rows,
  actor: Actor,
  transfer: StoredTransfer,
  details: Record<string, unknown>,
): Promise<void> {
  const session = await selectSession(rows, transfer.sessionId);
  await recordEffect(deps, rows, actor, {
    action: 'file.failed',
    subjectId: transfer.sessionId,
    subjectName: session?.applicationName.fr ?? '?',
    siteId: session?.siteId ?? null,
    details: { ...details, direction: transfer.direction },
  });
}

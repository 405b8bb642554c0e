/** File transfers and printed pages of a session, as its person uses them. The controller keeps
 * the bytes until the other side fetches them. */
import { AppError } from '@preau/contract/errors.ts';
import {
  type Exchange,
  maxTransferBytes,
  mayPass,
  type OfferedFile,
  type Transfer,
} from '@preau/contract/exchange.ts';
import { defaultTerms, type Terms } from '@preau/contract/rule.ts';
import { isLive } from '@preau/contract/session.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { publishDesiredState } from '#src/servers/desired/desired-state.ts';
import { nextGeneration } from '#src/servers/store.ts';
import { mayGoOn } from '../launch.ts';
import { type StoredSession, selectSession } from '../store.ts';
import { transferFiles } from './files.ts';
import {
  countPending,
  deleteTransfer,
  insertTransfer,
  moveTransfer,
  newTransferId,
  publicTransfer,
  type StoredTransfer,
  selectOffered,
  selectTransfer,
  selectTransfersOf,
} from './store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups' | 'log'>;

/** Transfers that one person may have under way at once. */
const maxPending = 20;

/** Refuses with NOT_FOUND for a session that is not the actor's. A session that the rules no
 * longer allow offers nothing. */
export async function readExchange(
  deps: Deps,
  actor: AccountActor,
  sessionId: string,
  address: string | null,
): Promise<Exchange> {
  const session = await ownSession(deps.database, actor, sessionId);
  const terms: Pick<Terms, 'files' | 'printing'> = isLive(session.state)
    ? await mayGoOn(deps, actor, sessionId, address).catch(() => defaultTerms)
    : defaultTerms;
  const offered = isLive(session.state)
    ? (await selectOffered(deps.database, sessionId)).filter(({ kind }) =>
        mayPass(terms, { direction: 'out', kind }),
      )
    : [];
  return {
    files: terms.files,
    printing: terms.printing,
    offered,
    transfers: (await selectTransfersOf(deps.database, { sessionId }))
      .slice(0, 50)
      .map(publicTransfer),
  };
}

/** Refuses with NOT_FOUND, SESSION_OVER, FILES_NOT_ALLOWED, PAYLOAD_TOO_LARGE, TOO_MANY_FILES,
 * BUSY, UPLOAD_REFUSED, DISK_FULL. */
export async function bringFile(
  deps: Deps,
  actor: AccountActor,
  sessionId: string,
  file: { name: string; size: number; body: AsyncIterable<Buffer> },
  address: string | null,
): Promise<Transfer> {
  const session = await ownSession(deps.database, actor, sessionId);
  if (!mayPass(await mayGoOn(deps, actor, sessionId, address), { direction: 'in', kind: 'file' }))
    throw new AppError('FILES_NOT_ALLOWED', { direction: 'in' });
  if (file.size > maxTransferBytes)
    throw new AppError('PAYLOAD_TOO_LARGE', { maxMiB: maxTransferBytes / 1_048_576 });
  const id = newTransferId();
  const transfer = {
    id,
    sessionId,
    accountId: actor.id,
    serverId: session.serverId,
    direction: 'in',
    kind: 'file',
    name: file.name,
    bytes: file.size,
  } as const;
  // The row is written first, so that the sweep finds the transfer and deletes its bytes even when
  // the upload fails.
  await deps.database.transaction().execute(async (rows) => {
    await mayAdd(deps, rows, actor, file.size);
    await insertTransfer(rows, { ...transfer, sha256: null, state: 'asked' }, deps.clock.now());
  });
  const files = transferFiles(deps.config.PREAU_DATA);
  try {
    const sha256 = await files.receive(id, { sha256: null, size: file.size }, file.body);
    const topics = await deps.database.transaction().execute(async (rows): Promise<Topic[]> => {
      const generation = await nextGeneration(rows, session.serverId);
      // The sweep deleted the transfer meanwhile (the upload took longer than an hour), or failed
      // it (the session is over).
      if (!(await moveTransfer(rows, id, 'asked', { state: 'here', sha256 }, deps.clock.now())))
        throw new AppError('FILE_GONE', { name: file.name });
      await recordEffect(deps, rows, actor, {
        action: 'file.brought',
        subjectId: sessionId,
        subjectName: session.applicationName.fr,
        siteId: session.siteId,
        details: { bytes: file.size },
      });
      return [
        await publishDesiredState(deps, rows, session.serverId, generation),
        `person:${actor.id}`,
        'audit',
      ];
    });
    deps.wakeups.wake(topics);
  } catch (error) {
    await files.remove(id);
    await deleteTransfer(deps.database, id);
    throw error;
  }
  return publicTransfer(await ownTransfer(deps.database, actor, id));
}

/** Idempotent: asking again for a file already under way returns the same transfer. Refuses with
 * NOT_FOUND, SESSION_OVER, FILES_NOT_ALLOWED, FILE_GONE, PAYLOAD_TOO_LARGE, TOO_MANY_FILES,
 * BUSY. */
export async function askForFile(
  deps: Deps,
  actor: AccountActor,
  sessionId: string,
  { kind, name }: Pick<OfferedFile, 'kind' | 'name'>,
  address: string | null,
): Promise<Transfer> {
  const session = await ownSession(deps.database, actor, sessionId);
  if (!mayPass(await mayGoOn(deps, actor, sessionId, address), { direction: 'out', kind }))
    throw new AppError('FILES_NOT_ALLOWED', { direction: 'out' });
  const file = (await selectOffered(deps.database, sessionId)).find(
    (offered) => offered.kind === kind && offered.name === name,
  );
  if (file === undefined) throw new AppError('FILE_GONE', { name });
  if (file.bytes > maxTransferBytes)
    throw new AppError('PAYLOAD_TOO_LARGE', { maxMiB: maxTransferBytes / 1_048_576 });
  const { id, topics } = await deps.database.transaction().execute(async (rows) => {
    // The server's row is locked from here on: a second click waits, then finds the first transfer.
    const generation = await nextGeneration(rows, session.serverId);
    const underWay = (await selectTransfersOf(rows, { sessionId })).find(
      (other) =>
        other.direction === 'out' &&
        other.kind === kind &&
        other.name === name &&
        other.state === 'asked',
    );
    if (underWay === undefined) await mayAdd(deps, rows, actor, file.bytes);
    const id = underWay?.id ?? newTransferId();
    if (underWay === undefined)
      await insertTransfer(
        rows,
        {
          id,
          sessionId,
          accountId: actor.id,
          serverId: session.serverId,
          direction: 'out',
          kind,
          name,
          bytes: file.bytes,
          sha256: null,
          state: 'asked',
        },
        deps.clock.now(),
      );
    return {
      id,
      topics: [
        await publishDesiredState(deps, rows, session.serverId, generation),
        `person:${actor.id}`,
      ] satisfies Topic[],
    };
  });
  deps.wakeups.wake(topics);
  return publicTransfer(await ownTransfer(deps.database, actor, id));
}

/** A file of the actor's that is ready for download: as often as they like, until it is swept
 * away. Refuses with NOT_FOUND, FILE_GONE. */
export async function findTaken(
  deps: Deps,
  actor: AccountActor,
  transferId: string,
): Promise<StoredTransfer> {
  const transfer = await ownTransfer(deps.database, actor, transferId);
  if (transfer.direction !== 'out' || transfer.state !== 'here')
    throw new AppError('FILE_GONE', { name: transfer.name });
  if ((await transferFiles(deps.config.PREAU_DATA).sizeOf(transferId)) !== transfer.bytes)
    throw new AppError('FILE_GONE', { name: transfer.name });
  return transfer;
}

export async function noteTaken(
  deps: Deps,
  actor: AccountActor,
  transfer: StoredTransfer,
): Promise<void> {
  const session = await selectSession(deps.database, transfer.sessionId);
  if (session === undefined) return;
  await recordEffect(deps, deps.database, actor, {
    action: transfer.kind === 'print' ? 'pages.printed' : 'file.taken',
    subjectId: session.id,
    subjectName: session.applicationName.fr,
    siteId: session.siteId,
    details: { bytes: transfer.bytes },
  });
  deps.wakeups.wake(['audit']);
}

async function ownSession(
  rows: Rows,
  actor: AccountActor,
  sessionId: string,
): Promise<StoredSession> {
  const session = await selectSession(rows, sessionId);
  if (session === undefined || session.accountId !== actor.id)
    throw new AppError('NOT_FOUND', { session: sessionId });
  return session;
}
async function ownTransfer(
  rows: Rows,
  actor: AccountActor,
  transferId: string,
): Promise<StoredTransfer> {
  const transfer = await selectTransfer(rows, transferId);
  if (transfer === undefined || transfer.accountId !== actor.id)
    throw new AppError('NOT_FOUND', { transfer: transferId });
  return transfer;
}
async function mayAdd(deps: Deps, rows: Rows, actor: AccountActor, bytes: number): Promise<void> {
  const pending = await countPending(rows, actor.id);
  if (pending.own >= maxPending) throw new AppError('TOO_MANY_FILES', { max: maxPending });
  if (pending.bytes + bytes > deps.config.PREAU_EXCHANGE_MIB * 1_048_576)
    throw new AppError('BUSY');
}

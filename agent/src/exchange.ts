/** Transfers files and printed pages between the city and sessions, and reports what sessions offer
 * to the person's device. */
import { join } from 'node:path';
import type { DesiredSession, DesiredState } from '@preau/contract/desired-state.ts';
import { dependencyErrors } from '@preau/contract/errors/dependencies.ts';
import { AppError, type ErrorCode } from '@preau/contract/errors.ts';
import {
  type DesiredTransfer,
  maxTransferBytes,
  mayPass,
  mayTake,
  type OfferedFile,
} from '@preau/contract/exchange.ts';
import type { Report } from '@preau/contract/report.ts';
import type { Terms } from '@preau/contract/rule.ts';
import type { ControllerLink } from './controller-link.ts';
import type { Driver } from './drivers/driver.ts';
import {
  beginsWith,
  makeFolder,
  names,
  readFrom,
  remove,
  sha256Of,
  sizeOf,
  writeFrom,
} from './files.ts';

/** Terms of a session by this server's own evaluation of the rules; null: it does not run here, or
 * is not allowed. */
export type TermsOf = (session: DesiredSession) => Terms | null;

export interface Exchange {
  /** Starts the requested transfers and reads what sessions offer. Returns without waiting. */
  pass: (desired: DesiredState, termsOf: TermsOf) => void;
  offered: (sessionId: string) => OfferedFile[];
  reported: () => Report['transfers'];
  /** Deletes the partial files of an agent that died. */
  recall: () => void;
}

interface ExchangeDeps {
  stateFolder: string;
  driver: Pick<Driver, 'offeredFiles' | 'copyOffered' | 'dropOffered' | 'placeFile'>;
  link: Pick<ControllerLink, 'readTransfer' | 'sendTransfer'>;
  now: () => number;
  work: (task: () => Promise<void>) => void;
  tell: (when: true) => void;
}

interface Carried {
  attempts: number;
  busy: boolean;
  retryAt: number;
  over: { code: ErrorCode | null; message: string } | null;
}

const atOnce = 4;
const attempts = 4;
const lookEveryMs = 2000;

export function createExchange({
  stateFolder,
  driver,
  link,
  now,
  work,
  tell,
}: ExchangeDeps): Exchange {
  const folder = join(stateFolder, 'transfers');
  const carried = new Map<string, Carried>();
  const offers = new Map<string, string>();
  let lookedAt = 0;
  let looking = false;

  const carry = async (transfer: DesiredTransfer, terms: Terms): Promise<void> => {
    const { transferId, sessionId, direction, kind, name, sha256, bytes } = transfer;
    const path = join(folder, transferId);
    // The school's rules are checked here too: the controller's word is not enough.
    if (!mayPass(terms, transfer)) throw new AppError('FILES_NOT_ALLOWED', { direction });
    try {
      makeFolder(folder, 0o700);
      if (direction === 'in') {
        await writeFrom(
          path,
          0,
          bounded(await link.readTransfer(transferId, AbortSignal.timeout(maxMs)), bytes),
        );
        if (sizeOf(path) !== bytes || (await sha256Of(path)) !== sha256)
          throw new AppError('HASH_MISMATCH', { name });
        await driver.placeFile(sessionId, name, path);
      } else {
        await driver.copyOffered(sessionId, { kind, name }, path, maxTransferBytes);
        if (sizeOf(path) > maxTransferBytes) throw new AppError('PAYLOAD_TOO_LARGE', { name });
        if (kind === 'print' && !beginsWith(path, '%PDF-'))
          throw new AppError('FILE_GONE', { name, why: 'not pages' });
        await link.sendTransfer(
          transferId,
          { sha256: await sha256Of(path), size: sizeOf(path) },
          readFrom(path),
        );
        // Printed pages are deleted once sent; a file in the exchange folder stays.
        if (kind === 'print') await driver.dropOffered(sessionId, { kind, name });
      }
    } finally {
      remove(path);
    }
  };

  const begin = (transfer: DesiredTransfer, terms: Terms, state: Carried) => {
    state.busy = true;
    state.attempts += 1;
    work(async () => {
      try {
        await carry(transfer, terms);
        state.over = { code: null, message: '' };
      } catch (error) {
        const code = error instanceof AppError ? error.code : 'DOWNLOAD_FAILED';
        state.retryAt = now() + Math.min(lookEveryMs * 2 ** state.attempts, longestPauseMs);
        // Transfer errors and a busy controller may pass; other errors would repeat. A city that is
        // out of order is waited for: it keeps the transfer for an hour.
        if (!outOfOrder.has(code) && (!passing.has(code) || state.attempts >= attempts))
          state.over = {
            code,
            message: (error instanceof Error ? error.message : String(error)).slice(0, 500),
          };
      } finally {
        state.busy = false;
        tell(true);
      }
    });
  };

  const look = async (sessions: readonly { sessionId: string; terms: Terms }[]) => {
    for (const { sessionId, terms } of sessions) {
      const found = await driver
        .offeredFiles(sessionId, { files: mayTake(terms.files), pages: terms.printing })
        .catch(() => null);
      if (found === null) continue;
      const text = JSON.stringify(found);
      if (text === (offers.get(sessionId) ?? '[]')) continue;
      offers.set(sessionId, text);
      tell(true);
    }
  };

  return {
    recall: () => {
      for (const name of names(folder)) remove(join(folder, name));
    },
    pass: (desired, termsOf) => {
      const running = new Map(
        desired.sessions.flatMap((session) => {
          const terms = termsOf(session);
          return terms === null ? [] : [[session.sessionId, terms] as const];
        }),
      );
      for (const id of carried.keys())
        if (!desired.transfers.some((transfer) => transfer.transferId === id)) carried.delete(id);
      for (const id of offers.keys()) if (!running.has(id)) offers.delete(id);
      let busy = [...carried.values()].filter((one) => one.busy).length;
      for (const transfer of desired.transfers) {
        const terms = running.get(transfer.sessionId);
        const state = carried.get(transfer.transferId) ?? {
          attempts: 0,
          busy: false,
          retryAt: 0,
          over: null,
        };
        if (
          terms === undefined ||
          state.busy ||
          state.over !== null ||
          state.retryAt > now() ||
          busy >= atOnce
        )
          continue;
        carried.set(transfer.transferId, state);
        busy += 1;
        begin(transfer, terms, state);
      }
      const offering = [...running]
        .filter(([, terms]) => mayTake(terms.files) || terms.printing)
        .map(([sessionId, terms]) => ({ sessionId, terms }));
      if (offering.length === 0 || looking || now() - lookedAt < lookEveryMs) return;
      looking = true;
      lookedAt = now();
      void look(offering).finally(() => {
        looking = false;
      });
    },
    offered: (sessionId) => JSON.parse(offers.get(sessionId) ?? '[]') as OfferedFile[],
    reported: () =>
      [...carried].flatMap(([transferId, { over }]) =>
        over === null ? [] : [{ transferId, ...over }],
      ),
  };
}

/** Five minutes at 700 kB/s. */
const maxMs = 300_000;
const longestPauseMs = 30_000;
/** What the city stands on does not work. */
const outOfOrder: ReadonlySet<ErrorCode> = new Set([
  ...(Object.keys(dependencyErrors) as (keyof typeof dependencyErrors)[]),
  'BUSY',
  'SLOW_DOWN',
  'RESTARTING',
]);
const passing: ReadonlySet<ErrorCode> = new Set([
  'DOWNLOAD_FAILED',
  'HASH_MISMATCH',
  'INTERNAL',
  'UPLOAD_REFUSED',
]);

async function* bounded(source: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let read = 0;
  for await (const chunk of source) {
    read += chunk.length;
    if (read > bytes) throw new AppError('HASH_MISMATCH', { why: `more than ${bytes} bytes` });
    yield chunk;
  }
}

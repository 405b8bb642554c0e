/** Linking events into the chain, verifying it, and signing its length. Events are linked after
 * their commit, by the process that holds the chain's row, so that launches never wait for each
 * other. */
import { setImmediate as breathe } from 'node:timers/promises';
import {
  type ChainVerdict,
  followChain,
  hashOf,
  headText,
  type Link,
  markOf,
  noLink,
  removalText,
  valuesOf,
} from '@preau/contract/audit-chain.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { newSalt, sha256, verifySignature } from '#src/platform/secrets.ts';
import {
  linkEvent,
  lockChain,
  saveHead,
  selectChain,
  selectChained,
  selectPending,
} from './store.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'secrets'>;

/** Events per transaction. This many take about ten milliseconds, during which nobody else can
 * write on SQLite. */
const atOnce = 200;

/** In the caller's transaction, which holds the lock on the chain. Returns how many were linked. */
async function linkPending(
  deps: Pick<Deps, 'clock' | 'secrets'>,
  rows: Rows,
  from: Link,
  limit = atOnce,
): Promise<{ linked: number; head: Link }> {
  let head = from;
  const pending = await selectPending(rows, limit);
  for (const event of pending) {
    const salts = [newSalt(), newSalt(), newSalt()];
    const marks = valuesOf(event).map((value, field) =>
      markOf(sha256, salts[field] ?? '', field, value),
    );
    head = { seq: head.seq + 1, hash: hashOf(sha256, head, event, marks) };
    await linkEvent(rows, event.id, head, salts, marks);
  }
  if (pending.length > 0) {
    const at = deps.clock.now();
    await saveHead(rows, { ...head, at, signature: deps.secrets.sign(headText(head, at)) });
  }
  return { linked: pending.length, head };
}

/** Links every event committed so far. Safe to run anywhere, at any time, twice. */
export async function chainEvents(deps: Deps): Promise<number> {
  let total = 0;
  for (let linked = atOnce; linked === atOnce; total += linked) {
    // The common case is that nothing is pending; it takes no lock.
    if ((await selectPending(deps.database, 1)).length === 0) break;
    ({ linked } = await deps.database
      .transaction()
      .execute(async (rows) => linkPending(deps, rows, (await lockChain(rows)).head)));
    // On SQLite nothing else gives others their turn.
    await breathe();
  }
  return total;
}

const pageSize = 500;

/** Verifies the whole chain, from where retention cut it to its head, and the controller's
 * signatures. `known`: a link noted elsewhere, such as the end of an export, which also reveals a
 * chain rewritten after it. Events written meanwhile are not included. */
export async function verifyChain(deps: Deps, known: Link | null = null): Promise<ChainVerdict> {
  await chainEvents(deps);
  return verifyLinked(deps, known);
}

/** The same for the events that are linked already. Writes nothing. */
export async function verifyLinked(
  deps: Pick<Deps, 'database'> & { secrets: Pick<Deps['secrets'], 'controllerKey'> },
  known: Link | null = null,
): Promise<ChainVerdict> {
  const { head, removed } = await selectChain(deps.database);
  const start: Link = { seq: removed.seq, hash: removed.hash };
  const signed = (text: string, signature: string | null) =>
    signature !== null && verifySignature(deps.secrets.controllerKey, text, signature);
  const forged = (seq: number): ChainVerdict => ({
    intact: false,
    events: 0,
    erased: 0,
    start,
    head: { seq: head.seq, hash: head.hash },
    broken: { seq, problem: 'forged' },
  });
  if (start.seq > 0 ? !signed(removalText(start), removed.signature) : start.hash !== noLink.hash)
    return forged(start.seq);
  if (head.seq > 0 && !signed(headText(head, head.at), head.signature)) return forged(head.seq);
  const check = followChain(sha256, start, known);
  while (!check.isBroken) {
    const page = await selectChained(deps.database, check.at.seq, pageSize);
    for (const event of page) {
      if (event.seq > head.seq) break;
      check.next(event);
    }
    await breathe();
    if (page.length < pageSize || check.at.seq >= head.seq) break;
  }
  // Retention may have removed the front during the verification; that is not a fault.
  const after = await selectChain(deps.database);
  if (check.isBroken && after.removed.seq > start.seq)
    return verifyLinked(deps, known !== null && known.seq < after.removed.seq ? null : known);
  // Events linked beyond the head were inserted by somebody else.
  if (
    !check.isBroken &&
    after.head.seq === head.seq &&
    (await selectChained(deps.database, head.seq, 1)).length > 0
  )
    return {
      ...check.end(null),
      intact: false,
      broken: { seq: head.seq + 1, problem: 'other_chain' },
    };
  return check.end({ seq: head.seq, hash: head.hash });
}

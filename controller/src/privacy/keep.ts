/** Retention: its settings, and the daily clean-up. */

import {
  type ChainVerdict,
  type Link,
  ChainVerdict as VerdictSchema,
} from '@preau/contract/audit-chain.ts';
import { dayMs } from '@preau/contract/days.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { ChainState, PrivacySettings } from '@preau/contract/privacy.ts';
import { Strict } from '@preau/contract/schema.ts';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { mustReach } from '#src/accounts/reach.ts';
import { verifyChain } from '#src/audit/chain.ts';
import { removeOldEvents } from '#src/audit/erase.ts';
import { recordEffect } from '#src/audit/record.ts';
import { countEvents, selectChain } from '#src/audit/store.ts';
import type { AccountActor, Actor } from '#src/platform/actor.ts';
import { removeErased } from '#src/platform/compaction/compaction.ts';
import { inTurn } from '#src/platform/in-turn.ts';
import type { Platform } from '#src/platform/platform.ts';
import { pruneRecordings } from '#src/sessions/recordings/recordings.ts';
import { deleteSessionsOver } from '#src/sessions/store.ts';
import {
  claimDay,
  saveNamed,
  selectCompactionDue,
  selectPrivacy,
  selectVerified,
} from './store.ts';
import { keepUsage, selectOldestSession } from './usage/store.ts';
import { monthOf, monthStart } from './usage/usage.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'secrets' | 'wakeups'>;

const isVerified = Compile(Strict({ at: Type.Integer(), ...VerdictSchema.properties }));

export async function changePrivacySettings(
  deps: Deps,
  actor: AccountActor,
  settings: PrivacySettings,
): Promise<PrivacySettings> {
  mustReach(actor, null);
  await deps.database.transaction().execute(async (rows) => {
    await saveNamed(rows, 'privacy', settings, deps.clock.now());
    await recordEffect(deps, rows, actor, {
      action: 'privacy.settings_changed',
      subjectName: 'privacy',
      details: settings,
    });
  });
  deps.wakeups.wake(['audit']);
  return settings;
}

export async function readAuditChain(deps: Deps): Promise<ChainState> {
  const [{ head, removed }, { linked, pending }, settings, verified] = [
    await selectChain(deps.database),
    await countEvents(deps.database),
    await selectPrivacy(deps.database),
    await selectVerified(deps.database),
  ];
  return {
    key: deps.secrets.controllerKey,
    events: linked,
    pending,
    removed: removed.seq,
    retentionDays: settings.auditDays,
    head:
      head.signature === null
        ? null
        : { seq: head.seq, hash: head.hash, at: head.at, signature: head.signature },
    verified: isVerified.Check(verified) ? verified : null,
  };
}

/** Without a known position, the verdict is saved for the console. Refuses with VALIDATION_FAILED
 * when only one of `seq` and `hash` is given. */
export async function verifyAudit(
  deps: Deps,
  asked: { seq?: string | undefined; hash?: string | undefined },
): Promise<ChainVerdict> {
  if ((asked.seq === undefined) !== (asked.hash === undefined))
    throw new AppError('VALIDATION_FAILED', {
      issues: [{ field: 'query', problem: '`seq` and `hash` go together' }],
    });
  const known: Link | null =
    asked.seq === undefined || asked.hash === undefined
      ? null
      : { seq: Number(asked.seq), hash: asked.hash };
  const verdict = await verifyChain(deps, known);
  if (known === null) {
    const at = deps.clock.now();
    await saveNamed(deps.database, 'audit_verified', { at, ...verdict }, at);
    deps.wakeups.wake(['audit']);
  }
  return verdict;
}

/** Deletes sessions by whole months, once a month is old enough; its statistics are kept. */
async function removeOldSessions(deps: Deps, actor: Actor, before: number): Promise<void> {
  for (let guard = 0; guard < 24; guard += 1) {
    const oldest = await selectOldestSession(deps.database);
    if (oldest === null) return;
    const month = monthOf(oldest);
    const [from, until] = [monthStart(month), monthStart(month, 1)];
    if (until > before) return;
    const count = await deps.database.transaction().execute(async (rows) => {
      await keepUsage(rows, month, from, until);
      const count = await deleteSessionsOver(rows, from, until);
      await recordEffect(deps, rows, actor, {
        action: 'sessions.pruned',
        subjectName: month,
        details: { sessions: count },
      });
      return count;
    });
    if (count === 0) return;
  }
}

/** Once a day, in one of the city's processes: deletes what is too old, and verifies the chain.
 * This takes a while with a million events, so it is not part of the sweep, which sessions depend
 * on. Safe to run anywhere, twice. */
export async function keepAges(
  deps: Deps & Pick<Platform, 'config' | 'log' | 'heavy'>,
): Promise<void> {
  const now = deps.clock.now();
  if (!(await claimDay(deps.database, now, dayMs))) return;
  const actor: Actor = { kind: 'job', id: 'retention', name: 'retention' };
  const settings = await selectPrivacy(deps.database);
  await inTurn([
    () => removeOldSessions(deps, actor, now - settings.sessionDays * dayMs),
    async () => {
      for (let removed = 1; removed > 0; )
        removed = await removeOldEvents(deps, actor, now - settings.auditDays * dayMs);
    },
    () => pruneRecordings(deps, actor, now - settings.recordingDays * dayMs),
    () => compactWhenDue(deps, now),
    () => verifyAloud(deps),
  ]);
}

async function compactWhenDue(
  deps: Parameters<typeof removeErased>[0],
  now: number,
): Promise<void> {
  const isDue = await selectCompactionDue(deps.database);
  // Without a rewrite, what was removed goes from the log of changes at least.
  const rewritten = await removeErased(deps, isDue ? Number.POSITIVE_INFINITY : 0);
  if (isDue && rewritten) await saveNamed(deps.database, 'compaction', { due: false }, now);
}

async function verifyAloud(deps: Deps & Pick<Platform, 'log'>): Promise<void> {
  const verdict = await verifyAudit(deps, {});
  if (!verdict.intact)
    deps.log.error({ broken: verdict.broken }, 'the audit has been tampered with');
}

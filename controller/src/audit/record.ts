/** Writes one audit event, in the transaction of the effect it records. */
import type { AuditAction } from '@preau/contract/audit.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Clock } from '#src/platform/clock.ts';
import type { Rows } from '#src/platform/database.ts';
import { insertAuditEvent } from './store.ts';

export interface Effect {
  action: AuditAction;
  subjectId?: string | null;
  subjectName: string;
  siteId?: string | null;
  details?: Record<string, unknown>;
}

export async function recordEffect(
  deps: { clock: Clock },
  rows: Rows,
  actor: Actor,
  effect: Effect,
): Promise<void> {
  await insertAuditEvent(rows, {
    at: deps.clock.now(),
    action: effect.action,
    actorKind: actor.kind,
    actorId: actor.id,
    actorName: actor.name,
    subjectId: effect.subjectId ?? null,
    subjectName: effect.subjectName,
    siteId: effect.siteId ?? null,
    // A token acts in its owner's name: which token it was is recorded as well.
    details:
      actor.kind === 'account' && actor.token !== null
        ? { ...effect.details, token: actor.token.id }
        : (effect.details ?? {}),
  });
}

/** Exports everything held about a person as one file. */
import { setImmediate as breathe } from 'node:timers/promises';
import { AppError } from '@preau/contract/errors.ts';
import { mustReach, reachOf } from '#src/accounts/reach.ts';
import { recordEffect } from '#src/audit/record.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectEverything, selectHeld, selectPrivacy } from './store.ts';

/** Names of people who acted on this account are left out: they are those people's data. */
export async function exportPerson(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: AccountActor,
  id: string,
): Promise<Buffer> {
  const [person] = await selectHeld(deps.database, [id]);
  if (person === undefined) throw new AppError('NOT_FOUND', { account: id });
  mustReach(actor, ...(reachOf(actor) === null ? [] : [person.siteId]));
  const events = [];
  for (let before: string | null = null; events.length < 200_000; ) {
    const page: Awaited<ReturnType<typeof selectAuditEvents>> = await selectAuditEvents(
      deps.database,
      { before, limit: 1000, search: null, personId: id },
    );
    events.push(
      ...page.map((event) =>
        event.actorId === id
          ? event
          : {
              ...event,
              actorId: null,
              actorName: event.actorKind === 'account' ? '…' : event.actorName,
            },
      ),
    );
    before = page.at(-1)?.id ?? null;
    await breathe();
    if (page.length < 1000) break;
  }
  const settings = await selectPrivacy(deps.database);
  await recordEffect(deps, deps.database, actor, {
    action: 'account.exported',
    subjectId: id,
    subjectName: person.displayName,
    siteId: person.siteId,
  });
  deps.wakeups.wake(['audit']);
  return Buffer.from(
    JSON.stringify(
      {
        madeAt: new Date(deps.clock.now()).toISOString(),
        keptForDays: settings,
        person,
        ...(await selectEverything(deps.database, id)),
        audit: events,
      },
      null,
      2,
    ),
  );
}

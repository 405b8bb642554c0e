/** The part of a report that is about the server itself: vitals, inventory, failed steps,
 * applications. */
import type { Report } from '@preau/contract/report.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AgentActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { lockSite, publishDesiredState, publishForNeighbours } from '../desired/desired-state.ts';
import type { ServerRow } from '../store.ts';
import type { PastEpoch } from './clone.ts';
import { saveApplicationState, saveVitals, selectServerApplicationStates } from './store.ts';

export interface RecordedReport {
  topics: Set<Topic>;
  /** Installed applications whose icon the catalogue still lacks. */
  iconsWanted: string[];
}

/** Repeating a report changes nothing: effects are told only when a state changes. */
export async function recordServerReport(
  deps: Pick<Platform, 'config' | 'clock' | 'secrets'>,
  rows: Rows,
  actor: AgentActor,
  server: ServerRow,
  report: Report,
  pastEpochs: readonly PastEpoch[],
): Promise<RecordedReport> {
  const now = deps.clock.now();
  const topics = new Set<Topic>(['servers']);
  const cacheMoved = JSON.stringify(server.cache) !== JSON.stringify(report.inventory.cache);
  // All rows of the site are locked in one order, before our own is.
  const generations = cacheMoved ? await lockSite(rows, server.siteId) : null;
  await saveVitals(rows, server.id, {
    epoch: report.epoch,
    seq: report.seq,
    pastEpochs,
    at: now,
    appliedGeneration: report.generation,
    health: report.health,
    inventory: report.inventory,
    failedSteps: report.failedSteps,
  });
  if (generations !== null)
    for (const topic of await publishForNeighbours(deps, rows, server.siteId, generations))
      topics.add(topic);
  if (server.silentTold) {
    await recordEffect(deps, rows, actor, {
      action: 'server.back',
      subjectId: server.id,
      subjectName: server.name,
      siteId: server.siteId,
      details: { silentMs: now - (server.lastSeenAt ?? now) },
    });
    topics.add('sites').add('audit');
  }
  for (const step of report.failedSteps) {
    const known = server.failedSteps.some(
      (past) => past.step === step.step && past.code === step.code && past.element === step.element,
    );
    if (step.step === 'refuse_state' && !known) {
      await recordEffect(deps, rows, actor, {
        action: 'server.state_refused',
        subjectId: server.id,
        subjectName: server.name,
        siteId: server.siteId,
        details: { code: step.code, element: step.element },
      });
      topics.add('audit');
    }
  }
  const known = await selectServerApplicationStates(rows, server.id);
  const iconsWanted: string[] = [];
  for (const seen of report.applications) {
    const before = known.get(seen.applicationId);
    if (before === undefined) continue;
    if (seen.state === 'installed' && before.iconHash === null && seen.iconHash !== null)
      iconsWanted.push(seen.applicationId);
    const error = seen.error === null ? null : JSON.stringify(seen.error);
    if (seen.state === before.state && error === before.error && seen.version === before.version)
      continue;
    await saveApplicationState(rows, server.id, seen.applicationId, {
      state: seen.state,
      version: seen.version,
      error,
      at: now,
    });
    topics.add('applications').add('portal');
    // Taken away, and there again: brought meanwhile by an older wish. That it goes must be said
    // anew.
    if (before.state === 'removed') topics.add(await publishDesiredState(deps, rows, server.id));
    if (
      seen.state !== before.state &&
      (seen.state === 'installed' || seen.state === 'removed' || seen.state === 'failed')
    ) {
      topics.add('audit');
      await recordEffect(deps, rows, actor, {
        action: `application.${seen.state}`,
        subjectId: seen.applicationId,
        subjectName: before.name,
        siteId: server.siteId,
        details: {
          server: server.name,
          version: seen.version,
          ...(seen.error === null ? {} : { code: seen.error.code }),
        },
      });
    }
  }
  return { topics, iconsWanted };
}

/** The part of a report that is about the server itself: vitals, inventory, failed steps,
 * applications. */
import type { Report } from '@preau/contract/report.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AgentActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { lockSite, publishDesiredState, publishForNeighbours } from '../desired/desired-state.ts';
import { recordHomesErased } from '../homes/homes.ts';
import type { ServerRow } from '../store.ts';
import { noteClock } from './clock.ts';
import type { PastEpoch } from './clone.ts';
import { saveApplicationState, saveVitals, selectServerApplicationStates } from './store.ts';

type Deps = Pick<Platform, 'config' | 'clock' | 'secrets'>;

export interface RecordedReport {
  topics: Set<Topic>;
  /** Ids of installed applications whose icon the catalogue lacks. */
  iconsWanted: string[];
}

/** The context of recording one report. */
interface Recording {
  deps: Deps;
  rows: Rows;
  actor: AgentActor;
  /** As it was before this report. */
  server: ServerRow;
  report: Report;
  topics: Set<Topic>;
}

/** Repeating a report changes nothing: an effect is recorded only when a state changes. */
export async function recordServerReport(
  deps: Deps,
  rows: Rows,
  actor: AgentActor,
  received: { server: ServerRow; report: Report; pastEpochs: readonly PastEpoch[] },
): Promise<RecordedReport> {
  const { server, report, pastEpochs } = received;
  const recording = { deps, rows, actor, server, report, topics: new Set<Topic>(['servers']) };
  await recordVitals(recording, pastEpochs);
  // An agent of the version before refuses a state with members that it does not know.
  const isOlder =
    (server.answers && report.answers === undefined) ||
    (server.boot !== null && report.boot === undefined);
  if (isOlder) recording.topics.add(await publishDesiredState(deps, rows, server.id));
  const { clockSkewMs } = report.health;
  if (clockSkewMs !== undefined)
    for (const topic of await noteClock(deps, rows, actor, server, clockSkewMs))
      recording.topics.add(topic);
  if (server.silentTold) await recordReturn(recording);
  await recordRefusedStates(recording);
  const homes = {
    upTo: report.erasedHomes,
    isNew: server.boot === null && report.boot !== undefined,
  };
  for (const topic of await recordHomesErased(deps, rows, server.id, homes))
    recording.topics.add(topic);
  const iconsWanted = await recordApplications(recording);
  return { topics: recording.topics, iconsWanted };
}

async function recordVitals(
  { deps, rows, server, report, topics }: Recording,
  pastEpochs: readonly PastEpoch[],
): Promise<void> {
  const cacheMoved = JSON.stringify(server.cache) !== JSON.stringify(report.inventory.cache);
  // All servers of the site are locked in one order, before this server's own row, to avoid
  // deadlocks.
  const generations = cacheMoved ? await lockSite(rows, server.siteId) : null;
  await saveVitals(rows, server.id, {
    epoch: report.epoch,
    seq: report.seq,
    pastEpochs,
    at: deps.clock.now(),
    appliedGeneration: report.generation,
    health: report.health,
    inventory: report.inventory,
    failedSteps: report.failedSteps,
    answers: report.answers !== undefined,
    boot: report.boot ?? null,
  });
  if (generations === null) return;
  for (const topic of await publishForNeighbours(deps, rows, server.siteId, generations))
    topics.add(topic);
}

async function recordReturn({ deps, rows, actor, server, topics }: Recording): Promise<void> {
  const now = deps.clock.now();
  await recordEffect(deps, rows, actor, {
    action: 'server.back',
    subjectId: server.id,
    subjectName: server.name,
    siteId: server.siteId,
    details: { silentMs: now - (server.lastSeenAt ?? now) },
  });
  topics.add('sites').add('audit');
}

async function recordRefusedStates(recording: Recording): Promise<void> {
  const { deps, rows, actor, server, report, topics } = recording;
  for (const step of report.failedSteps) {
    const known = server.failedSteps.some(
      (past) => past.step === step.step && past.code === step.code && past.element === step.element,
    );
    if (step.step !== 'refuse_state' || known) continue;
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

type ReportedApplication = Report['applications'][number];

/** Returns the ids of applications whose icon the catalogue lacks. */
async function recordApplications(recording: Recording): Promise<string[]> {
  const { deps, rows, server, report, topics } = recording;
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
      at: deps.clock.now(),
    });
    topics.add('applications').add('portal');
    // It had been removed and was installed again, from an older desired state. A new state
    // requests its removal again.
    if (before.state === 'removed') topics.add(await publishDesiredState(deps, rows, server.id));
    if (seen.state !== before.state) await recordApplicationState(recording, seen, before);
  }
  return iconsWanted;
}

/** Records only final states; `installing` and `removing` are still in progress. */
async function recordApplicationState(
  { deps, rows, actor, server, topics }: Recording,
  seen: ReportedApplication,
  before: { name: string },
): Promise<void> {
  if (seen.state !== 'installed' && seen.state !== 'removed' && seen.state !== 'failed') return;
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

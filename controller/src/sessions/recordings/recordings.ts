/** Recordings: started and ended by the gateway, watched and deleted by technicians, deleted
 * automatically by age. `<data>/recordings/<id>` holds the Guacamole instructions exactly as guacd
 * sent them to the browser. */
import { createWriteStream, mkdirSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import type { Recording } from '@preau/contract/recording.ts';
import { mustReach, reachOf } from '#src/accounts/reach.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor, Actor } from '#src/platform/actor.ts';
import { cursorOf, readCursor } from '#src/platform/cursor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { newId } from '#src/platform/secrets.ts';
import { selectSession } from '../store.ts';
import {
  closeRecording,
  deleteRecordingRow,
  insertRecording,
  selectRecording,
  selectRecordingIds,
  selectRecordings,
  selectUnattached,
} from './store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'wakeups' | 'log'>;

/** An hour of drawing is a few hundred MiB at most; recordings are not meant for a day of video. */
const maxBytes = 2 ** 30;
/** Bytes not yet written to disk. Beyond this, the recording is given up rather than the live
 * picture. */
const maxWaiting = 32 * 2 ** 20;

const folderOf = (deps: Pick<Platform, 'config'>): string =>
  join(deps.config.PREAU_DATA, 'recordings');
export const recordingPath = (deps: Pick<Platform, 'config'>, id: string): string =>
  join(folderOf(deps), id);

export interface Recorder {
  /** Takes whole Guacamole instructions only. */
  write: (frame: Buffer) => void;
  end: () => void;
}

/** Records from the first picture on. A full disk does not interrupt the session: it is logged,
 * and the recording is marked incomplete. Throws NOT_FOUND only. */
export async function startRecording(
  deps: Deps,
  actor: AccountActor,
  sessionId: string,
  beginning: Buffer,
): Promise<Recorder> {
  const session = await selectSession(deps.database, sessionId);
  if (session === undefined) throw new AppError('NOT_FOUND', { session: sessionId });
  const id = newId('rec');
  try {
    mkdirSync(folderOf(deps), { recursive: true, mode: 0o700 });
  } catch (error) {
    // Opening the file below fails as well, and reports the reason.
    deps.log.error({ err: error }, 'no folder for recordings');
  }
  // The row is written first, so that every file can be found, shown and deleted.
  await deps.database.transaction().execute(async (rows) => {
    await insertRecording(rows, {
      id,
      sessionId,
      accountId: session.accountId,
      siteId: session.siteId,
      applicationId: session.applicationId,
      startedAt: deps.clock.now(),
    });
    await recordEffect(deps, rows, actor, {
      action: 'session.recorded',
      subjectId: sessionId,
      subjectName: session.applicationName.fr,
      siteId: session.siteId,
      details: { recording: id },
    });
  });
  deps.wakeups.wake(['recordings', 'audit']);
  const file = createWriteStream(recordingPath(deps, id), { flags: 'wx', mode: 0o600 });
  let bytes = 0;
  let problem: string | null = null;
  let ended = false;
  file.on('error', (error) => {
    problem ??= error.message;
  });
  const recorder: Recorder = {
    write: (frame) => {
      if (ended || problem !== null) return;
      if (bytes + frame.length > maxBytes) problem = 'too large';
      else if (file.writableLength > maxWaiting) problem = 'the disk is too slow';
      if (problem !== null) return void file.end();
      bytes += frame.length;
      file.write(frame);
    },
    end: () => {
      if (ended) return;
      ended = true;
      const closed = () =>
        close().catch((error: unknown) =>
          deps.log.error({ err: error, recording: id }, 'recording not closed'),
        );
      if (file.writableEnded || file.errored !== null) void closed();
      else file.end(() => void closed());
    },
  };
  const close = async () => {
    await closeRecording(deps.database, id, {
      at: deps.clock.now(),
      bytes,
      isWhole: problem === null,
    });
    if (problem !== null) {
      deps.log.error({ recording: id, problem }, 'recording broken off');
      await recordEffect(deps, deps.database, actor, {
        action: 'recording.broken',
        subjectId: sessionId,
        subjectName: session.applicationName.fr,
        siteId: session.siteId,
        details: { recording: id, problem },
      });
    }
    deps.wakeups.wake(['recordings', 'audit']);
  };
  recorder.write(beginning);
  return recorder;
}

export async function listRecordings(
  deps: Pick<Deps, 'database'>,
  actor: AccountActor,
  asked: { search?: string | undefined; after?: string | undefined; limit: number },
): Promise<{ items: Recording[]; next: string | null }> {
  const after = readCursor(asked.after, 'number', 'rec');
  const items = await selectRecordings(deps.database, {
    search: asked.search ?? '',
    after: after === null ? null : { startedAt: Number(after[0]), id: after[1] },
    limit: asked.limit,
    siteIds: reachOf(actor),
  });
  const last = items.at(-1);
  return {
    items,
    next:
      last === undefined || items.length < asked.limit ? null : cursorOf([last.startedAt, last.id]),
  };
}

/** Refuses with NOT_FOUND, OUT_OF_SCOPE. */
export async function readRecording(
  deps: Pick<Deps, 'database'>,
  actor: AccountActor,
  id: string,
): Promise<Recording> {
  const recording = await selectRecording(deps.database, id);
  if (recording === undefined) throw new AppError('NOT_FOUND', { recording: id });
  mustReach(actor, recording.siteId);
  return recording;
}

/** Recorded in the audit before the first byte. */
export async function watchRecording(
  deps: Deps,
  actor: AccountActor,
  id: string,
): Promise<{ path: string; size: number }> {
  const recording = await readRecording(deps, actor, id);
  const path = recordingPath(deps, id);
  const seen = await stat(path).catch(() => null);
  if (seen === null) throw new AppError('FILE_GONE', { recording: id });
  await recordEffect(deps, deps.database, actor, {
    action: 'recording.watched',
    subjectId: recording.sessionId,
    subjectName: recording.applicationName.fr,
    siteId: recording.siteId,
    details: { recording: id, person: recording.accountId },
  });
  deps.wakeups.wake(['audit']);
  return { path, size: seen.size };
}

export async function deleteRecording(deps: Deps, actor: AccountActor, id: string): Promise<void> {
  const recording = await readRecording(deps, actor, id);
  // Bytes first: a row without bytes is still listed and can be deleted again; bytes without a row
  // are removed by the nightly prune.
  await rm(recordingPath(deps, id), { force: true });
  await deps.database.transaction().execute(async (rows) => {
    if (await deleteRecordingRow(rows, id))
      await recordEffect(deps, rows, actor, {
        action: 'recording.deleted',
        subjectId: recording.sessionId,
        subjectName: recording.applicationName.fr,
        siteId: recording.siteId,
        details: { recording: id, person: recording.accountId },
      });
  });
  deps.wakeups.wake(['recordings', 'audit']);
}

/** Ends the recordings of a controller that died: no browser is attached, and nothing was written
 * for a minute. What was written can be played. */
export async function closeAbandoned(deps: Deps): Promise<void> {
  const now = deps.clock.now();
  const closed: string[] = [];
  for (const id of await selectUnattached(deps.database, now - quietMs)) {
    const seen = await stat(recordingPath(deps, id)).catch(() => null);
    if (seen !== null && now - seen.mtimeMs < quietMs) continue;
    await closeRecording(deps.database, id, {
      at: Math.round(seen?.mtimeMs ?? now),
      bytes: seen?.size ?? 0,
      isWhole: false,
    });
    closed.push(id);
  }
  if (closed.length > 0) deps.wakeups.wake(['recordings']);
}
const quietMs = 60_000;

/** Daily: deletes recordings that are too old, and files without a row (their person was
 * erased). */
export async function pruneRecordings(deps: Deps, actor: Actor, before: number): Promise<void> {
  const old = await selectRecordingIds(deps.database, before);
  for (const id of old) {
    await rm(recordingPath(deps, id), { force: true });
    await deleteRecordingRow(deps.database, id);
  }
  // List the folder before the rows: a recording that starts meanwhile has its row before its file.
  const files = await readdir(folderOf(deps)).catch(() => []);
  const known = new Set(await selectRecordingIds(deps.database));
  const orphans = files.filter((name) => !known.has(name));
  for (const name of orphans) await rm(join(folderOf(deps), name), { force: true });
  if (old.length > 0)
    await recordEffect(deps, deps.database, actor, {
      action: 'recordings.pruned',
      subjectName: 'recordings',
      details: { recordings: old.length },
    });
}

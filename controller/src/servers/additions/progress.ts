/** Saves the progress of a running addition with each heartbeat: a sign of life, the log, and which
 * server has enrolled. A heartbeat also stops the work when somebody has ended the addition. */
import type { Addition } from '@preau/contract/fleet.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { append, cleanOutput } from './log.ts';
import { saveProgress, selectEnrolledWith } from './store.ts';

/** Many heartbeats long, because a slow database does not mean that the controller died. */
export const aliveForMs = 60_000;

export interface Progress {
  /** Adds to the log, without secrets and control characters. */
  say: (text: string) => void;
  /** From now on masks the code in the log, and recognises the server that enrols with it. */
  expectEnrolment: (code: string) => void;
  /** Saves now, with a new state. Never rejects. */
  reach: (state: Addition['state']) => Promise<void>;
  log: () => string;
  /** The server that enrolled with the code, and whether it has reported. */
  enrolled: () => Promise<{ serverId: string; reported: boolean } | undefined>;
  /** Stops the heartbeats and waits for the last one. */
  close: () => Promise<void>;
}

export function openProgress(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups' | 'log'>,
  work: { id: string; secrets: readonly string[]; beatMs: number; abort: AbortController },
): Progress {
  const { id } = work;
  const secrets = [...work.secrets];
  let log = '';
  let saved = '';
  let codeHash: string | null = null;
  let serverId: string | null = null;
  let state: Addition['state'] = 'connecting';

  const enrolled = async () =>
    codeHash === null ? undefined : selectEnrolledWith(deps.database, codeHash);

  const save = async (next?: Addition['state']): Promise<void> => {
    if (next !== undefined) state = next;
    const found = serverId === null ? await enrolled() : undefined;
    if (found !== undefined) {
      serverId = found.serverId;
      state = state === 'installing' ? 'enrolled' : state;
    }
    const changed = log !== saved || next !== undefined || found !== undefined;
    saved = log;
    const open = await saveProgress(deps.database, id, {
      state,
      log,
      aliveUntil: deps.clock.now() + aliveForMs,
      ...(codeHash === null ? {} : { codeHash }),
      ...(serverId === null ? {} : { serverId }),
    });
    if (changed) deps.wakeups.wake([`addition:${id}`]);
    if (!open) work.abort.abort();
  };
  // Saves run one after the other, so that an older state cannot overwrite a newer one.
  let last = Promise.resolve();
  const beat = (next?: Addition['state']): Promise<void> => {
    last = last
      .then(() => save(next))
      .catch((error: unknown) =>
        deps.log.warn({ err: error, addition: id }, 'progress was not saved'),
      );
    return last;
  };
  const timer = setInterval(() => void beat(), work.beatMs);
  return {
    say: (text) => {
      log = append(log, cleanOutput(text, secrets));
    },
    expectEnrolment: (code) => {
      secrets.push(code);
      codeHash = sha256(code);
    },
    reach: beat,
    log: () => log,
    enrolled,
    close: () => {
      clearInterval(timer);
      return last;
    },
  };
}

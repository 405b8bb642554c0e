/** Runs an installer in a process session of its own, with its output in one file, its pid and
 * start time in another. When the agent dies, dpkg is not left half-way, and the next agent finds
 * the installer still running. */
import { uptime } from 'node:os';
import { join } from 'node:path';
import { startDetached } from '#src/command.ts';
import {
  exists,
  makeFolder,
  modifiedAt,
  names,
  readTail,
  readText,
  remove,
  write,
} from '#src/files.ts';
import { unattended } from './apt.ts';
import { signal as kill, listProcesses, startTimeOf } from './processes.ts';

export interface Ran {
  /** Null: killed. */
  code: number | null;
  timedOut: boolean;
  /** The end of what this run wrote. */
  tail: string;
}

/** How a run ended, in words. */
export const howItEnded = (program: string, { code, timedOut }: Ran): string => {
  if (timedOut) return `${program} did not end in time and was stopped`;
  return code === null
    ? `${program} was killed while it worked; what it left was repaired`
    : `${program} ended with ${code}`;
};

export interface Installers {
  /** Throws the signal's reason when aborted; the installer and everything it started are then
   * killed. */
  run: (
    key: string,
    file: string,
    args: readonly string[],
    options: { timeoutMs: number; signal: AbortSignal; env?: Record<string, string> },
  ) => Promise<Ran>;
  /** Resolves when an installer of an agent that died has ended, or was killed at its time limit;
   * null when none runs. */
  resume: (key: string) => Promise<void> | null;
  logOf: (key: string) => string;
  /** Adds the agent's own text to the log. */
  note: (key: string, text: string) => void;
}

const lookEveryMs = 250;
/** Goes on when the agent restarts, and does not jump when the machine's clock is set: an installer
 * must not be killed for that. */
const uptimeMs = () => uptime() * 1000;
const longestMs = 3_600_000;
const keptLogs = 60;
const logBytes = 8000;
/** Makes a key safe as part of a path. */
export const safeKey = (key: string): string =>
  key.replace(/[^A-Za-z0-9_.-]/g, '_').replace(/^\.+/, '_');

export function createInstallers(folders: { run: string; logs: string }): Installers {
  makeFolder(folders.run, 0o700);
  makeFolder(folders.logs, 0o700);
  const logPath = (key: string) => join(folders.logs, `install-${safeKey(key)}.log`);
  const pidPath = (key: string) => join(folders.run, safeKey(key));

  const forget = () => {
    const logs = names(folders.logs)
      .filter((name) => name.startsWith('install-'))
      .map((name) => ({
        path: join(folders.logs, name),
        at: modifiedAt(join(folders.logs, name)),
      }));
    for (const { path } of logs.sort((a, b) => b.at - a.at).slice(keptLogs)) remove(path);
  };

  return {
    run: async (key, file, args, { timeoutMs, signal, env }) => {
      signal.throwIfAborted();
      forget();
      const log = logPath(key);
      const before = readTail(log, 0).size;
      const started = await startDetached(file, args, log, { ...unattended, ...env });
      write(
        pidPath(key),
        JSON.stringify({
          pid: started.pid,
          start: startTimeOf(started.pid),
          killAtUptimeMs: uptimeMs() + timeoutMs,
        }),
        0o600,
      );
      let timedOut = false;
      const stop = () => killTree(started.pid);
      const timer = setTimeout(() => {
        timedOut = true;
        stop();
      }, timeoutMs);
      signal.addEventListener('abort', stop, { once: true });
      try {
        const code = await started.exited;
        // Somebody, or the kernel for want of memory, killed it: what it had started must not go on
        // beside the repair.
        if (code === null && !timedOut) kill(-started.pid, 'SIGKILL');
        signal.throwIfAborted();
        const written = Math.max(readTail(log, 0).size - before, 0);
        return {
          code: timedOut ? null : code,
          timedOut,
          tail: readTail(log, Math.min(written, 200_000)).text,
        };
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
        remove(pidPath(key));
      }
    },
    resume: (key) => {
      const text = readText(pidPath(key));
      if (text === undefined) return null;
      const {
        pid,
        start,
        killAtUptimeMs = uptimeMs() + longestMs,
      } = JSON.parse(text) as {
        pid: number;
        start: string | null;
        /** Absent in what an older agent has written. */
        killAtUptimeMs?: number;
      };
      const runs = () => start !== null && startTimeOf(pid) === start;
      if (!runs()) {
        remove(pidPath(key));
        return null;
      }
      return new Promise((resolve) => {
        const timer = setInterval(() => {
          if (runs() && uptimeMs() < killAtUptimeMs) return;
          if (runs()) killTree(pid);
          clearInterval(timer);
          remove(pidPath(key));
          resolve();
        }, lookEveryMs);
      });
    },
    logOf: (key) => (exists(logPath(key)) ? readTail(logPath(key), logBytes).text : ''),
    note: (key, text) =>
      write(
        logPath(key),
        `${readText(logPath(key)) ?? ''}${text.endsWith('\n') ? text : `${text}\n`}`,
        0o600,
      ),
  };
}

/** Kills the process, its group, and everything it started, in groups of their own too. */
function killTree(pid: number): void {
  const children = new Map<number, number[]>();
  for (const process of listProcesses())
    children.set(process.parent, [...(children.get(process.parent) ?? []), process.pid]);
  const all = [pid];
  for (const each of all) all.push(...(children.get(each) ?? []));
  kill(-pid, 'SIGKILL');
  for (const each of all) kill(each, 'SIGKILL');
}

/** The machine's processes, read from /proc, which is right after any crash; pid files may be
 * stale. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Process {
  pid: number;
  parent: number;
  /** Real user id. */
  uid: number;
  args: string[];
}

/** Undefined when it has ended. */
export function readProcess(pid: number): Process | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    // Zombies only wait to be reaped: they hold nothing.
    if (/^State:\s+Z/m.test(status)) return undefined;
    return {
      pid,
      parent: Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]),
      uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]),
      args: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1),
    };
  } catch {
    // It ended while it was being read.
    return undefined;
  }
}

export const listProcesses = (): Process[] =>
  readdirSync('/proc').flatMap((name) =>
    /^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : [],
  );

/** `NAME=value` words that the process was started with; empty when it has ended. */
export function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Names the pid namespace a process is in; undefined when it has ended. */
export function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** When it started, in ticks since boot: pid and start time together identify a process. Null when
 * it has ended; a zombie has. */
export function startTimeOf(pid: number): string | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

export function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself.
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Sends SIGTERM, waits up to `graceMs`, then kills, until `find` finds none. Throws when a process
 * survives for 5 s. */
export async function endAll(find: () => Process[], graceMs: number): Promise<void> {
  for (const process of find()) signal(process.pid, 'SIGTERM');
  const started = performance.now();
  for (;;) {
    const left = find();
    if (left.length === 0) return;
    const waited = performance.now() - started;
    if (waited > graceMs + 5000)
      throw new Error(`processes ${left.map((process) => process.pid).join(', ')} do not end`);
    if (waited > graceMs) for (const process of left) signal(process.pid, 'SIGKILL');
    await pause(waited > graceMs ? 20 : 40);
  }
}

/** Starts all the lab's programs on this machine, and reads its process table. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Done {
  /** null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  input?: string;
  env?: Record<string, string>;
  cwd?: string;
  timeoutMs?: number;
}

const environment = () => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C.UTF-8',
  DEBIAN_FRONTEND: 'noninteractive',
});
/** Longer output is cut: a program that never stops talking must not fill our memory. The list of
 * every file of a server is 5 MB. */
const maxOutput = 32_000_000;

export function run(argv: readonly string[], options: RunOptions = {}): Promise<Done> {
  return new Promise((resolve, reject) => {
    const [file = '', ...args] = argv;
    const child = spawn(file, args, {
      env: { ...environment(), ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.timeoutMs === undefined
        ? {}
        : { timeout: options.timeoutMs, killSignal: 'SIGKILL' as const }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < maxOutput) stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < maxOutput) stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** Standard output of a program that must succeed. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const done = await run(argv, options);
  if (done.code !== 0)
    throw new Error(
      `${argv.join(' ').slice(0, 300)} ended with ${done.code ?? 'a signal'}: ` +
        `${`${done.stdout}${done.stderr}`.trim().slice(-1500)}`,
    );
  return done.stdout;
}

export type Talking = ChildProcess;

/** Starts a program that exchanges lines with us, in a process group of its own, so that Ctrl-C
 * reaches only us. */
export function startTalking(argv: readonly string[], onLine: (line: string) => void): Talking {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, {
    env: environment(),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let rest = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(-10_000);
      for (const line of lines) onLine(line);
    });
  }
  child.stdin?.on('error', () => undefined);
  return child;
}

/** Starts a copy of this program that outlives the terminal. */
export function startApart(argv: readonly string[], log: number): void {
  const [file = '', ...args] = argv;
  spawn(file, args, { detached: true, stdio: ['ignore', log, log] }).unref();
}

export interface HostProcess {
  pid: number;
  parent: number;
  args: string[];
}

/** The processes for which `belongs` returns true, except those that end meanwhile. */
export function processesWhere(belongs: (pid: number) => boolean): HostProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .flatMap((pid) => {
      try {
        if (!belongs(pid)) return [];
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
        // A zombie has ended already and only awaits its parent.
        return stat[0] === 'Z'
          ? []
          : [
              {
                pid,
                parent: Number(stat[1]),
                args: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1),
              },
            ];
      } catch {
        return [];
      }
    });
}

export const namespaceOf = (pid: number | 'self', kind: 'pid' | 'net'): string =>
  readlinkSync(`/proc/${pid}/ns/${kind}`);

export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Resident memory in KiB; 0 when it has ended. */
export function residentKib(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Start time: distinguishes a process from a later one with the same pid. */
export function startedAt(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** The only spawner of processes. Arguments are lists, never shell lines; output is bounded; every
 * wait has a limit. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

export interface Finished {
  /** Exit code; null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
  timedOut: boolean;
}

const maxOutput = 1_000_000;

export interface RunOptions {
  timeoutMs: number;
  input?: string;
  env?: Record<string, string>;
  signal?: AbortSignal;
  /** `stdinFile` replaces `input`; `stdoutFile`, created or truncated, replaces `stdout`. */
  stdinFile?: string;
  stdoutFile?: string;
}

/** How long after its deadline a program may still take to end: one that waits for a file server
 * cannot be killed, and one it started may hold its output open. */
const lateMs = 500;

/** Never throws for a program that fails; throws when it cannot be started at all. Returns soon
 * after the deadline, whatever the program does. */
export function run(file: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const [stdin, output] = [
      options.stdinFile === undefined ? 'pipe' : openSync(options.stdinFile, 'r'),
      options.stdoutFile === undefined ? 'pipe' : openSync(options.stdoutFile, 'w', 0o600),
    ] as const;
    const child: ChildProcess = spawn(file, [...args], {
      env: options.env ?? cleanEnvironment,
      stdio: [stdin, output, 'pipe'],
      ...(options.signal ? { signal: options.signal } : {}),
    });
    for (const own of [stdin, output]) if (own !== 'pipe') closeSync(own);
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    let late: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
      late = setTimeout(() => {
        for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
        child.unref();
        resolve({ code: null, stdout, stderr, timedOut });
      }, lateMs);
    }, options.timeoutMs);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < maxOutput) stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < maxOutput) stderr += text;
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      clearTimeout(late);
      resolve({ code, stdout, stderr, timedOut });
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
  });
}

/** Runs until the program ends or `signal` aborts (SIGTERM, then SIGKILL after 3 s). Dies with this
 * agent, so that nothing else writes to its files afterwards. */
export function runUntil(
  file: string,
  args: readonly string[],
  options: { env: Record<string, string>; signal: AbortSignal },
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const { signal } = options;
    const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'TERM', file, ...args], {
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let timer: NodeJS.Timeout | undefined;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-20_000);
      });
    }
    const stop = () => {
      child.kill('SIGTERM');
      timer = setTimeout(() => child.kill('SIGKILL'), 3000);
    };
    let late: NodeJS.Timeout | undefined;
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      clearTimeout(late);
      signal.removeEventListener('abort', stop);
      settle();
    };
    const end = (code: number | null) => finish(() => resolve({ code, output }));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    child.on('error', (error) => finish(() => reject(error)));
    // What it started may outlive it and hold its output open.
    child.on('exit', (code) => {
      late = setTimeout(() => {
        for (const stream of [child.stdout, child.stderr]) stream.destroy();
        end(code);
      }, lateMs);
    });
    child.on('close', end);
  });
}

export interface Started {
  pid: number;
  /** Resolves with the exit code when the process ends, as long as this agent lives. */
  exited: Promise<number | null>;
}

/** Starts a process that outlives the agent: in a session of its own, its output in a file. */
export function startDetached(
  file: string,
  args: readonly string[],
  logPath: string,
  env: Record<string, string> = cleanEnvironment,
): Promise<Started> {
  return new Promise((resolve, reject) => {
    const log = openSync(logPath, 'a', 0o600);
    const child = spawn(file, [...args], { env, detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    const exited = new Promise<number | null>((done) => child.on('exit', done));
    child.on('error', reject);
    child.on('spawn', () => {
      child.unref();
      resolve({ pid: child.pid ?? 0, exited });
    });
  });
}

/** Starts a process that shares the launcher's output and dies with it, however that dies.
 * `exited`: its exit code; null when a signal ended it. */
export function startChild(
  file: string,
  args: readonly string[],
): { exited: Promise<number | null>; kill: (signal: NodeJS.Signals) => void } {
  const [program = file, ...words] =
    process.platform === 'linux'
      ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', file, ...args]
      : [file, ...args];
  const child = spawn(program, words, { stdio: ['ignore', 'inherit', 'inherit'] });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
  return { exited, kill: (signal) => child.kill(signal) };
}

/** Follows the lines a program prints until it ends or `stop` is called. */
export function follow(
  file: string,
  args: readonly string[],
  env: Record<string, string>,
  onLine: (line: string) => void,
): { stop: () => void; ended: Promise<void> } {
  const child = spawn(file, [...args], {
    env: { ...cleanEnvironment, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(-65_536);
    for (const line of lines) onLine(line);
  });
  const ended = new Promise<void>((resolve) => {
    child.on('error', () => resolve());
    child.on('close', () => resolve());
  });
  return { stop: () => child.kill('SIGKILL'), ended };
}

/** Environment of child processes: nothing of the agent's own configuration. */
const cleanEnvironment: Record<string, string> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  HOME: '/root',
  DEBIAN_FRONTEND: 'noninteractive',
};

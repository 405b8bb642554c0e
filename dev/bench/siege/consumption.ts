/** What a Node process takes: memory after its garbage was collected, by its debugger, and time. */
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { residentKib, signal } from '../../lab/host.ts';
import { until } from '../../services.ts';

/** Resident, in megabytes. `debugPort`: its `--inspect-port`. */
export async function settledMegabytes(pid: number, debugPort: number): Promise<number> {
  signal(pid, 'SIGUSR1');
  let address = '';
  await until('the debugger', async () => {
    const told = await fetch(`http://127.0.0.1:${debugPort}/json/list`);
    const [first] = (await told.json()) as { webSocketDebuggerUrl: string }[];
    address = first?.webSocketDebuggerUrl ?? '';
    return address !== '';
  });
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  // Memory that was freed goes back to the system in the second after.
  for (const id of [1, 2]) {
    const done = new Promise((resolve) => socket.once('message', resolve));
    socket.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }));
    await done;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  socket.terminate();
  return (residentKib(pid) * 1024) / 1e6;
}

/** Hundredths of a second, as Linux counts everywhere. */
const ticksPerSecond = 100;

export interface Spent {
  /** Seconds of all its threads, and of the main one. */
  all: number;
  main: number;
  /** Seconds for which the main one could have run, and found no core. */
  waited: number;
}

/** Since its start. */
export function cpuSeconds(pid: number): Spent {
  const of = (path: string) => {
    const [user = 0, system = 0] = (readFileSync(path, 'utf8').split(') ').at(-1) ?? '')
      .split(' ')
      .slice(11, 13)
      .map(Number);
    return (user + system) / ticksPerSecond;
  };
  const main = `/proc/${pid}/task/${pid}`;
  const [, waitedNs] = readFileSync(`${main}/schedstat`, 'utf8').split(' ').map(Number);
  return { all: of(`/proc/${pid}/stat`), main: of(`${main}/stat`), waited: (waitedNs ?? 0) / 1e9 };
}

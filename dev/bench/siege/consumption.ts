/** The memory of a Node process after its garbage was collected, by its debugger. */
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

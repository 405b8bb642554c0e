/** Load and inventory of the machine, from /proc. */

import { statfsSync } from 'node:fs';
import { cpus, freemem, hostname, release, totalmem, uptime } from 'node:os';
import type { Health, Inventory } from '@preau/contract/report.ts';
import { readText } from '#src/files.ts';

const mebibyte = 1_048_576;
const busyTicks = () =>
  cpus().reduce(
    (sum, { times }) => ({
      idle: sum.idle + times.idle,
      all: sum.all + times.idle + times.user + times.sys + times.nice + times.irq,
    }),
    { idle: 0, all: 0 },
  );

export function createHealthMeter(
  stateFolder: string,
): () => Omit<Health, 'sessions' | 'displaysReady'> {
  let last = busyTicks();
  let cpu = 0;
  return () => {
    const current = busyTicks();
    const all = current.all - last.all;
    // Reports in quick succession share one measurement: too few ticks give no useful ratio.
    if (all > 100) {
      cpu = Math.min(Math.max(1 - (current.idle - last.idle) / all, 0), 1);
      last = current;
    }
    const available =
      Number(
        /^MemAvailable:\s+(\d+) kB/m.exec(readText('/proc/meminfo') ?? '')?.[1] ?? freemem() / 1024,
      ) / 1024;
    const disk = statfsSync(stateFolder);
    return {
      cpu: Math.round(cpu * 1000) / 1000,
      cores: cpus().length,
      memoryUsedMiB: Math.max(Math.round(totalmem() / mebibyte - available), 0),
      memoryTotalMiB: Math.round(totalmem() / mebibyte),
      diskFreeMiB: Math.round((disk.bavail * disk.bsize) / mebibyte),
      uptimeSeconds: Math.round(uptime()),
    };
  };
}

/** What does not change while the agent runs. */
export function readSystem(agentVersion: string): Omit<Inventory, 'packages' | 'chosen' | 'cache'> {
  const system =
    /^PRETTY_NAME="?([^"\n]+)/m.exec(readText('/etc/os-release') ?? '')?.[1] ?? 'Linux';
  return { hostname: hostname(), system, kernel: release(), agentVersion, platform: 'linux' };
}

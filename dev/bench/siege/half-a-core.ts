/** A control group that holds what is in it to half a core, and to so much memory. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface HalfACore {
  /** Words that start a program in it. */
  inside: readonly string[];
  /** Seconds for which it had to wait for its next share. */
  throttledSeconds: () => number;
  /** Once everything in it has ended. */
  close: () => void;
}

const periodUs = 100_000;
const memoryBytes = 1_500_000_000;

/** Needs root, and either version of control groups. */
export function openHalfACore(name: string): HalfACore {
  const mounted = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  const old = (controller: string) =>
    mounted.find(
      ([, , kind, options]) => kind === 'cgroup' && options?.split(',').includes(controller),
    )?.[1];
  const [cpu, memory] = [old('cpu'), old('memory')];
  if (cpu !== undefined && memory !== undefined)
    return make(
      [
        [join(cpu, name), { 'cpu.cfs_period_us': periodUs, 'cpu.cfs_quota_us': periodUs / 2 }],
        [join(memory, name), { 'memory.limit_in_bytes': memoryBytes }],
      ],
      (stat) => Number(/throttled_time (\d+)/.exec(stat)?.[1]) / 1e9,
    );
  const unified = mounted.find(([, , kind]) => kind === 'cgroup2')?.[1];
  if (unified === undefined) throw new Error('no control groups are mounted: mount cgroup2 first');
  writeFileSync(join(unified, 'cgroup.subtree_control'), '+cpu +memory');
  const limits = { 'cpu.max': `${periodUs / 2} ${periodUs}`, 'memory.max': memoryBytes };
  return make(
    [[join(unified, name), limits]],
    (stat) => Number(/throttled_usec (\d+)/.exec(stat)?.[1]) / 1e6,
  );
}

function make(
  groups: readonly [folder: string, limits: Record<string, number | string>][],
  throttled: (stat: string) => number,
): HalfACore {
  for (const [folder, limits] of groups) {
    mkdirSync(folder, { recursive: true });
    for (const [file, limit] of Object.entries(limits))
      writeFileSync(join(folder, file), String(limit));
  }
  const folders = groups.map(([folder]) => folder);
  return {
    // The shell enters each group, then becomes the program.
    inside: [
      ...['/bin/sh', '-c'],
      `set -e; for group in ${folders.join(' ')}; do echo $$ > "$group/cgroup.procs"; done; exec "$@"`,
      'sh',
    ],
    throttledSeconds: () => {
      const stat = join(folders[0] ?? '', 'cpu.stat');
      return existsSync(stat) ? throttled(readFileSync(stat, 'utf8')) : 0;
    },
    close: () => {
      for (const folder of folders) if (existsSync(folder)) rmdirSync(folder);
    },
  };
}

/** How many files and sockets this process may open at once. Node raises the soft limit to the hard
 * one when it starts. */
import { readFileSync } from 'node:fs';

const usual = 1024;

/** `limits`: the text of /proc/self/limits. Pure. */
export function openFilesIn(limits: string): number {
  const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(limits) ?? [];
  return soft === undefined || soft === 'unlimited' ? usual : Number(soft);
}

/** The lowest usual limit where the system does not say. */
export function openFilesLimit(): number {
  try {
    return openFilesIn(readFileSync('/proc/self/limits', 'utf8'));
  } catch {
    return usual;
  }
}

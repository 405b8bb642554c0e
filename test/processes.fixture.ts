/** Processes of this machine, from /proc: a bare Debian has no pgrep. */
import { readdirSync, readFileSync } from 'node:fs';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}
const pids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

export const childrenOf = (parent: number): number[] =>
  pids().filter(
    (pid) => Number(read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')[1]) === parent,
  );

/** `text`: part of the command line, with spaces between its words. */
export const processesWith = (text: string): number[] =>
  pids().filter((pid) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').includes(text));

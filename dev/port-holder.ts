/** Finds the process that listens on a port of this machine. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { until } from './services.ts';

/** Throws an error that names the holder. Waits first, as a process that has just ended may hold
 * its port a little longer. */
export async function refuseTakenPort(port: number): Promise<void> {
  await until('', () => listeners(port).length === 0, 2000).catch(() => {
    throw new Error(
      `Port ${port} is held by ${holderOf(listeners(port))}. End it, or choose another port: ` +
        `PORT=${port + 1} npm start`,
    );
  });
}

/** Throws an error that names who answers on the port, unless it is the process `pid`: another Préau
 * would take our calls for its own. */
export function mustHold(port: number, pid: number): void {
  const sockets = new Set(listeners(port).map((inode) => `socket:[${inode}]`));
  if (openFiles(String(pid)).some((file) => sockets.has(file))) return;
  throw new Error(
    `Port ${port} is answered by ${holderOf(listeners(port))}, not by the city that was started. ` +
      `End it, or choose another port: PORT=${port + 1} npm start`,
  );
}

/** Inodes of the sockets that listen on the port, whatever the address. */
function listeners(port: number): string[] {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
    read(table)
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((row) => row[1]?.endsWith(local) === true && row[3] === '0A')
      .map((row) => row[9] ?? ''),
  );
}

function holderOf(inodes: readonly string[]): string {
  const links = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const holder = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .find((pid) => openFiles(pid).some((file) => links.has(file)));
  if (holder === undefined) return 'a process that cannot be seen from here';
  const command = read(`/proc/${holder}/cmdline`).split('\0').join(' ').trim();
  return `process ${holder} (${command})`;
}

function openFiles(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((name) => target(`/proc/${pid}/fd/${name}`));
  } catch {
    return [];
  }
}

/** The link's target; empty when the file was closed meanwhile. */
function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

/** Empty when it does not exist or is not readable. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

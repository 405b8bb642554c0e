/** Where the Linux driver keeps its files. All paths are listed here, so that whatever is created
 * is also removed. */
import { join } from 'node:path';
import type { AgentConfig } from '#src/config.ts';

export interface Layout {
  prefix: string;
  rdpHost: string;
  /** Root of everything that does not survive a reboot. */
  run: string;
  /** Private /etc/xrdp of the display server. It holds programs, so it cannot be below /run, which
   * Debian mounts noexec. */
  xrdpEtc: string;
  /** Private /run/xrdp and /tmp of the display server. */
  xrdpRun: string;
  displayTmp: string;
  x11: string;
  pamFile: string;
  /** One file per display account that may sign in once: SHA-256 of its password. */
  credentials: string;
  /** Home folders of display accounts. */
  displays: string;
  /** Files of one session each: launcher, cookie, passwd. */
  sessions: string;
  /** People's home directories: the only thing that outlives a session. */
  homes: string;
  /** Applications unpacked from archives, one folder each; recipes name this path. */
  applications: string;
  /** What every session's printer needs; executable, so not below /run. */
  printer: string;
  /** Printed pages, one folder per session, until they are fetched; on disk, not in memory. */
  prints: string;
  logs: string;
}

export const layoutOf = (config: AgentConfig): Layout => ({
  prefix: config.prefix,
  rdpHost: config.rdpHost,
  run: config.runFolder,
  xrdpEtc: join(config.stateFolder, 'xrdp'),
  xrdpRun: join(config.runFolder, 'xrdp'),
  displayTmp: join(config.runFolder, 'tmp'),
  x11: join(config.runFolder, 'tmp/.X11-unix'),
  pamFile: join(config.runFolder, 'pam'),
  credentials: join(config.runFolder, 'xrdp/credentials'),
  displays: join(config.runFolder, 'displays'),
  sessions: join(config.runFolder, 'sessions'),
  homes: join(config.stateFolder, 'homes'),
  applications: '/opt/preau',
  prints: join(config.stateFolder, 'prints'),
  printer: join(config.stateFolder, 'printer'),
  logs: join(config.stateFolder, 'logs'),
});

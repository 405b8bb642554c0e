/** Where the Linux driver keeps things. One place, so that what is made is also what is swept
 * away. */
import { join } from 'node:path';
import type { AgentConfig } from '#src/config.ts';

export interface Layout {
  prefix: string;
  rdpHost: string;
  /** Root of everything that is gone at reboot. */
  run: string;
  /** Private /etc/xrdp of the display server; holds programs, and Debian mounts /run without
   * the right to execute. */
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
  /** Applications that came as archives, one folder each; recipes name it. */
  applications: string;
  /** What every session's printer needs; executable, so not below /run. */
  printer: string;
  /** Pages of one session each, until they are fetched: not in memory. */
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

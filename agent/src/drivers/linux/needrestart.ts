/** Keeps needrestart from restarting the agent: in the middle of somebody's security update that
 * would end every session of the school. */
import { dirname } from 'node:path';
import { exists, readText, write } from '#src/files.ts';

const needrestartFile = '/etc/needrestart/conf.d/preau-agent.conf';
const text = `# Written by preau-agent. Restarting it would end the sessions of this server.
$nrconf{override_rc}{qr(^preau-agent)} = 0;
`;

/** needrestart may be installed at any time, so this is repeated. */
export function spareAgent(path = needrestartFile): void {
  if (exists(dirname(path)) && readText(path) !== text) write(path, text, 0o644);
}

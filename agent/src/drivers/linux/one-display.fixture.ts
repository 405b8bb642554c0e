/** A program: makes one display and prints its number, or what went wrong. To be run where the
 * network is another one than this machine's: a display server belongs to the network it starts
 * in. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAgentConfig } from '#src/config.ts';
import { makeFolder } from '#src/files.ts';
import { startDisplayServer, stopDisplayServer } from './display-server.ts';
import { createDisplay, destroyDisplay } from './displays.ts';
import { layoutOf } from './layout.ts';

const stateFolder = mkdtempSync(join(tmpdir(), 'preau-display-'));
const layout = layoutOf(
  parseAgentConfig({
    PREAU_AGENT_STATE: stateFolder,
    PREAU_AGENT_RUN: `/run/preau-o${process.pid}`,
    PREAU_AGENT_PREFIX: `o${process.pid.toString(36)}`,
  }),
);
try {
  for (const folder of [layout.run, layout.displays]) makeFolder(folder, 0o755);
  makeFolder(layout.logs, 0o700);
  const display = await createDisplay(layout, await startDisplayServer(layout, 0));
  console.log(`display :${display.number}`);
  await destroyDisplay(layout, display.account, display.number);
} catch (error) {
  console.log(JSON.stringify(error));
} finally {
  await stopDisplayServer(layout);
  for (const folder of [layout.run, stateFolder]) rmSync(folder, { recursive: true, force: true });
}

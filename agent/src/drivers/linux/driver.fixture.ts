/** The real driver in folders of its own, and programs to open with it: for tests on real displays. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DesiredApplication, DesiredSession } from '@preau/contract/desired-state.ts';
import { openBundles } from '#src/bundles.ts';
import { parseAgentConfig } from '#src/config.ts';
import type { Driver, SessionOutcome } from '#src/drivers/driver.ts';
import { newKeyPair } from '#src/identity.ts';
import { id, sessionOne, tux } from '#src/world.fixture.ts';
import { type Machine, openControlGroups } from './control-groups.ts';
import { type Layout, layoutOf } from './layout.ts';
import { createLinuxDriver } from './linux.ts';

/** What a session has told so far. */
interface Told {
  sessionId: string;
  opened: boolean;
  outcome: SessionOutcome | null;
}

export interface RealDriver {
  driver: Driver;
  layout: Layout;
  /** The driver of the next agent on this machine: what runs stays. */
  again: () => Driver;
  /** Opens `command` for the person, who is named by one letter. */
  open: (
    person: string,
    command: readonly string[],
    more?: Partial<DesiredSession>,
  ) => Promise<Told>;
  end: () => Promise<void>;
}

let made = 0;

/** `machine`: how this one makes control groups; by default as it does. */
export function realDriver(machine?: Machine): RealDriver {
  made += 1;
  const name = `t${process.pid.toString(36)}${made}`;
  const stateFolder = mkdtempSync(join(tmpdir(), 'preau-driver-'));
  const config = parseAgentConfig({
    PREAU_AGENT_STATE: stateFolder,
    PREAU_AGENT_RUN: `/run/preau-${name}`,
    PREAU_AGENT_PREFIX: name,
  });
  const create = () =>
    createLinuxDriver(config, {
      version: '0',
      identity: {
        serverId: id('srv', 'd'),
        controllerUrl: 'http://127.0.0.1:9',
        controllerKey: newKeyPair().publicKey,
        privateKey: newKeyPair().privateKey,
      },
      bundles: openBundles(stateFolder),
      readPackage: () => Promise.reject(new Error('no city here')),
      running: { sha256: null, launched: false },
      restart: () => undefined,
      now: () => Date.now(),
      ...(machine && { groups: openControlGroups(name, machine) }),
      log: { info: () => undefined, warn: () => undefined },
    });
  const real: RealDriver = {
    driver: create(),
    layout: layoutOf(config),
    again: () => {
      real.driver = create();
      return real.driver;
    },
    open: async (person, command, more = {}) => {
      // Never twice: processes are found by it, also those of another test on this machine.
      const sessionId = `ses_${randomBytes(11).toString('hex')}`;
      const told: Told = { sessionId, opened: false, outcome: null };
      const wanted: DesiredSession = {
        ...sessionOne,
        sessionId: told.sessionId,
        accountId: id('acc', person),
        login: `person-${person}`,
        ...more,
      };
      await real.driver.openSession(
        wanted,
        programOf(command),
        {
          opened: () => {
            told.opened = true;
          },
          over: (outcome) => {
            told.outcome = outcome;
          },
        },
        { files: 'none', printing: false },
      );
      return told;
    },
    end: async () => {
      await real.driver.stop();
      rmSync(stateFolder, { recursive: true, force: true });
    },
  };
  return real;
}

const programOf = (command: readonly string[]): DesiredApplication => ({
  ...tux,
  recipes: {
    linux: {
      kind: 'apt',
      packages: ['tux'],
      detect: { kind: 'package', package: 'tux' },
      launch: { command: [...command] },
    },
  },
});

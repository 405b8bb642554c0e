/** An agent with a memory driver, and a controller that publishes states and collects reports. For
 * tests. */
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  DesiredApplication,
  DesiredSession,
  DesiredState,
  PolicyDocument,
  SignedState,
} from '@preau/contract/desired-state.ts';
import { AppError, type ErrorCode, errorAsTold } from '@preau/contract/errors.ts';
import { Report } from '@preau/contract/report.ts';
import { Compile } from 'typebox/compile';
import { afterEach, expect, vi } from 'vitest';
import { type Agent, createAgent } from './agent.ts';
import { createMemoryDriver, type MemoryDriver } from './drivers/memory.ts';

const isReport = Compile(Report);
export const serverId = `srv_${'a'.repeat(22)}`;
export const id = (prefix: string, letter: string) => `${prefix}_${letter.repeat(22)}`;
export const tux: DesiredApplication = {
  applicationId: id('app', 't'),
  versionId: id('ver', 't'),
  slug: 'tux',
  category: 'drawing',
  labels: [],
  version: '1.2',
  askedAt: 1,
  recipes: {
    linux: {
      kind: 'apt',
      packages: ['tux'],
      detect: { kind: 'package', package: 'tux' },
      launch: { command: ['tux'] },
      icon: { desktopFile: 'tux.desktop' },
    },
  },
};
export const sessionOne: DesiredSession = {
  sessionId: id('ses', '1'),
  applicationId: tux.applicationId,
  accountId: id('acc', 'l'),
  login: 'lea',
  displayName: 'Léa',
  language: 'fr',
  attachSerial: 1,
  role: 'pupil',
  groupIds: [],
  attributes: {},
  address: null,
};
/** Everything is open to everyone. */
export const openPolicy: PolicyDocument = {
  rules: [
    {
      id: id('rul', 'o'),
      effect: 'allow',
      target: { kind: 'category', category: 'drawing' },
      audience: { kind: 'everyone' },
      place: { kind: 'everywhere' },
      client: null,
      when: null,
      how: null,
    },
  ],
};
export const policyText = JSON.stringify(openPolicy);
export const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
export const site: DesiredState['site'] = {
  siteId: id('sit', 's'),
  siteGroupIds: [],
  timeZone: 'Europe/Paris',
  holidayZone: 'A',
  closures: [],
  networks: [],
};
export const sign = (document: string) => createHash('sha256').update(document).digest('base64url');

export interface World {
  agent: Agent;
  driver: MemoryDriver;
  folder: string;
  reports: Report[];
  icons: { applicationId: string; png: string }[];
  /** Bytes at the city, by transfer: of devices, and what was sent. */
  city: Map<string, string>;
  /** What the city answers to transfers, instead of taking or giving them; one entry a call. */
  refusals: ErrorCode[];
  clock: { at: number };
  /** Publishes a state, and rings the bell. */
  want: (state: Partial<DesiredState>, signature?: string, policy?: string) => void;
  /** One entry for each time the desired state was asked for; stops the test when it is asked for
   * without end. */
  fetched: number[];
  answer: (signed: SignedState) => void;
  away: (isAway: boolean) => void;
  last: () => Report;
  soon: (check: () => void) => Promise<void>;
  /** As kill -9: nothing more is done, and the next agent finds this machine and this disk. */
  kill: () => World;
}

const running: World[] = [];
afterEach(async () => {
  for (const world of running.splice(0)) {
    // One that was killed has no machine to stop.
    await world.agent.stop().catch(() => undefined);
    rmSync(world.folder, { recursive: true, force: true });
  }
});

/** A dead agent's calls reach nothing. */
function mortal(driver: MemoryDriver, isDead: () => boolean): MemoryDriver {
  const alive = (): MemoryDriver => {
    if (isDead()) throw new AppError('INTERNAL', { why: 'this agent is dead' });
    return driver;
  };
  return {
    ...driver,
    detect: async (...asked) => alive().detect(...asked),
    stage: async (...asked) => alive().stage(...asked),
    apply: async (...asked) => alive().apply(...asked),
    discard: (key) => (isDead() ? undefined : driver.discard(key)),
    prepareDisplay: async () => alive().prepareDisplay(),
    openSession: async (...asked) => alive().openSession(...asked),
    endSession: async (...asked) => alive().endSession(...asked),
    stop: async () => alive().stop(),
  };
}

export function world(
  options: {
    driver?: MemoryDriver;
    folder?: string;
    iconsAsked?: string[];
    clock?: { at: number };
    generation?: number;
  } = {},
): World {
  const driver = options.driver ?? createMemoryDriver();
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'preau-agent-'));
  const reports: Report[] = [];
  const icons: { applicationId: string; png: string }[] = [];
  const city = new Map<string, string>();
  const refusals: ErrorCode[] = [];
  const clock = options.clock ?? { at: 1_800_000_000_000 };
  let dead = false;
  const alive = mortal(driver, () => dead);
  let generation = options.generation ?? 0;
  let signed: SignedState | null = null;
  let isAway = false;
  const fetched: number[] = [];
  const bells: (() => void)[] = [];
  const ring = () => {
    for (const bell of bells) bell();
  };
  const answer = (state: SignedState) => {
    signed = state;
    ring();
  };
  const agent = createAgent({
    serverId,
    stateFolder: folder,
    driver: alive,
    now: () => clock.at,
    momentMs: 20,
    verify: (text, signature) => signature === sign(text),
    log: { info: () => undefined, warn: () => undefined },
    link: {
      readDesiredState: async () => {
        if (isAway) throw new Error('connect ECONNREFUSED');
        fetched.push(clock.at);
        // A network takes its time: a loop without pause must not stop the test itself.
        await new Promise((resolve) => setImmediate(resolve));
        if (signed === null) throw new AppError('NOT_FOUND');
        return signed;
      },
      sendReport: async (report) => {
        if (isAway) throw new Error('connect ECONNREFUSED');
        if (!isReport.Check(report))
          throw new Error(
            `report outside its contract: ${JSON.stringify(isReport.Errors(report))}`,
          );
        reports.push(structuredClone(report));
        return { generation, icons: options.iconsAsked ?? [] };
      },
      sendIcon: async (icon) => {
        icons.push(icon);
      },
      readTransfer: async (id) => {
        const refusal = refusals.shift();
        if (refusal !== undefined) throw errorAsTold(refusal, {});
        const content = city.get(id);
        if (isAway || content === undefined)
          throw isAway ? new Error('connect ECONNREFUSED') : new AppError('NOT_FOUND');
        return (async function* () {
          yield Buffer.from(content);
        })();
      },
      sendTransfer: async (id, announced, content) => {
        if (isAway) throw new Error('connect ECONNREFUSED');
        let sent = '';
        for await (const chunk of content) sent += String(chunk);
        if (
          createHash('sha256').update(sent).digest('hex') !== announced.sha256 ||
          Buffer.byteLength(sent) !== announced.size
        )
          throw new AppError('UPLOAD_REFUSED');
        city.set(id, sent);
      },
      onWake: (listener) => {
        bells.push(listener);
      },
      clockSkewMs: () => 0,
    },
  });
  const made: World = {
    agent,
    driver,
    folder,
    reports,
    icons,
    city,
    refusals,
    clock,
    answer,
    fetched,
    want: (state, signature, policy = policyText) => {
      generation += 1;
      const document = JSON.stringify({
        protocol: 1,
        serverId,
        generation,
        issuedAt: clock.at,
        standbyDisplays: 0,
        momentMs: 300,
        site,
        policy: hashOf(policy),
        applications: [],
        removals: [],
        sessions: [],
        transfers: [],
        orders: [],
        cache: null,
        peers: [],
        ...state,
      });
      answer({ document, signature: signature ?? sign(document), policy });
    },
    away: (away) => {
      isAway = away;
      if (!away) ring();
    },
    last: () => {
      const report = reports.at(-1);
      if (report === undefined) throw new Error('no report yet');
      return report;
    },
    soon: (check) => vi.waitFor(check, { timeout: 4000, interval: 5 }),
    kill: () => {
      dead = true;
      isAway = true;
      const disk = mkdtempSync(join(tmpdir(), 'preau-agent-'));
      cpSync(folder, disk, { recursive: true });
      return world({ driver: driver.afterCrash(), folder: disk, clock, generation });
    },
  };
  running.push(made);
  return made;
}

/** An agent whose one session runs. */
export async function opened(w: World): Promise<void> {
  w.want({ applications: [tux], sessions: [sessionOne] });
  await w.agent.start();
  await w.soon(() => expect(w.last().sessions).toMatchObject([{ state: 'ready' }]));
}

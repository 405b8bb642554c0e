/** Simulated servers: many real agents (their link, their reconcile loop, their signatures) in one
 * process, each with the memory driver instead of an operating system, with a configured
 * installation time. `startTalking` in services.ts starts it; it answers questions one by one, and
 * ends with the process that started it.
 *
 *  Agents write their state durably as on a real server, but to a folder in memory: a thousand
 * servers have a thousand disks, and this machine has one. */
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { createAgent } from '../agent/src/agent.ts';
import { type ControllerLink, openLink } from '../agent/src/controller-link.ts';
import type { Driver } from '../agent/src/drivers/driver.ts';
import { createMemoryDriver } from '../agent/src/drivers/memory.ts';
import { enrol } from '../agent/src/enrol.ts';
import { makeFolder } from '../agent/src/files.ts';
import { type Identity, isSignedByController } from '../agent/src/identity.ts';

export interface Enrolled {
  serverId: string;
  privateKey: string;
}
export interface FleetCounts {
  agents: number;
  linked: number;
  /** Agents that have the application asked about. */
  applied: number;
  /** Answers by `method path status`, since the last `forget`. */
  answers: Record<string, number>;
  /** Calls that got no answer, by reason. */
  unanswered: Record<string, number>;
}
export type FleetQuestion =
  | {
      do: 'enrol';
      folder: string;
      controllerUrl: string;
      controllerKey: string;
      codes: readonly string[];
      installMs: number;
    }
  | {
      do: 'run';
      folder: string;
      controllerUrl: string;
      controllerKey: string;
      agents: readonly Enrolled[];
      installMs: number;
    }
  | { do: 'count'; slug: string | null; forget: boolean }
  /** When each agent had the application: installed and detected. */
  | { do: 'times'; slug: string }
  /** When each server applied a desired state of at least this generation. */
  | { do: 'obeyed'; generations: Readonly<Record<string, number>> }
  | { do: 'stop' };

interface Simulated {
  link: ControllerLink;
  stop: () => Promise<void>;
  /** slug → epoch ms. */
  appliedAt: Map<string, number>;
  /** The latest applied states: generation and epoch ms. */
  obeyed: { generation: number; at: number }[];
}

const fleet = new Map<string, Simulated>();
let answers: FleetCounts['answers'] = {};
let unanswered: FleetCounts['unanswered'] = {};
const more = (counts: Record<string, number>, key: string) => {
  counts[key] = (counts[key] ?? 0) + 1;
};
// Counted at the HTTP client, below the agent's own code: whatever the agent makes of an answer, it
// is counted.
subscribe('http.client.response.finish', (message) => {
  const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
  more(answers, `${request.method} ${request.path} ${response.statusCode}`);
});
subscribe('http.client.request.error', (message) => {
  const { error } = message as { request: ClientRequest; error: NodeJS.ErrnoException };
  more(unanswered, error.code ?? error.name);
});

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Records when an application is first detected. */
function watchedDriver(installMs: number, appliedAt: Map<string, number>): Driver {
  const memory = createMemoryDriver({ installMs });
  return {
    ...memory,
    detect: async (application) => {
      const version = await memory.detect(application);
      if (version !== null && !appliedAt.has(application.slug))
        appliedAt.set(application.slug, Date.now());
      return version;
    },
  };
}

async function run(identity: Identity, stateFolder: string, installMs: number): Promise<void> {
  const link = openLink(identity);
  const appliedAt = new Map<string, number>();
  const obeyed: Simulated['obeyed'] = [];
  const agent = createAgent({
    serverId: identity.serverId,
    stateFolder,
    link,
    driver: watchedDriver(installMs, appliedAt),
    now: () => Date.now(),
    verify: (text, signature) => {
      const isSigned = isSignedByController(identity.controllerKey, text, signature);
      // A signed state is checked, written and applied in the same turn: a microtask runs just
      // after it.
      const generation = Number(/"generation":(\d+)/.exec(text)?.[1]);
      if (isSigned) queueMicrotask(() => obeyed.push({ generation, at: Date.now() }));
      if (obeyed.length > 200) obeyed.shift();
      return isSigned;
    },
    log: {
      info: () => undefined,
      warn: (facts, text) => console.error(identity.serverId, text, JSON.stringify(facts)),
    },
  });
  await agent.start();
  fleet.set(identity.serverId, { link, stop: agent.stop, appliedAt, obeyed });
}

async function answer(question: FleetQuestion): Promise<unknown> {
  switch (question.do) {
    case 'enrol': {
      const { folder, controllerUrl, controllerKey, codes, installMs } = question;
      for (const [index, code] of codes.entries()) {
        const stateFolder = join(folder, `enrolled-${index}`);
        await run(
          await enrol(stateFolder, { controllerUrl, controllerKey, code }),
          stateFolder,
          installMs,
        );
      }
      return [...fleet.keys()];
    }
    case 'run': {
      const { folder, controllerUrl, controllerKey, agents, installMs } = question;
      for (const [index, { serverId, privateKey }] of agents.entries()) {
        const stateFolder = join(folder, serverId);
        makeFolder(stateFolder, 0o700);
        await run({ serverId, privateKey, controllerUrl, controllerKey }, stateFolder, installMs);
        // Staggered: schools are not switched on in the same millisecond.
        if (index % 10 === 9) await pause(10);
      }
      return null;
    }
    case 'count': {
      const servers = [...fleet.values()];
      const { slug } = question;
      const counts: FleetCounts = {
        agents: servers.length,
        linked: servers.filter(({ link }) => link.connected()).length,
        applied: slug === null ? 0 : servers.filter(({ appliedAt }) => appliedAt.has(slug)).length,
        answers,
        unanswered,
      };
      if (question.forget) {
        answers = {};
        unanswered = {};
      }
      return counts;
    }
    case 'times':
      return Object.fromEntries(
        [...fleet].flatMap(([serverId, { appliedAt }]) =>
          appliedAt.has(question.slug) ? [[serverId, appliedAt.get(question.slug)]] : [],
        ),
      );
    case 'obeyed':
      return Object.fromEntries(
        [...fleet].flatMap(([serverId, { obeyed }]) => {
          const first = obeyed.find(
            ({ generation }) =>
              generation >= (question.generations[serverId] ?? Number.POSITIVE_INFINITY),
          );
          return first === undefined ? [] : [[serverId, first.at]];
        }),
      );
    case 'stop':
      await Promise.all(
        [...fleet.values()].map(({ stop, link }) => stop().then(() => link.close())),
      );
      fleet.clear();
      return null;
  }
}

process.on('message', ({ id, question }: { id: number; question: FleetQuestion }) => {
  answer(question).then(
    (reply) => process.send?.({ id, reply }),
    (error: unknown) =>
      process.send?.({
        id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
  );
});
process.on('disconnect', () => process.exit(0));

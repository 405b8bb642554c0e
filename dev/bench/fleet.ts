/** How long a rollout takes to reach every server, what a thousand servers cost the controller, and
 * how they reconnect after it was killed. The agents are real except for the operating system
 * (dev/fleet.ts); an installation takes 0.2 s in each. `--agents 5000` measures that many too. */
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import type { Client } from '../client.ts';
import { enrolAgent, root, startService, until } from '../services.ts';
import { type Figure, quantile, round } from './figures.ts';
import { type FleetCity, installMs, settled, startFleetCity } from './fleet-city.ts';
import { measurePeers } from './fleet-peers.ts';

type Tell = (text: string) => void;

/** Plans beforehand, as a technician does: one wave of all servers, no budget, no threshold.
 * Returns what the start call needs. */
async function plan(
  technician: Client,
  applicationId: string,
  slug: string,
): Promise<{ id: string; planHash: string }> {
  const rollout = await technician.call('createRollout', {
    body: {
      name: slug,
      items: [{ applicationId, want: 'present' }],
      where: { all: true, siteIds: [], groupIds: [], serverIds: [], labels: [] },
      waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
      trip: {
        failedShare: null,
        failedCount: null,
        timedOutShare: null,
        consecutiveFailures: null,
      },
      onTrip: 'pause',
      budget: { sitesAtOnce: null, serversPerSite: null, kibibytesPerSecond: null },
      windows: { install: null, download: null },
      startAt: null,
      timeoutMinutes: 60,
      catchUpDays: 14,
    },
  });
  return { id: rollout.id, planHash: rollout.plan.hash };
}

interface Round {
  appliedMs: number[];
  storedMs: number[];
  /** Duration of the start call itself. */
  startMs: number;
  controllerCpuS: number;
  /** Answered calls per agent, on average. */
  calls: Record<string, number>;
}

const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  // Clock ticks of 10 ms: user and system time.
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
const rssMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function measureRound(city: FleetCity, slug: string): Promise<Round> {
  const applicationId = city.applicationIds.get(slug) ?? '';
  const serverIds = city.serverIds();
  const { id, planHash } = await plan(city.technician, applicationId, slug);
  await settled(city);
  await city.count(null, true);
  const cpuBefore = cpuSeconds(city.controller.pid());
  const startedAt = Date.now();
  await city.technician.call('startRollout', { params: { id }, body: { planHash, force: true } });
  const startMs = Date.now() - startedAt;
  await until(
    `${slug} on every server`,
    async () => (await city.count(slug)).applied === serverIds.length,
    120_000,
  );
  const ended = () =>
    city.rows
      .selectFrom('rollout_targets')
      .select('finished_at')
      .where('rollout_id', '=', id)
      .where('state', '=', 'succeeded')
      .execute();
  await until(
    `${slug} in the controller's rows`,
    async () => (await ended()).length === serverIds.length,
    60_000,
  );
  await until(
    `the end of ${slug}`,
    async () =>
      (await city.technician.call('readRollout', { params: { id } })).state === 'completed',
    60_000,
  );
  await settled(city);
  const { answers } = await city.count();
  const times = await city.times(slug);
  return {
    startMs,
    controllerCpuS: cpuSeconds(city.controller.pid()) - cpuBefore,
    appliedMs: serverIds.map((serverId) => (times.get(serverId) ?? Number.NaN) - startedAt),
    storedMs: (await ended()).map((row) => (row.finished_at ?? Number.NaN) - startedAt),
    calls: Object.fromEntries(
      Object.entries(answers).map(([call, number]) => [call, round(number / serverIds.length, 2)]),
    ),
  };
}

const seconds = (ms: number) => round(ms / 1000, 3);
const summary = (ms: readonly number[]) => ({
  p50_s: seconds(quantile(ms, 0.5)),
  p99_s: seconds(quantile(ms, 0.99)),
  last_s: seconds(Math.max(...ms)),
});

function describe(rounds: readonly Round[]) {
  return {
    samples: rounds.flatMap((each) => each.appliedMs).length,
    rounds: rounds.length,
    install_s: installMs / 1000,
    applied: summary(rounds.flatMap((each) => each.appliedMs)),
    stored: summary(rounds.flatMap((each) => each.storedMs)),
    last_of_each_round_s: rounds.map((each) => seconds(Math.max(...each.storedMs))),
    start_call_s: rounds.map((each) => seconds(each.startMs)),
    controller_cpu_s_per_round: rounds.map((each) => round(each.controllerCpuS, 2)),
    calls_per_agent: rounds.at(-1)?.calls,
  };
}

const slugsOf = (rounds: number) =>
  Array.from({ length: rounds }, (_, index) => `mesure-${index + 1}`);

/** Starts that many agents, measures some orders, then runs the given measurement on the city. */
async function withFleet<T>(
  tell: Tell,
  signal: AbortSignal,
  size: { agents: number; overHttp: boolean; rounds: number },
  then: (city: FleetCity, rounds: Round[], grownMb: number) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const { agents, overHttp } = size;
  const slugs = slugsOf(size.rounds);
  const city = await startFleetCity({
    folder: join(root, '.data/bench-fleet'),
    sites: Math.min(agents, Math.max(27, Math.ceil(agents / 4))),
    servers: overHttp ? 0 : agents,
    slugs,
    processes: agents > 200 ? 2 : 1,
  });
  try {
    await pause(1000);
    const before = rssMb(city.controller.pid());
    const startedAt = Date.now();
    if (overHttp) {
      const codes: string[] = [];
      for (const id of city.siteIds)
        codes.push(
          (
            await city.technician.call('createEnrolmentCode', {
              params: { id },
              body: { serverName: 'Serveur pédagogique' },
            })
          ).code,
        );
      await city.enrolOverHttp(codes);
    } else await city.runSeeded();
    await settled(city);
    tell(
      `${agents} agents ${overHttp ? 'enrolled over HTTP and ' : ''}linked in ${seconds(Date.now() - startedAt)} s`,
    );
    await pause(2000);
    const grownMb = rssMb(city.controller.pid()) - before;
    const rounds: Round[] = [];
    for (const slug of slugs) {
      signal.throwIfAborted();
      rounds.push(await measureRound(city, slug));
      tell(
        `${agents} agents, ${slug}: last one applied and stored after ` +
          `${seconds(Math.max(...(rounds.at(-1)?.storedMs ?? [])))} s`,
      );
      await pause(500);
    }
    return await then(city, rounds, grownMb);
  } finally {
    await city.stop();
  }
}

/** A controller that is killed and restarts at once: no agent may be refused. */
async function measureHerd(city: FleetCity, tell: Tell) {
  const agents = city.serverIds().length;
  await city.count(null, true);
  const killedAt = Date.now();
  await city.controller.kill();
  city.controller.restart();
  await until('the links to break', async () => (await city.count()).linked < agents, 10_000);
  await until('the controller', async () => (await fetch(`${city.url}/api/health`)).ok);
  const upAfterMs = Date.now() - killedAt;
  let halfAt = Number.NaN;
  await until(
    'every agent linked again',
    async () => {
      const { linked } = await city.count();
      if (linked >= agents / 2 && Number.isNaN(halfAt)) halfAt = Date.now();
      return linked === agents;
    },
    180_000,
  );
  const linkedMs = Date.now() - killedAt;
  await until(
    'every agent heard of again',
    async () =>
      (
        await city.rows
          .selectFrom('servers')
          .select('id')
          .where('last_seen_at', '<', killedAt)
          .limit(1)
          .execute()
      ).length === 0,
    60_000,
  );
  const reportedMs = Date.now() - killedAt;
  const { answers, unanswered } = await city.count();
  const serverErrors = Object.entries(answers)
    .filter(([call]) => Number(call.split(' ').at(-1)) >= 500)
    .reduce((sum, [, number]) => sum + number, 0);
  tell(
    `herd of ${agents}: linked again ${seconds(linkedMs)} s after the kill, ${serverErrors} answers of 5xx`,
  );
  return {
    agents,
    linked_s: seconds(linkedMs),
    half_linked_s: seconds(halfAt - killedAt),
    controller_up_s: seconds(upAfterMs),
    all_reported_s: seconds(reportedMs),
    server_errors: serverErrors,
    answers,
    unanswered_while_down: unanswered,
  };
}

/** One real agent as a school installs it: the bundle, the Linux driver, no standby display. */
async function measureAgent(city: FleetCity, tell: Tell) {
  const folder = join(root, '.data/bench-fleet/agent');
  const env = {
    PREAU_AGENT_STATE: folder,
    PREAU_AGENT_RUN: `/run/preau-bench-${process.pid}`,
    PREAU_AGENT_PREFIX: 'preaubench',
  };
  const { code, controllerKey } = await city.technician.call('createEnrolmentCode', {
    params: { id: city.siteIds[0] ?? '' },
    body: { serverName: 'Agent seul' },
  });
  enrolAgent(env, { controllerUrl: city.url, controllerKey, code });
  const agent = startService({
    name: 'agent',
    file: process.execPath,
    args: [join(root, 'packaging/build/preau-agent.mjs'), 'run'],
    env,
    logPath: join(root, '.data/bench-fleet/agent.log'),
  });
  try {
    await until(
      'the agent',
      async () =>
        (
          await city.rows
            .selectFrom('servers')
            .select('seq')
            .where('name', '=', 'Agent seul')
            .executeTakeFirst()
        )?.seq !== 0,
    );
    // Long enough for two regular reports.
    await pause(42_000);
    const mb = rssMb(agent.pid());
    tell(`one agent: ${round(mb, 1)} MB`);
    return mb;
  } finally {
    await agent.stop();
  }
}

export async function measureFleet(
  tell: Tell,
  signal: AbortSignal,
  words: readonly string[],
): Promise<Figure[]> {
  const more = Number(words[words.indexOf('--agents') + 1]);
  // Everything shares this machine's cores: figures from a busy machine do not describe the
  // product.
  const machine = {
    cores: availableParallelism(),
    load_before: round(loadavg()[0] ?? Number.NaN, 1),
  };
  const peers = await measurePeers(tell, [27, 108]);
  const small = await withFleet(
    tell,
    signal,
    { agents: 27, overHttp: true, rounds: 6 },
    async (city, rounds) => ({ rounds, agentMb: await measureAgent(city, tell) }),
  );
  const middle = await withFleet(
    tell,
    signal,
    { agents: 108, overHttp: false, rounds: 4 },
    async (_city, rounds) => rounds,
  );
  const large = await withFleet(
    tell,
    signal,
    { agents: 1000, overHttp: false, rounds: 3 },
    async (city, rounds, grownMb) => {
      const pid = city.controller.pid();
      const [cpuBefore, at] = [cpuSeconds(pid), Date.now()];
      await pause(20_000);
      const restCpu = (cpuSeconds(pid) - cpuBefore) / ((Date.now() - at) / 1000);
      const busyMb = rssMb(pid);
      return { rounds, grownMb, restCpu, busyMb, herd: await measureHerd(city, tell) };
    },
  );
  const largest =
    Number.isInteger(more) && more > 0
      ? await withFleet(
          tell,
          signal,
          { agents: more, overHttp: false, rounds: 2 },
          async (city, rounds, grownMb) => ({
            agents: more,
            ...describe(rounds),
            grown_mb: round(grownMb, 1),
            herd: await measureHerd(city, tell),
          }),
        )
      : 'not measured in this run: add --agents 5000';

  const applied = (
    agents: number,
    rounds: readonly Round[],
    aim: number,
    detail: Record<string, unknown>,
  ): Figure => {
    const value = seconds(
      quantile(
        rounds.flatMap((each) => each.appliedMs),
        0.99,
      ),
    );
    return {
      id: `fleet.apply_${agents}_s_p99`,
      value,
      unit: 's',
      aim: `<= ${aim}`,
      holds: value <= aim,
      detail: {
        what:
          'start of a rollout → application installed and found there, for each agent; stored: ' +
          'its result in the controller’s rows',
        machine,
        ...describe(rounds),
        ...detail,
      },
    };
  };
  const { herd } = large;
  const mb = round(large.grownMb, 1);
  const agentMb = round(small.agentMb, 1);
  return [
    applied(27, small.rounds, 0.4, { enrolled: 'over HTTP', peers: peers[27] }),
    applied(108, middle, 0.6, { peers: peers[108] }),
    applied(1000, large.rounds, 3, { more: largest }),
    {
      id: 'fleet.controller_mb_per_1000_agents',
      value: mb,
      unit: 'MB',
      aim: '<= 150',
      holds: mb <= 150,
      detail: {
        what: 'growth of the controller’s resident memory from none to 1,000 linked agents',
        after_orders_mb: round(large.busyMb, 1),
        cpu_share_at_rest: round(large.restCpu, 3),
      },
    },
    {
      id: 'fleet.herd_1000_s',
      value: herd.linked_s,
      unit: 's',
      aim: '<= 20, and no answer of 5xx',
      holds: herd.linked_s <= 20 && herd.server_errors === 0,
      detail: { ...herd, jitter: 'full, base 1 s, cap 60 s' },
    },
    {
      id: 'fleet.agent_rss_mb',
      value: agentMb,
      unit: 'MB',
      aim: '<= 120',
      holds: agentMb <= 120,
      detail: {
        what: 'the bundle with the Linux driver, 0 displays standing by, after three reports',
      },
    },
  ];
}

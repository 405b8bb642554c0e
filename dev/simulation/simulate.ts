/** One city, one seed: half an hour of faults, then calm, after which everything must settle. */
import type { Recipes } from '@preau/contract/application.ts';
import type { RolloutDraft } from '@preau/contract/rollout-draft.ts';
import { pinOf } from '../../agent/src/reconcile/wanted.ts';
import { sweepRollouts } from '../../controller/src/rollouts/sweep.ts';
import { Agent } from './agent.ts';
import { createChance } from './chance.ts';
import { Clockwork } from './clockwork.ts';
import { Controller } from './controllers.ts';
import { watch } from './invariants.ts';
import { Machine } from './machine.ts';
import { Network } from './network.ts';
import { Tables } from './tables.ts';
import { Technician } from './technician.ts';
import { type Broken, type FaultName, type GuardName, World } from './world.ts';

export interface Outcome {
  seed: number;
  broken: Broken | null;
  faults: [FaultName, number][];
  events: number;
  virtualMs: number;
  /** The last events; only of a broken run. */
  trail: string[];
}

const minute = 60_000;
const trouble = { from: 20_000, until: 22 * minute };
/** Everything must have settled this long after the last fault. */
const restWithin = 150 * minute;
const sweepEveryMs = 10_000;
/** A Tuesday in November, two in the afternoon in Paris. */
const begin = Date.UTC(2026, 10, 24, 13);
const idOf = (prefix: string, n: number) => `${prefix}_${String(n).padStart(22, '0')}`;
const anyTime: RolloutDraft['windows'] = { install: null, download: null };

/** `kept`: how many of the last events are reported when it breaks. */
export async function simulate(
  seed: number,
  without: GuardName | null = null,
  kept = 40,
): Promise<Outcome> {
  const chance = createChance(seed);
  const clock = new Clockwork(begin);
  const world = new World(chance, clock, new Tables(), without, kept);
  const network = new Network(world);
  const machines = build(world, network);
  network.acknowledged = watch(world).acknowledged;
  const technician = new Technician(
    world,
    network,
    chance.under(0.2) ? windowsAround(chance.between(3, 12)) : anyTime,
  );
  const applicationIds = [
    ...new Set(world.tables.versions.map(({ applicationId }) => applicationId)),
  ];

  for (const agent of network.agents.values())
    clock.after(chance.between(0, 8_000), () => agent.start());
  const sweep = () => {
    clock.after(sweepEveryMs, sweep);
    if (network.redisIsAway && chance.under(0.6)) return undefined;
    const controller = network.anyController();
    if (controller !== undefined && !controller.isFrozen())
      return controller.act('sweeping', sweepRollouts);
    return undefined;
  };
  clock.after(0, sweep);
  clock.at(begin + trouble.from, () =>
    technician.begins(applicationIds.slice(0, chance.between(1, applicationIds.length)), true),
  );
  if (chance.under(0.6))
    clock.at(begin + chance.between(2, 14) * minute, () =>
      technician.begins(
        chance.under(0.5) ? applicationIds : [chance.pick(applicationIds)],
        chance.under(0.6),
      ),
    );
  for (let left = chance.between(0, 7); left > 0; left -= 1)
    clock.at(begin + chance.between(trouble.from, trouble.until), () => technician.acts());
  for (let left = chance.between(1, 8); left > 0; left -= 1)
    clock.at(begin + chance.between(trouble.from, trouble.until), () =>
      misfortune(world, network, machines),
    );
  world.whileOneStandsStill = (ms) => {
    if (world.isSlow && world.befalls(0.1)) clock.after(ms / 2, () => technician.halts());
  };
  const forsaken = chance.under(0.1) ? chance.pick(machines) : null;
  clock.at(begin + trouble.until, () => peace(world, network, machines, forsaken));

  let settledFor = 0;
  const look = () => {
    const calm =
      technician.isDone((serverId) => serverId === forsaken?.id || world.twins.has(serverId)) &&
      machines.every((machine) => isAsDesired(world, network, machine));
    settledFor = calm ? settledFor + 1 : 0;
    clock.after(30_000, look);
    return technician.tidies();
  };
  clock.at(begin + trouble.until + minute, look);

  while (world.broken === null && settledFor < 3) {
    if (clock.now > begin + trouble.until + restWithin) {
      world.violate(
        'after the last fault everything comes to rest',
        unrest(world, network, machines, technician, forsaken),
      );
      break;
    }
    await clock.step();
    world.events += 1;
  }
  return {
    seed,
    broken: world.broken,
    faults: [...world.faults],
    events: world.events,
    virtualMs: clock.now - begin,
    trail: world.broken === null ? [] : world.trail(),
  };
}

function build(world: World, network: Network): Machine[] {
  const { chance, tables, clock } = world;
  const sites = chance.between(1, 3);
  for (let n = 1; n <= sites; n += 1) tables.sites.push({ id: idOf('sit', n), name: `École ${n}` });
  const applications = chance.between(1, 3);
  for (let n = 1; n <= applications; n += 1) {
    for (let edition = 1; edition <= 2; edition += 1) {
      const recipes: Recipes = {
        linux: {
          kind: 'apt',
          packages: [`outil-${n}=${edition}.0`],
          detect: {
            kind: chance.under(0.5) ? 'package' : 'file',
            package: `outil-${n}`,
            path: `/opt/outil-${n}`,
          } as { kind: 'package'; package: string },
        },
      };
      const { linux } = recipes;
      if (linux?.detect.kind === 'package')
        linux.detect = { kind: 'package', package: `outil-${n}` };
      else if (linux !== undefined) linux.detect = { kind: 'file', path: `/opt/outil-${n}` };
      tables.versions.push({
        applicationId: idOf('app', n),
        versionId: idOf('ver', n * 10 + edition),
        slug: `outil-${n}`,
        version: `${edition}.0`,
        recipes,
      });
    }
  }
  const controllers = chance.between(1, 2);
  for (let n = 1; n <= controllers; n += 1)
    network.controllers.push(
      new Controller(world, `controller ${n}`, (topics) => network.wake(topics)),
    );
  const bad = chance.under(0.15) ? chance.pick(tables.versions).versionId : null;
  const servers = chance.between(3, 8);
  return Array.from({ length: servers }, (_, index) => {
    const id = idOf('srv', index + 1);
    const machine = new Machine(
      world,
      id,
      tables.sites[index % sites]?.id ?? '',
      `server ${index + 1}`,
    );
    if (bad !== null) machine.broken.add(bad);
    if (chance.under(0.08)) {
      machine.skewMs = chance.pick([-86_400_000, -90_000, 5_000, 90_000, 86_400_000]);
      world.count('clock_skewed');
    }
    tables.of.servers.set(id, {
      id,
      siteId: machine.siteId,
      name: machine.name,
      publicKey: '',
      generation: 0,
      epoch: null,
      seq: 0,
      lastSeenAt: clock.now,
      failedSteps: [],
      labels: [],
      drainingSince: null,
      quarantinedAt: null,
      pastEpochs: [],
      silentTold: false,
      clockSkewMs: null,
      cache: null,
      answers: false,
      boot: null,
      display: null,
      retiredAt: null,
      appliedGeneration: 0,
    });
    network.agents.set(id, new Agent(world, machine, network));
    return machine;
  });
}

/** French time is an hour ahead of UTC in November. */
function windowsAround(fromMinute: number): RolloutDraft['windows'] {
  const at = (minutes: number) =>
    `${String(14 + Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  const days = [1, 2, 3, 4, 5, 6, 7];
  return {
    install: {
      open: [
        { days, from: at(fromMinute), to: at(fromMinute + 45), period: 'always' },
        { days, from: at(fromMinute + 60), to: '23:59', period: 'always' },
      ],
      exceptDates: [],
    },
    download: null,
  };
}

function misfortune(world: World, network: Network, machines: readonly Machine[]): void {
  const { chance, clock } = world;
  const machine = chance.pick(machines);
  const cut = (some: readonly Machine[], ms: number) => {
    for (const one of some) one.online = false;
    clock.after(ms, () => {
      for (const one of some) one.online = true;
    });
  };
  const agent = network.agents.get(machine.id);
  chance.pick<() => void>([
    () => {
      world.count('server_offline');
      world.note(`${machine.name} is cut off`);
      cut([machine], chance.between(10_000, 8 * minute));
    },
    () => {
      world.count('all_servers_offline');
      world.note('all servers are cut off');
      cut(machines, chance.between(70_000, 4 * minute));
    },
    () => {
      world.count('server_reimaged');
      world.note(`${machine.name} is given a new disk`);
      agent?.die('new disk');
      machine.reimage();
    },
    () => {
      world.count('redis_lost');
      world.note('redis is away');
      network.redisIsAway = true;
      clock.after(chance.between(10_000, 3 * minute), () => {
        network.redisIsAway = false;
      });
    },
    () => {
      if (!machine.isInstalling()) return;
      world.count('installer_killed');
      world.note(`${machine.name}: the installer is killed`);
      machine.kill();
    },
    () => network.agents.get(machine.id)?.die('killed'),
    () => {
      // Repeatedly, as when the order itself kills the agent.
      for (let time = 0; time < 4; time += 1)
        clock.after(time * 25_000, () => agent?.die('killed again'));
    },
    () => agent?.stop(),
    () => network.anyController()?.die('by misfortune'),
  ])();
}

function peace(
  world: World,
  network: Network,
  machines: readonly Machine[],
  forsaken: Machine | null,
): void {
  world.note('peace');
  world.troubled = false;
  network.redisIsAway = false;
  for (const machine of machines) {
    machine.online = true;
    world.clock.after(9 * minute, () => {
      machine.online = machine !== forsaken;
    });
    machine.online = machine !== forsaken;
    // A technician corrects a clock that is wrong.
    machine.skewMs = 0;
  }
}

/** Whether the recipe can tell its version from another one. Where it cannot, nobody can tell after
 * a crash whether the change was made. */
const tells = (world: World, versionId: string): boolean =>
  world.tables.versions.some(
    (version) =>
      version.versionId === versionId &&
      pinOf(version.recipes as Recipes, version.version) !== null,
  );

/** Whether what is installed is what is wanted, in the wanted version as far as that can be
 * detected. */
function isAsDesired(world: World, network: Network, machine: Machine): boolean {
  const server = world.tables.of.servers.get(machine.id);
  if (!machine.online || server === undefined || server.retiredAt !== null) return true;
  if (world.twins.has(machine.id)) return true;
  const agent = network.agents.get(machine.id);
  if (agent === undefined || !agent.isSettled() || agent.generation < server.generation)
    return false;
  return (
    machine.isLeftToTechnician ||
    [...world.tables.of.wishes.values()].every(
      (wish) =>
        wish.serverId !== machine.id ||
        (wish.wanted
          ? machine.installed.get(wish.applicationId)?.versionId === wish.versionId ||
            (machine.version(wish.applicationId) !== null && !tells(world, wish.versionId)) ||
            machine.broken.has(wish.versionId)
          : machine.version(wish.applicationId) === null),
    )
  );
}

function unrest(
  world: World,
  network: Network,
  machines: readonly Machine[],
  technician: Technician,
  forsaken: Machine | null,
): string {
  const { of } = world.tables;
  const rollouts = [...of.rollouts.values()].map(
    ({ id, state, pauseReason }) =>
      `${id.slice(-3)} ${state}${pauseReason === null ? '' : ` (${pauseReason})`}`,
  );
  const open = [...of.targets.values()]
    .filter(
      ({ state }) =>
        state === 'queued' ||
        state === 'blocked' ||
        state === 'unknown' ||
        state === 'offered' ||
        state === 'installing' ||
        state === 'staged',
    )
    .map(
      ({ rolloutId, serverId, state, reason }) =>
        `${rolloutId.slice(-3)}/${serverId.slice(-1)} ${state} ${reason ?? ''}`,
    );
  const odd = machines
    .filter((machine) => !isAsDesired(world, network, machine))
    .map(({ id, name }) => {
      const agent = network.agents.get(id);
      const wishes = [...of.wishes.values()]
        .filter(({ serverId }) => serverId === id)
        .map(
          ({ applicationId, versionId, wanted, state }) =>
            `${applicationId.slice(-1)}: ${wanted ? versionId.slice(-2) : 'away'} ${state}`,
        );
      return (
        `${name} settled ${agent?.isSettled()} generation ` +
        `${agent?.generation}/${of.servers.get(id)?.generation} wants ${wishes.join()} has ` +
        `${[...(machines.find((machine) => machine.id === id)?.installed ?? [])]
          .map(([app, { versionId }]) => `` + `${app.slice(-1)}: ${versionId.slice(-2)}`)
          .join()}`
      );
    });
  return (
    'done ' +
    `${technician.isDone((serverId) => serverId === forsaken?.id || world.twins.has(serverId))}; ` +
    `rollouts ${rollouts.join(', ')}; open ${open.join(', ') || 'none'}; odd ` +
    `${odd.join('; ') || 'none'}`
  );
}

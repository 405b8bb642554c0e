/** A city of real schools on one machine: a controller with Redis and its database, a package
 * source, and for each school a network, a root and an agent of its own. Benchmarks, the kill loop
 * and the end-to-end tests start it here. */
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seed as seedCity } from '../city.ts';
import { Client } from '../client.ts';
import {
  freePort,
  root,
  type Service,
  startControllerProcess,
  startRedis,
  until,
} from '../services.ts';
import { startStandInGuacd } from '../stand-in-guacd.ts';
import { demoLogins } from '../world.ts';
import { poolFolder, prepareBase, readPoolIndex } from './base.ts';
import { must, signal } from './host.ts';
import { type Mirror, startMirror } from './mirror.ts';
import {
  cityAddress,
  claimSlot,
  type Leftovers,
  layCables,
  leftoversOf,
  type Slot,
  sweep,
} from './network.ts';
import {
  type BadPackage,
  badPackages,
  buildPackage,
  draftFor,
  type PackagePlan,
} from './packages.ts';
import { createRepository } from './repository.ts';
import { createSchool, type LabServer, type School } from './school.ts';

export interface LabOptions {
  /** The first n of the demo city's 27 schools get servers; all 27 are in the database. */
  sites: number;
  /** Servers per school: one number for all, or by the school's number, from 1; default 1. */
  serversPerSite?: number | Readonly<Record<number, number>>;
  /** Created anew; removed by `stop` unless `keepFolder`. */
  folder: string;
  /** Gives each server a disk of this size in memory, which can be filled. */
  diskMib?: number;
  /** Only these schools get small disks, in MiB by school number; the others use the machine's. */
  diskMibOf?: Readonly<Record<number, number>>;
  /** Additional settings of the controller. */
  controllerEnv?: Readonly<Record<string, string>>;
  keepFolder?: boolean;
  tell?: (step: string, seconds: number) => void;
}

export interface Lab {
  slot: Slot;
  folder: string;
  url: string;
  password: string;
  technician: Client;
  /** Private key for ssh as root on every server, and the file with their host keys. */
  ssh: { keyPath: string; knownHosts: string };
  schools: School[];
  /** The servers of all schools, in order. */
  servers: LabServer[];
  mirror: Mirror;
  controller: Service & {
    freeze: () => boolean;
    thaw: () => boolean;
    startAgain: () => Promise<void>;
  };
  redis: Service & { flush: () => Promise<void>; startAgain: () => Promise<void> };
  /** Builds a package, publishes it in the source and adds its application to the catalogue.
   * Returns the application's id. */
  offer: (which: BadPackage | PackagePlan) => Promise<string>;
  /** The id of an application in the catalogue. */
  applicationId: (slug: string) => Promise<string>;
  /** Requests an application, or its removal, on servers (by default all). */
  want: (applicationId: string, wanted?: boolean, servers?: readonly LabServer[]) => Promise<void>;
  stateOf: (server: LabServer, applicationId: string) => Promise<string | null>;
  leftovers: () => Leftovers;
  stop: () => Promise<void>;
}

export async function startLab(options: LabOptions): Promise<Lab> {
  const { folder } = options;
  const timed = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
    const started = Date.now();
    const result = await work();
    options.tell?.(step, (Date.now() - started) / 1000);
    return result;
  };
  await prepareBase(options.tell);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const slot = await claimSlot(folder);
  const stopped: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const part of stopped.splice(0).reverse())
      await part().catch((error: unknown) =>
        options.tell?.(`not ended in order: ${error instanceof Error ? error.message : error}`, 0),
      );
    await sweep(slot, folder);
    if (options.keepFolder !== true) rmSync(folder, { recursive: true, force: true });
  };
  try {
    return await build(options, slot, stopped, stop, timed);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(
  options: LabOptions,
  slot: Slot,
  stopped: (() => Promise<void>)[],
  stop: () => Promise<void>,
  timed: <T>(step: string, work: () => Promise<T>) => Promise<T>,
): Promise<Lab> {
  const { folder } = options;
  const host = cityAddress(slot);
  const serversOf = (number: number) =>
    typeof options.serversPerSite === 'number'
      ? options.serversPerSite
      : (options.serversPerSite?.[number] ?? 1);
  const numbers = Array.from({ length: options.sites }, (_, index) => index + 1);
  await timed('cables', () =>
    layCables(
      slot,
      numbers.map((number) => ({ number, servers: serversOf(number) })),
    ),
  );

  // A copy of the current agent: a new build while this lab is up does not change what its servers
  // run.
  const agentBundle = join(folder, 'preau-agent.mjs');
  await timed('agent bundle', async () => {
    await must([process.execPath, join(root, 'packaging/bundle-agent.ts')], { cwd: root });
    copyFileSync(join(root, 'packaging/build/preau-agent.mjs'), agentBundle);
  });

  const { mirror, repository } = await timed('package source, signed', async () => {
    const repository = await createRepository(join(folder, 'source'), readPoolIndex());
    await repository.add(readdirSync(poolFolder).map((name) => join(poolFolder, name)));
    const mirror = await startMirror({ host, folder: repository.folder });
    stopped.push(mirror.close);
    return { repository, mirror };
  });

  const password = 'laboratoire-prive-2026';
  const redis = startRedis(join(folder, 'redis'));
  stopped.push(redis.service.stop);
  const port = await freePort();
  const guacd = await startStandInGuacd();
  stopped.push(async () => guacd.close());
  const url = `http://${host}:${port}`;
  const controller = await timed('controller', async () => {
    await seedCity({ folder: join(folder, 'controller') }, { teachers: 27, pupils: 27 }, password);
    await until('Redis', redis.ready);
    const started = startControllerProcess(
      {
        PREAU_HOST: host,
        PREAU_PORT: String(port),
        PREAU_PUBLIC_URL: url,
        PREAU_DATA: join(folder, 'controller'),
        PREAU_REDIS_URL: redis.url,
        PREAU_GUACD_PORT: String(guacd.port),
        PREAU_CONSOLE: join(root, 'console/build'),
        PREAU_AGENT_FILES: join(root, 'packaging/build'),
        PREAU_STANDBY_DISPLAYS: '0',
        ...options.controllerEnv,
      },
      join(folder, 'controller.log'),
    );
    stopped.push(started.stop);
    await until('the controller', async () => (await fetch(`${url}/api/health`)).ok);
    return started;
  });
  const technician = new Client(url);
  await technician.signIn(demoLogins.technician, password);

  const seed = join(folder, 'seed');
  const keyPath = join(folder, 'ssh-key');
  await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'lab', '-f', keyPath]);
  for (const path of ['etc/apt/keyrings', 'root/.ssh', 'usr/sbin'])
    mkdirSync(join(seed, path), { recursive: true });
  copyFileSync(repository.keyPath, join(seed, 'etc/apt/keyrings/lab.asc'));
  chmodSync(join(seed, 'etc/apt/keyrings/lab.asc'), 0o644);
  writeFileSync(
    join(seed, 'etc/apt/sources.list'),
    `deb [signed-by=/etc/apt/keyrings/lab.asc] ${mirror.url}/ ./\n`,
    { mode: 0o644 },
  );
  copyFileSync(`${keyPath}.pub`, join(seed, 'root/.ssh/authorized_keys'));
  // There is no init system, so packages must not start services.
  writeFileSync(join(seed, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });

  const { items: sites } = await technician.call('listSites', {});
  const schools = numbers.map((number) => {
    const site = sites.sort((a, b) => a.uai.localeCompare(b.uai))[number - 1];
    if (site === undefined) throw new Error(`the city has ${sites.length} schools`);
    return createSchool({
      slot,
      number,
      name: site.name,
      siteId: site.id,
      servers: serversOf(number),
      folder,
      seed,
      diskMib: options.diskMibOf?.[number] ?? options.diskMib ?? 0,
      agentBundle,
      technician,
      controllerUrl: url,
    });
  });
  const servers = schools.flatMap((school) => school.servers);
  stopped.push(async () => {
    await Promise.all(servers.map((server) => server.powerOff()));
  });
  await timed(`${servers.length} servers started and enrolled`, async () => {
    // Four at a time: more would only wait for each other, and the last of them too long.
    const waiting = [...servers];
    const worker = async () => {
      for (let server = waiting.shift(); server !== undefined; server = waiting.shift())
        await server.powerOn();
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
  });
  await timed('all online', () =>
    until(
      'every server online',
      async () => {
        const online = new Set(
          (await technician.call('listServers', { query: {} })).items
            .filter(({ health }) => health === 'online')
            .map(({ id }) => id),
        );
        return servers.every((server) => online.has(server.serverId()));
      },
      60_000,
    ).catch((error: unknown) => {
      throw new Error(
        `${error instanceof Error ? error.message : error}. The first server’s agent says: ` +
          `${servers[0]?.agentLog().slice(-1500)}`,
      );
    }),
  );
  const knownHosts = join(folder, 'known-hosts');
  writeFileSync(
    knownHosts,
    (
      await Promise.all(
        servers.map(
          async (server) =>
            `${server.address} ${(await server.run(['cat', '/etc/ssh/ssh_host_ed25519_key.pub'])).stdout.trim()}`,
        ),
      )
    ).join('\n'),
    { mode: 0o600 },
  );

  const applicationId = async (slug: string): Promise<string> => {
    const known = (await technician.call('listApplications', {})).items.find(
      (application) => application.slug === slug,
    );
    if (known === undefined) throw new Error(`${slug} is not in the catalogue`);
    return known.id;
  };
  const ready = () => until('the controller', async () => (await fetch(`${url}/api/health`)).ok);
  return {
    slot,
    folder,
    url,
    password,
    technician,
    ssh: { keyPath, knownHosts },
    schools,
    servers,
    mirror,
    controller: {
      ...controller,
      freeze: () => signal(controller.pid(), 'SIGSTOP'),
      thaw: () => signal(controller.pid(), 'SIGCONT'),
      startAgain: async () => {
        controller.restart();
        await ready();
      },
    },
    redis: {
      ...redis.service,
      flush: async () => {
        await must(['redis-cli', '-s', redis.url.slice('unix://'.length), 'flushall']);
      },
      startAgain: async () => {
        rmSync(redis.url.slice('unix://'.length), { force: true });
        redis.service.restart();
        await until('Redis', redis.ready);
      },
    },
    offer: async (which) => {
      const plan: PackagePlan = typeof which === 'string' ? badPackages[which] : which;
      const built = join(folder, 'built');
      mkdirSync(built, { recursive: true });
      await repository.add([await buildPackage(built, plan)]);
      return (await technician.call('createApplication', { body: draftFor(plan) })).id;
    },
    applicationId,
    want: async (id, wanted = true, where = servers) => {
      for (const server of where)
        await technician.call('wantApplication', {
          params: { id: server.serverId(), applicationId: id },
          body: { wanted },
        });
    },
    stateOf: async (server, id) =>
      (
        await technician.call('readServer', { params: { id: server.serverId() } })
      ).applications.find((application) => application.applicationId === id)?.state ?? null,
    leftovers: () => leftoversOf(slot, folder),
    stop,
  };
}

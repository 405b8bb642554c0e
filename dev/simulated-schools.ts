/** A city whose 27 schools have simulated servers inside this process: real agents on the memory
 * driver, a real controller and Redis. Nothing is installed; failures happen only on request. For
 * the console's tests and screenshots. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Agent, createAgent } from '../agent/src/agent.ts';
import { type ControllerLink, openLink } from '../agent/src/controller-link.ts';
import type { Driver } from '../agent/src/drivers/driver.ts';
import { createMemoryDriver, type MemoryDriver } from '../agent/src/drivers/memory.ts';
import { enrol } from '../agent/src/enrol.ts';
import { makeFolder } from '../agent/src/files.ts';
import { isSignedByController } from '../agent/src/identity.ts';
import { seed } from './city.ts';
import { Client } from './client.ts';
import {
  endLeftovers,
  freePort,
  rememberProcesses,
  root,
  type Service,
  startControllerProcess,
  startRedis,
  until,
} from './services.ts';
import { startStandInGuacd } from './stand-in-guacd.ts';
import { demoLogins } from './world.ts';

export interface SimulatedSchool {
  name: string;
  siteId: string;
  serverId: string;
  driver: MemoryDriver;
  /** Disconnects the school, as when its line is cut. */
  silence: () => Promise<void>;
}
export interface SimulatedCity {
  url: string;
  password: string;
  technician: Client;
  controller: Service;
  schools: SimulatedSchool[];
  stop: () => Promise<void>;
}

/** Wants one application of the catalogue, by its slug, on every server of the city. */
export async function wantEverywhere(
  { technician, schools }: Pick<SimulatedCity, 'technician' | 'schools'>,
  slug: string,
): Promise<void> {
  const { items } = await technician.call('listApplications', {});
  const applicationId = items.find((each) => each.slug === slug)?.id ?? '';
  for (const { serverId } of schools)
    await technician.call('wantApplication', {
      params: { id: serverId, applicationId },
      body: { wanted: true },
    });
}

export async function startSimulatedCity(options: {
  folder: string;
  port?: number;
  stageMs: number;
  installMs: number;
  people?: { teachers: number; pupils: number };
  bytes?: number;
  log?: (slugs: string) => string;
  /** Only these of the city's 27 schools have a server. */
  only?: readonly string[];
  settings?: Record<string, string>;
}): Promise<SimulatedCity> {
  const { folder } = options;
  const password = 'des-ecoles-pour-voir';
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  endLeftovers(folder);
  await seed(
    {
      folder: join(folder, 'controller'),
      address: options.settings?.['PREAU_DATABASE_URL'],
    },
    options.people ?? { teachers: 1, pupils: 1 },
    password,
  );
  const redis = startRedis(join(folder, 'redis'));
  await until('Redis', redis.ready);
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const guacd = await startStandInGuacd();
  const controller = startControllerProcess(
    {
      PREAU_PORT: String(port),
      PREAU_DATA: join(folder, 'controller'),
      PREAU_REDIS_URL: redis.url,
      PREAU_GUACD_PORT: String(guacd.port),
      PREAU_CONSOLE: join(root, 'console/build'),
      PREAU_STANDBY_DISPLAYS: '0',
      PREAU_LOG_LEVEL: 'warn',
      ...options.settings,
    },
    join(folder, 'controller.log'),
  );
  rememberProcesses(folder, [redis.service, controller]);
  await until('the controller', async () => (await fetch(`${url}/api/health`)).ok, 90_000);
  const technician = new Client(url);
  await technician.signIn(demoLogins.technician, password);

  const running: { agent: Agent; link: ControllerLink }[] = [];
  const schools: SimulatedSchool[] = [];
  for (const site of (await technician.call('listSites', {})).items.filter(
    ({ name }) => options.only?.includes(name) ?? true,
  )) {
    const { code, controllerKey } = await technician.call('createEnrolmentCode', {
      params: { id: site.id },
      body: { serverName: 'Serveur pédagogique' },
    });
    const stateFolder = join(folder, 'agents', site.uai);
    makeFolder(stateFolder, 0o700);
    const identity = await enrol(stateFolder, { controllerUrl: url, controllerKey, code });
    const driver = createMemoryDriver({
      stageMs: options.stageMs,
      installMs: options.installMs,
      bytes: options.bytes ?? 4_000_000,
    });
    const told: Driver = options.log === undefined ? driver : { ...driver, logOf: options.log };
    const link = openLink(identity);
    const agent = createAgent({
      serverId: identity.serverId,
      stateFolder,
      link,
      driver: told,
      now: () => Date.now(),
      verify: (text, signature) => isSignedByController(controllerKey, text, signature),
      log: { info: () => undefined, warn: () => undefined },
    });
    await agent.start();
    const part = { agent, link };
    running.push(part);
    const silence = async () => {
      if (!running.includes(part)) return;
      running.splice(running.indexOf(part), 1);
      await agent.stop();
      link.close();
    };
    schools.push({
      name: site.name,
      siteId: site.id,
      serverId: identity.serverId,
      driver,
      silence,
    });
  }
  await until(
    'every school',
    async () =>
      (await technician.call('listServers', { query: {} })).items.filter(
        (server) => server.health === 'online',
      ).length === schools.length,
    60_000,
  );
  return {
    url,
    password,
    technician,
    controller,
    schools,
    stop: async () => {
      for (const school of schools) await school.silence();
      await controller.stop();
      await redis.service.stop();
      guacd.close();
      rmSync(join(folder, 'processes.json'), { force: true });
    },
  };
}

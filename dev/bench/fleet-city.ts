/** A city with simulated servers: seeded straight into the database, with a real controller and
 * Redis, and the agents spread over a few processes. Used by `bench fleet`, and usable by other
 * tests. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApplicationDraft } from '@preau/contract/application.ts';
import { newKeyPair } from '../../agent/src/identity.ts';
import { insertAccounts } from '../../controller/src/accounts/store.ts';
import { upsertApplication } from '../../controller/src/applications/store.ts';
import { parseConfig } from '../../controller/src/config.ts';
import { systemClock } from '../../controller/src/platform/clock.ts';
import {
  type Database,
  migrate,
  openDatabase,
  type Rows,
} from '../../controller/src/platform/database.ts';
import { createPasswords } from '../../controller/src/platform/passwords.ts';
import { createSecrets, loadSecret } from '../../controller/src/platform/secrets.ts';
import { publishDesiredState } from '../../controller/src/servers/desired/desired-state.ts';
import { insertServer, newServerId } from '../../controller/src/servers/enrolment/store.ts';
import { insertSite } from '../../controller/src/sites/store.ts';
import { Client } from '../client.ts';
import type { Enrolled, FleetCounts, FleetQuestion } from '../fleet.ts';
import {
  endLeftovers,
  freePort,
  rememberProcesses,
  type Service,
  startControllerProcess,
  startRedis,
  startTalking,
  type Talking,
  until,
} from '../services.ts';
import { startStandInGuacd } from '../stand-in-guacd.ts';

const technicianLogin = 'tech';
const password = 'une-phrase-pour-mesurer';
/** Short, so that the measurement shows our own overhead rather than the installation. */
export const installMs = 200;

const applicationDraft = (slug: string): ApplicationDraft => ({
  slug,
  name: { fr: slug, en: slug },
  description: { fr: 'Pour mesurer', en: 'For measuring' },
  category: 'tools',
  version: '1.0',
  recipes: {
    linux: {
      kind: 'apt',
      packages: [slug],
      detect: { kind: 'package', package: slug },
      launch: { command: [slug] },
      icon: { desktopFile: `${slug}.desktop` },
    },
  },
});

export interface FleetCity {
  url: string;
  controllerKey: string;
  technician: Client;
  siteIds: readonly string[];
  serverIds: () => readonly string[];
  applicationIds: ReadonlyMap<string, string>;
  controller: Service;
  /** Direct access to the controller's database. */
  rows: Database;
  count: (slug?: string | null, forget?: boolean) => Promise<FleetCounts>;
  /** Server → epoch ms at which it had installed the application. */
  times: (slug: string) => Promise<Map<string, number>>;
  /** Server → epoch ms at which it applied that generation, or a newer one. */
  obeyed: (generations: Readonly<Record<string, number>>) => Promise<Map<string, number>>;
  runSeeded: () => Promise<void>;
  /** Through the API, as an installer does. */
  enrolOverHttp: (codes: readonly string[]) => Promise<void>;
  stop: () => Promise<void>;
}

export interface FleetOptions {
  folder: string;
  sites: number;
  /** Seeded with their keys, in addition to those enrolled over HTTP later. */
  servers: number;
  slugs: readonly string[];
  processes: number;
  /** As for the stand-in for guacd. */
  isDeaf?: (call: number) => boolean;
  /** Additional settings of the controller. */
  env?: Readonly<Record<string, string>>;
  /** Inserts further rows in the seeding transaction. */
  furnish?: (
    rows: Rows,
    siteIds: readonly string[],
    applicationIds: ReadonlyMap<string, string>,
  ) => Promise<void>;
}

async function seed(folder: string, options: FleetOptions) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const database = openDatabase(join(folder, 'preau.sqlite'));
  try {
    await migrate(database, false);
    const secrets = createSecrets(loadSecret(folder, ''));
    const deps = {
      config: parseConfig({ PREAU_STANDBY_DISPLAYS: '0' }),
      clock: systemClock,
      secrets,
    };
    const passwordHash = await createPasswords().hash(password);
    const now = Date.now();
    return await database.transaction().execute(async (rows) => {
      await insertAccounts(
        rows,
        [
          {
            login: technicianLogin,
            displayName: 'Technicienne',
            role: 'technician',
            siteId: null,
            passwordHash,
          },
        ],
        now,
      );
      const siteIds: string[] = [];
      for (let index = 0; index < options.sites; index += 1)
        siteIds.push(
          (
            await insertSite(
              rows,
              {
                uai: `${String(index).padStart(7, '0')}A`,
                name: `École ${index + 1}`,
                city: 'Valmont-sur-Orne',
                timeZone: 'Europe/Paris',
                holidayZone: 'B',
              },
              now,
            )
          ).id,
        );
      const applicationIds = new Map<string, string>();
      for (const slug of options.slugs)
        applicationIds.set(slug, (await upsertApplication(rows, applicationDraft(slug), now)).id);
      await options.furnish?.(rows, siteIds, applicationIds);
      const agents: Enrolled[] = [];
      for (let index = 0; index < options.servers; index += 1) {
        const { privateKey, publicKey } = newKeyPair();
        const serverId = newServerId();
        await insertServer(rows, {
          id: serverId,
          siteId: siteIds[index % siteIds.length] ?? '',
          name: `Serveur ${index + 1}`,
          publicKey,
          display: null,
          maxSessions: 60,
          now,
        });
        await publishDesiredState(deps, rows, serverId);
        agents.push({ serverId, privateKey });
      }
      return { siteIds, applicationIds, agents, controllerKey: secrets.controllerKey };
    });
  } finally {
    await database.destroy();
  }
}

export async function startFleetCity(options: FleetOptions): Promise<FleetCity> {
  const { folder } = options;
  endLeftovers(folder);
  rmSync(folder, { recursive: true, force: true });
  const data = join(folder, 'controller');
  const seeded = await seed(data, options);
  const statesFolder = join(
    existsSync('/dev/shm') ? '/dev/shm' : tmpdir(),
    `preau-fleet-${process.pid}`,
  );
  const redis = startRedis(join(folder, 'redis'));
  const guacd = await startStandInGuacd(0, options.isDeaf);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const controller = startControllerProcess(
    {
      PREAU_PORT: String(port),
      PREAU_DATA: data,
      PREAU_REDIS_URL: redis.url,
      PREAU_GUACD_PORT: String(guacd.port),
      PREAU_STANDBY_DISPLAYS: '0',
      PREAU_LOG_LEVEL: 'warn',
      ...options.env,
    },
    join(folder, 'controller.log'),
  );
  const processes: Talking[] = Array.from({ length: options.processes }, () =>
    startTalking('dev/fleet.ts', join(folder, 'fleet.log')),
  );
  const serverIds = seeded.agents.map(({ serverId }) => serverId);
  const rows = openDatabase(join(data, 'preau.sqlite'));
  const stop = async () => {
    await Promise.all(processes.map((process) => process.end()));
    await controller.kill();
    await redis.service.kill();
    guacd.close();
    await rows.destroy();
    for (const path of [folder, statesFolder]) rmSync(path, { recursive: true, force: true });
  };
  const ask = (process: Talking | undefined, question: FleetQuestion) =>
    (process ?? processes[0])?.ask(question);
  try {
    rememberProcesses(folder, [redis.service, controller]);
    await until('Redis', redis.ready);
    await until('the controller', async () => (await fetch(`${url}/api/health`)).ok);
    const technician = new Client(url);
    await technician.signIn(technicianLogin, password);
    const { controllerKey } = seeded;
    const identity = { controllerUrl: url, controllerKey, installMs };
    return {
      url,
      controllerKey,
      technician,
      siteIds: seeded.siteIds,
      serverIds: () => serverIds,
      applicationIds: seeded.applicationIds,
      controller,
      rows,
      stop,
      count: async (slug = null, forget = false) => {
        const total: FleetCounts = {
          agents: 0,
          linked: 0,
          applied: 0,
          answers: {},
          unanswered: {},
        };
        for (const counts of (await Promise.all(
          processes.map((process) => ask(process, { do: 'count', slug, forget })),
        )) as FleetCounts[]) {
          for (const name of ['agents', 'linked', 'applied'] as const) total[name] += counts[name];
          for (const name of ['answers', 'unanswered'] as const)
            for (const [key, number] of Object.entries(counts[name]))
              total[name][key] = (total[name][key] ?? 0) + number;
        }
        return total;
      },
      times: async (slug) =>
        new Map(
          (
            await Promise.all(processes.map((process) => ask(process, { do: 'times', slug })))
          ).flatMap((times) => Object.entries(times as Record<string, number>)),
        ),
      obeyed: async (generations) =>
        new Map(
          (
            await Promise.all(
              processes.map((process) => ask(process, { do: 'obeyed', generations })),
            )
          ).flatMap((times) => Object.entries(times as Record<string, number>)),
        ),
      runSeeded: async () => {
        await Promise.all(
          processes.map((process, index) =>
            ask(process, {
              do: 'run',
              folder: statesFolder,
              agents: seeded.agents.filter((_agent, at) => at % processes.length === index),
              ...identity,
            }),
          ),
        );
      },
      enrolOverHttp: async (codes) => {
        serverIds.push(
          ...((await ask(processes[0], {
            do: 'enrol',
            folder: statesFolder,
            codes,
            ...identity,
          })) as string[]),
        );
      },
    };
  } catch (error) {
    const log = join(folder, 'controller.log');
    const told = existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : '';
    await stop();
    throw new Error(`the fleet's city did not start: ${told}`, { cause: error });
  }
}

/** Waits until every agent is linked, has reported and has applied its desired state. */
export const settled = (city: FleetCity) =>
  until(
    'every agent linked and settled',
    async () => {
      const { linked } = await city.count();
      const behind = await city.rows
        .selectFrom('servers')
        .select('id')
        .where((e) =>
          e.or([e('last_seen_at', 'is', null), e('applied_generation', '<', e.ref('generation'))]),
        )
        .limit(1)
        .execute();
      return linked === city.serverIds().length && behind.length === 0;
    },
    120_000,
  );

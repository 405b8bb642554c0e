/** A running city: seeded database, Redis, guacd, controller, and the agent of one school on this
 * machine. The demo, the end-to-end tests and the benchmarks all start it here, each in its own
 * folders, with its own ports and account names. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ApplicationDraft } from '@preau/contract/application.ts';
import { plainRule, type Terms } from '@preau/contract/rule.ts';
import { Compile } from 'typebox/compile';
import { insertAccounts, insertGroup } from '../controller/src/accounts/store.ts';
import { takeDrawing } from '../controller/src/applications/icons/icons.ts';
import { selectApplications, upsertApplication } from '../controller/src/applications/store.ts';
import {
  type Database,
  isSqlite,
  migrate,
  openDatabase,
  sqlitePathIn,
} from '../controller/src/platform/database.ts';
import { createPasswords } from '../controller/src/platform/passwords.ts';
import { insertRuleVersion } from '../controller/src/rules/store.ts';
import { insertSite } from '../controller/src/sites/store.ts';
import { Client } from './client.ts';
import { mustHold, refuseTakenPort } from './port-holder.ts';
import {
  endLeftovers,
  enrolAgent,
  freePort,
  GivenUp,
  rememberProcesses,
  root,
  type Service,
  startAgentProcess,
  startControllerProcess,
  startGuacd,
  startRedis,
  until,
} from './services.ts';
import { buildCity, demoLogins } from './world.ts';

/** What the city runs centrally. */
export interface CentreOptions {
  folder: string;
  /** The address the controller listens on; default: loopback. */
  host?: string;
  /** 0 picks a free one. */
  port: number;
  people: { teachers: number; pupils: number };
  keepAlive: boolean;
  graceSeconds?: number;
  standbyDisplays?: number;
  /** The terms of teachers' rules; pupils have the screen alone. */
  teacherTerms?: Terms;
  /** What new servers download; default: what the last build made. */
  agentFiles?: string;
  /** Further settings of the controller. */
  settings?: Readonly<Record<string, string>>;
  tell?: (step: string, seconds: number) => void;
  /** Aborts the start; parts that already run are ended in order. */
  signal?: AbortSignal;
}

export interface CityOptions extends CentreOptions {
  applications: readonly string[];
}

export interface RunningCentre {
  url: string;
  password: string;
  /** The demo school. */
  siteId: string;
  guacdPort: number;
  technician: Client;
  services: { redis: Service; guacd: Service; controller: Service };
  stop: () => Promise<void>;
}

export interface RunningCity extends Omit<RunningCentre, 'services'> {
  /** Where the agent keeps people's home directories. */
  homes: string;
  runFolder: string;
  accountPrefix: string;
  services: RunningCentre['services'] & { agent: Service };
}

/** The school whose server is this machine. */
const ownSchool = 0;
const everyone = { pupils: ['tuxpaint', 'galculator'], teachers: ['mousepad'] };

export function readCatalogue(): ApplicationDraft[] {
  const folder = join(root, 'packaging/catalogue');
  const check = Compile(ApplicationDraft);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const draft: unknown = JSON.parse(readFileSync(join(folder, name), 'utf8'));
      if (!check.Check(draft))
        throw new Error(`${name}: ${JSON.stringify(check.Errors(draft)[0])}`);
      if (draft.icon === undefined) return draft;
      return { ...draft, icon: readFileSync(join(folder, draft.icon), 'utf8') };
    });
}

/** The password of every demo account: made once, then kept at `path`. */
export function demoPassword(path: string): string {
  const words = ['lune', 'cahier', 'plume', 'soleil', 'encre', 'craie', 'cartable', 'nuage'];
  if (!existsSync(path)) {
    const bytes = crypto.getRandomValues(new Uint32Array(3));
    writeFileSync(
      path,
      `${words[(bytes[0] ?? 0) % words.length]}-${words[(bytes[1] ?? 0) % words.length]}-` +
        `${1000 + ((bytes[2] ?? 0) % 9000)}`,
      { mode: 0o600 },
    );
  }
  return readFileSync(path, 'utf8');
}

/** Makes the demo city in a folder of its own, or in an empty PostgreSQL database. */
export async function seed(
  { folder, address = '' }: { folder: string; address?: string | undefined },
  people: CityOptions['people'],
  password: string,
  teacherTerms: Terms | null = null,
): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const database = openDatabase(address || sqlitePathIn(folder));
  try {
    await migrate(database, !isSqlite(database));
    await fill(database, people, password, teacherTerms);
  } finally {
    await database.destroy();
  }
}

/** Safe to repeat: does nothing to a database that has a school. */
export async function fill(
  database: Database,
  people: CityOptions['people'],
  password: string,
  teacherTerms: Terms | null = null,
): Promise<void> {
  if ((await database.selectFrom('sites').select('id').limit(1).execute()).length > 0) return;
  const city = buildCity(2026, people);
  const now = Date.now();
  // One hash for everybody: this is a demo, and ten thousand hashes would take minutes.
  const passwordHash = await createPasswords().hash(password);
  await database.transaction().execute(async (rows) => {
    const siteIds: string[] = [];
    for (const school of city.schools) siteIds.push((await insertSite(rows, school, now)).id);
    const accountIds = await insertAccounts(
      rows,
      city.people.map((person) => ({
        login: person.login,
        displayName: person.displayName,
        role: person.role,
        siteId: person.school === null ? null : (siteIds[person.school] ?? null),
        passwordHash,
      })),
      now,
    );
    for (const group of city.classes)
      await insertGroup(
        rows,
        { kind: 'class', name: group.name, siteId: siteIds[group.school] ?? null },
        group.members.map((index) => accountIds[index] ?? ''),
      );
    for (const draft of readCatalogue()) {
      const { id } = await upsertApplication(rows, draft, now);
      await takeDrawing(rows, id, draft.icon);
    }
    const bySlug = new Map(
      (await selectApplications(rows)).map((application) => [application.slug, application.id]),
    );
    const allow = async (slug: string, role: 'teacher' | 'pupil') => {
      const applicationId = bySlug.get(slug);
      if (applicationId !== undefined)
        await insertRuleVersion(rows, {
          id: null,
          version: 1,
          draft: {
            ...plainRule,
            effect: 'allow',
            target: { kind: 'application', applicationId },
            audience: { kind: 'role', role },
            how: role === 'teacher' ? teacherTerms : null,
          },
          by: { id: null, name: 'démonstration' },
          now,
        });
    };
    for (const slug of everyone.pupils) await allow(slug, 'pupil');
    for (const slug of [...everyone.pupils, ...everyone.teachers]) await allow(slug, 'teacher');
  });
}

/** Runs named steps, and keeps the services they start, newest first. */
interface Start {
  timed: <T>(step: string, work: () => Promise<T>) => Promise<T>;
  keep: (service: Service) => Service;
}

/** Throws when a part does not start; then nothing of the city is left running. */
export const startCity = (options: CityOptions): Promise<RunningCity> =>
  startParts(options, async (start) => {
    const centre = await bringUpCentre(options, start);
    return { ...centre, ...(await bringUpServer(options, centre, start)) };
  });

/** A city whose servers are elsewhere. */
export const startCentre = (options: CentreOptions): Promise<RunningCentre> =>
  startParts(options, (start) => bringUpCentre(options, start));

async function startParts<T>(
  options: CentreOptions,
  bringUp: (start: Start) => Promise<T>,
): Promise<T & { stop: () => Promise<void> }> {
  const { folder, signal } = options;
  const running: Service[] = [];
  let over = false;
  const stop = async () => {
    over = true;
    // The agent first: it ends sessions and displays and reports that to the controller.
    for (const service of running) await service.stop();
    rmSync(join(folder, 'processes.json'), { force: true });
  };
  const start: Start = {
    timed: async (step, work) => {
      const started = Date.now();
      const result = await work();
      options.tell?.(step, (Date.now() - started) / 1000);
      return result;
    },
    keep: (service) => {
      if (over) {
        void service.kill();
        throw new Error('the start was given up');
      }
      running.unshift(service);
      rememberProcesses(folder, running);
      return service;
    },
  };
  const interrupted = new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(new Error('the start was given up')));
  });
  try {
    return { ...(await Promise.race([bringUp(start), interrupted])), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function bringUpCentre(
  options: CentreOptions,
  { timed, keep }: Start,
): Promise<Omit<RunningCentre, 'stop'>> {
  const { folder } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  endLeftovers(folder);
  if (options.port !== 0) await refuseTakenPort(options.port);
  const password = demoPassword(join(folder, 'demo-password'));

  await timed('city in the database', () =>
    seed({ folder: join(folder, 'controller') }, options.people, password, options.teacherTerms),
  );
  const guacdPort = await freePort();
  const redis = startRedis(join(folder, 'redis'), options.keepAlive);
  keep(redis.service);
  const guacd = keep(startGuacd(join(folder, 'guacd'), guacdPort, options.keepAlive));
  await timed('Redis', () => until('Redis', redis.ready));

  const port = options.port === 0 ? await freePort() : options.port;
  const host = options.host ?? '127.0.0.1';
  const url = `http://${host}:${port}`;
  const controllerService = startControllerProcess(
    {
      PREAU_HOST: host,
      PREAU_PORT: String(port),
      PREAU_DATA: join(folder, 'controller'),
      PREAU_REDIS_URL: redis.url,
      PREAU_GUACD_PORT: String(guacdPort),
      PREAU_CONSOLE: join(root, 'console/build'),
      PREAU_AGENT_FILES: options.agentFiles ?? join(root, 'packaging/build'),
      PREAU_GRACE_SECONDS: String(options.graceSeconds ?? 600),
      PREAU_STANDBY_DISPLAYS: String(options.standbyDisplays ?? 2),
      ...options.settings,
    },
    join(folder, 'controller.log'),
    options.keepAlive,
  );
  const controller = keep(controllerService);
  await timed('controller', () =>
    until('the controller', async () => (await fetch(`${url}/api/health`)).ok, 60_000),
  );
  mustHold(port, controller.pid());

  const technician = new Client(url);
  await technician.signIn(demoLogins.technician, password);
  const { id: siteId } = await ownSite(technician);
  return {
    url,
    password,
    siteId,
    guacdPort,
    technician,
    services: { redis: redis.service, guacd, controller },
  };
}

/** The agent of the demo school, on this machine. */
async function bringUpServer(
  options: CityOptions,
  { url, siteId, technician, services }: Omit<RunningCentre, 'stop'>,
  { timed, keep }: Start,
): Promise<Pick<RunningCity, 'homes' | 'runFolder' | 'accountPrefix' | 'services'>> {
  const { folder } = options;
  // Two cities on one machine never share an account, a folder or a port.
  const mark = createHash('sha256').update(folder).digest('hex').slice(0, 6);
  const accountPrefix = `pd${mark}`;
  const runFolder = `/run/preau-${mark}`;
  const stateFolder = join(folder, 'agent');
  const agentEnv = {
    PREAU_AGENT_STATE: stateFolder,
    PREAU_AGENT_RUN: runFolder,
    PREAU_AGENT_PREFIX: accountPrefix,
    // Where the controller reaches this machine, whose displays are looked for there only.
    PREAU_AGENT_RDP_HOST: options.host ?? '127.0.0.1',
  };
  if (!existsSync(join(stateFolder, 'identity.json'))) {
    await timed('enrolment of the school’s server', async () => {
      const code = await technician.call('createEnrolmentCode', {
        params: { id: siteId },
        body: { serverName: 'Serveur pédagogique' },
      });
      enrolAgent(agentEnv, {
        controllerUrl: url,
        controllerKey: code.controllerKey,
        code: code.code,
      });
    });
  } else {
    // The port may differ from the last run's.
    const path = join(stateFolder, 'identity.json');
    const identity = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify({ ...identity, controllerUrl: url }), { mode: 0o600 });
  }
  const agent = keep(startAgentProcess(agentEnv, join(folder, 'agent.log'), options.keepAlive));

  await timed(`applications: ${options.applications.join(', ')}`, () =>
    installApplications(technician, siteId, {
      slugs: options.applications,
      displays: Math.min(options.standbyDisplays ?? 2, 1),
    }),
  );

  return {
    homes: join(stateFolder, 'homes'),
    runFolder,
    accountPrefix,
    services: { ...services, agent },
  };
}

/** The school whose server is this machine, or, in containers, the demo's own. */
export async function ownSite(technician: Client): Promise<{ id: string }> {
  const { items: sites } = await technician.call('listSites', {});
  const own = buildCity(2026, { teachers: 1, pupils: 1 }).schools[ownSchool];
  const site = sites.find((candidate) => candidate.uai === own?.uai);
  if (site === undefined) throw new Error('the demo school is missing');
  return site;
}

/** Wants programs on the site's first server, and waits until they and `displays` are ready. */
export async function installApplications(
  technician: Client,
  siteId: string,
  { slugs, displays }: { slugs: readonly string[]; displays: number },
): Promise<void> {
  const { items: servers } = await technician.call('listServers', { query: { site: siteId } });
  const serverId = servers[0]?.id ?? '';
  const catalogue = (await technician.call('listApplications', {})).items;
  for (const slug of slugs) {
    const application = catalogue.find((candidate) => candidate.slug === slug);
    if (application === undefined) throw new Error(`${slug} is not in the catalogue`);
    const known = (
      await technician.call('readServer', { params: { id: serverId } })
    ).applications.find((candidate) => candidate.slug === slug);
    if (known?.wanted !== true)
      await technician.call('wantApplication', {
        params: { id: serverId, applicationId: application.id },
        body: { wanted: true },
      });
  }
  await until(
    'the applications',
    async () => {
      const server = await technician.call('readServer', { params: { id: serverId } });
      const failed = server.applications.find((application) => application.state === 'failed');
      if (failed !== undefined) throw new GivenUp(`${failed.slug}: ${failed.error?.message}`);
      // One failed display may be bad luck; two mean that the machine is at fault.
      const broken = server.failedSteps.find(
        ({ step, attempt }) => step === 'prepare_display' && attempt > 1,
      );
      if (broken !== undefined) throw new GivenUp(`no display: ${broken.message}`);
      return (
        server.health === 'online' &&
        slugs.every((slug) =>
          server.applications.some(
            (application) => application.slug === slug && application.state === 'installed',
          ),
        ) &&
        (server.vitals?.displaysReady ?? 0) >= displays
      );
    },
    600_000,
  );
}

/** A city with one school's server that boots: the controller, Redis and guacd on this host, the
 * server enrolled by the line that the console shows, its first display ready. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ApplicationDraft,
  categories,
  type LinuxRecipe,
} from '@preau/contract/application.ts';
import { plainRule } from '@preau/contract/rule.ts';
import type { Server } from '@preau/contract/server.ts';
import type { Session } from '@preau/contract/session.ts';
import type { Suite } from '../bare-root.ts';
import { type RunningCentre, startCentre } from '../city.ts';
import { Client } from '../client.ts';
import { must } from '../lab/host.ts';
import { root as checkout, GivenUp, until } from '../services.ts';
import { openTunnel, type TunnelClient } from '../tunnel-client.ts';
import { demoLogins } from '../world.ts';
import { openGround } from './ground.ts';
import { type Bootable, type Machine, openMachine } from './machine.ts';
import type { RootKind } from './roots.ts';

export interface SchoolServerOptions {
  /** Default: `server`, on which an enrolment takes seconds. */
  root?: RootKind;
  graceSeconds?: number;
  standbyDisplays?: number;
  /** false: the machine is powered on, and `enrol` is the caller's. */
  enrolled?: boolean;
  /** Told after each step. */
  tell?: (step: string, seconds: number) => void;
}

/** A program that is open for somebody. */
export interface OpenSession {
  id: string;
  tunnel: TunnelClient;
  read: () => Promise<Session>;
  /** Ends it, and waits until it has ended. */
  end: () => Promise<void>;
}

export interface SchoolServer<M extends Bootable = Machine> {
  suite: Suite;
  machine: M;
  centre: RunningCentre;
  technician: Client;
  teacher: Client;
  as: (login: string) => Promise<Client>;
  /** Empty before it is enrolled. */
  serverId: () => string;
  /** Runs the console's own line on the machine, in this environment, and waits for the first
   * display. Returns what the line printed. */
  enrol: (env?: Record<string, string>) => Promise<string>;
  /** As the technician sees it. */
  server: () => Promise<Server>;
  /** Waits until the agent is connected and a display stands by. */
  ready: (timeoutMs?: number) => Promise<void>;
  /** Adds an application to the catalogue; everybody may open it. Returns its id. */
  offer: (slug: string, recipe: LinuxRecipe, more?: Partial<ApplicationDraft>) => Promise<string>;
  applicationId: (slug: string) => Promise<string>;
  /** Without waiting. */
  want: (slug: string, wanted: boolean) => Promise<void>;
  state: (slug: string) => Promise<Server['applications'][number] | undefined>;
  /** Installs an application of the catalogue; throws with the sentence of its failure. */
  install: (slug: string, timeoutMs?: number) => Promise<void>;
  /** Removes it; throws with the sentence of its failure. */
  uninstall: (slug: string, timeoutMs?: number) => Promise<void>;
  /** Opens a program and waits for its window and its picture. */
  open: (slug: string, client?: Client, timeoutMs?: number) => Promise<OpenSession>;
  /** What the agent has written since the machine booted. */
  agentLog: () => Promise<string>;
  close: () => Promise<void>;
}

export async function openSchoolServer(
  suite: Suite,
  options: SchoolServerOptions = {},
): Promise<SchoolServer> {
  const ground = await openGround();
  let centre: RunningCentre | null = null;
  const close = async () => {
    await centre?.stop();
    await ground.close();
  };
  try {
    const files = join(ground.folder, 'agent-files');
    const [machine, started] = await Promise.all([
      openMachine(suite, { root: options.root ?? 'server', ground }),
      offerAgent(files).then(() =>
        startCentre({
          folder: ground.folder,
          host: ground.cityAddress,
          port: 0,
          people: { teachers: 40, pupils: 200 },
          keepAlive: false,
          graceSeconds: options.graceSeconds ?? 60,
          standbyDisplays: options.standbyDisplays ?? 1,
          agentFiles: files,
          ...(options.tell === undefined ? {} : { tell: options.tell }),
        }),
      ),
    ]);
    centre = started;
    const school = await schoolAround(machine, started, close);
    if (options.enrolled !== false) await school.enrol();
    return school;
  } catch (error) {
    await close();
    throw error;
  }
}

/** The present agent, whatever the last build made. */
export async function offerAgent(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await must([process.execPath, join(checkout, 'packaging/bundle-agent.ts'), folder], {
    cwd: checkout,
  });
}

/** A school on a machine that is powered on and not enrolled. */
export async function schoolAround<M extends Bootable>(
  machine: M,
  centre: RunningCentre,
  close: () => Promise<void>,
): Promise<SchoolServer<M>> {
  const { technician } = centre;
  const as = async (login: string) => {
    const client = new Client(centre.url);
    await client.signIn(login, centre.password);
    return client;
  };
  const teacher = await as(demoLogins.teacher);
  for (const category of categories)
    await technician.call('createRule', {
      body: {
        ...plainRule,
        effect: 'allow',
        target: { kind: 'category', category },
        audience: { kind: 'everyone' },
      },
    });
  let serverId = '';
  const server = () => technician.call('readServer', { params: { id: serverId } });
  const agentLog = async () =>
    (await machine.run('journalctl --no-pager --output=cat --unit=preau-agent')).stdout;

  const ready = (timeoutMs = 60_000) =>
    until(
      'a display',
      async () => {
        const { health, vitals, failedSteps } = await server();
        const broken = failedSteps.find(
          ({ step, attempt }) => step === 'prepare_display' && attempt > 2,
        );
        if (broken !== undefined)
          throw new GivenUp(`no display: ${broken.message}\n${(await agentLog()).slice(-2000)}`);
        return health === 'online' && (vitals?.displaysReady ?? 0) > 0;
      },
      timeoutMs,
    );
  const enrol = async (env: Record<string, string> = {}) => {
    const { command } = await technician.call('createEnrolmentCode', {
      params: { id: centre.siteId },
      body: { serverName: 'Serveur pédagogique' },
    });
    const said = await machine.must(command, { timeoutMs: 600_000, env });
    const { items } = await technician.call('listServers', { query: { site: centre.siteId } });
    serverId = items[0]?.id ?? '';
    if (serverId === '') throw new Error(`no server was enrolled: ${said}`);
    // Long enough for an emulated machine.
    await ready(180_000);
    return said;
  };

  const applicationId = async (slug: string) => {
    const { items } = await technician.call('listApplications', {});
    const known = items.find((application) => application.slug === slug);
    if (known === undefined) throw new Error(`${slug} is not in the catalogue`);
    return known.id;
  };
  const want = async (slug: string, wanted: boolean) => {
    const params = { id: serverId, applicationId: await applicationId(slug) };
    await technician.call('wantApplication', { params, body: { wanted } });
  };
  const state = async (slug: string) =>
    (await server()).applications.find((application) => application.slug === slug);
  const reach = async (slug: string, wanted: boolean, timeoutMs: number) => {
    await want(slug, wanted);
    await until(
      `${slug} to be ${wanted ? 'installed' : 'removed'}`,
      async () => {
        const now = await state(slug);
        if (now?.state === 'failed')
          throw new GivenUp(`${slug}: ${now.error?.code} ${now.error?.message}`);
        return now?.state === (wanted ? 'installed' : 'removed');
      },
      timeoutMs,
    );
  };

  return {
    suite: machine.suite,
    machine,
    centre,
    technician,
    teacher,
    as,
    serverId: () => serverId,
    enrol,
    server,
    ready,
    offer: async (slug, recipe, more = {}) => {
      const words = { fr: slug, en: slug };
      const draft: ApplicationDraft = {
        ...{ slug, name: words, description: words, category: 'tools', version: '1' },
        recipes: { linux: recipe },
        ...more,
      };
      return (await technician.call('createApplication', { body: draft })).id;
    },
    applicationId,
    want,
    state,
    install: (slug, timeoutMs = 180_000) => reach(slug, true, timeoutMs),
    uninstall: (slug, timeoutMs = 120_000) => reach(slug, false, timeoutMs),
    open: (slug, client = teacher, timeoutMs = 45_000) =>
      openProgram({ slug, client, technician, timeoutMs }),
    agentLog,
    close,
  };
}

async function openProgram(asked: {
  slug: string;
  client: Client;
  technician: Client;
  timeoutMs: number;
}): Promise<OpenSession> {
  const { slug, client, technician, timeoutMs } = asked;
  const { session, ticket } = await client.call('launchSession', {
    body: { application: slug, language: 'fr' },
  });
  const { id } = session;
  const read = () => client.call('readSession', { params: { id } });
  const tunnel = await openTunnel(client, ticket);
  await until(
    `the window of ${slug}`,
    async () => {
      const now = await read();
      if (now.state === 'failed' || now.state === 'ended')
        throw new GivenUp(
          `${slug}: ${now.failureCode ?? now.endReason} ${await toldOf(technician, id)}`,
        );
      return now.openedAt !== null && tunnel.firstFrameAt !== null;
    },
    timeoutMs,
  );
  return {
    id,
    tunnel,
    read,
    end: async () => {
      tunnel.close();
      await client.call('endSession', { params: { id } });
      await until(`the end of ${slug}`, async () => (await read()).state === 'ended');
    },
  };
}

/** What the audit knows about the end of a session. */
async function toldOf(technician: Client, id: string): Promise<string> {
  const { items } = await technician.call('listAudit', {
    query: { limit: '20', search: 'session.' },
  });
  return JSON.stringify(items.find(({ subjectId }) => subjectId === id)?.details ?? {});
}

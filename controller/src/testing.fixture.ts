/** A small city for tests: a real database, the real verbs, a clock that can be moved, and every
 * wake-up noted. Not for the product: only tests import it. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { agentCallText } from '@preau/contract/enrolment.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { OfferedFile } from '@preau/contract/exchange.ts';
import { PROTOCOL } from '@preau/contract/protocol.ts';
import type { DisplayCredentials, Report, ReportedSession } from '@preau/contract/report.ts';
import { plainRule } from '@preau/contract/rule.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { createRule } from './access/rules.ts';
import { actorOf } from './accounts/reach.ts';
import { insertAccounts, selectAccount } from './accounts/store.ts';
import { createApplication } from './applications/create.ts';
import { application, person, server, site as siteDraft } from './builders.fixture.ts';
import { type Environment, parseConfig } from './config.ts';
import type { AccountActor, AgentActor } from './platform/actor.ts';
import { migrate, openDatabase } from './platform/database.ts';
import { createHeavyWork } from './platform/heavy/heavy-work.ts';
import { createLog } from './platform/log.ts';
import type { Platform } from './platform/platform.ts';
import { createSecrets, sha256 } from './platform/secrets.ts';
import { acceptReport } from './reports/accept-report.ts';
import { wantApplication } from './servers/desired/want-application.ts';
import { createEnrolmentCode, enrol } from './servers/enrolment/enrol.ts';
import { createSite } from './sites/sites.ts';
import { createWakeups } from './wakeups.ts';

export const publicUrl = 'https://preau.example';

export interface TestAgent {
  actor: AgentActor;
  publicKey: string;
  privateKey: KeyObject;
  /** One more report of this agent. */
  report: (more?: Partial<Report>) => Report;
  /** The `Authorization` header of one call. */
  authorization: (method: string, path: string, body: string | null, at?: number) => string;
}

export type City = Awaited<ReturnType<typeof makeCity>>;

/** One school with a server that has `tuxpaint`, published to everyone; `gimp` is in the catalogue,
 * published, not installed; `secret` is installed and published to nobody. */
export async function makeCity(target = ':memory:', settings: Record<string, string> = {}) {
  const config: Environment = parseConfig({ PREAU_PUBLIC_URL: publicUrl, ...settings });
  const time = { at: 1_800_000_000_000 };
  const clock = { now: () => time.at };
  const log = createLog('silent');
  const database = openDatabase(target);
  await migrate(database, target.startsWith('postgres'));
  const wakeups = createWakeups(null, log);
  const woken: Topic[] = [];
  wakeups.listen((topics) => woken.push(...topics));
  const platform: Platform = {
    config,
    database,
    clock,
    log,
    secrets: createSecrets(Buffer.alloc(32, 7)),
    wakeups,
    heavy: createHeavyWork(),
  };

  const nobody = { kind: 'job', id: 'test', name: 'test' } as const;
  const site = await createSite(
    platform,
    nobody,
    siteDraft({ uai: '0380001A', name: 'École Victor-Hugo' }),
  );
  const account = async (
    login: string,
    role: AccountActor['role'],
    siteId: string | null = site.id,
  ): Promise<AccountActor> => {
    const [id = ''] = await insertAccounts(database, [person(login, { role, siteId })], time.at);
    const made = await selectAccount(database, id);
    if (made === undefined) throw new Error('no account');
    return actorOf(made, sha256(`sign-in of ${login}`));
  };
  const technician = await account('tech', 'technician', null);
  const administrator = await account('admin', 'administrator', null);
  const teacher = await account('prof', 'teacher');
  const contact = await account('referente', 'contact');
  const pupil = await account('lea', 'pupil');

  const enrolServer = async (name: string, siteId = site.id): Promise<TestAgent> => {
    const { code } = await createEnrolmentCode(
      { ...platform, publicUrl: () => publicUrl },
      technician,
      server(siteId, { serverName: name }),
    );
    const keys = generateKeyPairSync('ed25519');
    const publicKey = keys.publicKey
      .export({ format: 'der', type: 'spki' })
      .subarray(12)
      .toString('base64url');
    const { serverId } = await enrol(
      platform,
      { kind: 'nobody', id: null, name: '?' },
      { code, publicKey, hostname: name, protocol: PROTOCOL },
      '127.0.0.1',
    );
    let seq = 0;
    return {
      actor: { kind: 'agent', id: serverId, name, siteId },
      publicKey,
      privateKey: keys.privateKey,
      report: (more = {}) => {
        seq += 1;
        return {
          protocol: PROTOCOL,
          epoch: 'e'.repeat(22),
          seq,
          generation: 0,
          health: {
            cpu: 0.1,
            cores: 4,
            memoryUsedMiB: 1,
            memoryTotalMiB: 8000,
            diskFreeMiB: 1,
            sessions: 0,
            displaysReady: 2,
            uptimeSeconds: 1,
          },
          inventory: {
            hostname: name,
            system: 'Debian 12',
            kernel: '6.1',
            agentVersion: '0.1.0',
            platform: 'linux',
            packages: 1,
            chosen: [],
            cache: null,
          },
          applications: [],
          sessions: [],
          failedSteps: [],
          orders: [],
          transfers: [],
          ...more,
        };
      },
      authorization: (method, path, body, at = time.at) => {
        const text = agentCallText({
          at,
          method,
          path,
          bodyHash: body === null ? '' : sha256(body),
        });
        return `Preau ${serverId} ${at} ${sign(null, Buffer.from(text), keys.privateKey).toString('base64url')}`;
      },
    };
  };
  const agent = await enrolServer('serveur-1');
  const applications = {
    tuxpaint: await createApplication(platform, technician, application('tuxpaint')),
    gimp: await createApplication(platform, technician, application('gimp')),
    secret: await createApplication(platform, technician, application('secret')),
  };
  for (const { id } of [applications.tuxpaint, applications.gimp])
    await createRule(platform, technician, {
      effect: 'allow',
      target: { kind: 'application', applicationId: id },
      audience: { kind: 'everyone' },
      ...plainRule,
    });
  for (const { id } of Object.values(applications))
    await wantApplication(platform, technician, {
      serverId: agent.actor.id,
      applicationId: id,
      wanted: true,
    });
  await acceptReport(
    platform,
    agent.actor,
    agent.report({
      applications: [applications.tuxpaint, applications.secret].map(({ id }) => ({
        applicationId: id,
        state: 'installed',
        version: '1.0',
        error: null,
        iconHash: null,
      })),
    }),
  );
  woken.length = 0;
  return {
    platform,
    time,
    woken,
    site,
    administrator,
    technician,
    contact,
    teacher,
    pupil,
    account,
    agent,
    enrolServer,
    applications,
    close: async () => {
      await platform.heavy.close();
      await database.destroy();
    },
  };
}

const attachment = (serial: number): DisplayCredentials => ({
  serial,
  host: '127.0.0.1',
  port: 3389,
  username: 'preau-1',
  password: `one-use-password-${String(serial).padStart(8, '0')}`,
});
export const readySession = (
  sessionId: string,
  serial: number | null,
  openedAt: number | null = null,
  offered: OfferedFile[] = [],
): ReportedSession => ({
  sessionId,
  state: 'ready',
  attachment: serial === null ? null : attachment(serial),
  openedAt,
  offered,
});

/** What a verb refuses with, or `done`. Anything but a refusal is thrown on. */
export const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  return 'done';
};

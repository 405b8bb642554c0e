/** Wires the controller together, in reading order. `main.ts` starts it; tests and the demo start
 * it in their own process. */
import { mkdirSync } from 'node:fs';
import { AppError } from '@preau/contract/errors.ts';
import { createAddressGate } from './accounts/attempts/address-gate.ts';
import { createAttempts } from './accounts/attempts/attempts.ts';
import { watchAccess } from './alarms/access-watch.ts';
import { startJobs } from './alarms/jobs.ts';
import { startNotices } from './alarms/notices.ts';
import { watchRollouts } from './alarms/rollout-watch.ts';
import { keepAgentApplication } from './applications/own-agent.ts';
import { packageFiles } from './applications/packages/files.ts';
import { recordWhatIsCounted } from './audit/repeated.ts';
import { checkBackup } from './backups/nightly.ts';
import { createClassEntry } from './classes/enter.ts';
import type { Environment } from './config.ts';
import { createHttp } from './edge/http.ts';
import type { EdgeDeps } from './edge/verbs/verb.ts';
import { openProviders } from './identity/open-providers.ts';
import { readIdentity } from './identity/settings.ts';
import { createIdentity } from './identity/sign-in.ts';
import { openCity } from './open-city.ts';
import { budget } from './platform/budget.ts';
import { type Clock, systemClock } from './platform/clock.ts';
import { createCounters } from './platform/counters.ts';
import { closeInOrder } from './platform/deadlines.ts';
import { checkQueue, checkRedis, ownChecks, type QueueState } from './platform/health/checks.ts';
import { watchClock } from './platform/health/clock-watch.ts';
import { createHealth } from './platform/health/health.ts';
import { createHeavyWork } from './platform/heavy/heavy-work.ts';
import { createLog } from './platform/log.ts';
import { holdFolder } from './platform/own-folder.ts';
import { openRedis } from './platform/redis.ts';
import { createSecrets } from './platform/secrets.ts';
import { createAdditions } from './servers/additions/add-server.ts';
import { transferFiles } from './sessions/exchange/files.ts';
import { version } from './version.ts';
import { createWakeups } from './wakeups.ts';

export interface Controller {
  url: string;
  /** Takes at most `budget.stop.allMs`; returns the parts that did not close in time. */
  close: () => Promise<string[]>;
}

export async function startController(
  config: Environment,
  clock: Clock = systemClock,
): Promise<Controller> {
  // Read before anything is opened, so that an error in it prevents the start.
  const providers = readIdentity(config.PREAU_IDENTITY);
  const log = createLog(config.PREAU_LOG_LEVEL);
  mkdirSync(config.PREAU_DATA, { recursive: true, mode: 0o700 });
  const release =
    config.PREAU_DATABASE_URL === '' ? holdFolder(config.PREAU_DATA) : () => undefined;
  const { database, applied, secret } = await openCity(config, 'controller');
  if (applied.length > 0) log.info({ applied }, 'database brought up to date');

  const openConnection = (use?: Parameters<typeof openRedis>[1]) => {
    const redis = openRedis(config.PREAU_REDIS_URL, use);
    redis.on('error', (error: Error) => log.debug({ reason: error.message }, 'redis'));
    return redis;
  };
  const redis = { publisher: openConnection('wakeups'), subscriber: openConnection() };
  const disconnect = () => {
    redis.publisher.disconnect();
    redis.subscriber.disconnect();
  };
  const wakeups = createWakeups(redis, log);
  const secrets = createSecrets(secret);

  let url = config.PREAU_PUBLIC_URL;
  const heavy = createHeavyWork();
  const platform = { config, database, clock, log, secrets, wakeups, heavy };
  const counts = openConnection('counts');
  const counters = createCounters(counts);
  const identity = createIdentity(platform, openProviders(platform, providers), {
    attempts: createAttempts({ counters, now: clock.now }),
    addresses: createAddressGate({ counters }),
  });
  const additions = createAdditions({ ...platform, publicUrl: () => url });
  const deps: Omit<EdgeDeps, 'health'> = {
    ...platform,
    additions,
    version,
    publicUrl: () => url,
    originAllowed: (origin) =>
      origin !== undefined &&
      (origin === url ||
        (config.PREAU_PUBLIC_URL === '' && origin === url.replace('127.0.0.1', 'localhost'))),
    identity,
    classEntry: createClassEntry(platform, identity.passwords, identity.attempts),
  };
  await keepAgentApplication(platform);
  for (const files of [packageFiles(config.PREAU_DATA), transferFiles(config.PREAU_DATA)])
    await files.tidy(clock.now());
  const clockWatch = watchClock(clock);
  let queueState: (() => Promise<QueueState>) | null = null;
  const health = createHealth(
    platform,
    [
      ...ownChecks(platform, clockWatch),
      checkBackup(platform),
      checkRedis(redis.publisher, clockWatch),
      checkQueue(async () => (await queueState?.()) ?? { sweptMs: 0, waiting: 0 }),
    ],
    (parts) => wakeups.wake(parts.includes('gateway') ? ['health', 'portal'] : ['health']),
  );
  const http = await createHttp({ ...deps, health });
  const listening = await http
    .listen({ host: config.PREAU_HOST, port: config.PREAU_PORT })
    .catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EADDRINUSE' && cause.code !== 'EACCES') throw cause;
      throw new AppError('PORT_TAKEN', { port: config.PREAU_PORT }, { cause });
    });
  if (url === '') url = listening;
  const rollouts = watchRollouts(platform);
  const access = watchAccess(platform);
  const notices = startNotices({ ...platform, publicUrl: deps.publicUrl });
  const jobs = await startJobs({ ...platform, identity }, () => openConnection());
  queueState = jobs.state;
  const stopWatching = health.watch();
  log.info({ url: deps.publicUrl() }, 'controller listens');

  return {
    url,
    close: () =>
      closeInOrder(
        log,
        [
          // First: calls that wait for a thread are answered, and HTTP can close.
          { what: 'heavy work', close: () => heavy.close() },
          { what: 'attempts', close: () => identity.attempts.close() },
          { what: 'health', close: stopWatching },
          { what: 'http', close: () => http.close() },
          { what: 'jobs', close: () => jobs.close() },
          { what: 'rollouts', close: () => rollouts.close() },
          { what: 'notices', close: () => notices.close() },
          { what: 'access', close: () => access.close() },
          { what: 'additions', close: () => additions.close() },
          { what: 'counts', close: () => counts.disconnect() },
          { what: 'redis', close: disconnect },
          { what: 'audit', close: () => recordWhatIsCounted(database) },
          { what: 'database', close: () => database.destroy() },
          { what: 'folder', close: release },
        ],
        budget.stop,
      ),
  };
}

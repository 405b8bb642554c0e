/** The Linux driver: Debian packages, xrdp displays, applications in sandboxes. It reads what runs
 * from the process table and from the folders named in layout.ts, so a driver that restarts finds
 * all of it. */
import { join } from 'node:path';
import type { DesiredSession } from '@preau/contract/desired-state.ts';
import { AppError } from '@preau/contract/errors.ts';
import { maxOffered, type OfferedFile } from '@preau/contract/exchange.ts';
import { startDetached } from '#src/command.ts';
import type { AgentConfig } from '#src/config.ts';
import type { Driver } from '#src/drivers/driver.ts';
import {
  copyTo,
  entries,
  exists,
  folderStamp,
  makeFolder,
  names,
  ownerOf,
  readText,
  remove,
  write,
} from '#src/files.ts';
import {
  displayServerRuns,
  type Ports,
  startDisplayServer,
  stopDisplayServer,
} from './display-server.ts';
import {
  cookieOf,
  createDisplay,
  type Display,
  destroyDisplay,
  displayLives,
  grantOnce,
  grantPending,
  listDisplayAccounts,
  socketOf,
} from './displays.ts';
import { copyOut, listFiles, type PersonFolder, placeIn, removeFile } from './exchange.ts';
import { createHealthMeter, readSystem } from './health.ts';
import { readIcon } from './icons.ts';
import { layoutOf } from './layout.ts';
import { canPrint, preparePrinter } from './printing.ts';
import { endAll } from './processes.ts';
import {
  groupFile,
  launchScript,
  openboxConfiguration,
  passwdFile,
  sandboxArguments,
} from './sandbox.ts';
import { processesOf } from './sandbox-processes.ts';
import { watchSession } from './session-watch.ts';
import { createSoftware, type SoftwareDeps } from './software.ts';

/** Name of the exchange folder, as file dialogs show it. */
const exchangeFolders: Record<DesiredSession['language'], string> = {
  fr: 'Mon appareil',
  en: 'My device',
};
const readJson = <T>(path: string): T | null => JSON.parse(readText(path) ?? 'null') as T | null;

/** First user id for people's files. The owner of a home directory is the only record of a person's
 * user id. */
const firstPersonUid = 700_000;
/** Overwriting a file does not change its folder's stamp, so folders are read again this often. */
const lookAgainMs = 10_000;

/** Whose session it is. */
interface Person {
  uid: number;
  home: string;
  /** The exchange folder, in the home. */
  folder: string;
}

interface Running {
  display: Display;
  person: Person;
  stopWatching: () => void;
}

/** What the driver gets besides its settings: this server's identity, the city's files, and its own
 * bundle. */
export type LinuxDeps = Pick<
  SoftwareDeps,
  'identity' | 'readPackage' | 'bundles' | 'running' | 'restart' | 'now'
> & { version: string };

export function createLinuxDriver(config: AgentConfig, deps: LinuxDeps): Driver {
  const layout = layoutOf(config);
  const software = createSoftware({
    ...deps,
    stateFolder: config.stateFolder,
    runFolder: layout.run,
    applications: layout.applications,
    cache: {
      host: config.cacheHost,
      port: config.cachePort,
      maxBytes: config.cacheMiB * 1_048_576,
      slowestBytesPerSecond: config.slowestBytesPerSecond,
    },
  });
  const standby: Display[] = [];
  const running = new Map<string, Running>();
  const meter = createHealthMeter(config.stateFolder);
  const system = readSystem(deps.version);
  let ports: Ports | null = null;
  let printer: string | null = null;

  let starting: Promise<Ports> | null = null;
  const ensureServer = async (): Promise<Ports> => {
    if (ports !== null && displayServerRuns(layout)) return ports;
    // Several displays may start at once: they share one start of the display server.
    starting ??= startDisplayServer(layout, config.rdpPort).finally(() => {
      starting = null;
    });
    ports = await starting;
    return ports;
  };

  const filesOf = (sessionId: string) => join(layout.sessions, sessionId);
  const printsOf = (sessionId: string) => join(layout.prints, sessionId);

  const claimDisplay = async (): Promise<Display> => {
    await ensureServer();
    for (let display = standby.shift(); display !== undefined; display = standby.shift()) {
      if (displayLives(layout, display)) return display;
      await destroyDisplay(layout, display.account, display.number);
    }
    // Right after a crash the display server may still be cleaning up: retry once before failing.
    return createDisplay(layout).catch(() => createDisplay(layout));
  };

  const homeFor = (accountId: string): { path: string; uid: number } => {
    const path = join(layout.homes, accountId);
    if (exists(path)) return { path, uid: ownerOf(path) };
    const taken = names(layout.homes).map((name) => ownerOf(join(layout.homes, name)));
    const uid = Math.max(firstPersonUid, ...taken) + 1;
    makeFolder(path, 0o700, { uid, gid: uid });
    return { path, uid };
  };

  const localeFor = (language: DesiredSession['language']): string =>
    language === 'fr' &&
    (exists('/usr/lib/locale/fr_FR.utf8') || exists('/usr/lib/locale/locale-archive'))
      ? 'fr_FR.UTF-8'
      : 'C.UTF-8';

  /** What was offered at the last listing. A folder in which no name has changed is listed again
   * only after `lookAgainMs`. */
  const looks = new Map<string, { seen: string; at: number; found: OfferedFile[] }>();
  const personOf = (sessionId: string): Person => {
    const person = running.get(sessionId)?.person;
    if (person === undefined) throw new AppError('FILE_GONE', { session: sessionId });
    return person;
  };
  const exchangeOf = (sessionId: string): PersonFolder => {
    const { uid, home, folder } = personOf(sessionId);
    return { uid, base: home, folder };
  };
  const pagesOf = (sessionId: string): PersonFolder => ({
    uid: personOf(sessionId).uid,
    base: printsOf(sessionId),
    folder: 'out',
  });

  const endSandbox = (sessionId: string) => endAll(() => processesOf(sessionId), 1500);

  const driver: Driver = {
    start: async () => {
      for (const folder of [
        config.stateFolder,
        layout.homes,
        layout.logs,
        layout.prints,
        layout.run,
        layout.displays,
        layout.sessions,
      ])
        makeFolder(
          folder,
          folder === layout.run || folder === layout.displays || folder === layout.sessions
            ? 0o755
            : 0o700,
        );
      // A session survives a restart of the agent when its sandbox, its display and its file are
      // all there; the rest is removed.
      const surviving: string[] = [];
      const kept = new Set<string>();
      for (const sessionId of names(layout.sessions)) {
        const [display, person] = [
          readJson<Display>(join(filesOf(sessionId), 'display.json')),
          readJson<Person>(join(filesOf(sessionId), 'person.json')),
        ];
        if (
          display !== null &&
          person !== null &&
          processesOf(sessionId).length > 0 &&
          displayLives(layout, display)
        ) {
          surviving.push(sessionId);
          kept.add(display.account);
          running.set(sessionId, { display, person, stopWatching: () => undefined });
        } else await endSandbox(sessionId).then(() => remove(filesOf(sessionId)));
      }
      for (const account of await listDisplayAccounts(layout))
        if (!kept.has(account)) await destroyDisplay(layout, account);
      for (const sessionId of names(layout.prints))
        if (!surviving.includes(sessionId)) remove(printsOf(sessionId));
      printer = canPrint() ? preparePrinter(layout.printer, surviving.length > 0) : null;
      return surviving;
    },
    inventory: async () => ({ ...system, ...(await software.inventory()) }),
    health: async () => ({ ...meter(), displaysReady: standby.length }),

    refuses: software.refuses,
    detect: software.detect,
    stage: software.stage,
    apply: software.apply,
    installerOf: software.installerOf,
    logOf: software.logOf,
    discard: software.discard,
    setNeighbours: software.setNeighbours,
    readIcon: (application) => readIcon(application, layout.run),

    prepareDisplay: async () => {
      await ensureServer();
      standby.push(await createDisplay(layout));
    },
    displaysReady: () => standby.length,

    openSession: async (session, application, events, terms) => {
      const command = application.recipes.linux?.launch?.command;
      if (command === undefined)
        throw new AppError('NOT_PUBLISHED_HERE', {
          why: `${application.slug} has nothing to start`,
        });
      const display = await claimDisplay();
      const files = filesOf(session.sessionId);
      const home = homeFor(session.accountId);
      const person = { uid: home.uid, home: home.path, folder: exchangeFolders[session.language] };
      running.set(session.sessionId, { display, person, stopWatching: () => undefined });
      makeFolder(files, 0o755);
      write(join(files, 'display.json'), JSON.stringify(display), 0o600);
      write(join(files, 'person.json'), JSON.stringify(person), 0o600);
      for (const own of [join(files, 'runtime'), printsOf(session.sessionId)])
        makeFolder(own, 0o700, { uid: home.uid, gid: home.uid });
      write(join(files, 'launch'), launchScript, 0o755);
      write(join(files, 'openbox.xml'), openboxConfiguration, 0o644);
      write(join(files, 'passwd'), passwdFile(session.login, home.uid, session.displayName), 0o644);
      write(join(files, 'group'), groupFile(session.login, home.uid), 0o644);
      copyTo(cookieOf(layout, display.account), join(files, 'cookie'), 0o400, {
        uid: home.uid,
        gid: home.uid,
      });
      const started = await startDetached(
        '/usr/bin/bwrap',
        sandboxArguments({
          sessionId: session.sessionId,
          login: session.login,
          uid: home.uid,
          display: display.number,
          socket: socketOf(layout, display),
          home: home.path,
          files,
          etc: entries('/etc'),
          locale: localeFor(session.language),
          command,
          exchangeFolder: terms.files === 'none' ? null : person.folder,
          printer: terms.printing ? printer : null,
          prints: printsOf(session.sessionId),
        }),
        join(files, 'log'),
      );
      running.set(session.sessionId, {
        display,
        person,
        stopWatching: watchSession(
          { layout, sessionId: session.sessionId, display, files, exited: started.exited },
          events,
        ),
      });
    },
    adoptSession: async (sessionId, events) => {
      const session = running.get(sessionId);
      if (session === undefined)
        throw new AppError('INTERNAL', { why: `no session ${sessionId} to adopt` });
      await ensureServer();
      session.stopWatching = watchSession(
        { layout, sessionId, display: session.display, files: filesOf(sessionId), exited: null },
        events,
      );
    },
    issueCredentials: async (sessionId) => {
      const session = running.get(sessionId);
      if (session === undefined || ports === null)
        throw new AppError('DISPLAY_FAILED', { why: 'the session has no display' });
      return {
        host: layout.rdpHost,
        port: ports.rdp,
        ...grantOnce(layout, session.display.account),
      };
    },
    credentialsPending: (sessionId) => {
      const session = running.get(sessionId);
      return session !== undefined && grantPending(layout, session.display.account);
    },
    offeredFiles: async (sessionId, { files, pages }) => {
      const folders = [
        ...(files ? [{ of: exchangeOf(sessionId), kind: 'file' as const }] : []),
        ...(pages ? [{ of: pagesOf(sessionId), kind: 'print' as const }] : []),
      ];
      const seen = JSON.stringify(
        folders.map(({ of }) => folderStamp(join(of.base, of.folder)) ?? ''),
      );
      const past = looks.get(sessionId);
      if (past !== undefined && past.seen === seen && Date.now() - past.at < lookAgainMs)
        return past.found;
      const found = (await Promise.all(folders.map(({ of, kind }) => listFiles(of, kind))))
        .flat()
        .slice(0, maxOffered);
      looks.set(sessionId, { seen, at: Date.now(), found });
      return found;
    },
    copyOffered: (sessionId, { kind, name }, to, maxBytes) =>
      copyOut(kind === 'print' ? pagesOf(sessionId) : exchangeOf(sessionId), name, to, maxBytes),
    dropOffered: (sessionId, { kind, name }) =>
      removeFile(kind === 'print' ? pagesOf(sessionId) : exchangeOf(sessionId), name),
    placeFile: (sessionId, name, from) => placeIn(exchangeOf(sessionId), name, from),
    endSession: async (sessionId) => {
      const session = running.get(sessionId);
      session?.stopWatching();
      await endSandbox(sessionId);
      if (session !== undefined)
        await destroyDisplay(layout, session.display.account, session.display.number);
      running.delete(sessionId);
      looks.delete(sessionId);
      remove(filesOf(sessionId));
      remove(printsOf(sessionId));
    },
    stop: async () => {
      for (const sessionId of [...running.keys()]) await driver.endSession(sessionId);
      for (const account of await listDisplayAccounts(layout))
        await destroyDisplay(layout, account);
      standby.length = 0;
      await software.stop();
      await stopDisplayServer(layout);
      remove(layout.xrdpEtc);
      remove(layout.run);
    },
  };
  return driver;
}

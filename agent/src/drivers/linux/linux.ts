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
import { copyTo, entries, exists, makeFolder, names, readText, remove, write } from '#src/files.ts';
import { readBoot, restartMachine } from './boot.ts';
import { type ControlGroups, openControlGroups } from './control-groups.ts';
import { createDisplayPool } from './display-pool.ts';
import {
  cookieOf,
  type Display,
  destroyDisplay,
  displayLives,
  grantOnce,
  grantPending,
  listDisplayAccounts,
  socketOf,
} from './displays.ts';
import { copyOut, listFiles, type PersonFolder, placeIn, removeFile, stampOf } from './exchange.ts';
import { createHealthMeter, readSystem } from './health.ts';
import { eraseHome, type Home, homeFor } from './homes.ts';
import { readIcon } from './icons.ts';
import { layoutOf } from './layout.ts';
import { canPrint, gtkHangsHere, preparePrinter } from './printing.ts';
import { endAll } from './processes.ts';
import { enterScript, groupFile, launchScript, passwdFile, sandboxArguments } from './sandbox.ts';
import { processesOf } from './sandbox-processes.ts';
import { writeSettings } from './session-settings.ts';
import { watchSession } from './session-watch.ts';
import { createSoftware, installersFolder, type SoftwareDeps } from './software.ts';

/** Name of the exchange folder, as file dialogs show it. */
const exchangeFolders: Record<DesiredSession['language'], string> = {
  fr: 'Mon appareil',
  en: 'My device',
};
const readJson = <T>(path: string): T | null => JSON.parse(readText(path) ?? 'null') as T | null;

/** Overwriting a file does not change its folder's stamp, so folders are read again this often. */
const lookAgainMs = 10_000;

/** Whose session it is. */
interface Person {
  /** Absent in files of earlier agents. */
  accountId?: string;
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

interface Log {
  info: (facts: object, text: string) => void;
  warn: (facts: object, text: string) => void;
}

/** What the driver gets besides its settings: this server's identity, the city's files, and its own
 * bundle. */
export type LinuxDeps = Pick<
  SoftwareDeps,
  'identity' | 'readPackage' | 'bundles' | 'running' | 'restart' | 'now'
> & {
  version: string;
  log: Log;
  /** For tests: another way than this machine's own. */
  groups?: ControlGroups;
};

export function createLinuxDriver(config: AgentConfig, deps: LinuxDeps): Driver {
  const layout = layoutOf(config);
  const software = createSoftware({
    ...deps,
    stateFolder: config.stateFolder,
    runFolder: layout.run,
    applications: layout.applications,
    installSeconds: config.installSeconds,
    cache: {
      host: config.cacheHost,
      port: config.cachePort,
      maxBytes: config.cacheMiB * 1_048_576,
      slowestBytesPerSecond: config.slowestBytesPerSecond,
    },
  });
  const running = new Map<string, Running>();
  const displays = createDisplayPool(layout, config.rdpPort, () => running.size > 0);
  const meter = createHealthMeter(config.stateFolder);
  const system = readSystem(deps.version);
  const groups = deps.groups ?? openControlGroups(layout.prefix);
  let printer: string | null = null;

  const filesOf = (sessionId: string) => join(layout.sessions, sessionId);
  const printsOf = (sessionId: string) => join(layout.prints, sessionId);

  /** The display and the home of a new session, at the same time. When the home is not to be had,
   * the display is destroyed. */
  const claimBoth = async (session: DesiredSession): Promise<[Display, Home]> => {
    const { accountId, uid } = session;
    const inUse = [...running.values()].some(({ person }) => person.accountId === accountId);
    const home = homeFor({ homes: layout.homes, accountId, inUse, ...(uid && { uid }) });
    const [display, found] = await Promise.allSettled([displays.claim(), home]);
    if (display.status === 'rejected') throw display.reason;
    if (found.status === 'fulfilled') return [display.value, found.value];
    await destroyDisplay(layout, display.value.account, display.value.number);
    throw found.reason;
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

  const endSandbox = async (sessionId: string) => {
    await endAll(() => processesOf(groups, sessionId), 1500);
    groups.remove(sessionId);
  };

  const driver: Driver = {
    start: async () => {
      deps.log.info({ way: groups.way }, 'control groups of sessions');
      if (groups.way === 'none')
        deps.log.warn(
          {},
          'no control groups here: sessions run without one, and can have no limits of their own',
        );
      // Not the homes: they may be on a file server that does not answer.
      for (const folder of [
        config.stateFolder,
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
          processesOf(groups, sessionId).length > 0 &&
          displayLives(layout, display)
        ) {
          surviving.push(sessionId);
          kept.add(display.account);
          running.set(sessionId, { display, person, stopWatching: () => undefined });
        } else await endSandbox(sessionId).then(() => remove(filesOf(sessionId)));
      }
      for (const sessionId of groups.sessions())
        if (!surviving.includes(sessionId)) await endSandbox(sessionId);
      for (const account of await listDisplayAccounts(layout))
        if (!kept.has(account)) await destroyDisplay(layout, account);
      for (const sessionId of names(layout.prints))
        if (!surviving.includes(sessionId)) remove(printsOf(sessionId));
      printer = canPrint() ? preparePrinter(layout.printer, surviving.length > 0) : null;
      return surviving;
    },
    inventory: async () => ({ ...system, ...(await software.inventory()) }),
    health: async () => ({ ...meter(), displaysReady: displays.ready() }),

    refuses: software.refuses,
    detect: software.detect,
    stage: software.stage,
    apply: software.apply,
    installerOf: software.installerOf,
    logOf: software.logOf,
    discard: software.discard,
    setNeighbours: software.setNeighbours,
    foresee: software.foresee,
    unreadSources: software.unreadSources,
    eraseHome: async (accountId) => {
      const isHere = [...running.values()].some(({ person }) => person.accountId === accountId);
      if (!isHere) await eraseHome(layout.homes, accountId);
      return !isHere;
    },
    boot: async () => readBoot(),
    restartMachine,
    readIcon: (application) => readIcon(application, layout.run),

    prepareDisplay: displays.prepare,
    displaysReady: displays.ready,

    openSession: async (session, application, events, terms) => {
      const launch = application.recipes.linux?.launch;
      if (launch === undefined)
        throw new AppError('NOT_PUBLISHED_HERE', {
          why: `${application.slug} has nothing to start`,
        });
      const [display, home] = await claimBoth(session);
      const files = filesOf(session.sessionId);
      const person = {
        accountId: session.accountId,
        uid: home.uid,
        home: home.path,
        folder: exchangeFolders[session.language],
      };
      running.set(session.sessionId, { display, person, stopWatching: () => undefined });
      makeFolder(files, 0o755);
      write(join(files, 'display.json'), JSON.stringify(display), 0o600);
      write(join(files, 'person.json'), JSON.stringify(person), 0o600);
      for (const own of [join(files, 'runtime'), printsOf(session.sessionId)])
        makeFolder(own, 0o700, { uid: home.uid, gid: home.uid });
      write(join(files, 'enter'), enterScript, 0o755);
      write(join(files, 'launch'), launchScript, 0o755);
      writeSettings(files, launch.firstFiles, gtkHangsHere());
      write(join(files, 'passwd'), passwdFile(session.login, home.uid, session.displayName), 0o644);
      write(join(files, 'group'), groupFile(session.login, home.uid), 0o644);
      copyTo(cookieOf(layout, display.account), join(files, 'cookie'), 0o400, {
        uid: home.uid,
        gid: home.uid,
      });
      const [file = '', ...args] = [
        ...groups.into(session.sessionId),
        '/usr/bin/bwrap',
        ...sandboxArguments({
          sessionId: session.sessionId,
          login: session.login,
          uid: home.uid,
          display: display.number,
          socket: socketOf(layout, display),
          home: home.path,
          files,
          etc: entries('/etc'),
          locale: localeFor(session.language),
          command: launch.command,
          exchangeFolder: terms.files === 'none' ? null : person.folder,
          printer: terms.printing ? printer : null,
          prints: printsOf(session.sessionId),
        }),
      ];
      // Watched before it starts: the watch needs a moment to subscribe to the display.
      const exited = Promise.withResolvers<number | null>();
      const stopWatching = watchSession(
        { layout, groups, sessionId: session.sessionId, display, files, exited: exited.promise },
        events,
      );
      running.set(session.sessionId, { display, person, stopWatching });
      const started = await startDetached(file, args, join(files, 'log'));
      void started.exited.then(exited.resolve);
    },
    adoptSession: async (sessionId, events) => {
      const session = running.get(sessionId);
      if (session === undefined)
        throw new AppError('INTERNAL', { why: `no session ${sessionId} to adopt` });
      await displays.ensure();
      session.stopWatching = watchSession(
        {
          layout,
          groups,
          sessionId,
          display: session.display,
          files: filesOf(sessionId),
          exited: null,
        },
        events,
      );
    },
    issueCredentials: async (sessionId) => {
      const session = running.get(sessionId);
      const port = displays.rdpPort();
      if (session === undefined || port === null)
        throw new AppError('DISPLAY_FAILED', { why: 'the session has no display' });
      return {
        host: layout.rdpHost,
        port,
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
      const seen = JSON.stringify(folders.map(({ of }) => stampOf(of)));
      const past = looks.get(sessionId);
      if (past !== undefined && past.seen === seen && performance.now() - past.at < lookAgainMs)
        return past.found;
      const found = (await Promise.all(folders.map(({ of, kind }) => listFiles(of, kind))))
        .flat()
        .slice(0, maxOffered);
      looks.set(sessionId, { seen, at: performance.now(), found });
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
      await displays.released();
      looks.delete(sessionId);
      remove(filesOf(sessionId));
      remove(printsOf(sessionId));
    },
    stop: async () => {
      for (const sessionId of [...running.keys()]) await driver.endSession(sessionId);
      for (const account of await listDisplayAccounts(layout))
        await destroyDisplay(layout, account);
      await software.stop();
      await displays.stop();
      remove(layout.xrdpEtc);
      // An installer outlives this agent: the next one finds it by what its folder holds.
      for (const name of names(layout.run))
        if (name !== installersFolder) remove(join(layout.run, name));
      if (names(layout.run).length === 0) remove(layout.run);
    },
  };
  return driver;
}

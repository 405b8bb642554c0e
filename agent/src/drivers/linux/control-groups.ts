/** A control group of its own for each session: all processes of the session are in it, whatever
 * they fork, so that it is known what runs and nothing is left when the session ends. */
import { join } from 'node:path';
import { exists, makeFolder, names, readText, removeEmpty } from '#src/files.ts';

export interface ControlGroups {
  way: Way;
  /** Words that start a command in the session's group; the command keeps the pid. */
  into: (sessionId: string) => string[];
  /** Process ids; null: the session has no group. */
  processesOf: (sessionId: string) => number[] | null;
  /** Sessions that have a group. */
  sessions: () => string[];
  /** Removes the session's group once it is empty. */
  remove: (sessionId: string) => void;
}

/** `systemd`: a scope of the service manager. `v2`, `v1`: a folder of the agent's own in a control
 * group file system, where no service manager runs. `none`: there is no such file system, or it is
 * read-only; processes are then found by marks in their environment. */
type Way = 'systemd' | 'v2' | 'v1' | 'none';

/** Facts about a machine that decide the way. `mounts`: /proc/self/mounts. `firstGroup`:
 * /proc/1/cgroup. */
export interface Machine {
  hasSystemd: boolean;
  mounts: string;
  firstGroup: string;
}

/** Where groups may be made, best first; the first that can be written to is used. Pure. */
export function placesOf(machine: Machine): { way: Way; folder: string }[] {
  const mounted = machine.mounts.split('\n').flatMap((line) => {
    const [, folder = '', kind = '', options = ''] = line.split(' ');
    return kind === 'cgroup' || kind === 'cgroup2' ? [{ folder, kind, options }] : [];
  });
  const old = (controller: string) =>
    mounted.find(
      ({ kind, options }) => kind === 'cgroup' && options.split(',').includes(controller),
    )?.folder;
  const unified = mounted.find(({ kind }) => kind === 'cgroup2')?.folder;
  const managed = old('name=systemd') ?? unified;
  if (machine.hasSystemd && managed !== undefined) {
    // The service manager's own root: in a container it is not that of the file system.
    const first = new RegExp(
      `^\\d+:${managed === unified ? '' : 'name=systemd'}:(.*?)(/init\\.scope)?$`,
      'm',
    ).exec(machine.firstGroup)?.[1];
    return [
      { way: 'systemd', folder: join(managed, first ?? '', 'preau.slice/preau-sessions.slice') },
    ];
  }
  const legacy = old('memory') ?? old('pids') ?? old('name=systemd');
  return [
    // A unified hierarchy beside old ones has no controllers.
    ...(legacy === undefined && unified !== undefined
      ? [{ way: 'v2' as const, folder: join(unified, 'preau-sessions') }]
      : []),
    ...(legacy === undefined
      ? []
      : [{ way: 'v1' as const, folder: join(legacy, 'preau-sessions') }]),
  ];
}

const readMachine = (): Machine => ({
  hasSystemd: exists('/run/systemd/system') && exists('/usr/bin/systemd-run'),
  mounts: readText('/proc/self/mounts') ?? '',
  firstGroup: readText('/proc/1/cgroup') ?? '',
});

/** `prefix`: keeps two agents on one machine apart. */
export function openControlGroups(prefix: string, machine: Machine = readMachine()): ControlGroups {
  for (const { way, folder } of placesOf(machine)) {
    if (way === 'systemd') return groupsIn(folder, prefix, scopes);
    if (!exists(join(folder, '../cgroup.procs'))) continue;
    try {
      makeFolder(folder, 0o755);
      if (exists(join(folder, 'cgroup.procs'))) return groupsIn(folder, prefix, folders(way));
    } catch {
      // Read-only, as in an unprivileged container.
    }
  }
  return {
    way: 'none',
    into: () => [],
    processesOf: () => null,
    sessions: () => [],
    remove: () => undefined,
  };
}

interface Kind {
  way: Way;
  ending: string;
  into: (folder: string, name: string) => string[];
}

const scopes: Kind = {
  way: 'systemd',
  ending: '.scope',
  into: (_folder, name) => [
    '/usr/bin/systemd-run',
    '--quiet',
    '--scope',
    '--collect',
    '--slice=preau-sessions.slice',
    // At a shutdown the agent stops first: it then ends the session with the right reason.
    '--property=Before=preau-agent.service',
    // A part of a program that is killed for want of memory, as one page of a browser, ends alone.
    '--property=OOMPolicy=continue',
    // A program that hears no request to end does not hold up a shutdown for longer.
    '--property=TimeoutStopSec=10',
    `--unit=${name}`,
    '--',
  ],
};

const folders = (way: Way): Kind => ({
  way,
  ending: '',
  into: (folder, name) => {
    makeFolder(join(folder, name), 0o755);
    return ['/bin/sh', '-c', 'echo $$ > "$0" && exec "$@"', join(folder, name, 'cgroup.procs')];
  },
});

function groupsIn(folder: string, prefix: string, kind: Kind): ControlGroups {
  const folderOf = (sessionId: string) => join(folder, `${prefix}-${sessionId}${kind.ending}`);
  return {
    way: kind.way,
    into: (sessionId) => kind.into(folder, `${prefix}-${sessionId}`),
    processesOf: (sessionId) => {
      const text = readText(join(folderOf(sessionId), 'cgroup.procs'));
      return text === undefined ? null : text.split('\n').flatMap((pid) => Number(pid) || []);
    },
    sessions: () =>
      names(folder).flatMap((name) =>
        name.startsWith(`${prefix}-ses_`) && name.endsWith(kind.ending)
          ? [name.slice(prefix.length + 1, name.length - kind.ending.length)]
          : [],
      ),
    // systemd removes a scope by itself.
    remove: (sessionId) => {
      if (kind.way !== 'systemd') removeEmpty(folderOf(sessionId));
    },
  };
}

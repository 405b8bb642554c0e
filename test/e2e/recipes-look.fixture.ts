/** Looks at a whole server: its packages, its file tree and what runs on it, so that two looks show
 * everything that a change has really changed. */
import type { Machine } from '../../dev/machines/machine.ts';
import { until } from '../../dev/services.ts';

export interface Look {
  /** As `dpkg -l` names them: `name version status`. */
  packages: ReadonlyMap<string, string>;
  /** Path → kind, size and where it points. */
  files: ReadonlyMap<string, string>;
  /** Command line → how often it runs; numbers in it are left out. */
  processes: ReadonlyMap<string, string>;
}

/** Caches, logs, what the agent keeps for itself, and what dpkg and systemd note while they work. */
const passing = [
  ...[
    '/proc',
    '/sys',
    '/dev',
    '/run',
    '/tmp',
    '/var/tmp',
    '/var/cache',
    '/var/log',
    '/var/backups',
  ],
  ...['/var/lib/apt/lists', '/var/lib/apt/extended_states', '/var/lib/preau-agent', '/root'],
  ...['/var/lib/dpkg/status', '/var/lib/dpkg/status-old', '/var/lib/dpkg/available'],
  ...['/var/lib/dpkg/lock', '/var/lib/dpkg/lock-frontend', '/var/lib/dpkg/triggers'],
  ...['/var/lib/dpkg/updates', '/var/lib/systemd', '/var/lib/dbus', '/etc/ld.so.cache'],
  // Accounts of displays come and go with sessions, and useradd keeps copies of these files.
  ...['/etc/passwd', '/etc/passwd-', '/etc/group', '/etc/group-', '/etc/shadow', '/etc/shadow-'],
  ...[
    '/etc/gshadow',
    '/etc/gshadow-',
    '/etc/subuid',
    '/etc/subgid',
    '/etc/subuid-',
    '/etc/subgid-',
  ],
  '/etc/.pwd.lock',
];

const mapOf = (lines: string, separator: string) =>
  new Map(
    lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line): [string, string] => {
        const at = line.indexOf(separator);
        return [line.slice(0, at), line.slice(at + 1)];
      }),
  );

export async function look(machine: Machine): Promise<Look> {
  const pruned = passing.map((path) => `-path ${path}`).join(' -o ');
  const [packages, files] = [
    await machine.must("dpkg-query -W -f '${binary:Package}\\t${Version} ${db:Status-Status}\\n'"),
    await machine.must(
      `find / -xdev \\( ${pruned} \\) -prune -o -type d -printf '%p\\td\\n' -o -printf '%p\\t%y %s %l\\n'`,
      { timeoutMs: 120_000 },
    ),
  ];
  const counts = new Map<string, number>();
  for (const { args } of machine.processes()) {
    const command = args.join(' ').replace(/\d+/g, '#').slice(0, 200);
    if (command !== '') counts.set(command, (counts.get(command) ?? 0) + 1);
  }
  return {
    packages: mapOf(packages, '\t'),
    files: mapOf(files, '\t'),
    processes: new Map([...counts].map(([command, times]) => [command, String(times)])),
  };
}

/** What differs, as `+ path`, `- path`, `~ path: before → after`. */
function differences(before: Look, after: Look): Record<keyof Look, string[]> {
  const between = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>) => [
    ...[...other].filter(([name]) => !one.has(name)).map(([name]) => `+ ${name}`),
    ...[...one].flatMap(([name, value]) => {
      const now = other.get(name);
      if (now === undefined) return [`- ${name}`];
      return now === value ? [] : [`~ ${name}: ${value} → ${now}`];
    }),
  ];
  return {
    packages: between(before.packages, after.packages),
    files: between(before.files, after.files),
    processes: between(before.processes, after.processes),
  };
}

/** Looks until nothing but what is expected differs; throws with the rest. Sessions and installers
 * take a moment to end. */
export async function lookWhenSettled(
  machine: Machine,
  before: Look,
  expected: { packages?: RegExp; files?: RegExp } = {},
): Promise<Look> {
  let left: string[] = [];
  let now = before;
  await until(
    'the server to settle',
    async () => {
      now = await look(machine);
      const found = differences(before, now);
      left = [
        ...found.packages.filter((line) => expected.packages?.test(line) !== true),
        ...found.files.filter((line) => expected.files?.test(line) !== true),
        ...found.processes,
      ];
      return left.length === 0;
    },
    25_000,
  ).catch(() => {
    throw new Error(`left on the server: ${left.slice(0, 12).join('; ')}`);
  });
  return now;
}

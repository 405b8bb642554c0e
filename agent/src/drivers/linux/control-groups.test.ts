/** Which way a machine's control groups are made, and where. */
import { expect, test } from 'vitest';
import { type Machine, openControlGroups, placesOf } from './control-groups.ts';

const unified = 'cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime 0 0\n';
const legacy =
  'tmpfs /sys/fs/cgroup tmpfs ro 0 0\n' +
  'cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0\n' +
  'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n' +
  'cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\n';
const beside = `${legacy}cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n`;

const machines: [name: string, machine: Machine, way: string | null, folder: string | null][] = [
  [
    'Debian 12 and 13',
    { hasSystemd: true, mounts: unified, firstGroup: '0::/init.scope\n' },
    'systemd',
    '/sys/fs/cgroup/preau.slice/preau-sessions.slice',
  ],
  [
    'Debian with the old hierarchies',
    {
      hasSystemd: true,
      mounts: beside,
      firstGroup: '3:memory:/\n1:name=systemd:/init.scope\n0::/init.scope\n',
    },
    'systemd',
    '/sys/fs/cgroup/systemd/preau.slice/preau-sessions.slice',
  ],
  [
    'systemd in a container without a namespace of groups',
    { hasSystemd: true, mounts: unified, firstGroup: '0::/machine/school/init.scope\n' },
    'systemd',
    '/sys/fs/cgroup/machine/school/preau.slice/preau-sessions.slice',
  ],
  [
    'a container without systemd',
    { hasSystemd: false, mounts: unified, firstGroup: '0::/\n' },
    'v2',
    '/sys/fs/cgroup/preau-sessions',
  ],
  [
    'no systemd, old hierarchies with memory, and an empty new one beside',
    { hasSystemd: false, mounts: beside, firstGroup: '0::/\n' },
    'v1',
    '/sys/fs/cgroup/memory/preau-sessions',
  ],
  ['nothing mounted', { hasSystemd: false, mounts: '', firstGroup: '' }, null, null],
];
test.each(machines)('%s', (_, machine, way, folder) => {
  expect(placesOf(machine)).toEqual(way === null ? [] : [{ way, folder }]);
});

test('a file system that cannot be written to is no way', () => {
  const groups = openControlGroups('t', {
    hasSystemd: false,
    mounts: 'cgroup2 /proc/self/attr cgroup2 ro 0 0\n',
    firstGroup: '',
  });
  expect([groups.way, groups.into('ses_1'), groups.processesOf('ses_1')]).toEqual([
    'none',
    [],
    null,
  ]);
});

test('a scope is named after the agent and the session, and keeps the command’s pid', () => {
  const groups = openControlGroups('preau', {
    hasSystemd: true,
    mounts: unified,
    firstGroup: '0::/init.scope\n',
  });
  expect(groups.into('ses_1')).toEqual([
    '/usr/bin/systemd-run',
    '--quiet',
    '--scope',
    '--collect',
    '--slice=preau-sessions.slice',
    '--property=Before=preau-agent.service',
    '--property=OOMPolicy=continue',
    '--property=TimeoutStopSec=10',
    '--unit=preau-ses_1',
    '--',
  ]);
});

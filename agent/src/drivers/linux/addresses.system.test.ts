/** Displays on machines whose IPv6 is switched off in one of the ways that people switch it off. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '#src/command.ts';

const here = import.meta.dirname;
const off = (cards: string) =>
  `for c in ${cards}; do echo 1 > /proc/sys/net/ipv6/conf/$c/disable_ipv6; done`;

const networks: [name: string, prepare: string][] = [
  ['switched off', `${off('all default')}; ip link set lo up`],
  [
    'switched off on the cards, and on the loopback not',
    'ip link add card type veth peer name other; ip link set other up; ' +
      `${off('default card other')}; ip link set lo up; ip link set card up; ip address add ` +
      '192.0.2.1/24 dev card',
  ],
  [
    'on everywhere',
    'ip link add card type veth peer name other; ip link set other up; ip link set lo up; ' +
      'ip link set card up; ip address add 2001:db8::1/64 dev card nodad',
  ],
];
test.each(networks)('a display starts where IPv6 is %s', async (_, prepare) => {
  const done = await run(
    '/usr/bin/unshare',
    [
      '--net',
      '/bin/sh',
      '-c',
      `${prepare}; exec "$0" "$@"`,
      process.execPath,
      '--conditions=development',
      join(here, 'one-display.fixture.ts'),
    ],
    { timeoutMs: 60_000 },
  );
  expect(done.stdout + done.stderr).toMatch(/^display :\d+\n$/);
});

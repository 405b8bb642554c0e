/** The installer on Debian 12 and 13 with systemd and nothing else: it looks and changes nothing,
 * installs beside another apt, lets nothing of the packages listen, is spared by needrestart, and
 * takes away what it brought. The city is a real one, and the agent runs. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { suites } from '../../dev/bare-root.ts';
import { openSchoolServer, type SchoolServer } from '../../dev/machines/school-server.ts';
import { until } from '../../dev/services.ts';
import { met, versionIn } from '../met.ts';

/** Every file but caches, logs and apt's own books, with kind, mode, owner and content. */
const outside = [
  ...['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'var/cache', 'var/log', 'var/tmp'],
  ...['var/lib/apt', 'var/lib/dpkg', 'usr/local/bin/node', 'var/lib/systemd'],
];
const prune = `\\( ${outside.map((path) => `-path ./${path}`).join(' -o ')} \\) -prune -o`;
const tree =
  `cd / && { find . ${prune} -type f -print0 | xargs -0 sha256sum; find . ${prune} -printf '%y ` +
  `%m %U:%G %p %l\\n'; } 2>/dev/null | sort`;
const shot = (name: string) =>
  `{ ${tree}; cut -d : -f 1,5-7 /etc/passwd | sed 's/^/user /'; cut -d : -f 1,4 /etc/group | ` +
  `sed 's/^/group /'; dpkg -l | sed -n 's/^\\([a-z][a-z]\\) */package \\1 /p'; apt-mark ` +
  `showauto | sed 's/^/auto /'; systemctl list-unit-files --no-legend | sed 's/^/unit /'; } > ` +
  `/root/${name}`;
/** With all that came with it. */
const alone =
  '--autoremove -o APT::AutoRemove::RecommendsImportant=false -o APT::AutoRemove::SuggestsImportant=false';
/** The agent's own file, where needrestart is installed. */
const spared = '/etc/needrestart/conf.d/preau-agent.conf';
/** They differ at every change: the state of the accounts before it; an index of libraries. */
const backups = /\.\/etc\/((passwd|group|shadow|gshadow|subuid|subgid)- ?|ld\.so\.cache ?)$/;

describe.each(suites)('%s', (suite) => {
  let school: SchoolServer;
  const said = async (line: string, timeoutMs = 600_000) => {
    const done = await school.machine.run(line, { timeoutMs });
    return { code: done.code, said: `${done.stdout}${done.stderr}` };
  };
  const url = () => school.centre.url;
  const installer = (args: string, env = '') =>
    said(`curl -fsS ${url()}/agent/install.sh | env ${env} sh -s -- ${args}`);
  /** What has changed since the shot of that name, but for the ways above. */
  const changes = async (name: string) => {
    await school.machine.must(shot('now'));
    const { said: diff } = await said(`diff /root/${name} /root/now`);
    return diff.split('\n').filter((line) => /^[<>]/.test(line) && !backups.test(line));
  };

  beforeAll(async () => {
    school = await openSchoolServer(suite, { root: 'minimal', enrolled: false });
  }, 600_000);
  afterAll(async () => {
    await school?.close();
  }, 120_000);

  test('--check finds nothing in the way, and changes nothing', async () => {
    await school.machine.must(shot('fresh'));
    const fine = await installer(`--controller ${url()} --check`);
    expect(fine).toMatchObject({
      code: 0,
      said: expect.stringContaining('Nothing stands in the way.'),
    });
    expect(fine.said).toMatch(/^✓ WebSocket: passes$/m);
    const noNode = await installer(
      `--controller ${url()} --check`,
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    );
    expect(noNode.code).toBe(1);
    expect(noNode.said).toMatch(/^✗ Node: the agent needs Node 22 or newer; here it is: none/m);
    expect(await changes('fresh')).toEqual([]);
  }, 240_000);

  test('what is neither Debian 12 nor 13 is refused, with what would be missing', async () => {
    await said(
      'cp /etc/os-release /root/; rm /etc/os-release; printf "ID=ubuntu\\nVERSION_ID=24.04\\n" > /etc/os-release',
    );
    const line = `--controller ${url()} --key k --code c`;
    const refused = await installer(line, 'PATH=/usr/sbin:/usr/bin:/sbin:/bin');
    expect([refused.code, refused.said]).toEqual([
      1,
      expect.stringContaining(
        'this is ubuntu 24.04, on which Préau was never tested. What would be missing:\n' +
          '  - packages that are not offered here: xrdp ',
      ),
    ]);
    expect(refused.said).toContain('  - Node 22 or newer');
    expect(refused.said).toContain('With --untested it is tried all the same');
    expect(refused.said).toContain('Nothing was changed.');
    const tried = await installer(`--controller ${url()} --check --untested`);
    expect(tried).toMatchObject({
      code: 0,
      said: expect.stringContaining('! system: ubuntu 24.04'),
    });
    await school.machine.must('rm /etc/os-release; ln -s ../usr/lib/os-release /etc/os-release');
    expect(await changes('fresh')).toEqual([]);
  }, 240_000);

  test('the console’s line, beside an apt that is busy: waits, counts, lets nothing listen', async () => {
    // A package source that takes its time, as apt-daily's may.
    const slow = createServer((_, response) => {
      setTimeout(() => response.writeHead(404).end(), 60_000);
    });
    await new Promise<void>((resolve) => slow.listen(0, school.machine.cityAddress, resolve));
    const source = `http://${school.machine.cityAddress}:${(slow.address() as AddressInfo).port}/debian`;
    await school.machine.must(`echo 'deb [trusted=yes] ${source} slow main' > /root/slow.list`);
    await school.machine.must(
      'systemd-run --quiet --unit=busy --property=RuntimeMaxSec=20 apt-get update -o ' +
        'Dir::Etc::sourcelist=/root/slow.list -o Dir::Etc::sourceparts=/dev/null -o ' +
        'APT::Get::List-Cleanup=0 && sleep 1',
    );
    await school.machine.must(
      'systemd-run --quiet --unit=ears sh -c "while sleep 0.2; do ss -Hltn \'( sport = ' +
        ':3389 or sport = :631 or sport = :515 or sport = :3350 )\' >> /root/heard; done"',
    );
    const words = await school.enrol();
    slow.close();
    slow.closeAllConnections();
    expect(words).toMatch(/^• packages are being changed by apt-get, process \d+: waiting for it/m);
    expect(words.match(/^ {2}package \d+ of \d+ /gm)?.length).toBeGreaterThan(1);
    expect(words).toContain('Enrolled as srv_');
    await school.machine.must('systemctl stop ears; systemctl reset-failed busy');
    // Port 3350 is the agent's own sesman, on xrdp 0.9, once the agent runs.
    expect(await said("grep -v ':3350 ' /root/heard")).toEqual({ code: 1, said: '' });
    expect((await said('systemctl --failed --no-legend')).said).not.toMatch(/xrdp|cups/);
    expect((await said('systemctl is-enabled xrdp xrdp-sesman cups.socket')).said).toBe(
      'masked\nmasked\nmasked\n',
    );
    expect((await said('stat -c %a /etc/preau/agent.env')).said).toBe('600\n');
    expect((await said('for name in lpr lpstat xauth; do command -v $name; done')).said).toBe(
      '/usr/bin/lpr\n/usr/bin/lpstat\n/usr/bin/xauth\n',
    );
  }, 600_000);

  test('needrestart spares the agent in an update; without the agent’s file it would not', async () => {
    await school.machine.must(
      'DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends needrestart',
      { timeoutMs: 300_000 },
    );
    met(
      'needrestart',
      versionIn(await school.machine.run('needrestart --version')),
      'needrestart --version',
    );
    const agent = () => school.machine.must('systemctl show --property MainPID preau-agent');
    const before = await agent();
    await until('its file', async () => (await said(`test -e ${spared}`)).code === 0, 60_000);
    // The agent's Node maps this library; its file is replaced.
    await school.machine.must(
      'NEEDRESTART_MODE=a DEBIAN_FRONTEND=noninteractive apt-get install -y -q --reinstall libstdc++6',
      { timeoutMs: 300_000 },
    );
    // A restart ends sessions first, which may take a moment.
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    expect(await agent()).toBe(before);
    await school.machine.must(
      'sed s,/etc/needrestart/conf.d,/nowhere, /etc/needrestart/needrestart.conf > ' +
        '/root/plain.conf && NEEDRESTART_UI=NeedRestart::UI::stdio ' +
        'DEBIAN_FRONTEND=noninteractive needrestart -r a -c /root/plain.conf',
      { timeoutMs: 120_000 },
    );
    await until('the restart', async () => (await agent()) !== before, 60_000);
    await school.machine.must(
      `DEBIAN_FRONTEND=noninteractive apt-get purge -y -q ${alone} needrestart`,
      { timeoutMs: 300_000 },
    );
    await school.ready();
  }, 600_000);

  test('the same line again keeps the identity, and installs nothing', async () => {
    const again = await installer(`--controller ${url()} --key k --code c`);
    expect(again).toMatchObject({
      code: 0,
      said: expect.stringContaining('enrolled already: the identity is kept'),
    });
    expect(again.said).not.toContain('Debian packages');
    await school.ready();
  }, 240_000);

  test('--remove leaves what somebody installed since, with what it needs', async () => {
    await school.install('galculator');
    await school.machine.must(
      'DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends xinit',
      { timeoutMs: 300_000 },
    );
    await said(
      'mkdir -p /var/lib/preau-agent/homes/lea && echo poème > /var/lib/preau-agent/homes/lea/a.txt',
    );
    await said('mkdir -p /opt/preau/jeu && echo jeu > /opt/preau/jeu/jeu');
    const done = await installer('--remove');
    expect(done).toMatchObject({
      code: 0,
      said: expect.stringContaining("people's folders stay, in /var/lib/preau-agent/homes"),
    });
    expect(done.said).toContain(
      `retire this server in the console, at ${url()}/admin/servers/${school.serverId()}`,
    );
    expect(done.said).toMatch(
      /packages that stay, because something else here needs them: .*\bxauth\b|xinit/,
    );
    expect(
      (
        await said(
          "dpkg -l xinit xrdp galculator openbox 2>/dev/null | sed -n 's/^\\([a-z][a-z]\\) *\\([a-z]*\\).*/\\1 \\2/p'",
        )
      ).said,
    ).toBe('ii xinit\n');
    expect(
      school.machine.processes().filter(({ args }) => /preau|xrdp|Xorg/.test(args.join(' '))),
    ).toEqual([]);
    await school.machine.must(`DEBIAN_FRONTEND=noninteractive apt-get purge -y -q ${alone} xinit`, {
      timeoutMs: 300_000,
    });
    const left = await changes('fresh');
    expect(left.filter((line) => !line.includes('./var/lib/preau-agent')).slice(0, 50)).toEqual([]);
    expect((await said('cat /var/lib/preau-agent/homes/lea/a.txt')).said).toBe('poème\n');
    expect(await installer('--remove')).toMatchObject({
      code: 1,
      said: expect.stringContaining('There is no Préau server on this machine.'),
    });
  }, 600_000);
});

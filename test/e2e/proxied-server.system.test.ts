/** A school whose only way out is a proxy with a password: the console's line, an installation and
 * a launch, on a Debian that boots. Its network lets out nothing but what goes to squid. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../dev/lab/host.ts';
import { names } from '../../dev/lab/network.ts';
import { openSchoolServer, type SchoolServer } from '../../dev/machines/school-server.ts';
import { type Service, startService, until } from '../../dev/services.ts';
import { prepareSquid, type Squid } from '../squid.fixture.ts';

/** Not the one where a squid of this machine would listen. */
const port = 3138;
let school: SchoolServer;
let squid: Squid;
let service: Service;
let folder = '';

beforeAll(async () => {
  school = await openSchoolServer('bookworm', { root: 'minimal', enrolled: false });
  const { machine } = school;
  // Not below the ground, which squid's account may not enter.
  folder = mkdtempSync(join(tmpdir(), 'preau-squid-'));
  const { cityAddress: address } = machine;
  squid = prepareSquid(folder, { address, ports: [port], allowed: `acl city dst ${address}` });
  const [file = '', ...args] = squid.argv;
  service = startService({ name: 'squid', file, args, logPath: join(folder, 'squid.log') });
  const rules = `table inet school { chain out { type filter hook output priority 0; policy drop;
    oifname "lo" accept; ct state established,related accept; ip daddr ${address} tcp dport ${port} accept;
    meta l4proto icmp accept; meta l4proto ipv6-icmp accept; reject with tcp reset; }; }\n`;
  const network = names.server(machine.ground.slot, 1, 1);
  await must(['ip', 'netns', 'exec', network, 'nft', '-f', '-'], { input: rules });
  await until(
    'squid',
    async () => (await machine.run(`curl -sS -o /dev/null ${address}:${port}`)).code === 0,
  ).catch(() => {
    throw new Error(`squid does not answer: ${readFileSync(join(folder, 'squid.log'), 'utf8')}`);
  });
}, 600_000);
afterAll(async () => {
  await service?.stop();
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
  await school?.close();
}, 120_000);

test('without the proxy, the line refuses and asks for it', async () => {
  const { code, stdout } = await school.machine.run(
    // The script itself cannot be fetched either: as somebody would who had it on a stick.
    `curl -fsS -x ${squid.url(port)} ${school.centre.url}/agent/install.sh > /root/install.sh; ` +
      `sh /root/install.sh --controller ${school.centre.url} --check`,
  );
  expect([code, stdout]).toEqual([
    1,
    expect.stringMatching(
      /✗ line: .* does not answer .*If this school has a proxy, give it: --proxy/,
    ),
  ]);
});

test('with it, the console’s line makes a server, whose every word goes through the proxy', async () => {
  const url = squid.url(port);
  squid.proxied();
  const said = await school.enrol({ https_proxy: url, http_proxy: url });
  expect(said).toContain(
    `the agent reaches the city through the proxy ${school.machine.cityAddress}:${port}`,
  );
  expect(said).not.toContain(new URL(url).password);
  const settings = await school.machine.must(
    'stat -c "%a %U" /etc/preau/agent.env && grep -c _proxy= /etc/preau/agent.env',
  );
  expect(settings).toBe('600 root\n3\n');
  // No process shows the password to others.
  expect(await school.machine.must('ps -eo args')).not.toContain(new URL(url).password);
  await school.install('galculator');
  const session = await school.open('galculator');
  await session.end();
  const seen = squid.proxied();
  const city = new URL(school.centre.url).host;
  expect(seen).toContain(`TCP_MISS/200 GET ${school.centre.url}/agent/preau-agent.mjs`);
  expect(seen).toContain(`TCP_TUNNEL/200 CONNECT ${city}`);
  expect(seen.filter((line) => /\/xrdp_.*\.deb$/.test(line))).toHaveLength(1);
  expect(seen.filter((line) => /\/galculator_.*\.deb$/.test(line))).toHaveLength(1);
}, 600_000);

test('a password that has changed is said in the agent’s log, without the password', async () => {
  await school.machine.must(
    "sed -i 's#//serveur:[^@]*@#//serveur:old-one@#' /etc/preau/agent.env && systemctl restart preau-agent",
    { timeoutMs: 120_000 },
  );
  await until(
    'the log',
    async () => (await school.agentLog()).includes('PROXY_PASSWORD_REFUSED'),
    60_000,
  );
  expect(await school.agentLog()).not.toContain('old-one');
});

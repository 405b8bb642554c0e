/** `install.sh --check` in the networks that schools have: each finding is a sentence that names
 * the cause. This machine's own disk, memory and package sources are what they are. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../dev/services.ts';
import { installerScript } from '../packaging/installer-script.ts';
import { type CityEdge, openCityEdge } from './city-edge.fixture.ts';
import { openSchoolNetwork, type SchoolNetwork } from './school-network.fixture.ts';

let edge: CityEdge;
let network: SchoolNetwork;
let script = '';
/** Another city, whose clock is wrong and which knows no WebSocket. */
const wrong = { bySeconds: 0 };
const other = createServer((_, response) => {
  response.setHeader('date', new Date(Date.now() + wrong.bySeconds * 1000).toUTCString());
  response.end('{}');
});

beforeAll(async () => {
  edge = await openCityEdge({}, () => network.cityUrl);
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  network = await openSchoolNetwork(edge.port, (other.address() as AddressInfo).port);
  script = join(network.folder, 'install.sh');
  writeFileSync(script, installerScript());
}, 120_000);
afterAll(async () => {
  await network?.close();
  await edge?.close();
  other.close();
});
beforeEach(async () => {
  await network.ipv6(true);
  await network.direct('none');
});

async function check(
  args: readonly string[],
  env: Record<string, string> = {},
  url = network.cityUrl,
) {
  const { code, stdout, stderr } = await network.run(
    ['sh', script, '--controller', url, '--check', ...args],
    { CURL_CA_BUNDLE: network.cityAuthority, ...env },
    120_000,
  );
  return { code, said: `${stdout}${stderr}` };
}

test('a line that is well is told with its latency; the link passes; the clock agrees', async () => {
  await network.direct('ipv4');
  const { said } = await check([]);
  expect(said).toMatch(/^✓ system: debian 1[23]$/m);
  expect(said).toMatch(/^✓ names: preau\.ville\.test is 10\.88\.0\.1$/m);
  expect(said).toMatch(/^✓ line: https:\/\/preau\.ville\.test answers in \d+ ms$/m);
  expect(said).toMatch(/^✓ clock: \d s away from the city's$/m);
  expect(said).toMatch(/^✓ WebSocket: passes$/m);
  expect(said).toMatch(/^✓ port 3390: free, for displays$/m);
  expect(said).toMatch(/^✓ address: guacd will reach displays at 10\.77\.0\.2$/m);
  expect(said).toMatch(/^✓ IPv6: on$/m);
  // This network reaches no package source.
  expect(said).toMatch(/^✗ packages: http\S+ does not answer \(.+\)$/m);
  await network.ipv6(false);
  expect((await check([])).said).toMatch(/^✓ IPv6: off, which is fine$/m);
}, 240_000);

test('no way out: the sentence asks for the proxy; with it, everything passes', async () => {
  const none = await check([]);
  expect(none).toMatchObject({
    code: 1,
    said: expect.stringMatching(
      /^✗ line: preau\.ville\.test does not answer \(.+\)\. If this school has a proxy, give it: --proxy/m,
    ),
  });
  expect(none.said).toContain('would stop the installation. Nothing was changed.');
  const given = await check(['--proxy', network.proxyUrl()]);
  expect(given.said).toMatch(
    /^✓ line: https:\S+ answers through the proxy 10\.77\.0\.1:3128 in \d+ ms$/m,
  );
  expect(given.said).toMatch(/^✓ WebSocket: passes$/m);
  const known = await check([], { https_proxy: network.proxyUrl() });
  expect(known.said).toMatch(/^✓ line: https:\S+ answers through the proxy/m);
  for (const { said } of [given, known]) expect(said).not.toContain('pa%3Ass');
}, 240_000);

// biome-ignore format: a table
const troubles: [name: string, args: () => string[], says: RegExp][] = [
  ['a wrong password of the proxy', () => ['--proxy', network.proxyUrl('wrong-one')], /^✗ line: the proxy 10\.77\.0\.1:3128 refuses the user or the password/m],
  ['a proxy that is not there', () => ['--proxy', 'http://10.77.0.1:9'], /^✗ line: the proxy 10\.77\.0\.1:9 does not answer/m],
  ['a proxy whose name is not found', () => ['--proxy', 'http://nowhere.test:3128'], /^✗ line: the proxy nowhere\.test:3128 is not found/m],
  ['a proxy that reads TLS', () => ['--proxy', network.proxyUrl(undefined, 'reading')], /^✗ line: the certificate is not the city's: it was signed by .*Filtre de l ecole/m],
];
test.each(troubles)('%s', async (_name, args, says) => {
  const { code, said } = await check(args());
  expect([code, said]).toEqual([1, expect.stringMatching(says)]);
  expect(said).not.toContain('wrong-one');
});

test('a proxy that lets nothing through to the city', async () => {
  const { said } = await check(['--proxy', network.proxyUrl()], {}, 'https://elsewhere.test');
  expect(said).toMatch(
    /^✗ line: the proxy 10\.77\.0\.1:3128 answers 403 and lets nothing through to elsewhere\.test/m,
  );
});

test('a name that is not found, and a slow resolver', async () => {
  await network.direct('ipv4');
  const { said } = await check([], {}, 'https://nowhere.invalid');
  expect(said).toMatch(/^✗ names: nowhere\.invalid is not found/m);
  await network.names({ slowMs: 4000 });
  expect((await check([])).said).toMatch(
    /^! names: finding preau\.ville\.test took [4-9] s; the name server is slow .*10\.77\.0\.1/m,
  );
}, 240_000);

test('only IPv6 to the city: the address for guacd is still one of IPv4', async () => {
  await network.direct('ipv6');
  const { said } = await check([]);
  expect(said).toMatch(/^✓ names: preau\.ville\.test is fd88::1$/m);
  expect(said).toMatch(/^✓ line: /m);
  expect(said).toMatch(/^✓ address: guacd will reach displays at 10\.77\.0\.2$/m);
});

test('a wrong clock is told above a minute, and stops above five; a link that does not pass is told', async () => {
  await network.direct('ipv4');
  for (const [bySeconds, says] of [
    [20, /^✓ clock: (19|20|21) s away/m],
    [-90, /^! clock: (89|90|91) s away from the city's\. Set it: timedatectl/m],
    [86_400, /^✗ clock: 86(399|400|401) s away from the city's, which refuses more than 300 s/m],
  ] as const) {
    wrong.bySeconds = bySeconds;
    const { said } = await check([], {}, 'http://mirror.test');
    expect(said).toMatch(says);
    expect(said).toMatch(/^! WebSocket: does not pass \(HTTP\/1\.1 200 OK\)/m);
  }
}, 240_000);

test('a port that somebody holds is told with their name', async () => {
  await network.direct('ipv4');
  const holder = network.start('holder', [
    process.execPath,
    '-e',
    "require('net').createServer().listen(3390)",
  ]);
  await until('the holder', async () =>
    (await network.run(['cat', '/proc/net/tcp6'])).stdout.includes(':0D3E '),
  );
  const { said } = await check([]);
  expect(said).toMatch(
    new RegExp(`^✗ port 3390: held by \\S*node -e .*\\(process ${holder.pid()}\\)`, 'm'),
  );
  expect((await check(['--rdp-port', '3391'])).said).toMatch(/^✓ port 3391: free/m);
  await holder.kill();
});

/** The ways out that schools have: a proxy with a password and no other route, one that reads TLS,
 * a network without IPv6 or without IPv4, a slow resolver. Real squid, real certificates, the real
 * agent; the city is the real edge. */
import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { run } from '../dev/lab/host.ts';
import { root } from '../dev/services.ts';
import { type CityEdge, openCityEdge } from './city-edge.fixture.ts';
import { met, versionIn } from './met.ts';
import { openSchoolNetwork, type SchoolNetwork } from './school-network.fixture.ts';

let edge: CityEdge;
let network: SchoolNetwork;
let enrolments = 0;
const mirror = createServer((_, response) => response.end('a package'));

beforeAll(async () => {
  edge = await openCityEdge({}, () => network.cityUrl);
  await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve));
  network = await openSchoolNetwork(edge.port, (mirror.address() as AddressInfo).port);
  met('squid', versionIn(await run(['squid', '-v'])), 'squid -v');
}, 120_000);
afterAll(async () => {
  await network?.close();
  await edge?.close();
  mirror.close();
});
beforeEach(async () => {
  await network.ipv6(true);
  await network.direct('none');
  network.proxied();
});

/** Runs `preau-agent enrol` in the school with a new code; `state`: where it keeps its identity. */
async function enrol(env: Record<string, string>) {
  enrolments += 1;
  const state = join(network.folder, `state-${enrolments}`);
  mkdirSync(state);
  const { code, controllerKey } = await edge.newCode(`Serveur ${enrolments}`);
  const done = await network.run(
    [
      ...[process.execPath, join(root, 'agent/src/main.ts'), 'enrol'],
      ...['--controller', network.cityUrl, `--key=${controllerKey}`, '--code', code],
    ],
    { PREAU_AGENT_STATE: state, NODE_EXTRA_CA_CERTS: network.cityAuthority, ...env },
  );
  return { state, said: `${done.stdout}${done.stderr}`, code: done.code };
}
async function work(state: string, env: Record<string, string>): Promise<unknown> {
  const file = join(network.folder, 'package');
  rmSync(file, { force: true });
  const done = await network.run(
    [
      process.execPath,
      join(root, 'test/way-out-agent.fixture.ts'),
      state,
      'http://mirror.test/package',
      file,
    ],
    { NODE_EXTRA_CA_CERTS: network.cityAuthority, ...env },
  );
  if (done.code !== 0) throw new Error(done.stderr);
  return JSON.parse(done.stdout);
}
const through = (url: string) => ({ https_proxy: url, http_proxy: url });
const tunnel = 'TCP_TUNNEL/200 CONNECT preau.ville.test:443';
const allDone = {
  state: 'string',
  link: 'connected',
  package: 'NOT_FOUND',
  received: 'NOT_FOUND',
  sent: 'NOT_FOUND',
  download: null,
  content: 'a package',
};

test('a proxy with a password as the only way: everything passes, and the proxy has seen it', async () => {
  const unaided = await enrol({});
  expect([unaided.code, unaided.said]).toEqual([
    1,
    expect.stringMatching(/could not be reached: \w/),
  ]);
  const env = through(network.proxyUrl());
  const enrolled = await enrol(env);
  expect(enrolled).toMatchObject({ code: 0, said: expect.stringContaining('Enrolled as srv_') });
  expect(await work(enrolled.state, env)).toEqual(allDone);
  // Enrolment, calls, the link, one each for the package and the two transfers; squid writes a
  // tunnel down when it is closed.
  const seen: string[] = [];
  await expect
    .poll(
      () => {
        seen.push(...network.proxied());
        return seen.filter((line) => line === tunnel).length;
      },
      { timeout: 10_000 },
    )
    .toBe(6);
  expect(seen.filter((line) => line !== tunnel)).toEqual([
    'TCP_MISS/200 GET http://mirror.test/package',
  ]);
});

test('a wrong password of the proxy is said, without the password', async () => {
  const { code, said } = await enrol(through(network.proxyUrl('wrong-one')));
  expect([code, said]).toEqual([
    1,
    expect.stringContaining('PROXY_PASSWORD_REFUSED: The school’s proxy refuses'),
  ]);
  expect(said).toContain('proxy: 10.77.0.1:3128');
  expect(said).not.toContain('wrong-one');
});

test('a proxy that lets nothing through to the city, and one that is not there', async () => {
  const env = through(network.proxyUrl());
  const blocked = await network.run(
    [
      ...[process.execPath, join(root, 'agent/src/main.ts'), 'enrol'],
      ...['--controller', 'https://elsewhere.test', '--key=k', '--code', 'c'],
    ],
    { PREAU_AGENT_STATE: join(network.folder, 'none'), ...env },
  );
  expect(blocked.stderr).toContain('PROXY_BLOCKS: The school’s proxy lets nothing through');
  const away = await enrol(through('http://10.77.0.1:9'));
  expect(away.said).toContain('PROXY_UNREACHABLE: ');
  expect(away.said).toContain('proxy: 10.77.0.1:9');
});

test('a proxy that reads TLS: the sentence names who signed the certificate', async () => {
  const env = through(network.proxyUrl(undefined, 'reading'));
  const { code, said } = await enrol(env);
  expect([code, said]).toEqual([
    1,
    expect.stringContaining('CERTIFICATE_REFUSED: The certificate is not the city’s'),
  ]);
  expect(said).toContain('issuer: Filtre de l ecole, filtre-ca');
  // A school whose proxy must read everything adds its authority to the server's.
  const trusted = { ...env, NODE_EXTRA_CA_CERTS: join(network.folder, 'filtre-ca.pem') };
  expect(await enrol(trusted)).toMatchObject({ code: 0 });
});

test('NO_PROXY is obeyed', async () => {
  const env = { ...through(network.proxyUrl()), no_proxy: 'localhost,.ville.test' };
  expect(await enrol(env)).toMatchObject({ code: 1 });
  await network.direct('ipv4');
  expect(await enrol(env)).toMatchObject({ code: 0 });
  expect(network.proxied()).toEqual([]);
});

test.each([
  [
    'IPv6 switched off',
    async () => {
      await network.ipv6(false);
      await network.direct('ipv4');
    },
  ],
  ['only IPv6 to the city', () => network.direct('ipv6')],
])('%s: enrolment, link and transfers', async (_name, arrange) => {
  await arrange();
  const enrolled = await enrol({});
  expect(enrolled).toMatchObject({ code: 0 });
  // The mirror has an IPv4 address only.
  expect(await work(enrolled.state, {})).toMatchObject({
    state: 'string',
    link: 'connected',
    sent: 'NOT_FOUND',
  });
});

test('a resolver that answers after eight seconds is waited for; one that never does is named', async () => {
  await network.direct('ipv4');
  await network.names({ slowMs: 8000 });
  expect((await enrol({})).said).toContain('Enrolled as srv_');
  await network.names({ slowMs: 3_600_000 });
  const { code, said } = await enrol({});
  expect([code, said]).toEqual([
    1,
    expect.stringContaining('NAME_NOT_FOUND: The city’s name is not found, or'),
  ]);
});

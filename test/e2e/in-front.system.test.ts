/** Debian's nginx with TLS in front of a city: a Debian that boots becomes the city's front by the
 * commands of docs/runbooks/https.md, word for word; then people work through it in Chromium, and
 * the controller restarts meanwhile. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { plainRule } from '@preau/contract/rule.ts';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenBrowser, openBrowser } from '../../dev/browser.ts';
import { type RunningCity, startCity } from '../../dev/city.ts';
import { Client } from '../../dev/client.ts';
import { type Certificate, frontName, makeCertificate } from '../../dev/front.ts';
import { must } from '../../dev/lab/host.ts';
import { type Ground, openGround } from '../../dev/machines/ground.ts';
import { type Machine, openMachine } from '../../dev/machines/machine.ts';
import { root, until } from '../../dev/services.ts';
import { demoLogins } from '../../dev/world.ts';
import { met } from '../met.ts';
import { signInPage } from '../sign-in-page.fixture.ts';

const url = `https://${frontName}`;
const folder = join(root, '.data', `front-${process.pid}`);
let ground: Ground;
let machine: Machine;
let certificate: Certificate;
let city: RunningCity;
/** Another device: its network namespace and its address. */
let device: { network: string; address: string };
const browsers: OpenBrowser[] = [];

const newPage = async (): Promise<Page> => {
  const browser = await openBrowser(1280, 800, 'fr-FR', [
    `--host-resolver-rules=MAP ${frontName} ${machine.address}`,
    `--ignore-certificate-errors-spki-list=${certificate.keyHash}`,
  ]);
  browsers.push(browser);
  return browser.context.pages()[0] ?? browser.context.newPage();
};
const people = { url, password: '' };
const windowOpen = async (page: Page) => {
  await page.waitForSelector('.screen');
  await page.waitForSelector('.veil', { state: 'detached', timeout: 60_000 });
};

/** curl as another program of this host, or of the device, with our authority. */
const curl = (args: readonly string[], from: 'host' | 'device' = 'host') =>
  must([
    ...(from === 'host' ? [] : ['ip', 'netns', 'exec', device.network]),
    ...['curl', '-sS', '--max-time', '60', '--cacert', certificate.authority],
    ...['--resolve', `${frontName}:443:${machine.address}`, ...args],
  ]);
/** The commands of the runbook, in order. */
const commands = () => {
  const text = readFileSync(join(root, 'docs/runbooks/https.md'), 'utf8');
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block ?? '');
};

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  ground = await openGround();
  machine = await openMachine('bookworm', { root: 'minimal', node: false, ground });
  device = await ground.connect();
  certificate = await makeCertificate(join(folder, 'certificate'));
  city = await startCity({
    folder,
    host: ground.cityAddress,
    port: 0,
    applications: ['galculator'],
    people: { teachers: 40, pupils: 60 },
    keepAlive: false,
    graceSeconds: 60,
    standbyDisplays: 1,
    settings: { PREAU_PUBLIC_URL: url, PREAU_TRUSTED_PROXIES: machine.address },
  });
  people.password = city.password;
}, 600_000);

afterAll(async () => {
  for (const browser of browsers) await browser.close().catch(() => undefined);
  await city?.stop();
  await machine?.close();
  await ground?.close();
  rmSync(folder, { recursive: true, force: true });
}, 120_000);

test('the runbook, word for word on a bare Debian, ends with “All is well”', async () => {
  const files = join(machine.root(), 'root/preau/packaging/nginx');
  cpSync(join(root, 'packaging/nginx'), files, { recursive: true });
  const secrets = join(machine.root(), 'etc/ssl/preau');
  mkdirSync(secrets, { recursive: true, mode: 0o700 });
  for (const file of ['fullchain.pem', 'privkey.pem'])
    cpSync(join(folder, 'certificate', file), join(secrets, file));
  cpSync(certificate.authority, join(machine.root(), 'root/authority.pem'));

  const own = commands();
  expect(own.length).toBeGreaterThanOrEqual(4);
  const controller = `CONTROLEUR=${new URL(city.url).host}`;
  const script = own.join('\n').replace('CONTROLEUR=127.0.0.1:8080', controller);
  expect(script).toContain(`NOM=${frontName}\n${controller}\n`);
  writeFileSync(join(machine.root(), 'root/preau/runbook.sh'), `set -eu\n${script}`);
  const said = await machine.must('cd /root/preau && sh runbook.sh 2>&1', {
    timeoutMs: 300_000,
    env: { CURL_CA_BUNDLE: '/root/authority.pem', DEBIAN_FRONTEND: 'noninteractive' },
  });
  expect(said.split('\n').filter((line) => /^[✓✗]|^All/.test(line))).toEqual([
    `✓ https answers, with a certificate for ${frontName}`,
    '✓ browsers get HTTP/2',
    '✓ browsers are told to use https only',
    '✓ http leads to https',
    '✓ WebSockets pass',
    '✓ the controller sees the address of each device',
    `All is well: Préau answers at ${url}`,
  ]);
  met('nginx', (await machine.must('nginx -v 2>&1')).replace(/^.*\//, ''), 'nginx -v');
}, 400_000);

describe('through it', () => {
  test('a teacher signs in, opens a program, and the session outlives more than a minute of silence', async () => {
    const page = await newPage();
    const sockets: { url: string; closed: boolean }[] = [];
    page.on('websocket', (socket) => {
      const one = { url: socket.url(), closed: false };
      sockets.push(one);
      socket.on('close', () => {
        one.closed = true;
      });
    });
    const packed: string[] = [];
    page.on('response', (response) => {
      packed.push(response.headers()['content-encoding'] ?? 'none');
    });
    await signInPage(page, people, demoLogins.teacher, '/');
    expect(
      (await page.context().cookies()).map(({ secure, httpOnly }) => [secure, httpOnly]),
    ).toEqual([[true, true]]);
    const hop = 'performance.getEntriesByType("navigation")[0].nextHopProtocol';
    expect(await page.evaluate(hop)).toBe('h2');
    expect([...new Set(packed)].sort()).toEqual(['gzip', 'none']);
    await page.click('a[href="/launch/galculator"]');
    await windowOpen(page);
    expect(sockets.map((socket) => new URL(socket.url).pathname).sort()).toEqual([
      '/api/hub/',
      '/api/tunnel',
    ]);
    const began = Date.now();
    const slow = closesAfter('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    await page.waitForTimeout(70_000);
    expect(sockets.filter(({ closed }) => closed)).toEqual([]);
    expect(await page.locator('.veil').count()).toBe(0);
    const seconds = ((await slow) - began) / 1000;
    expect(seconds).toBeGreaterThan(5);
    expect(seconds).toBeLessThan(20);
  }, 240_000);

  test('a foreign page is refused, and TLS 1.1 and unknown names get no answer', async () => {
    const body = ['-H', 'content-type: application/json', '-d', '{"login":"a","password":"b"}'];
    const post = (origin: string) =>
      curl([...body, '-H', `Origin: ${origin}`, `${url}/api/sign-in`]);
    expect(await post('https://evil.example')).toContain('ORIGIN_REFUSED');
    expect(await post(url)).toContain('SIGN_IN_REFUSED');
    await expect(
      curl(['--tls-max', '1.1', '--ciphers', 'ALL@SECLEVEL=0', `${url}/`]),
    ).rejects.toThrow(/ended with 35/);
    const other = ['--resolve', `other.example:443:${machine.address}`, 'https://other.example/'];
    await expect(curl(other)).rejects.toThrow(/ended with 35/);
  });

  test('rules by network see the device, whatever it says of its address', async () => {
    const { technician } = city;
    const { items } = await technician.call('listApplications', {});
    const applicationId = items.find(({ slug }) => slug === 'galculator')?.id ?? '';
    await technician.call('createRule', {
      body: {
        ...plainRule,
        effect: 'deny',
        target: { kind: 'application', applicationId },
        audience: { kind: 'role', role: 'pupil' },
        client: { kind: 'subnet', subnet: `${device.address}/32` },
      },
    });
    const client = new Client(city.url);
    await client.signIn(demoLogins.pupil, city.password);
    const launch = async (from: 'host' | 'device', says: string) => {
      const told = await curl(
        [
          ...['-H', `cookie: ${client.cookie}`, '-H', 'content-type: application/json'],
          ...['-H', `X-Forwarded-For: ${says}`, '-H', `Forwarded: for=${says}`],
          ...['-d', '{"application":"galculator","language":"fr"}', `${url}/api/sessions`],
        ],
        from,
      );
      const { code, session } = JSON.parse(told) as { code?: string; session?: { id: string } };
      if (session !== undefined) await client.call('endSession', { params: { id: session.id } });
      return code ?? 'launched';
    };
    for (const says of ['203.0.113.9', ground.cityAddress, '127.0.0.1'])
      expect(await launch('device', says)).toBe('APPLICATION_NOT_ALLOWED');
    expect(await launch('host', device.address)).toBe('launched');
    expect(await curl(['-H', `X-Forwarded-For: 203.0.113.9`, `${url}/api/address`], 'device')).toBe(
      JSON.stringify({ address: device.address }),
    );
    // Nobody but the proxy is believed.
    const direct = await fetch(`${city.url}/api/address`, {
      headers: { 'x-forwarded-for': device.address },
    });
    expect(await direct.json()).toEqual({ address: ground.cityAddress });
  });

  test('a large upload passes without a copy on the disk of nginx; a large call is refused in our words', async () => {
    const path = join(folder, 'large');
    writeFileSync(path, Buffer.alloc(60_000_000, 7));
    const hash = (await must(['sha256sum', path])).slice(0, 64);
    const headers = ['-H', `cookie: ${city.technician.cookie}`];
    const upload = curl([
      ...[...headers, '-H', 'content-type: application/octet-stream', '--limit-rate', '20M'],
      ...['--data-binary', `@${path}`, '-w', ' %{http_code}'],
      `${url}/api/packages?name=large.deb&sha256=${hash}&size=60000000`,
    ]);
    const kept: string[] = [];
    let done = false;
    void upload.finally(() => {
      done = true;
    });
    while (!done) {
      // A file that nginx has already removed is still open.
      kept.push(
        await machine.must(
          'find /proc/[0-9]*/fd -lname "/var/lib/nginx/*" 2>/dev/null; find /var/lib/nginx -type f',
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect((await upload).slice(-4)).toBe(' 201');
    expect(kept.length).toBeGreaterThan(3);
    expect([...new Set(kept)]).toEqual(['']);
    writeFileSync(path, Buffer.alloc(6_000_000, 0x20));
    const refused = await curl([
      ...[...headers, '-H', 'content-type: application/json', '--data-binary', `@${path}`],
      `${url}/api/catalogue`,
    ]);
    expect(JSON.parse(refused)).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
  }, 120_000);
});

test('the controller restarts: pages wait and go on, and nobody types anything twice', async () => {
  const inSession = await newPage();
  await signInPage(inSession, people, demoLogins.teacher, '/');
  await inSession.goto(`${url}/launch/galculator`);
  await windowOpen(inSession);
  const live = async () =>
    (await city.technician.call('listSessions', { query: { state: 'live' } })).items;
  const [session] = await live();
  const onPortal = await newPage();
  await signInPage(onPortal, people, demoLogins.pupil, '/');
  const signingIn = await newPage();
  await signingIn.goto(`${url}/`);
  await signingIn.fill('input[name=login]', demoLogins.technician);
  await signingIn.fill('input[name=password]', city.password);
  const arriving = await newPage();
  const broken: string[] = [];
  for (const page of [inSession, onPortal, signingIn])
    page.on('pageerror', (error) => broken.push(error.message));

  await city.services.controller.stop();
  await inSession.waitForSelector('.veil');
  await arriving.goto(`${url}/`);
  await arriving.getByText('Préau redémarre…').waitFor();
  await signingIn.keyboard.press('Enter');
  await onPortal.click('a[href="/launch/galculator"]');
  await signingIn.waitForTimeout(6000);
  expect(await signingIn.inputValue('input[name=password]')).toBe(city.password);
  expect(await signingIn.locator('[role=alert]').count()).toBe(0);
  for (const page of [inSession, onPortal, signingIn])
    expect(await page.locator('body').innerText()).not.toContain('undefined');

  city.services.controller.restart();
  await Promise.all([
    windowOpen(inSession),
    windowOpen(onPortal),
    signingIn.waitForSelector('header .who', { timeout: 60_000 }),
    arriving.waitForSelector('input[name=login]', { timeout: 60_000 }),
  ]);
  expect((await live()).map(({ id }) => id)).toContain(session?.id);
  // The hub is back: what changes is shown without a click.
  await until('the hub', async () => {
    const offline = await signingIn.locator('.offline').count();
    return offline === 0;
  });
  expect(broken).toEqual([]);
}, 240_000);

/** Opens a TLS connection, says this and nothing more; resolves with the time at which it is
 * closed. */
const closesAfter = (text: string): Promise<number> =>
  new Promise((resolve) => {
    const socket = connect({
      host: machine.address,
      port: 443,
      servername: frontName,
      ca: readFileSync(certificate.authority),
    });
    socket.on('secureConnect', () => socket.write(text));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Date.now()));
    socket.resume();
  });

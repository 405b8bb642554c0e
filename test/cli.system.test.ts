/** The command line as a script uses it: real processes, a real controller, real agents without an
 * operating system. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { insertAccounts } from '../controller/src/accounts/store.ts';
import { person, site as siteDraft } from '../controller/src/builders.fixture.ts';
import { migrate, openDatabase } from '../controller/src/platform/database.ts';
import { createPasswords } from '../controller/src/platform/passwords.ts';
import { sha256 } from '../controller/src/platform/secrets.ts';
import { Client } from '../dev/client.ts';
import {
  freePort,
  root,
  type Service,
  startControllerProcess,
  startRedis,
  startTalking,
  type Talking,
  until,
} from '../dev/services.ts';

const folder = mkdtempSync(join(tmpdir(), 'preau-cli-'));
const home = join(folder, 'home');
const services: Service[] = [];
let fleet: Talking;
let url = '';
let secret = '';
let readOnly = '';
const client = () => new Client(url);
const technician = { client: new Client(''), other: new Client('') };
const application = (slug: string, more: object = {}) => ({
  slug,
  name: { fr: slug, en: slug },
  description: { fr: 'Pour essayer', en: 'For trying' },
  category: 'tools',
  version: '1.0',
  recipes: { linux: { kind: 'apt', packages: [slug], detect: { kind: 'package', package: slug } } },
  ...more,
});

beforeAll(async () => {
  const data = join(folder, 'controller');
  mkdirSync(data, { recursive: true });
  mkdirSync(home);
  const database = openDatabase(join(data, 'preau.sqlite'));
  await migrate(database, false);
  const passwordHash = await createPasswords().hash('correct-horse');
  await insertAccounts(
    database,
    [
      person('tech', { displayName: 'Dominique', role: 'technician', passwordHash }),
      person('admin', { displayName: 'Claude', role: 'administrator', passwordHash }),
    ],
    Date.now(),
  );
  await database.destroy();
  const redis = startRedis(join(folder, 'redis'));
  services.push(redis.service);
  await until('Redis', redis.ready);
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  services.push(
    startControllerProcess(
      { PREAU_PORT: String(port), PREAU_DATA: data, PREAU_REDIS_URL: redis.url },
      join(folder, 'controller.log'),
    ),
  );
  await until('the controller', async () => (await fetch(`${url}/api/health`)).ok, 60_000);
  technician.client = client();
  technician.other = client();
  await technician.client.signIn('tech', 'correct-horse');
  await technician.other.signIn('admin', 'correct-horse');
  const codes: string[] = [];
  let controllerKey = '';
  for (const [index, name] of ['École Colette', 'École Molière'].entries()) {
    const site = await technician.client.call('createSite', {
      body: siteDraft({ uai: `061010${index}A`, name, city: 'Valmont', holidayZone: 'B' }),
    });
    const code = await technician.client.call('createEnrolmentCode', {
      params: { id: site.id },
      body: { serverName: `serveur-${index + 1}` },
    });
    codes.push(code.code);
    controllerKey = code.controllerKey;
  }
  fleet = startTalking('dev/fleet.ts', join(folder, 'fleet.log'));
  await fleet.ask({
    do: 'enrol',
    folder: join(folder, 'fleet'),
    controllerUrl: url,
    controllerKey,
    codes,
    installMs: 100,
  });
  secret = (
    await technician.client.call('createToken', {
      body: { name: 'script', scope: 'technician', siteIds: null, days: 1 },
    })
  ).secret;
  readOnly = (
    await technician.client.call('createToken', {
      body: { name: 'lecture', scope: 'read', siteIds: null, days: 1 },
    })
  ).secret;
}, 180_000);
afterAll(async () => {
  await fleet?.end();
  for (const service of services.reverse()) await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  code: number | null;
  out: string;
  err: string;
}
function preau(
  args: readonly string[],
  { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {},
): Promise<Ended> {
  const child: ChildProcess = spawn(process.execPath, [join(root, 'cli/src/main.ts'), ...args], {
    env: {
      PATH: '/usr/bin:/bin',
      HOME: home,
      LANG: 'en_GB.UTF-8',
      NODE_NO_WARNINGS: '1',
      PREAU_URL: url,
      PREAU_TOKEN: secret,
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended: Ended = { code: null, out: '', err: '' };
  child.stdout?.on('data', (bytes: Buffer) => {
    ended.out += bytes.toString();
  });
  child.stderr?.on('data', (bytes: Buffer) => {
    ended.err += bytes.toString();
  });
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  return new Promise((resolve) => child.on('close', (code) => resolve({ ...ended, code })));
}
const planned = async (...args: string[]) => {
  const ended = await preau(['--json', 'rollout', 'plan', ...args]);
  return { ...ended, id: (JSON.parse(ended.out) as { id: string }).id };
};

describe('signing in', () => {
  test('a token is kept for its city, readable by its owner only, and forgotten', async () => {
    const env = { PREAU_TOKEN: '' };
    expect(await preau(['whoami'], { env })).toMatchObject({ code: 2 });
    expect(await preau(['login'], { env, input: `${secret}\n` })).toMatchObject({
      code: 0,
      err: expect.stringContaining('Dominique'),
    });
    expect(statSync(join(home, '.config/preau/connection.json')).mode & 0o777).toBe(0o600);
    expect(await preau(['whoami'], { env })).toMatchObject({ code: 0, out: 'tech  Dominique\n' });
    // The kept token is not offered to another address.
    expect(
      await preau(['whoami'], { env: { ...env, PREAU_URL: 'http://127.0.0.1:1' } }),
    ).toMatchObject({ code: 2 });
    await preau(['logout'], { env });
    expect(await preau(['whoami'], { env })).toMatchObject({ code: 2 });
  });
  test('from a file; a wrong one is refused, nobody there is told apart, in both languages', async () => {
    const path = join(folder, 'token');
    writeFileSync(path, `${secret}\n`);
    expect((await preau(['--token-file', path, 'whoami'], { env: { PREAU_TOKEN: '' } })).code).toBe(
      0,
    );
    expect(
      await preau(['whoami'], { env: { PREAU_TOKEN: `preau_${'x'.repeat(43)}` } }),
    ).toMatchObject({ code: 3, err: expect.stringContaining('TOKEN_REFUSED') });
    expect(await preau(['whoami'], { env: { PREAU_TOKEN: 'password' } })).toMatchObject({
      code: 2,
    });
    expect(await preau(['whoami'], { env: { PREAU_URL: 'http://127.0.0.1:1' } })).toMatchObject({
      code: 4,
      err: expect.stringContaining('not answering'),
    });
    expect(
      await preau(['whoami'], { env: { PREAU_URL: 'http://127.0.0.1:1', LANG: 'fr_FR.UTF-8' } }),
    ).toMatchObject({ code: 4, err: expect.stringContaining('ne répond pas') });
    for (const line of [(await preau(['whoami', '--help'])).out, (await preau(['--help'])).out])
      expect(line).not.toContain(secret);
  });
});

describe('the audit', () => {
  test('is verified in the city, and from an exported file without it; one changed word is found', async () => {
    const told = await preau(['--json', 'audit', 'verify']);
    expect(told.code).toBe(0);
    const { head } = JSON.parse(told.out) as { head: { seq: number; hash: string } };
    expect(
      await preau(['audit', 'verify', '--head', `${head.seq}:${'a'.repeat(64)}`]),
    ).toMatchObject({ code: 1, out: expect.stringContaining(`Broken at number ${head.seq}`) });
    const exported = await (
      await fetch(`${url}/api/audit/export`, { headers: { cookie: technician.other.cookie } })
    ).text();
    const path = join(folder, 'audit.jsonl');
    writeFileSync(path, exported);
    const alone = { env: { PREAU_URL: '', PREAU_TOKEN: '' } };
    expect(
      await preau(['audit', 'verify', path, '--head', `${head.seq}:${head.hash}`], alone),
    ).toMatchObject({ code: 0, err: expect.stringContaining('Signed by the key') });
    writeFileSync(path, exported.replace('École Molière', 'École Molaire'));
    expect(await preau(['audit', 'verify', path], alone)).toMatchObject({
      code: 1,
      out: expect.stringContaining('a name was changed'),
    });
  });
});

describe('the catalogue', () => {
  test('a folder is applied, with its files; again, nothing changes; it comes out again', async () => {
    const drafts = join(folder, 'catalogue');
    const files = join(folder, 'files');
    mkdirSync(drafts);
    mkdirSync(files);
    const content = randomBytes(300_000);
    writeFileSync(join(files, 'jeu.deb'), content);
    writeFileSync(
      join(drafts, 'a.json'),
      JSON.stringify(
        application('jeu', {
          requires: ['moteur'],
          recipes: {
            linux: {
              kind: 'deb',
              package: 'jeu',
              file: { name: 'jeu.deb', sha256: sha256(content), size: content.length },
              detect: { kind: 'package', package: 'jeu' },
            },
          },
        }),
      ),
    );
    writeFileSync(
      join(drafts, 'b.json'),
      JSON.stringify([application('moteur'), application('galculator'), application('mousepad')]),
    );
    expect(await preau(['catalogue', 'apply', drafts, '--dry-run'])).toMatchObject({
      code: 3,
      out: expect.stringContaining('PACKAGE_NOT_FOUND'),
    });
    expect(await preau(['catalogue', 'apply', drafts])).toMatchObject({
      code: 3,
      out: expect.stringMatching(/✗ {2}jeu +1\.0 +PACKAGE_NOT_FOUND/),
    });
    expect(await preau(['catalogue', 'apply', drafts, '--packages', files])).toMatchObject({
      code: 0,
      err: expect.stringContaining('1 added, 3 unchanged, 0 refused'),
    });
    const again = await preau(['--json', 'catalogue', 'apply', drafts]);
    expect([
      again.code,
      (JSON.parse(again.out) as { result: string }[]).map(({ result }) => result),
    ]).toEqual([0, ['unchanged', 'unchanged', 'unchanged', 'unchanged']]);
    const exported = JSON.parse((await preau(['catalogue', 'export'])).out) as {
      format: number;
      applications: { slug: string }[];
    };
    expect([exported.format, exported.applications.map(({ slug }) => slug).sort()]).toEqual([
      1,
      ['galculator', 'jeu', 'moteur', 'mousepad'],
    ]);
    expect((await preau(['applications', 'list'])).out).toMatch(/^jeu +1\.0 +jeu +0$/m);
    expect(await preau(['catalogue', 'apply', join(folder, 'nowhere')])).toMatchObject({ code: 2 });
  });
  test('a file is uploaded once; a token that only reads uploads nothing', async () => {
    const path = join(folder, 'essai.deb');
    writeFileSync(path, randomBytes(3_000_000));
    expect(
      await preau(['package', 'upload', path], { env: { PREAU_TOKEN: readOnly } }),
    ).toMatchObject({ code: 3, err: expect.stringContaining('FORBIDDEN') });
    expect(await preau(['package', 'upload', path])).toMatchObject({
      code: 0,
      out: expect.stringContaining(sha256(readFileSync(path))),
    });
    expect(await preau(['package', 'upload', path])).toMatchObject({
      code: 0,
      out: expect.stringContaining('is there already'),
    });
  });
  test('schools and servers are listed', async () => {
    expect((await preau(['sites', 'list'])).out).toMatch(/^0610100A +\S+ +École Colette +Valmont/m);
    await until(
      'the servers',
      async () => (await preau(['servers', 'list'])).out.split('online').length === 3,
      60_000,
    );
  });
});

describe('a rollout', () => {
  test('is planned, started and watched to its end, line by line', async () => {
    const plan = await preau([
      'rollout',
      'plan',
      '--apps',
      'galculator',
      '--sites',
      'all',
      '--waves',
      '1,rest',
    ]);
    expect(plan).toMatchObject({ code: 0, out: expect.stringMatching(/2 servers in 2 schools/) });
    const id = /rol_[A-Za-z0-9_-]{22}/.exec(plan.out)?.[0] ?? '';
    const watched = await preau(['rollout', 'start', id, '--force', '--watch']);
    expect(watched).toMatchObject({
      code: 0,
      out: expect.stringMatching(/completed.*succeeded 2/),
    });
    expect(watched.out).not.toContain('\u001b');
    expect((await preau(['rollout', 'list'])).out).toContain(id);
  });
  test('as JSON, each change is an object', async () => {
    const { id } = await planned('--apps', 'moteur', '--sites', '0610100A');
    await preau(['rollout', 'start', id, '--force']);
    const { code, out } = await preau(['--json', 'rollout', 'watch', id]);
    const changes = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { state: string });
    expect([code, changes.at(-1)?.state]).toEqual([0, 'completed']);
  });
  test('is held, cancelled and tells it by its number', async () => {
    const { id } = await planned('--apps', 'mousepad', '--waves', '1,rest', '--gate', 'manual');
    expect((await preau(['rollout', 'start', id, '--force'])).code).toBe(0);
    expect((await preau(['rollout', 'watch', id, '--until-pause'])).code).toBe(6);
    expect((await preau(['rollout', 'cancel', id, '--kind', 'kill'])).code).toBe(3);
    expect((await preau(['rollout', 'cancel', id, '--kind', 'quickly'])).code).toBe(2);
    expect((await preau(['rollout', 'cancel', id])).code).toBe(0);
    expect((await preau(['rollout', 'watch', id])).code).toBe(1);
  });
  test('waits for a second technician: number 5, until one has approved', async () => {
    await technician.other.call('changeRolloutSettings', {
      body: { approvalAboveSites: 1, brakeAtSilentShare: 0.9, planDriftShare: 0.5, closures: [] },
    });
    const { id, code } = await planned('--remove', 'galculator');
    expect(code).toBe(5);
    expect((await preau(['rollout', 'watch', id])).code).toBe(5);
    // A token approves nothing: somebody reads the plan in the console.
    const { plan } = await technician.client.call('readRollout', { params: { id } });
    await technician.other.call('approveRollout', {
      params: { id },
      body: { planHash: plan.hash },
    });
    expect((await preau(['rollout', 'start', id, '--force', '--watch'])).code).toBe(0);
    expect((await preau(['applications', 'list'])).out).toMatch(
      /^galculator +1\.0 +galculator +0$/m,
    );
  });
  test('typing errors make nothing', async () => {
    const before = (await preau(['rollout', 'list'])).out;
    for (const args of [
      ['--apps', 'galculatorr'],
      ['--apps', 'jeu', '--sites', '0000000Z'],
      ['--apps', 'jeu', '--waves', 'many'],
      [],
    ])
      expect((await preau(['rollout', 'plan', ...args])).code).toBe(2);
    expect((await preau(['rollout', 'list'])).out).toBe(before);
  });
  test('the brake', async () => {
    expect(await preau(['brake', 'on'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('The brake is on'),
    });
    expect(await preau(['brake'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('The brake is on'),
    });
    expect(await preau(['brake', 'off'], { env: { PREAU_TOKEN: readOnly } })).toMatchObject({
      code: 3,
    });
    expect(await preau(['brake', 'off'])).toMatchObject({ code: 0, out: 'The brake is off.\n' });
  });
});

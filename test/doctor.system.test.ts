/** The doctor beside real services: what is wrong with them is found, a city that is well is well, and
 * the command ends whatever hangs. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../controller/src/config.ts';
import { database } from '../controller/src/doctor/database.ts';
import { mail } from '../controller/src/doctor/mail.ts';
import type { Patient } from '../controller/src/doctor/patient.ts';
import { providers } from '../controller/src/doctor/providers.ts';
import { gatherRedis, judgeRedis } from '../controller/src/doctor/redis.ts';
import { openToRead } from '../controller/src/doctor/store.ts';
import { judgeCertificate, readCertificate } from '../controller/src/doctor/tls.ts';
import type { ProviderSettings } from '../controller/src/identity/settings-schema.ts';
import { encode } from '../controller/src/platform/guacamole.ts';
import { openRedis } from '../controller/src/platform/redis.ts';
import { makeCity } from '../controller/src/testing.fixture.ts';
import { freePort, root, type Service, startRedis, startService, until } from '../dev/services.ts';
import { base, startSlapd } from './directories.fixture.ts';
import { met } from './met.ts';
import { type Postgres, startPostgres } from './postgres.fixture.ts';

let folder: string;
beforeAll(() => {
  // Not in /tmp, which may be in memory: the doctor would say so.
  mkdirSync(join(root, '.data'), { recursive: true });
  folder = mkdtempSync(join(root, '.data/doctor-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const codes = (found: readonly { code: string }[]) => found.map(({ code }) => code);

describe('Redis', () => {
  let redis: ReturnType<typeof startRedis>;
  beforeAll(async () => {
    redis = startRedis(join(folder, 'redis-a'));
    await until('Redis', redis.ready);
  });
  afterAll(() => redis.service.stop());

  test('as it must be, then with another policy, then in memory only', async () => {
    const look = async () => {
      const facts = await gatherRedis(redis.url);
      met('redis', facts.info['redis_version'] ?? '', 'INFO');
      expect(Math.abs(facts.at - Date.now())).toBeLessThan(30_000);
      return codes(judgeRedis(facts));
    };
    await until('Redis answers', async () => (await look()).length === 0);
    const client = openRedis(redis.url);
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await look()).toEqual(['REDIS_EVICTS']);
    await client.config('SET', 'maxmemory-policy', 'noeviction');
    await client.config('SET', 'appendonly', 'no');
    expect(await look()).toEqual(['REDIS_FORGETS']);
    client.disconnect();
  });
});

describe('PostgreSQL', () => {
  let server: Postgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  const look = async (target: string): Promise<string[]> => {
    const rows = openToRead(target);
    const patient: Patient = {
      config: parseConfig({ PREAU_DATABASE_URL: target }),
      faults: [],
      providers: [],
      now: Date.now(),
      version: '0.1.0',
      rows: () => rows,
    };
    try {
      return codes(await database.look(patient, AbortSignal.timeout(60_000)));
    } finally {
      await rows.destroy();
    }
  };

  test('that is well, lacks a column, is empty, refuses, is away, stands still', async () => {
    const target = await server.newDatabase();
    const city = await makeCity(target);
    expect(await look(target)).toEqual([]);
    await city.platform.database.schema.alterTable('health').dropColumn('looked_at').execute();
    expect(await look(target)).toEqual(['DATABASE_HALF']);
    await city.close();
    expect(await look(await server.newDatabase())).toEqual(['DATABASE_OLDER']);
    expect(await look(target.replace(/[^/]+$/, 'nowhere'))).toEqual(['DATABASE_UNREACHABLE']);
    server.freeze();
    expect(await look(target)).toEqual(['DATABASE_UNREACHABLE']);
    server.thaw();
    await server.crash();
    expect(await look(target)).toEqual(['DATABASE_UNREACHABLE']);
    await server.restart();
  });

  test('is opened so that nothing can be changed', async () => {
    const target = await server.newDatabase();
    const city = await makeCity(target);
    const rows = openToRead(target);
    await expect(rows.deleteFrom('sites').execute()).rejects.toThrow('read-only transaction');
    await rows.destroy();
    await city.close();
  });
});

describe('a certificate', () => {
  const openssl = (...words: string[]): void => {
    const { status, stderr } = spawnSync('openssl', words, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${words[0]}: ${stderr}`);
  };
  /** Of localhost, for so many days; below zero: it has ended already. */
  const serve = async (name: string, days: number) => {
    openssl(
      ...['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key', '-out', 'request'],
      ...['-subj', `/CN=${name}`],
    );
    writeFileSync(join(folder, 'names'), `subjectAltName=DNS:${name}`);
    openssl(
      ...['x509', '-req', '-in', 'request', '-signkey', 'key', '-out', 'certificate'],
      ...['-days', String(days), '-extfile', 'names'],
    );
    const cert = readFileSync(join(folder, 'certificate'), 'utf8');
    const server = createHttps({ cert, key: readFileSync(join(folder, 'key')) });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { server, cert, port: (server.address() as AddressInfo).port };
  };

  test.each([
    ['that is good', 'localhost', 60, []],
    ['that ends soon', 'localhost', 5, ['CERTIFICATE_EXPIRES']],
    ['that has ended', 'localhost', -1, ['CERTIFICATE_EXPIRED']],
    ['of another name', 'preau.example', 60, ['CERTIFICATE_OTHER_NAME']],
  ])('%s', async (_, name, days, expected) => {
    const { server, cert, port } = await serve(name, days);
    const at = { of: 'it', host: '127.0.0.1', port, name: 'localhost' };
    const facts = await readCertificate({ ...at, ca: cert });
    const strange = await readCertificate(at);
    server.close();
    expect(codes(judgeCertificate(facts, Date.now()))).toEqual(expected);
    if (days > 0 && name === 'localhost')
      expect(codes(judgeCertificate(strange, Date.now()))).toContain('CERTIFICATE_UNTRUSTED');
  });
});

describe('a directory and a mail server', () => {
  const patient = (more: Partial<Patient>): Patient => ({
    config: parseConfig({}),
    faults: [],
    providers: [],
    now: Date.now(),
    version: '0.1.0',
    rows: () => {
      throw new Error('no rows');
    },
    ...more,
  });

  test('slapd: by TLS and by StartTLS, with and without its authority, silent, away', async () => {
    const slapd = await startSlapd(join(folder, 'slapd'), [], {});
    const look = async (url: string, ca: string | null) => {
      const settings: ProviderSettings = {
        kind: 'ldap',
        id: 'ville',
        name: { fr: 'Ville', en: 'City' },
        url,
        start_tls: url.startsWith('ldap:'),
        flavour: 'openldap',
        bind_dn: slapd.bindDn,
        base,
        ...(ca === null ? {} : { ca_file: ca }),
      };
      const never = new AbortController().signal;
      return codes(await providers.look(patient({ providers: [settings] }), never));
    };
    try {
      // Its certificate is for two days.
      for (const url of [slapd.url, slapd.secureUrl]) {
        expect(await look(url, slapd.ca)).toEqual(['CERTIFICATE_EXPIRES']);
        expect(await look(url, null)).toEqual(['CERTIFICATE_EXPIRES', 'CERTIFICATE_UNTRUSTED']);
      }
      await slapd.freeze(true);
      expect(await look(slapd.url, slapd.ca)).toEqual(['PROVIDER_UNREACHABLE']);
      await slapd.freeze(false);
    } finally {
      await slapd.stop();
    }
    expect(await look(slapd.url, slapd.ca)).toEqual(['PROVIDER_UNREACHABLE']);
  });

  test('a mail server that takes the password, and one that does not', async () => {
    const mails: unknown[] = [];
    const server = new SMTPServer({
      secure: false,
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: ({ password }, _session, done) =>
        password === 'right' ? done(null, { user: 'preau' }) : done(new Error('wrong password')),
      onData: (stream, _session, done) => {
        mails.push(stream);
        done();
      },
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.server.address() as AddressInfo;
    const look = async (password: string) => {
      const config = parseConfig({
        PREAU_SMTP_URL: `smtp://preau:${password}@127.0.0.1:${port}?tls.rejectUnauthorized=false`,
      });
      return codes(await mail.look(patient({ config }), new AbortController().signal));
    };
    expect(await look('right')).toEqual([]);
    expect(await look('wrong')).toEqual(['MAIL_UNREACHABLE']);
    expect(mails).toEqual([]);
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
});

describe('the command', () => {
  const services: Service[] = [];
  let settings: Record<string, string>;
  let controller: Service;

  /** Says which protocol it speaks, as guacd 1.6 does; the one of the tests is 1.3, and is told. */
  const guacd = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(encode(['args', 'VERSION_1_5_0', 'hostname'])));
  });

  const doctor = (more: Record<string, string> = {}, ...words: string[]) =>
    new Promise<{ code: number | null; said: string }>((resolve) => {
      const child = spawn(
        process.execPath,
        [join(root, 'controller/src/main.ts'), 'doctor', ...words],
        { env: { PATH: '/usr/bin:/bin', NODE_NO_WARNINGS: '1', ...settings, ...more } },
      );
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (part: Buffer) => {
          said += part.toString();
        });
      child.on('close', (code) => resolve({ code, said }));
    });

  beforeAll(async () => {
    const redis = startRedis(join(folder, 'redis-b'));
    services.push(redis.service);
    await new Promise<void>((resolve) => guacd.listen(0, '127.0.0.1', resolve));
    const port = await freePort();
    settings = {
      PREAU_DATA: join(folder, 'data'),
      PREAU_PORT: String(port),
      PREAU_PUBLIC_URL: `http://127.0.0.1:${port}`,
      PREAU_REDIS_URL: redis.url,
      PREAU_GUACD_PORT: String((guacd.address() as AddressInfo).port),
    };
    await until('Redis', redis.ready);
    controller = startService({
      name: 'controller',
      file: process.execPath,
      args: [join(root, 'controller/src/main.ts')],
      env: settings,
      logPath: join(folder, 'log'),
    });
    services.push(controller);
    await until(
      'the controller',
      async () => (await fetch(`${settings['PREAU_PUBLIC_URL']}/api/health/ready`)).ok,
      60_000,
    );
  });
  afterAll(async () => {
    guacd.close();
    for (const service of services.reverse()) await service.stop();
  });

  test('says that all is well, then that the controller is stopped, then all that is broken', async () => {
    const well = await doctor();
    expect(well.said).toMatch(/✓ packages\nAll is well\.\n$/);
    expect(well.code).toBe(0);

    const path = join(folder, 'bundle.tar.gz');
    const told = await doctor({}, '--json', '--bundle', path, '--log', join(folder, 'log'));
    expect(JSON.parse(told.said)).toMatchObject({ status: 'well', findings: [] });
    expect(spawnSync('tar', ['tzf', path], { encoding: 'utf8' }).stdout.split('\n')).toContain(
      'preau-support/log.json',
    );
    const log = spawnSync('tar', ['xzOf', path, 'preau-support/log.json'], { encoding: 'utf8' });
    expect(log.stdout).toContain('controller listens');

    await controller.stop();
    const stopped = await doctor();
    expect(stopped.said).toContain('! machine: CONTROLLER_STOPPED');
    expect(stopped.said).toContain('✗ address: ADDRESS_UNREACHABLE');
    expect(stopped.said).toContain('docs/runbooks/start.md#port');
    expect(stopped.code).toBe(2);

    writeFileSync(join(folder, 'data/preau.sqlite'), 'not a database at all. '.repeat(1000));
    const silent = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const at = String((silent.address() as AddressInfo).port);
    const broken = await doctor(
      { PREAU_GUACD_PORT: at, PREAU_REDIS_URL: `redis://127.0.0.1:${at}`, PREAU_HUMOUR: 'good' },
      '--json',
    );
    silent.close();
    const { findings } = JSON.parse(broken.said) as { findings: { code: string }[] };
    expect(codes(findings)).toEqual(
      expect.arrayContaining([
        ...['CONFIGURATION_FAULT', 'DATABASE_DAMAGED', 'REDIS_UNREACHABLE', 'GUACD_UNREACHABLE'],
      ]),
    );
    expect(broken.code).toBe(2);
  });

  test('that is used wrongly says how', async () => {
    expect(await doctor({}, '--all')).toEqual({
      code: 2,
      said: expect.stringMatching(/^Usage: preau doctor/),
    });
  });
});

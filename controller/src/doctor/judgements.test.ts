/** What each fact means: every finding once, beside its nearest neighbour that is well. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type AddressFacts, judgeAddress } from './address.ts';
import { judgeClock } from './clock.ts';
import { judgeConfiguration } from './configuration.ts';
import { type DatabaseFacts, judgeDatabase } from './database.ts';
import { exitCodeOf } from './doctor.ts';
import type { Found } from './examination.ts';
import { type FindingCode, findings } from './findings.ts';
import { type FolderFacts, judgeFolder } from './folder.ts';
import { judgeDisplays, judgeGuacd } from './guacd.ts';
import { judgeAudit, judgeBackup, judgePackages, judgeRollouts } from './keeping.ts';
import { judgeMachine, type MachineFacts } from './machine.ts';
import { judgeProviders } from './providers.ts';
import { judgeRedis } from './redis.ts';
import { judgeSecret, type SecretFacts } from './secret.ts';
import { judgeServers } from './servers.ts';
import type { ServerFacts } from './store.ts';
import { type CertificateFacts, judgeCertificate } from './tls.ts';

const now = Date.UTC(2026, 11, 1);
const day = 86_400_000;
const codes = (found: readonly Found[]) => found.map(({ code }) => code);

const folder = (more: Partial<FolderFacts> = {}): FolderFacts => ({
  path: '/data',
  mode: 0o700,
  owner: 0,
  others: [],
  fileSystem: 0xef53,
  bytes: 10e9,
  inodes: 1e6,
  hasSqlite: true,
  ...more,
});
const schema = new Map([['servers', ['id', 'name']]]);
const postgres = { version: 150_004, connections: 10, mostConnections: 100, at: now, bytes: 1 };
const database = (more: Partial<DatabaseFacts> = {}): DatabaseFacts => ({
  migrations: { ours: ['0001', '0002'], applied: ['0001', '0002'] },
  schema: { ours: schema, found: schema },
  problems: [],
  unchecked: 0,
  file: { bytes: 1e9, logBytes: 3e7 },
  postgres: null,
  ...more,
});
const mebibytes = (n: number) => n * 1_048_576;
const secret = (more: Partial<SecretFacts> = {}): SecretFacts => ({
  path: '/data/secret',
  text: 'a'.repeat(64),
  mode: 0o600,
  signed: [],
  ...more,
});
const machine = (more: Partial<MachineFacts> = {}): MachineFacts => ({
  node: '24.1.0',
  freeBytes: 4e9,
  port: 'preau',
  openFiles: 65_536,
  ...more,
});
const certificate = (more: Partial<CertificateFacts> = {}): CertificateFacts => ({
  of: 'it',
  validFrom: now - day,
  validTo: now + 22 * day,
  otherName: null,
  untrusted: null,
  ...more,
});
const address = (more: Partial<AddressFacts> = {}): AddressFacts => ({
  url: 'https://preau.example',
  resolved: ['192.0.2.1'],
  certificate: certificate(),
  failure: null,
  isPreau: true,
  seen: '192.0.2.7',
  used: '192.0.2.7',
  trustsProxies: true,
  ...more,
});
const server = (more: Partial<ServerFacts> = {}): ServerFacts => ({
  name: 'serveur-1',
  lastSeenAt: now - 10_000,
  generation: 5,
  appliedGeneration: 5,
  quarantinedAt: null,
  clockSkewMs: null,
  health: '{"diskFreeMiB":50000}',
  inventory: '{"agentVersion":"0.1.0"}',
  display: null,
  ...more,
});
const ofServers = (...list: Partial<ServerFacts>[]) =>
  judgeServers(list.map(server), { now, version: '0.1.0' });

const table: readonly [what: string, found: readonly Found[], expected: readonly FindingCode[]][] =
  [
    ['no fault', judgeConfiguration([]), []],
    [
      'a setting',
      judgeConfiguration([{ name: 'PREAU_PORT', value: 'x', expected: 'a number' }]),
      ['CONFIGURATION_FAULT'],
    ],
    [
      'the identity file',
      judgeConfiguration([{ where: 'provider 1', expected: 'a kind' }]),
      ['IDENTITY_FAULT'],
    ],

    ['a good folder', judgeFolder(folder()), []],
    ['no folder', judgeFolder(folder({ mode: null })), ['FOLDER_MISSING']],
    ['a folder for its group', judgeFolder(folder({ mode: 0o750 })), ['FOLDER_OPEN']],
    ['files of others', judgeFolder(folder({ others: ['secret'] })), ['FOLDER_OWNERS']],
    ['tmpfs', judgeFolder(folder({ fileSystem: 0x01021994 })), ['FOLDER_IN_MEMORY']],
    ['SQLite on NFS', judgeFolder(folder({ fileSystem: 0x6969 })), ['FOLDER_ON_NETWORK']],
    ['packages alone on NFS', judgeFolder(folder({ fileSystem: 0x6969, hasSqlite: false })), []],
    ['a disk with little room', judgeFolder(folder({ bytes: 1e9 })), ['DISK_LOW']],
    ['a disk without inodes', judgeFolder(folder({ inodes: 3 })), ['DISK_FULL']],

    ['a good database', judgeDatabase(database()), []],
    ['damaged pages', judgeDatabase(database({ problems: ['page 7'] })), ['DATABASE_DAMAGED']],
    ['too large', judgeDatabase(database({ unchecked: 1 })), ['DATABASE_UNCHECKED']],
    [
      'a newer one, however old the rest',
      judgeDatabase(
        database({ migrations: { ours: ['0001', '0002'], applied: ['0001', '0099'] } }),
      ),
      ['DATABASE_NEWER'],
    ],
    [
      'an older one, whose columns may be missing',
      judgeDatabase(
        database({
          migrations: { ours: ['0001', '0002'], applied: ['0001'] },
          schema: { ours: schema, found: new Map() },
        }),
      ),
      ['DATABASE_OLDER'],
    ],
    [
      'a column that is missing',
      judgeDatabase(database({ schema: { ours: schema, found: new Map([['servers', ['id']]]) } })),
      ['DATABASE_HALF'],
    ],
    [
      'a table that is missing',
      judgeDatabase(database({ schema: { ours: schema, found: new Map() } })),
      ['DATABASE_HALF'],
    ],
    [
      'a log of 256 MiB beside little',
      judgeDatabase(database({ file: { bytes: 1, logBytes: mebibytes(256) } })),
      [],
    ],
    [
      'a log of 257 MiB beside little',
      judgeDatabase(database({ file: { bytes: 1, logBytes: mebibytes(257) } })),
      ['DATABASE_LOG_LARGE'],
    ],
    [
      'a log of 257 MiB beside much',
      judgeDatabase(database({ file: { bytes: 1e9, logBytes: mebibytes(257) } })),
      [],
    ],
    ['PostgreSQL', judgeDatabase(database({ file: null, postgres })), []],
    [
      'PostgreSQL 13',
      judgeDatabase(database({ file: null, postgres: { ...postgres, version: 130_010 } })),
      ['POSTGRES_OLD'],
    ],
    [
      '91 of 100 connections',
      judgeDatabase(database({ file: null, postgres: { ...postgres, connections: 91 } })),
      ['POSTGRES_CROWDED'],
    ],

    ['a good secret', judgeSecret(secret()), []],
    ['no secret', judgeSecret(secret({ text: null })), ['SECRET_MISSING']],
    ['a short one', judgeSecret(secret({ text: 'abc' })), ['SECRET_MALFORMED']],
    ['one for everybody', judgeSecret(secret({ mode: 0o604 })), ['SECRET_OPEN']],
    [
      'one that has signed nothing here',
      judgeSecret(secret({ signed: [{ text: 'x', signature: 'y' }] })),
      ['SECRET_OTHER'],
    ],

    [
      'Redis as it must be',
      judgeRedis({
        info: { redis_version: '6.2.0', maxmemory_policy: 'noeviction', aof_enabled: '1' },
        save: '',
      }),
      [],
    ],
    ['Redis 6.0', judgeRedis({ info: { redis_version: '6.0.16' }, save: null }), ['REDIS_OLD']],
    [
      'Redis that evicts',
      judgeRedis({ info: { maxmemory_policy: 'allkeys-lru' }, save: null }),
      ['REDIS_EVICTS'],
    ],
    ['Redis in memory', judgeRedis({ info: { aof_enabled: '0' }, save: '' }), ['REDIS_FORGETS']],
    ['Redis that does not say', judgeRedis({ info: { aof_enabled: '0' }, save: null }), []],
    [
      'Redis on a full disk',
      judgeRedis({ info: { rdb_last_bgsave_status: 'err' }, save: null }),
      ['REDIS_CANNOT_SAVE'],
    ],

    ['guacd 1.6', judgeGuacd('VERSION_1_5_0'), []],
    ['guacd 1.3', judgeGuacd('VERSION_1_3_0'), ['GUACD_OLD']],
    ['guacd before 1.1', judgeGuacd(null), ['GUACD_OLD']],
    ['a display', judgeDisplays([{ server: 'a', at: 'b', failure: null }]), []],
    [
      'no display',
      judgeDisplays([{ server: 'a', at: 'b', failure: 'c' }]),
      ['DISPLAY_UNREACHABLE'],
    ],

    ['a right clock', judgeClock({ lookedAt: now + 29_000, ahead: [], servers: [] }, now), []],
    [
      'a clock gone back',
      judgeClock({ lookedAt: now + day, ahead: [], servers: [] }, now),
      ['CLOCK_WENT_BACK'],
    ],
    [
      'a clock behind Redis',
      judgeClock({ lookedAt: 0, ahead: [{ of: 'Redis', ms: -90_000 }], servers: [] }, now),
      ['CLOCK_DIFFERS'],
    ],
    [
      'one school of three',
      judgeClock({ lookedAt: 0, ahead: [], servers: [90_000, 0, 0] }, now),
      [],
    ],
    [
      'two schools of three',
      judgeClock({ lookedAt: 0, ahead: [], servers: [90_000, 90_000, 0] }, now),
      ['CLOCK_DIFFERS'],
    ],
    [
      'two of three, apart from each other too',
      judgeClock({ lookedAt: 0, ahead: [], servers: [90_000, -90_000, 0] }, now),
      [],
    ],

    ['a good machine', judgeMachine(machine(), 80), []],
    ['Node 22', judgeMachine(machine({ node: '22.9.0' }), 80), ['NODE_OLD']],
    ['little memory', judgeMachine(machine({ freeBytes: 1e8 }), 80), ['MEMORY_LOW']],
    ['nobody listens', judgeMachine(machine({ port: 'nobody' }), 80), ['CONTROLLER_STOPPED']],
    ['somebody else listens', judgeMachine(machine({ port: 'another' }), 80), ['PORT_TAKEN']],
    ['few files', judgeMachine(machine({ openFiles: 1024 }), 80), ['OPEN_FILES_FEW']],
    ['nobody knows how many files', judgeMachine(machine({ openFiles: null }), 80), []],

    ['a good certificate', judgeCertificate(certificate(), now), []],
    [
      '20 days left',
      judgeCertificate(certificate({ validTo: now + 20 * day }), now),
      ['CERTIFICATE_EXPIRES'],
    ],
    [
      'yesterday',
      judgeCertificate(certificate({ validTo: now - day }), now),
      ['CERTIFICATE_EXPIRED'],
    ],
    [
      'tomorrow',
      judgeCertificate(certificate({ validFrom: now + day }), now),
      ['CERTIFICATE_EXPIRED'],
    ],
    [
      'another name',
      judgeCertificate(certificate({ otherName: 'x' }), now),
      ['CERTIFICATE_OTHER_NAME'],
    ],
    [
      'self-signed',
      judgeCertificate(certificate({ untrusted: 'x' }), now),
      ['CERTIFICATE_UNTRUSTED'],
    ],

    ['a good address', judgeAddress(address(), now), []],
    ['none', judgeAddress(address({ url: '' }), now), ['ADDRESS_UNSET']],
    ['no such name', judgeAddress(address({ resolved: [] }), now), ['ADDRESS_UNKNOWN']],
    ['http', judgeAddress(address({ url: 'http://a', certificate: null }), now), ['ADDRESS_PLAIN']],
    [
      'http on this machine',
      judgeAddress(
        address({ url: 'http://a', certificate: null, resolved: ['127.0.0.1', '::1'] }),
        now,
      ),
      [],
    ],
    ['nobody', judgeAddress(address({ failure: 'x' }), now), ['ADDRESS_UNREACHABLE']],
    ['another site', judgeAddress(address({ isPreau: false }), now), ['ADDRESS_ELSEWHERE']],
    [
      'a device invents',
      judgeAddress(address({ seen: '203.0.113.9' }), now),
      ['ADDRESSES_INVENTED'],
    ],
    [
      'a proxy that nobody trusts',
      judgeAddress(address({ seen: '127.0.0.1', trustsProxies: false }), now),
      ['PROXY_UNTRUSTED'],
    ],
    [
      'no proxy in between',
      judgeAddress(address({ trustsProxies: false, seen: '::ffff:192.0.2.7' }), now),
      [],
    ],

    [
      'a directory that is away',
      judgeProviders([{ id: 'a', at: 'b', failure: 'c', certificate: null }], now),
      ['PROVIDER_UNREACHABLE'],
    ],
    [
      'a directory with an old certificate',
      judgeProviders(
        [{ id: 'a', at: 'b', failure: null, certificate: certificate({ validTo: now - 1 }) }],
        now,
      ),
      ['CERTIFICATE_EXPIRED'],
    ],

    ['good servers', ofServers({}, {}), []],
    ['one is silent for 45 s', ofServers({}, { lastSeenAt: now - 45_000 }), ['SERVERS_SILENT']],
    ['one was never heard', ofServers({ lastSeenAt: null }), ['SERVERS_SILENT']],
    ['one is older', ofServers({}, { inventory: '{"agentVersion":"0.0.9"}' }), ['AGENTS_OLDER']],
    ['one is ahead', ofServers({ appliedGeneration: 6 }), ['AGENTS_AHEAD']],
    ['one is late', ofServers({ appliedGeneration: 4 }), []],
    ['two of one name', ofServers({ quarantinedAt: now }), ['SERVERS_QUARANTINED']],
    ['a clock', ofServers({ clockSkewMs: -60_000 }), ['SERVER_CLOCKS_WRONG']],
    ['a disk', ofServers({ health: '{"diskFreeMiB":2047}' }), ['SERVER_DISKS_FULL']],
    ['what nobody can read', ofServers({ health: '{', inventory: '7' }), []],

    [
      'a rollout',
      judgeRollouts([{ name: 'a', state: 'running', lookAt: now - 599_000, pausedAt: null }], now),
      [],
    ],
    [
      'one that nobody looks at',
      judgeRollouts([{ name: 'a', state: 'running', lookAt: now - 601_000, pausedAt: null }], now),
      ['ROLLOUTS_STUCK'],
    ],
    [
      'one paused for two days',
      judgeRollouts([{ name: 'a', state: 'paused', lookAt: 0, pausedAt: now - 2 * day }], now),
      ['ROLLOUTS_PAUSED'],
    ],
    [
      'one paused for an hour',
      judgeRollouts([{ name: 'a', state: 'paused', lookAt: 0, pausedAt: now - 3_600_000 }], now),
      [],
    ],
    [
      'a whole chain',
      judgeAudit({ verdict: { intact: true, broken: null }, unlinked: now - 1000 }, now),
      [],
    ],
    [
      'a broken chain',
      judgeAudit(
        { verdict: { intact: false, broken: { seq: 3, problem: 'changed' } }, unlinked: null },
        now,
      ),
      ['AUDIT_BROKEN'],
    ],
    [
      'events that wait',
      judgeAudit({ verdict: { intact: true, broken: null }, unlinked: now - 2 * 3_600_000 }, now),
      ['AUDIT_UNLINKED'],
    ],
    ['no word of backups', judgeBackup({ since: null, doneAt: null, failedAt: null }, now), []],
    ['a new city', judgeBackup({ since: now - day, doneAt: null, failedAt: null }, now), []],
    [
      'a city without backup',
      judgeBackup({ since: now - 2 * day, doneAt: null, failedAt: null }, now),
      ['BACKUP_LATE'],
    ],
    [
      'a backup of last night',
      judgeBackup({ since: 0, doneAt: now - day, failedAt: null }, now),
      [],
    ],
    [
      'a backup of the night before',
      judgeBackup({ since: 0, doneAt: now - 2 * day, failedAt: null }, now),
      ['BACKUP_LATE'],
    ],
    [
      'a backup that failed',
      judgeBackup({ since: 0, doneAt: now - day, failedAt: now }, now),
      ['BACKUP_FAILED'],
    ],
    ['a package', judgePackages([{ name: 'a', size: 3, found: 3 }]), []],
    [
      'a package that is gone',
      judgePackages([{ name: 'a', size: 3, found: null }]),
      ['PACKAGES_MISSING'],
    ],
    [
      'a package cut short',
      judgePackages([{ name: 'a', size: 3, found: 2 }]),
      ['PACKAGES_MISSING'],
    ],
  ];

test.each(table)('%s', (_, found, expected) => {
  expect(codes(found)).toEqual(expected);
});

/** These are found by what gathers, when it fails. */
const ofGathering: readonly FindingCode[] = [
  ...([
    'FOLDER_UNUSABLE',
    'DATABASE_MISSING',
    'DATABASE_UNREACHABLE',
    'REDIS_UNREACHABLE',
  ] as const),
  ...(['GUACD_UNREACHABLE', 'MAIL_UNREACHABLE', 'AUDIT_UNCHECKED', 'NOT_LOOKED_AT'] as const),
];

describe('findings', () => {
  test('every one has a case here, or is one of what cannot be reached', () => {
    const met = new Set(table.flatMap(([, , expected]) => expected));
    expect(
      Object.keys(findings)
        .filter((code) => !met.has(code as FindingCode))
        .sort(),
    ).toEqual([...ofGathering].sort());
  });
  test.each(Object.entries(findings))('%s: its runbook has the place', (_, { runbook }) => {
    const [file = '', anchor] = runbook.split('#');
    const path = fileURLToPath(new URL(`../../../docs/runbooks/${file}`, import.meta.url));
    const text = readFileSync(path, 'utf8');
    expect(text).toContain(anchor === undefined ? '# ' : `{#${anchor}}`);
  });
  test('the worst one gives the exit code', () => {
    const warning: Found = { code: 'DISK_LOW', why: '' };
    const error: Found = { code: 'DISK_FULL', why: '' };
    expect([[], [warning], [error, warning]].map(exitCodeOf)).toEqual([0, 1, 2]);
  });
});

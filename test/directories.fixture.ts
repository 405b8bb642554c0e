/** Real directories for tests: Debian's slapd on loopback, Samba's Active Directory in a network
 * namespace of its own (its ports are fixed). Each in a folder of the test, with certificates of an
 * authority created for it; removed afterwards. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { Attribute, Client } from 'ldapts';
import { freePort, until } from '../dev/services.ts';
import { met, versionIn } from './met.ts';

function run(file: string, args: readonly string[], input?: string): string {
  const done = spawnSync(file, args, {
    encoding: 'utf8',
    ...(input === undefined ? {} : { input }),
  });
  if (done.status !== 0)
    throw new Error(
      `${file} ${args.join(' ')}: ${done.stdout}${done.stderr}${done.error?.message ?? ''}`,
    );
  return done.stdout;
}

const answers = (host: string, port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = createConnection({ host, port, timeout: 500 });
    const end = (well: boolean) => {
      socket.destroy();
      resolve(well);
    };
    socket
      .on('connect', () => end(true))
      .on('error', () => end(false))
      .on('timeout', () => end(false));
  });

const ended = (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.on('exit', () => resolve());
  });

/** Creates a certificate authority, and a certificate from it for these names. */
function makeCertificates(
  folder: string,
  names: readonly string[],
): { ca: string; cert: string; key: string } {
  mkdirSync(folder, { recursive: true });
  const path = (name: string) => join(folder, name);
  run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=Autorite de test',
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.pem'),
    '-addext',
    'basicConstraints=critical,CA:true',
  ]);
  run('openssl', [
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    `/CN=${names[0] ?? ''}`,
    '-keyout',
    path('server.key'),
    '-out',
    path('server.csr'),
  ]);
  writeFileSync(
    path('names'),
    `subjectAltName=${names.map((name) => (/^[0-9.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(',')}\n`,
  );
  run('openssl', [
    'x509',
    '-req',
    '-in',
    path('server.csr'),
    '-CA',
    path('ca.pem'),
    '-CAkey',
    path('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    path('names'),
    '-out',
    path('server.pem'),
  ]);
  return { ca: path('ca.pem'), cert: path('server.pem'), key: path('server.key') };
}

export interface RunningDirectory {
  url: string;
  /** LDAPS: TLS from the first byte. */
  secureUrl: string;
  ca: string;
  bindDn: string;
  bindPassword: string;
  /** Changes entries as the directory's administrator. */
  change: <T>(work: (client: Client) => Promise<T>) => Promise<T>;
  /** While frozen, it accepts connections and never answers. */
  freeze: (frozen: boolean) => Promise<void>;
  stop: () => Promise<void>;
  start: () => Promise<void>;
}

/** Not every thread obeys a signal at once: until the last one has stopped, the server may still
 * answer. */
async function freeze(child: ChildProcess | null, frozen: boolean): Promise<void> {
  if (child?.pid === undefined) return;
  child.kill(frozen ? 'SIGSTOP' : 'SIGCONT');
  const tasks = `/proc/${child.pid}/task`;
  const still = () =>
    readdirSync(tasks).every((task) => /\) T/.test(readFileSync(`${tasks}/${task}/stat`, 'utf8')));
  if (frozen) await until('every thread to stand still', async () => still());
}

export const base = 'dc=valmont,dc=fr';
const entry = (dn: string, lines: Record<string, string | readonly string[]>) =>
  `dn: ${dn}\n${Object.entries(lines)
    .flatMap(([name, values]) =>
      (typeof values === 'string' ? [values] : values).map((value) =>
        /^[\x21-\x39\x3b-\x7e][\x20-\x7e]*$/.test(value)
          ? `${name}: ${value}`
          : `${name}:: ${Buffer.from(value).toString('base64')}`,
      ),
    )
    .join('\n')}\n`;

export interface SlapdPerson {
  uid: string;
  cn: string;
  more?: Record<string, string | readonly string[]>;
  /** JPEG. */
  photo?: Buffer;
}

export async function startSlapd(
  folder: string,
  people: readonly SlapdPerson[],
  groups: Readonly<Record<string, readonly string[]>>,
): Promise<RunningDirectory> {
  mkdirSync(join(folder, 'db'), { recursive: true });
  const { ca, cert, key } = makeCertificates(join(folder, 'tls'), ['localhost', '127.0.0.1']);
  const [port, securePort] = [await freePort(), await freePort()];
  const config = join(folder, 'slapd.conf');
  writeFileSync(
    config,
    `
${['core', 'cosine', 'nis', 'inetorgperson'].map((name) => `include /etc/ldap/schema/${name}.schema`).join('\n')}
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
pidfile ${join(folder, 'pid')}
TLSCertificateFile ${cert}
TLSCertificateKeyFile ${key}
TLSCACertificateFile ${ca}
security simple_bind=128
sizelimit size.soft=500 size.hard=500 size.pr=500 size.prtotal=unlimited
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
database mdb
maxsize 67108864
suffix "${base}"
rootdn "cn=admin,${base}"
rootpw admin-of-slapd
directory ${join(folder, 'db')}
index objectClass,uid,mail,member eq
overlay ppolicy
ppolicy_default "cn=usual,${base}"
ppolicy_use_lockout
`,
  );
  const dnOf = (name: string) =>
    people.some((person) => person.uid === name)
      ? `uid=${name},ou=people,${base}`
      : `cn=${name},ou=groups,${base}`;
  const ldif = [
    entry(base, { objectClass: ['dcObject', 'organization'], dc: 'valmont', o: 'Valmont' }),
    entry(`ou=people,${base}`, { objectClass: 'organizationalUnit', ou: 'people' }),
    entry(`ou=groups,${base}`, { objectClass: 'organizationalUnit', ou: 'groups' }),
    entry(`cn=usual,${base}`, {
      objectClass: ['pwdPolicy', 'device'],
      cn: 'usual',
      pwdAttribute: 'userPassword',
      pwdMustChange: 'TRUE',
      pwdLockout: 'TRUE',
      pwdMaxFailure: '0',
    }),
    entry(`cn=preau,${base}`, {
      objectClass: ['simpleSecurityObject', 'organizationalRole'],
      cn: 'preau',
      userPassword: 'service-of-preau',
    }),
    ...people.map(
      ({ uid, cn, more, photo }) =>
        entry(`uid=${uid},ou=people,${base}`, {
          objectClass: ['inetOrgPerson', 'shadowAccount'],
          uid,
          cn,
          sn: cn.split(' ').at(-1) ?? cn,
          displayName: cn,
          userPassword: 'mot-de-passe',
          mail: `${uid}@ecole.fr`,
          ...more,
        }) + (photo === undefined ? '' : `jpegPhoto:: ${photo.toString('base64')}\n`),
    ),
    ...Object.entries(groups).map(([name, members]) =>
      entry(`cn=${name},ou=groups,${base}`, {
        objectClass: 'groupOfNames',
        cn: name,
        member: members.map(dnOf),
      }),
    ),
  ].join('\n');
  run('/usr/sbin/slapadd', ['-f', config, '-q'], ldif);
  let child: ChildProcess | null = null;
  const start = async () => {
    const log = openSync(join(folder, 'slapd.log'), 'a');
    child = spawn(
      '/usr/sbin/slapd',
      [
        '-f',
        config,
        '-h',
        `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${securePort}`,
        '-d',
        'none',
      ],
      { stdio: ['ignore', log, log] },
    );
    await until('slapd', () => answers('127.0.0.1', port), 20_000);
  };
  await start();
  met(
    'openldap',
    versionIn(spawnSync('/usr/sbin/slapd', ['-VV'], { encoding: 'utf8' })),
    'slapd -VV',
  );
  return {
    url: `ldap://127.0.0.1:${port}`,
    secureUrl: `ldaps://127.0.0.1:${securePort}`,
    ca,
    bindDn: `cn=preau,${base}`,
    bindPassword: 'service-of-preau',
    start,
    change: async (work) => {
      const client = new Client({
        url: `ldaps://127.0.0.1:${securePort}`,
        tlsOptions: { rejectUnauthorized: false },
      });
      await client.bind(`cn=admin,${base}`, 'admin-of-slapd');
      return work(client).finally(() => client.unbind());
    },
    freeze: (frozen) => freeze(child, frozen),
    stop: async () => {
      child?.kill('SIGCONT');
      child?.kill('SIGKILL');
      if (child !== null) await ended(child);
    },
  };
}

// ---- Samba ----------------------------------------------------------------------------------

export const adBase = 'DC=ecole,DC=test';
const adPassword = 'Preau-Essai-2026';

export interface AdPerson {
  login: string;
  name: string;
  /** `userAccountControl`, `accountExpires`, `pwdLastSet`, `department`… */
  more?: Record<string, string>;
  photo?: Buffer;
}

/** Groups may contain people and earlier groups. Everybody's password is `adPersonPassword`. */
export const adPersonPassword = 'Mot-De-Passe-1';
export async function startSambaAd(
  folder: string,
  people: readonly AdPerson[],
  groups: Readonly<Record<string, readonly string[]>>,
): Promise<RunningDirectory> {
  mkdirSync(folder, { recursive: true });
  const mark = createHash('sha256').update(folder).digest('hex').slice(0, 6);
  // In the range for network benchmarks (RFC 2544), which nobody else uses.
  const number = Number.parseInt(mark.slice(0, 4), 16);
  const net = `198.18.${number >> 8}`;
  const first = (number & 63) * 4;
  const [here, there] = [`${net}.${first + 1}`, `${net}.${first + 2}`];
  const namespace = `preau-ad-${mark}`;
  const { ca, cert, key } = makeCertificates(join(folder, 'tls'), ['dc1.ecole.test', there]);
  run('samba-tool', [
    'domain',
    'provision',
    '--realm=ECOLE.TEST',
    '--domain=ECOLE',
    '--server-role=dc',
    '--dns-backend=NONE',
    `--adminpass=${adPassword}`,
    '--host-name=dc1',
    `--host-ip=${there}`,
    `--targetdir=${folder}`,
    '--option=interfaces=lo',
    '--option=vfs objects=dfs_samba4 acl_xattr xattr_tdb',
  ]);
  const config = join(folder, 'run.conf');
  writeFileSync(
    config,
    `[global]
workgroup = ECOLE
realm = ECOLE.TEST
netbios name = DC1
server role = active directory domain controller
server services = ldap
private dir = ${folder}/private
state directory = ${folder}/state
cache directory = ${folder}/cache
lock directory = ${folder}
pid directory = ${folder}
ncalrpc dir = ${folder}/ncalrpc
tls enabled = yes
tls certfile = ${cert}
tls keyfile = ${key}
tls cafile = ${ca}
`,
  );
  const ip = (...args: string[]) => run('ip', args);
  const removeNetwork = () => spawnSync('ip', ['netns', 'del', namespace]);
  removeNetwork();
  ip('netns', 'add', namespace);
  ip('link', 'add', `pad${mark}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  ip('addr', 'add', `${here}/30`, 'dev', `pad${mark}`);
  ip('link', 'set', `pad${mark}`, 'up');
  for (const args of [
    ['addr', 'add', `${there}/30`, 'dev', 'eth0'],
    ['link', 'set', 'eth0', 'up'],
    ['link', 'set', 'lo', 'up'],
  ])
    ip('-n', namespace, ...args);
  let child: ChildProcess | null = null;
  const start = async () => {
    const log = openSync(join(folder, 'samba.log'), 'a');
    child = spawn(
      'ip',
      ['netns', 'exec', namespace, 'samba', '-F', '-M', 'single', '-s', config, '--debug-stdout'],
      { stdio: ['ignore', log, log] },
    );
    await until('Samba', () => answers(there, 636), 30_000);
  };
  await start();
  met(
    'samba',
    versionIn(spawnSync('samba', ['--version'], { encoding: 'utf8' })),
    'samba --version',
  );
  const change: RunningDirectory['change'] = async (work) => {
    const client = new Client({
      url: `ldaps://${there}`,
      tlsOptions: { rejectUnauthorized: false },
    });
    await client.bind(`CN=Administrator,CN=Users,${adBase}`, adPassword);
    return work(client).finally(() => client.unbind());
  };
  const password = (text: string) =>
    new Attribute({ type: 'unicodePwd', values: [Buffer.from(`"${text}"`, 'utf16le')] });
  const add = async (
    client: Client,
    dn: string,
    lines: Record<string, string | readonly string[]>,
    more: Attribute[] = [],
  ) =>
    client.add(dn, [
      ...Object.entries(lines).map(
        ([type, values]) =>
          new Attribute({ type, values: typeof values === 'string' ? [values] : [...values] }),
      ),
      ...more,
    ]);
  const dnOf = (name: string) =>
    people.some((person) => person.login === name)
      ? `CN=${name},OU=Ecoles,${adBase}`
      : `CN=${name},OU=Groupes,${adBase}`;
  await change(async (client) => {
    for (const ou of ['Ecoles', 'Groupes', 'Services'])
      await add(client, `OU=${ou},${adBase}`, { objectClass: 'organizationalUnit' });
    const user = { objectClass: 'user', userAccountControl: '512' };
    await add(client, `CN=preau,OU=Services,${adBase}`, { ...user, sAMAccountName: 'preau' }, [
      password('Service-De-Preau-1'),
    ]);
    for (const { login, name, more, photo } of people) {
      await add(
        client,
        `CN=${login},OU=Ecoles,${adBase}`,
        {
          ...user,
          sAMAccountName: login,
          userPrincipalName: `${login}@ecole.test`,
          displayName: name,
          ...more,
        },
        [
          password(adPersonPassword),
          ...(photo === undefined
            ? []
            : [new Attribute({ type: 'thumbnailPhoto', values: [photo] })]),
        ],
      );
    }
    for (const [name, members] of Object.entries(groups))
      await add(client, `CN=${name},OU=Groupes,${adBase}`, {
        objectClass: 'group',
        groupType: '-2147483646',
        sAMAccountName: name,
        member: members.map(dnOf),
      });
  });
  return {
    url: `ldap://${there}`,
    secureUrl: `ldaps://${there}`,
    ca,
    bindDn: `CN=preau,OU=Services,${adBase}`,
    bindPassword: 'Service-De-Preau-1',
    change,
    start,
    freeze: (frozen) => freeze(child, frozen),
    stop: async () => {
      child?.kill('SIGCONT');
      child?.kill('SIGTERM');
      if (child !== null) await ended(child);
    },
  };
}

/** Call after `stop`: removes the namespace and the folder. */
export function removeSambaAd(folder: string): void {
  spawnSync('ip', [
    'netns',
    'del',
    `preau-ad-${createHash('sha256').update(folder).digest('hex').slice(0, 6)}`,
  ]);
  rmSync(folder, { recursive: true, force: true });
}

/** The network of a school whose only way out is a proxy: two network namespaces of their own, the
 * school's and the street's. In the street are Debian's squid, which wants a password and writes
 * down every connection, and the city, which the school has no route to. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { type Done, must, run } from '../dev/lab/host.ts';
import { type Service, startService, until } from '../dev/services.ts';
import { prepareSquid, type Squid } from './squid.fixture.ts';

const cityName = 'preau.ville.test';
const [street4, school4, city4] = ['10.77.0.1', '10.77.0.2', '10.88.0.1'];
const [street6, school6, city6] = ['fd77::1', 'fd77::2', 'fd88::1'];
const ports = { proxy: 3128, reading: 3129, city: 443, mirror: 80, names: 53 };

export interface SchoolNetwork {
  folder: string;
  /** `https://` address of the city. */
  cityUrl: string;
  /** The authority that signed the city's certificate, as a PEM file. */
  cityAuthority: string;
  /** Address of the proxy for this password; `reading`: the one that reads TLS. */
  proxyUrl: (password?: string, kind?: 'proxy' | 'reading') => string;
  /** Runs a program in the school's network. */
  run: (argv: readonly string[], env?: Record<string, string>, timeoutMs?: number) => Promise<Done>;
  start: (name: string, argv: readonly string[], env?: Record<string, string>) => Service;
  /** What squid wrote down since the last call: `TCP_TUNNEL/200 CONNECT host:port`. */
  proxied: () => string[];
  /** Opens or closes the direct way to the city, by IPv4 or IPv6. */
  direct: (kind: 'none' | 'ipv4' | 'ipv6') => Promise<void>;
  ipv6: (on: boolean) => Promise<void>;
  /** How the school finds names: the hosts file, or a resolver that answers after so long. */
  names: (how: 'hosts' | { slowMs: number }) => Promise<void>;
  close: () => Promise<void>;
}

/** `city`: a port of this machine's loopback, which is behind TLS there; `mirror`: another, in plain
 * HTTP. */
export async function openSchoolNetwork(city: number, mirror: number): Promise<SchoolNetwork> {
  const folder = mkdtempSync(join(tmpdir(), 'preau-school-'));
  chmodSync(folder, 0o755);
  const [school, street] = [`preau-${process.pid}-school`, `preau-${process.pid}-street`];
  const within = (space: string, argv: readonly string[]) => [
    ...['nsenter', `--net=/run/netns/${space}`, 'unshare', '--mount', 'sh', '-c'],
    `mount --bind ${folder}/hosts /etc/hosts; mount --bind ${folder}/resolv.conf /etc/resolv.conf; exec "$@"`,
    'sh',
    ...argv,
  ];
  const services: Service[] = [];
  const start = (space: string, name: string, argv: readonly string[], env = {}) => {
    const [file = '', ...args] = within(space, argv);
    const service = startService({ name, file, args, env, logPath: join(folder, `${name}.log`) });
    services.push(service);
    return service;
  };
  const fronts: Server[] = [];

  writeFileSync(join(folder, 'hosts'), '127.0.0.1 localhost\n');
  writeFileSync(join(folder, 'resolv.conf'), '');
  const authorities = await makeCertificates(folder);
  await layCables(school, street);
  fronts.push(
    await front(join(folder, 'city.sock'), city, {
      key: readFileSync(join(folder, 'city.key')),
      cert: readFileSync(join(folder, 'city.pem')),
    }),
    await front(join(folder, 'mirror.sock'), mirror, null),
  );
  for (const name of ['city', 'mirror'] as const)
    start(street, `${name}-relay`, [
      process.execPath,
      '-e',
      relay,
      String(ports[name]),
      join(folder, `${name}.sock`),
    ]);
  let resolver: Service | null = null;
  const squid = readingSquid(folder);
  start(street, 'squid', squid.argv);

  const names: SchoolNetwork['names'] = async (how) => {
    await resolver?.kill();
    resolver = null;
    const hosts = how === 'hosts' ? [`${city4} ${cityName}`, `${city4} mirror.test`] : [];
    writeFileSync(join(folder, 'hosts'), ['127.0.0.1 localhost', ...hosts, ''].join('\n'));
    writeFileSync(join(folder, 'resolv.conf'), how === 'hosts' ? '' : `nameserver ${street4}\n`);
    if (how !== 'hosts')
      resolver = start(street, 'resolver', [
        process.execPath,
        '-e',
        slowResolver,
        String(how.slowMs),
        city4,
      ]);
  };
  await names('hosts');
  const answers = (port: number) =>
    run(
      within(school, [
        process.execPath,
        '-e',
        `require('net').connect(${port}, '${street4}').on('connect', () => ` +
          `process.exit(0)).on('error', () => process.exit(1))`,
      ]),
    );
  await until('squid', async () => (await answers(ports.proxy)).code === 0, 30_000);

  return {
    folder,
    cityUrl: `https://${cityName}`,
    cityAuthority: authorities,
    proxyUrl: (password, kind = 'proxy') => squid.url(ports[kind], password),
    run: (argv, env = {}, timeoutMs = 60_000) => run(within(school, argv), { env, timeoutMs }),
    start: (name, argv, env) => start(school, name, argv, env),
    proxied: squid.proxied,
    direct: async (kind) => {
      for (const family of ['-4', '-6'])
        await run(['ip', family, '-n', school, 'route', 'del', 'default']);
      if (kind === 'ipv4')
        await must(['ip', '-n', school, 'route', 'add', 'default', 'via', street4]);
      if (kind === 'ipv6') {
        await must(['ip', '-6', '-n', school, 'route', 'add', 'default', 'via', street6]);
        writeFileSync(join(folder, 'hosts'), `127.0.0.1 localhost\n${city6} ${cityName}\n`);
      } else await names('hosts');
    },
    ipv6: async (on) => {
      await must([
        ...['nsenter', `--net=/run/netns/${school}`, 'sysctl', '-q', '-w'],
        `net.ipv6.conf.all.disable_ipv6=${on ? 0 : 1}`,
      ]);
      if (on)
        await run(['ip', '-n', school, 'addr', 'add', `${school6}/64`, 'dev', 'eth0', 'nodad']);
    },
    names,
    close: async () => {
      await Promise.all(services.map((service) => service.kill()));
      for (const server of fronts) server.close();
      for (const space of [school, street]) await run(['ip', 'netns', 'del', space]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function layCables(school: string, street: string): Promise<void> {
  for (const space of [school, street]) await must(['ip', 'netns', 'add', space]);
  await must([
    'ip',
    '-n',
    school,
    'link',
    'add',
    'eth0',
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    street,
  ]);
  const lines = (near4: string, near6: string) =>
    `link set lo up\nlink set eth0 up\naddr add ${near4}/30 dev eth0\naddr add ${near6}/64 dev eth0 nodad\n`;
  await must(['ip', '-n', school, '-batch', '-'], { input: lines(school4, school6) });
  await must(['ip', '-n', street, '-batch', '-'], {
    input: `${lines(street4, street6)}addr add ${city4}/32 dev lo\naddr add ${city6}/128 dev lo nodad\n`,
  });
}

/** Listens on a file, which every network namespace sees, and passes connections to a port. */
function front(
  path: string,
  port: number,
  tls: { key: Buffer; cert: Buffer } | null,
): Promise<Server> {
  const pass = (socket: import('node:net').Socket) => {
    const inner = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [socket, inner],
      [inner, socket],
    ] as const)
      from.on('error', () => to.destroy()).pipe(to);
  };
  const server = tls === null ? createServer(pass) : createTlsServer(tls, pass);
  return new Promise((resolve) => server.listen(path, () => resolve(server)));
}

/** `node -e relay PORT FILE`: the city's door in the street. */
const relay = `const net = require('net');
net.createServer((socket) => {
  const inner = net.connect(process.argv[2]);
  for (const [from, to] of [[socket, inner], [inner, socket]]) from.on('error', () => to.destroy()).pipe(to);
}).listen(Number(process.argv[1]), '::');`;

/** `node -e slowResolver MS ADDRESS`: answers every question for an IPv4 address with this one. */
const slowResolver = `const socket = require('dgram').createSocket('udp4');
const [ms, address] = process.argv.slice(1);
socket.on('message', (asked, from) => {
  let end = 12;
  while (asked[end] !== 0) end += asked[end] + 1;
  const question = asked.subarray(12, end + 5);
  const isA = question.readUInt16BE(question.length - 4) === 1;
  const head = Buffer.from([asked[0], asked[1], 0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0]);
  const bytes = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)];
  const answer = Buffer.from(isA ? bytes : []);
  setTimeout(() => socket.send(Buffer.concat([head, question, answer]), from.port, from.address), Number(ms));
}).bind(53);`;

/** Two authorities, the city's and the school's own; returns the file of the city's. */
async function makeCertificates(folder: string): Promise<string> {
  const authority = (name: string, organisation: string) =>
    must([
      ...[
        'openssl',
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
      ],
      ...[
        '-days',
        '2',
        '-subj',
        `/O=${organisation}/CN=${name}`,
        '-addext',
        'keyUsage=keyCertSign',
      ],
      ...['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.pem`)],
    ]);
  await authority('ville-ca', 'Ville');
  await authority('filtre-ca', 'Filtre de l ecole');
  const request = join(folder, 'city.csr');
  await must([
    ...['openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-subj', `/CN=${cityName}`, '-keyout', join(folder, 'city.key'), '-out', request],
  ]);
  writeFileSync(join(folder, 'city.ext'), `subjectAltName=DNS:${cityName}\n`);
  await must([
    ...[
      'openssl',
      'x509',
      '-req',
      '-days',
      '2',
      '-in',
      request,
      '-extfile',
      join(folder, 'city.ext'),
    ],
    ...[
      '-CA',
      join(folder, 'ville-ca.pem'),
      '-CAkey',
      join(folder, 'ville-ca.key'),
      '-CAcreateserial',
    ],
    ...['-out', join(folder, 'city.pem')],
  ]);
  return join(folder, 'ville-ca.pem');
}

/** With a second port, at which it reads TLS by an authority of its own. */
function readingSquid(folder: string): Squid {
  const parts = ['filtre-ca.key', 'filtre-ca.pem'].map((name) =>
    readFileSync(join(folder, name), 'utf8'),
  );
  writeFileSync(join(folder, 'filtre.pem'), parts.join(''));
  writeFileSync(
    join(folder, 'hosts-of-the-street'),
    `${city4} ${cityName}\n${city4} mirror.test\n`,
  );
  const squid = prepareSquid(folder, {
    address: street4,
    ports: [ports.proxy],
    allowed: `acl city dstdomain ${cityName} mirror.test`,
    more: `hosts_file ${folder}/hosts-of-the-street
http_port ${street4}:${ports.reading} ssl-bump tls-cert=${folder}/filtre.pem generate-host-certificates=on
sslcrtd_program /usr/lib/squid/security_file_certgen -s ${folder}/written/certificates -M 4MB
sslcrtd_children 1
acl reading localport ${ports.reading}
ssl_bump bump reading
ssl_bump splice all
tls_outgoing_options cafile=${folder}/ville-ca.pem`,
  });
  const certificates = join(folder, 'written/certificates');
  spawnSync('/usr/lib/squid/security_file_certgen', ['-c', '-s', certificates, '-M', '4MB']);
  spawnSync('chown', ['-R', 'proxy:proxy', certificates]);
  return squid;
}

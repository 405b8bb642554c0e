/** What the gateway costs compared with a plain TCP pipe: the same streams, to the same number of
 * clients, in the same run. Three processes: FakeGuacd, which is not guacd (it answers the
 * handshake and replays generated instructions as fast as they are taken); the gateway's own `pump`
 * over a real WebSocket server, with the pipe in the same process; and the clients. This file is
 * also the entry point of all three: `gateway.ts ROLE CONTROL_PORT …`. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket, WebSocketServer } from 'ws';
import { pump } from '../../controller/src/edge/gateway/relay.ts';
import { decode, encode, InstructionFramer } from '../../controller/src/platform/guacamole.ts';
import { freePort, root, type Service, startService, until } from '../services.ts';
import { type Figure, median, quantile, round } from './figures.ts';

type Stream = 'image' | 'small' | 'sync';
type Way = 'gateway' | 'pipe';

/** What one client requests from FakeGuacd. It starts once all clients of the group are
 * connected. */
interface Order {
  stream: Stream;
  /** Bytes per client; for `sync`, the number of instructions. */
  amount: number;
  group: string;
  clients: number;
}

interface Received {
  seconds: number;
  bytes: number;
  /** Frames that did not end at an instruction boundary: must be 0. */
  torn: number;
  latenciesMs: number[];
}

interface State {
  cpuSeconds: number;
  rss: number;
  external: number;
  heapUsed: number;
  /** Sockets to FakeGuacd that are paused. */
  paused: number;
  /** Bytes FakeGuacd has handed to the kernel. */
  sent: number;
}

const syncEveryMs = 4;
const stalledBytes = 200_000_000;
const orderOf = (text: string): Order => JSON.parse(text) as Order;
const clock = () => Number(process.hrtime.bigint()) / 1e6;

// ————————————————————————————————————————————————————————————————— FakeGuacd

/** A few MB of instructions, generated from a seed: the same in each run. */
function streamOf(stream: Stream): Buffer {
  let state = 2026;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
  const number = (below: number) => String(random(below));
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const parts: string[] = [];
  let length = 0;
  const say = (...instruction: [string, ...string[]]) => {
    const text = encode(instruction);
    parts.push(text);
    length += text.length;
  };
  for (let frame = 0; length < 4_000_000; frame += 1) {
    if (stream === 'image') {
      say('img', '1', '14', '0', 'image/png', number(1280), number(720));
      for (let blob = 0; blob < 8; blob += 1)
        say('blob', '1', Array.from({ length: 6144 }, () => alphabet[random(64)]).join(''));
      say('end', '1');
    } else {
      for (let op = 0; op < 10; op += 1) {
        say('rect', '0', number(1280), number(720), number(300), number(200));
        say('cfill', '14', '0', number(256), number(256), number(256), '255');
        say(
          'copy',
          '0',
          number(1280),
          number(720),
          number(300),
          number(200),
          '14',
          '0',
          number(1280),
          number(720),
        );
      }
      say('cursor', '0', '0', '-1', '0', '0', '16', '16');
    }
    say('sync', String(1_700_000_000_000 + frame * 16), '1');
  }
  return Buffer.from(parts.join(''), 'ascii');
}

async function runFakeGuacd(controlPort: number, port: number): Promise<void> {
  const replayed = { image: streamOf('image'), small: streamOf('small') };
  const waiting = new Map<string, (() => void)[]>();
  const sockets = new Set<Socket>();

  const replay = (socket: Socket, bytes: Buffer, amount: number) => {
    let left = amount;
    let at = 0;
    const more = () => {
      while (left > 0 && !socket.destroyed) {
        // Whole rounds of the stream, then the remainder: the last instruction may be cut, as when
        // guacd is slow.
        const piece = bytes.subarray(at, Math.min(at + 65_536, bytes.length, at + left));
        at = (at + piece.length) % bytes.length;
        left -= piece.length;
        if (!socket.write(piece)) {
          socket.once('drain', more);
          return;
        }
      }
    };
    more();
  };
  const tick = (socket: Socket, amount: number) => {
    let left = amount;
    const timer = setInterval(() => {
      left -= 1;
      if (left < 0 || socket.destroyed) clearInterval(timer);
      else socket.write(encode(['sync', clock().toFixed(6)]));
    }, syncEveryMs);
  };
  const begin = (socket: Socket, order: Order) => {
    socket.write(encode(['ready', '$fake']));
    const start = () =>
      order.stream === 'sync'
        ? tick(socket, order.amount)
        : replay(socket, replayed[order.stream], order.amount);
    const group = [...(waiting.get(order.group) ?? []), start];
    waiting.set(order.group, group);
    if (group.length < order.clients) return;
    waiting.delete(order.group);
    // Lets the last `ready` arrive before the streams begin.
    setTimeout(() => {
      for (const each of group) each();
    }, 100);
  };
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    const framer = new InstructionFramer();
    socket.on('data', (chunk) => {
      for (const [opcode, , order] of decode(framer.push(chunk)?.toString() ?? '') ?? []) {
        if (opcode === 'select') socket.write(encode(['args', 'VERSION_1_3_0', 'order']));
        else if (opcode === 'connect') begin(socket, orderOf(order ?? ''));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', 512, resolve));
  control(
    controlPort,
    (): State => ({
      ...ownState(),
      paused: 0,
      sent: [...sockets].reduce(
        (sum, socket) => sum + socket.bytesWritten - socket.writableLength,
        0,
      ),
    }),
  );
}

// ————————————————————————————————————————————————————————————————— the gateway, and the pipe
// beside it

async function runGateway(
  controlPort: number,
  wsPort: number,
  pipePort: number,
  guacdPort: number,
): Promise<void> {
  const upstreams = new Set<Socket>();
  const dial = () => {
    const socket = connect({ host: '127.0.0.1', port: guacdPort, noDelay: true });
    socket.on('error', () => socket.destroy());
    upstreams.add(socket);
    socket.on('close', () => upstreams.delete(socket));
    return socket;
  };
  // As createGateway opens it; sign-in and tickets are not measured.
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: 65_536,
    perMessageDeflate: false,
    handleProtocols: (protocols) => (protocols.has('guacamole') ? 'guacamole' : false),
  });
  const http = createHttpServer();
  http.on('upgrade', (request: IncomingMessage, socket, head) => {
    server.handleUpgrade(request, socket, head, (browser) => {
      const guacd = dial();
      const order = new URLSearchParams((request.url ?? '').split('?')[1]).get('order') ?? '';
      guacd.write(encode(['select', 'rdp']));
      let read = Buffer.alloc(0);
      const shake = (chunk: Buffer) => {
        read = Buffer.concat([read, chunk]);
        for (let end = read.indexOf(';'); end >= 0; end = read.indexOf(';')) {
          const [opcode] = decode(read.subarray(0, end + 1).toString())?.[0] ?? [];
          read = read.subarray(end + 1);
          if (opcode === 'args') guacd.write(encode(['connect', 'VERSION_1_3_0', order]));
          else if (opcode === 'ready') {
            guacd.off('data', shake);
            return pump({ socket: guacd, early: read }, browser, () => browser.close());
          }
        }
      };
      guacd.on('data', shake);
      browser.on('error', () => browser.terminate());
      browser.on('close', () => guacd.destroy());
    });
  });
  await new Promise<void>((resolve) => http.listen(wsPort, '127.0.0.1', 512, resolve));
  const pipe = createServer({ noDelay: true }, (client) => {
    const guacd = dial();
    client.on('error', () => client.destroy());
    client.on('close', () => guacd.destroy());
    guacd.pipe(client);
    client.pipe(guacd);
  });
  await new Promise<void>((resolve) => pipe.listen(pipePort, '127.0.0.1', 512, resolve));
  control(
    controlPort,
    (): State => ({
      ...ownState(),
      sent: 0,
      paused: [...upstreams].filter((socket) => socket.isPaused()).length,
    }),
  );
}

// ————————————————————————————————————————————————————————————————— the clients

interface Job {
  way: Way | 'stalled' | 'release';
  order: Order;
}

async function runClients(controlPort: number, wsPort: number, pipePort: number): Promise<void> {
  const stalled: WebSocket[] = [];
  const openSocket = (order: Order) =>
    // In production the browser checks UTF-8 in its own process: skipped here, so that the client
    // is not what is measured.
    new WebSocket(
      `ws://127.0.0.1:${wsPort}/api/tunnel?order=${encodeURIComponent(JSON.stringify(order))}`,
      ['guacamole'],
      { perMessageDeflate: false, skipUTF8Validation: true },
    );

  const receive = ({ way, order }: Job): Promise<Received> =>
    new Promise((resolve, reject) => {
      const closers: (() => void)[] = [];
      const take = receiver(way, order, (received) => {
        for (const close of closers) close();
        resolve(received);
      });
      for (let count = 0; count < order.clients; count += 1) {
        if (way === 'gateway') {
          const socket = openSocket(order);
          socket.on('message', (data: Buffer) => take(data));
          socket.on('error', reject);
          closers.push(() => socket.terminate());
        } else {
          const socket = openPipe(pipePort, order, take);
          socket.on('error', reject);
          closers.push(() => socket.destroy());
        }
      }
    });
  control(controlPort, async (job: Job | null): Promise<unknown> => {
    if (job === null) return ownState();
    if (job.way === 'release') {
      for (const socket of stalled.splice(0)) socket.terminate();
      return {};
    }
    if (job.way !== 'stalled') return receive(job);
    const socket = openSocket(job.order);
    socket.on('error', () => undefined);
    stalled.push(socket);
    await new Promise((resolve) => socket.once('open', resolve));
    socket.pause();
    return {};
  });
}

/** Counts received bytes until all have arrived. */
function receiver(
  way: Job['way'],
  order: Job['order'],
  over: (received: Received) => void,
): (chunk: Buffer) => void {
  const received: Received = { seconds: 0, bytes: 0, torn: 0, latenciesMs: [] };
  const total = order.amount * order.clients;
  // The gateway holds back a cut instruction; the pipe does not.
  const tail = way === 'gateway' ? 6200 : 0;
  let startedAt = 0;
  const note = (chunk: Buffer) => {
    if (order.stream === 'sync') {
      const now = clock();
      for (const [, at] of decode(chunk.toString()) ?? [])
        received.latenciesMs.push(now - Number(at));
    } else if (way === 'gateway' && chunk[chunk.length - 1] !== 0x3b) received.torn += 1;
  };
  return (chunk) => {
    if (startedAt === 0) startedAt = clock();
    received.bytes += chunk.length;
    note(chunk);
    if (
      order.stream === 'sync'
        ? received.latenciesMs.length < total
        : received.bytes < total - tail * order.clients
    )
      return;
    received.seconds = (clock() - startedAt) / 1000;
    over(received);
  };
}

/** Opens a connection and does the handshake; `take` receives everything after it. */
function openPipe(port: number, order: Job['order'], take: (chunk: Buffer) => void): Socket {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const shake = (chunk: Buffer) => {
    const text = chunk.toString();
    if (text.includes('ready')) {
      socket.off('data', shake);
      socket.on('data', take);
    } else socket.write(encode(['connect', 'VERSION_1_3_0', JSON.stringify(order)]));
  };
  socket.on('data', shake);
  socket.write(encode(['select', 'rdp']));
  return socket;
}

function ownState(): Omit<State, 'paused' | 'sent'> {
  const cpu = process.cpuUsage();
  globalThis.gc?.();
  const memory = process.memoryUsage();
  return {
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    rss: memory.rss,
    external: memory.external,
    heapUsed: memory.heapUsed,
  };
}

/** Serves control requests, as JSON over loopback HTTP. */
function control(port: number, answer: (job: Job | null) => unknown): void {
  createHttpServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      const reply = async () => answer(text === '' ? null : (JSON.parse(text) as Job));
      reply().then(
        (value) => response.end(JSON.stringify(value)),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  }).listen(port, '127.0.0.1');
}

// ————————————————————————————————————————————————————————————————— the measurement

export async function measureGateway(
  tell: (text: string) => void,
  signal: AbortSignal,
): Promise<Figure[]> {
  const folder = join(root, '.data', `bench-gateway-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const services: Service[] = [];
  const start = (role: string, ...ports: number[]) => {
    services.push(
      startService({
        name: role,
        file: process.execPath,
        args: ['--expose-gc', fileURLToPath(import.meta.url), role, ...ports.map(String)],
        logPath: join(folder, `${role}.log`),
      }),
    );
  };
  const ask = async <T>(port: number, job?: Job): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      ...(job === undefined ? {} : { body: JSON.stringify(job) }),
    });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as T;
  };
  try {
    const [fake, gateway, clients, guacdPort, wsPort, pipePort] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    start('fake-guacd', fake, guacdPort);
    start('gateway', gateway, wsPort, pipePort, guacdPort);
    start('clients', clients, wsPort, pipePort);
    await until(
      'the three processes',
      async () =>
        (await Promise.all([fake, gateway, clients].map((port) => ask<State>(port)))).length === 3,
    ).catch((error: unknown) => {
      throw new Error(
        `${String(error)}\n${services.map(({ name }) => readFileSync(join(folder, `${name}.log`), 'utf8')).join('\n')}`,
      );
    });

    let groups = 0;
    const runOnce = async (way: Way, stream: Stream, count: number, amount: number) => {
      signal.throwIfAborted();
      groups += 1;
      const before = await ask<State>(gateway);
      const received = await ask<Received>(clients, {
        way,
        order: { stream, amount, group: String(groups), clients: count },
      });
      const after = await ask<State>(gateway);
      if (received.torn > 0)
        throw new Error(`${received.torn} frames were cut inside an instruction`);
      return {
        ...received,
        mbPerSecond: received.bytes / received.seconds / 1e6,
        cpuPerGb: (after.cpuSeconds - before.cpuSeconds) / (received.bytes / 1e9),
      };
    };
    const compare = async (stream: 'image' | 'small', count: number, rounds: number) => {
      const total = stream === 'image' ? 400_000_000 : 120_000_000;
      const runs: Record<Way, Awaited<ReturnType<typeof runOnce>>[]> = { gateway: [], pipe: [] };
      for (let each = 0; each < rounds; each += 1) {
        // The order alternates: a machine that warms up or slows down favours neither.
        for (const way of each % 2 === 0
          ? (['pipe', 'gateway'] as const)
          : (['gateway', 'pipe'] as const))
          runs[way].push(await runOnce(way, stream, count, Math.floor(total / count)));
      }
      const middle = (way: Way, of: 'mbPerSecond' | 'cpuPerGb') =>
        median(runs[way].map((run) => run[of]));
      const ratios = runs.gateway.map(
        (run, each) => run.mbPerSecond / (runs.pipe[each]?.mbPerSecond ?? Number.NaN),
      );
      const detail = {
        clients: count,
        rounds,
        gateway_mb_per_s: round(middle('gateway', 'mbPerSecond'), 1),
        pipe_mb_per_s: round(middle('pipe', 'mbPerSecond'), 1),
        gateway_cpu_s_per_gb: round(middle('gateway', 'cpuPerGb'), 2),
        pipe_cpu_s_per_gb: round(middle('pipe', 'cpuPerGb'), 2),
        // Compares adjacent runs, so that a machine that slows down halfway does not decide.
        ratio: round(median(ratios), 3),
        ratios: ratios.map((ratio) => round(ratio, 3)),
      };
      tell(
        `${stream}, ${count} clients: ${detail.gateway_mb_per_s} MB/s beside ${detail.pipe_mb_per_s} MB/s`,
      );
      return detail;
    };

    // Warms up both, so that compilation is not measured.
    for (const way of ['gateway', 'pipe'] as const)
      for (const stream of ['image', 'small'] as const) await runOnce(way, stream, 4, 15_000_000);

    const figures: Figure[] = [];
    for (const [stream, id] of [
      ['image', 'gateway.image_throughput_ratio'],
      ['small', 'gateway.small_ops_throughput_ratio'],
    ] as const) {
      const one = await compare(stream, 1, 3);
      const twenty = await compare(stream, 20, 5);
      const hundred = await compare(stream, 100, 3);
      figures.push({
        id,
        value: twenty.ratio,
        unit: 'ratio',
        aim: '>= 0.7',
        holds: twenty.ratio >= 0.7,
        detail: { value_at: '20 clients', by_clients: [one, twenty, hundred] },
      });
    }

    const latencies: Record<Way, number[]> = { gateway: [], pipe: [] };
    for (let each = 0; each < 4; each += 1)
      for (const way of ['pipe', 'gateway'] as const)
        latencies[way].push(...(await runOnce(way, 'sync', 1, 500)).latenciesMs.slice(20));
    const added = round(quantile(latencies.gateway, 0.5) - quantile(latencies.pipe, 0.5), 3);
    tell(`latency: ${added} ms more than the pipe`);
    figures.push({
      id: 'gateway.added_latency_ms_p50',
      value: added,
      unit: 'ms',
      aim: '<= 1',
      holds: added <= 1,
      detail: {
        n: latencies.gateway.length,
        gateway_p50: round(quantile(latencies.gateway, 0.5), 3),
        gateway_p99: round(quantile(latencies.gateway, 0.99), 3),
        pipe_p50: round(quantile(latencies.pipe, 0.5), 3),
        pipe_p99: round(quantile(latencies.pipe, 0.99), 3),
        added_p99: round(quantile(latencies.gateway, 0.99) - quantile(latencies.pipe, 0.99), 3),
      },
    });

    // First lets the gateway release memory of earlier streams.
    for (let each = 0; each < 3; each += 1) await ask<State>(gateway);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const before = await ask<State>(gateway);
    groups += 1;
    await ask(clients, {
      way: 'stalled',
      order: { stream: 'image', amount: stalledBytes, group: String(groups), clients: 1 },
    });
    let peakRss = 0;
    let sentAt2s = 0;
    for (let each = 0; each < 20; each += 1) {
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 250));
      peakRss = Math.max(peakRss, (await ask<State>(gateway)).rss);
      if (each === 7) sentAt2s = (await ask<State>(fake)).sent;
    }
    const [after, source] = [await ask<State>(gateway), await ask<State>(fake)];
    await ask(clients, {
      way: 'release',
      order: { stream: 'image', amount: 0, group: '', clients: 0 },
    });
    const mb = (bytes: number) => round(bytes / 1e6, 2);
    const grown = mb(Math.max(after.rss - before.rss, after.external - before.external));
    tell(`a stalled client: ${grown} MB`);
    const halted = after.paused === 1 && source.sent === sentAt2s && source.sent < stalledBytes;
    figures.push({
      id: 'gateway.stalled_client_mb',
      value: grown,
      unit: 'MB',
      aim: '<= 2',
      holds: grown <= 2 && halted,
      detail: {
        what:
          'the greater growth of RSS (which contains external) and of external, after gc, 5 s ' +
          'after the client stopped reading',
        guacd_side_paused: halted,
        offered_mb: mb(stalledBytes),
        taken_from_guacd_mb: mb(source.sent),
        rss_mb: mb(after.rss - before.rss),
        rss_peak_mb: mb(peakRss - before.rss),
        external_mb: mb(after.external - before.external),
        heap_mb: mb(after.heapUsed - before.heapUsed),
      },
    });
    return figures;
  } finally {
    await Promise.all(services.map((service) => service.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const [role, ...ports] = process.argv.slice(2);
  const [first = 0, second = 0, third = 0, fourth = 0] = ports.map(Number);
  if (role === 'fake-guacd') await runFakeGuacd(first, second);
  else if (role === 'gateway') await runGateway(first, second, third, fourth);
  else if (role === 'clients') await runClients(first, second, third);
  else throw new Error('gateway.ts is started by dev/bench.ts');
}

/** The city's package source: serves one repository to the schools, counts each school's traffic,
 * and can inject faults. */
import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream';

/** `truncated`: half of the announced length, then the connection closes. `endless`: never stops.
 * `trickle`: one byte a second. `changed`: one byte is altered. `missing`: 404. `mute`: accepts the
 * request and never answers. */
export type SourceFault = 'truncated' | 'endless' | 'trickle' | 'changed' | 'missing' | 'mute';
export const sourceFaults: readonly SourceFault[] = [
  'truncated',
  'endless',
  'trickle',
  'changed',
  'missing',
  'mute',
];

export interface Mirror {
  url: string;
  /** Bytes sent to these addresses, headers included. */
  bytesOf: (addresses: readonly string[]) => number;
  /** Answered requests from these addresses, by file name. */
  requestsOf: (addresses: readonly string[]) => ReadonlyMap<string, number>;
  resetCounts: () => void;
  /** Injects a fault from now on, for packages (or for matching file names), for everyone or for
   * these addresses. Returns a function that ends it. */
  misbehave: (
    fault: SourceFault,
    where?: { addresses?: readonly string[]; files?: RegExp },
  ) => () => void;
  behave: () => void;
  close: () => Promise<void>;
}

const clean = (address: string | undefined) => (address ?? '').replace(/^::ffff:/, '');

/** The requested byte range; null when it lies outside the file. */
function spanOf(range: string | undefined, size: number): { from: number; to: number } | null {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  const from = Number(first ?? 0);
  const to = last === undefined || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return first !== undefined && from > to ? null : { from, to };
}

/** A file of the mirror; `size` -1: no such file. */
function fileOf(folder: string, name: string): { path: string; size: number } {
  const path = join(folder, name);
  const isOurs = /^(InRelease|Packages(\.gz)?|[A-Za-z0-9.+~%_:-]+\.deb)$/.test(name);
  return { path, size: isOurs ? (statSync(path, { throwIfNoEntry: false })?.size ?? -1) : -1 };
}

/** Answers with a file, altered by the fault if any. */
function serve(
  { path, size }: { path: string; size: number },
  fault: SourceFault | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): undefined {
  if (fault === 'missing' || size < 0 || (request.method !== 'GET' && request.method !== 'HEAD'))
    return void response.writeHead(404, { 'content-length': 0 }).end();
  if (fault === 'mute') return;
  const isPart = /^bytes=\d+-\d*$/.test(request.headers.range ?? '');
  const span = spanOf(request.headers.range, size);
  if (span === null)
    return void response
      .writeHead(416, { 'content-range': `bytes */${size}`, 'content-length': 0 })
      .end();
  const { from, to } = span;
  if (fault === 'endless')
    return void pour(
      response.writeHead(200, { 'content-type': 'application/octet-stream' }),
      256 * 1024,
      100,
    );
  response.writeHead(isPart ? 206 : 200, {
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    'last-modified': statSync(path).mtime.toUTCString(),
    ...(isPart ? { 'content-range': `bytes ${from}-${to}/${size}` } : {}),
    'content-length': to - from + 1,
  });
  if (request.method === 'HEAD' || size === 0) return void response.end();
  if (fault === 'trickle') return void pour(response, 1, 1000);
  send(path, span, fault, response);
}

function send(
  path: string,
  { from, to }: { from: number; to: number },
  fault: SourceFault | undefined,
  response: ServerResponse,
): void {
  const end = fault === 'truncated' ? from + Math.floor((to - from) / 2) : to;
  const file = createReadStream(path, { start: from, end });
  if (fault === 'truncated') {
    file.pipe(response, { end: false });
    file.on('end', () => setTimeout(() => response.socket?.destroy(), 50));
    return;
  }
  if (fault === 'changed')
    file.once(
      'data',
      (chunk) =>
        Buffer.isBuffer(chunk) &&
        chunk.writeUInt8((chunk.readUInt8(chunk.length >> 1) ^ 0xff) & 0xff, chunk.length >> 1),
    );
  pipeline(file, response, () => undefined);
}

function pour(response: ServerResponse, size: number, everyMs: number): void {
  const timer = setInterval(() => {
    if (response.writableLength < 4 * 1024 * 1024) response.write(Buffer.alloc(size, 'x'));
  }, everyMs);
  response.on('close', () => clearInterval(timer));
}

export async function startMirror(options: { host: string; folder: string }): Promise<Mirror> {
  const bytes = new Map<string, number>();
  const requests = new Map<string, Map<string, number>>();
  const open = new Map<Socket, { address: string; counted: number }>();
  let misdeeds: { fault: SourceFault; addresses: readonly string[] | null; files: RegExp }[] = [];

  // Bytes still buffered here for a slow school have not crossed its line.
  const count = (socket: Socket) => {
    const known = open.get(socket);
    if (known === undefined) return;
    const sent = socket.bytesWritten - socket.writableLength;
    bytes.set(known.address, (bytes.get(known.address) ?? 0) + sent - known.counted);
    known.counted = sent;
  };

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const address = clean(request.socket.remoteAddress);
    const name = basename(decodeURIComponent((request.url ?? '').split('?')[0] ?? ''));
    const own = requests.get(address) ?? new Map<string, number>();
    requests.set(address, own.set(name, (own.get(name) ?? 0) + 1));
    const fault = misdeeds.find(
      (misdeed) =>
        misdeed.files.test(name) &&
        (misdeed.addresses === null || misdeed.addresses.includes(address)),
    )?.fault;
    serve(fileOf(options.folder, name), fault, request, response);
  };

  const server = createServer(answer);
  server.on('connection', (socket) => {
    open.set(socket, { address: clean(socket.remoteAddress), counted: 0 });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      count(socket);
      open.delete(socket);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, options.host, resolve);
  });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;

  return {
    url: `http://${options.host}:${port}`,
    bytesOf: (addresses) => {
      for (const socket of open.keys()) count(socket);
      return addresses.reduce((sum, address) => sum + (bytes.get(address) ?? 0), 0);
    },
    requestsOf: (addresses) => {
      const sum = new Map<string, number>();
      for (const address of addresses)
        for (const [name, times] of requests.get(address) ?? [])
          sum.set(name, (sum.get(name) ?? 0) + times);
      return sum;
    },
    resetCounts: () => {
      for (const socket of open.keys()) count(socket);
      bytes.clear();
      requests.clear();
    },
    misbehave: (fault, where = {}) => {
      const misdeed = { fault, addresses: where.addresses ?? null, files: where.files ?? /\.deb$/ };
      misdeeds.push(misdeed);
      return () => {
        misdeeds = misdeeds.filter((other) => other !== misdeed);
      };
    },
    behave: () => {
      misdeeds = [];
      // Endless answers are cut off: the school requests the file again.
      for (const socket of open.keys()) socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open.keys()) socket.destroy();
      }),
  };
}

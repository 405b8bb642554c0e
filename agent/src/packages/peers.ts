/** Shares packages between the servers of one site, so that each package comes over the school's
 * line once: the site's first server fetches it, the others read it from there. Serves only content
 * by its hash, and only to calls signed by a key that the city's signed state names. The receiver
 * checks the hash, so the connection needs no encryption. */
import { createHash } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { DesiredState } from '@preau/contract/desired-state.ts';
import { agentCallText, clockToleranceMs } from '@preau/contract/enrolment.ts';
import { Compile } from 'typebox/compile';
import { readFrom, sizeOf } from '#src/files.ts';
import { type Identity, isSignedByController, signCall } from '#src/identity.ts';
import { pause } from './download.ts';
import type { Store } from './store.ts';
import { type FileToFetch, NeighbourRequest } from './wanted.ts';

const isRequest = Compile(NeighbourRequest);
const maxBodyBytes = 1_000_000;
const answerWithinMs = 15_000;
const lookEveryMs = 400;
/** Without progress of the first server for this long, the wait ends. */
const patienceMs = 90_000;

// ---- asking the first server ----------------------------------------------------------------

export interface Neighbour {
  /** Announces everything that will be fetched, at once. False: the first server cannot be reached,
   * or does not know this server. */
  ask: (
    files: readonly FileToFetch[],
    kibibytesPerSecond: number | null,
    signal: AbortSignal,
  ) => Promise<boolean>;
  /** Reads from byte `from` on, waiting while the first server still fetches the file. Null: it
   * does not have the file and is not fetching it, or makes no progress. */
  read: (
    sha256: string,
    from: number,
    signal: AbortSignal,
  ) => Promise<{ stream: AsyncIterable<Buffer>; fetchedForUs: number } | null>;
}

export function neighbourAt(
  cache: { host: string; port: number },
  identity: Identity,
  now: () => number,
): Neighbour {
  const call = (
    method: string,
    path: string,
    body: string | null,
    headers: Record<string, string>,
    signal: AbortSignal,
  ) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const at = now();
      const made = request(
        {
          host: cache.host,
          port: cache.port,
          method,
          path,
          signal,
          timeout: answerWithinMs,
          headers: {
            authorization: `Preau ${identity.serverId} ${at} ${signCall(identity, { method, path, body, at })}`,
            ...(body === null
              ? {}
              : {
                  'content-type': 'application/json',
                  'content-length': String(Buffer.byteLength(body)),
                }),
            ...headers,
          },
        },
        resolve,
      );
      made.on('timeout', () =>
        made.destroy(new Error(`no answer from ${cache.host} for ${answerWithinMs / 1000} s`)),
      );
      made.on('error', reject);
      made.end(body ?? undefined);
    });
  return {
    ask: async (files, kibibytesPerSecond, signal) => {
      const body = JSON.stringify({
        files: files.map(({ sha256, size, name, origin }) => ({ sha256, size, name, origin })),
        kibibytesPerSecond,
      });
      try {
        const answer = await call('POST', '/packages', body, {}, signal);
        answer.resume();
        return answer.statusCode === 202;
      } catch {
        signal.throwIfAborted();
        return false;
      }
    },
    read: async (sha256, from, signal) => {
      let seen = '';
      let seenAt = now();
      for (;;) {
        const answer = await call(
          'GET',
          `/packages/${sha256}`,
          null,
          from > 0 ? { range: `bytes=${from}-` } : {},
          signal,
        );
        if (answer.statusCode === (from > 0 ? 206 : 200))
          return {
            stream: answer as AsyncIterable<Buffer>,
            fetchedForUs: Number(answer.headers['preau-fetched'] ?? 0) || 0,
          };
        answer.resume();
        if (answer.statusCode !== 202) return null;
        const progress = String(answer.headers['preau-moved'] ?? '');
        if (progress !== seen) {
          seen = progress;
          seenAt = now();
        } else if (now() - seenAt > patienceMs) return null;
        await pause(lookEveryMs, signal);
      }
    },
  };
}

// ---- being the first server -----------------------------------------------------------------

export interface PeerServer {
  port: number;
  close: () => Promise<void>;
}

export interface Serving {
  store: Store;
  peers: () => DesiredState['peers'];
  /** Starts fetching what is missing; returns at once. */
  want: (serverId: string, request: NeighbourRequest) => void;
  /** Whether the file is still being fetched. */
  coming: (sha256: string) => boolean;
  /** Bytes over the line that were spent on this file for this server; 0 when asked again. */
  charge: (serverId: string, sha256: string) => number;
  moved: () => number;
  now: () => number;
}

/** Id of the peer that signed the call; null when none did, or its clock is too far off. */
export function callerOf(
  call: { authorization: string | undefined; method: string; path: string; body: string | null },
  peers: DesiredState['peers'],
  now: number,
): string | null {
  const [scheme, serverId, at, signature, ...more] = (call.authorization ?? '').split(' ');
  const peer = peers.find((each) => each.serverId === serverId);
  if (
    scheme !== 'Preau' ||
    peer === undefined ||
    signature === undefined ||
    more.length > 0 ||
    !/^\d{1,16}$/.test(at ?? '') ||
    Math.abs(now - Number(at)) > clockToleranceMs
  )
    return null;
  const bodyHash = call.body === null ? '' : createHash('sha256').update(call.body).digest('hex');
  return isSignedByController(
    peer.publicKey,
    agentCallText({ at: Number(at), method: call.method, path: call.path, bodyHash }),
    signature,
  )
    ? peer.serverId
    : null;
}

export async function servePeers(
  listen: { host: string; port: number },
  serving: Serving,
): Promise<PeerServer> {
  const server: Server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000 },
    (incoming, response) => {
      answer(incoming, response, serving).catch(() => response.destroy());
    },
  );
  server.maxConnections = 128;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, resolve);
  });
  server.on('error', () => undefined);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : listen.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  incoming: IncomingMessage,
  response: ServerResponse,
  serving: Serving,
): Promise<void> {
  const { method = '', url: path = '', headers } = incoming;
  const end = (status: number, more: Record<string, string> = {}) => {
    response.writeHead(status, more).end();
  };
  const body = method === 'POST' ? await readBody(incoming) : null;
  if (method === 'POST' && body === null) return end(413);
  const serverId = callerOf(
    { authorization: headers.authorization, method, path, body },
    serving.peers(),
    serving.now(),
  );
  if (serverId === null) return end(403);
  if (method === 'POST' && path === '/packages') {
    let wanted: unknown;
    try {
      wanted = JSON.parse(body ?? '');
    } catch {
      return end(400);
    }
    if (!isRequest.Check(wanted)) return end(400);
    serving.want(serverId, wanted);
    return end(202);
  }
  const sha256 = /^\/packages\/([0-9a-f]{64})$/.exec(path)?.[1];
  if (method !== 'GET' || sha256 === undefined) return end(404);
  if (!serving.store.has(sha256))
    return serving.coming(sha256) ? end(202, { 'preau-moved': String(serving.moved()) }) : end(404);
  const file = serving.store.pathOf(sha256);
  const size = sizeOf(file);
  const from = Number(/^bytes=(\d{1,12})-$/.exec(headers.range ?? '')?.[1] ?? 0);
  if (from >= size) return end(416);
  response.writeHead(from > 0 ? 206 : 200, {
    'content-type': 'application/octet-stream',
    'content-length': String(size - from),
    'preau-fetched': String(serving.charge(serverId, sha256)),
    ...(from > 0 ? { 'content-range': `bytes ${from}-${size - 1}/${size}` } : {}),
  });
  await pipeline(readFrom(file, from), response);
}

/** Null when the body exceeds `maxBodyBytes`. */
async function readBody(incoming: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

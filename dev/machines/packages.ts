/** Debian's packages for machines that reach nothing but this host: a server that fetches what it is
 * asked for with this host's own apt settings, and keeps it in the cache. */
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream';
import { cache } from '../bare-root.ts';
import { hostMirrors } from '../lab/base.ts';
import { run } from '../lab/host.ts';

const pool = join(cache, 'pool');

export interface PackageRelay {
  /** The address of the relay, without a slash at its end. */
  url: string;
  /** The sources.list of a machine of this release. */
  sourcesList: (suite: string) => string;
  close: () => Promise<void>;
}

/** Listens on an address of this host, at a free port. */
export async function startPackageRelay(host: string): Promise<PackageRelay> {
  mkdirSync(pool, { recursive: true });
  const old = Date.now() - 14 * 24 * 3_600_000;
  for (const name of readdirSync(pool)) {
    const path = join(pool, name);
    // Every use touches the time of the last access.
    const used = statSync(path, { throwIfNoEntry: false })?.atimeMs ?? Date.now();
    if (used < old) rmSync(path, { force: true });
  }
  const { main, security } = hostMirrors();
  const upstream: Record<string, string> = { debian: main, 'debian-security': security };
  /** What was fetched by this relay: indexes change, and are asked for again by the next one. */
  const fetched = new Map<string, Promise<string | null>>();
  const fileOf = (path: string): Promise<string | null> => {
    const [archive = '', ...rest] = path.split('/').filter((part) => part !== '');
    const base = upstream[archive];
    if (base === undefined || rest.includes('..')) return Promise.resolve(null);
    const known = fetched.get(path);
    if (known !== undefined) return known;
    const file = fetchFile(`${base}/${rest.join('/')}`);
    fetched.set(path, file);
    return file;
  };
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '');
    fileOf(path).then(
      (file) => answer(file, request, response),
      () => response.writeHead(502).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, host, resolve);
  });
  const bound = server.address();
  const url = `http://${host}:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
  const signed = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
  return {
    url,
    sourcesList: (suite) =>
      `deb ${signed} ${url}/debian ${suite} main\n` +
      `deb ${signed} ${url}/debian-security ${suite}-security main\n`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The path of the file on this host; null when its source does not have it. */
async function fetchFile(address: string): Promise<string | null> {
  // The name of a package, and of an index by its hash, always means the same bytes.
  const isLasting = address.endsWith('.deb') || address.includes('/by-hash/');
  const name = isLasting ? basename(address) : address.replaceAll(/[^\w.-]+/g, '_');
  const file = join(pool, name);
  if (isLasting && existsSync(file)) {
    utimesSync(file, new Date(), statSync(file).mtime);
    return file;
  }
  const work = join(pool, `new-${process.pid}-${name}`);
  try {
    const { code } = await run(['/usr/lib/apt/apt-helper', 'download-file', address, work], {
      timeoutMs: 120_000,
    });
    // Without a way out, the indexes of the last run are good enough.
    if (code !== 0) return existsSync(file) ? file : null;
    renameSync(work, file);
    return file;
  } finally {
    rmSync(work, { force: true });
  }
}

function answer(file: string | null, request: IncomingMessage, response: ServerResponse): void {
  if (file === null) return void response.writeHead(404, { 'content-length': 0 }).end();
  response.writeHead(200, { 'content-length': statSync(file).size });
  if (request.method === 'HEAD') return void response.end();
  pipeline(createReadStream(file), response, () => undefined);
}

/** A small signed repository of Debian packages, served with faults that are asked for by name. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from '#src/command.ts';

export interface Made {
  name: string;
  version: string;
  postinst?: string;
  depends?: string;
  /** More lines of its control file, each with its end of line. */
  control?: string;
  /** Bytes that do not compress. */
  ballast?: number;
}
type Fault = 'truncated' | 'endless' | 'trickle' | 'changed';

const must = async (file: string, args: readonly string[], env?: Record<string, string>) => {
  const done = await run(file, args, { timeoutMs: 60_000, ...(env === undefined ? {} : { env }) });
  if (done.code !== 0) throw new Error(`${file} ${args.join(' ')}: ${done.stderr}`);
  return done.stdout;
};
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

const relations = ({ depends, control }: Made) =>
  `${depends === undefined ? '' : `Depends: ${depends}\n`}${control ?? ''}`;

export async function makePackage(folder: string, made: Made): Promise<string> {
  const root = join(folder, `${made.name}_${made.version}`);
  mkdirSync(join(root, 'DEBIAN'), { recursive: true });
  mkdirSync(join(root, 'usr/share', made.name), { recursive: true });
  writeFileSync(join(root, 'usr/share', made.name, 'version'), `${made.version}\n`);
  const noise: Buffer[] = [];
  for (let at = 0; at < (made.ballast ?? 0); at += 32)
    noise.push(createHash('sha256').update(`${made.name} ${made.version} ${at}`).digest());
  if (noise.length > 0)
    writeFileSync(join(root, 'usr/share', made.name, 'ballast'), Buffer.concat(noise));
  writeFileSync(
    join(root, 'DEBIAN/control'),
    `Package: ${made.name}\nVersion: ${made.version}\nArchitecture: all\nMaintainer: test ` +
      '<test@example.org>\nDescription: made for a ' +
      `test\n${relations(made)}`,
  );
  if (made.postinst !== undefined)
    writeFileSync(join(root, 'DEBIAN/postinst'), `#!/bin/sh\n${made.postinst}\n`, { mode: 0o755 });
  const file = join(folder, `${made.name}_${made.version}_all.deb`);
  await must('/usr/bin/dpkg-deb', ['--root-owner-group', '-Zgzip', '-b', root, file]);
  return file;
}

export interface Repository {
  uri: string;
  key: string;
  /** Another key, which signed nothing here. */
  foreignKey: string;
  /** Bytes sent for package files, over all requests. */
  sent: () => number;
  requests: () => number;
  reset: () => void;
  faults: Map<string, Fault>;
  publish: (packages: readonly Made[]) => Promise<void>;
  close: () => Promise<void>;
}

export async function openRepository(folder: string): Promise<Repository> {
  const gnupg = join(folder, 'gnupg');
  mkdirSync(gnupg, { recursive: true, mode: 0o700 });
  const env = { PATH: '/usr/bin:/bin', GNUPGHOME: gnupg, HOME: folder };
  const newKey = async (name: string) => {
    await must(
      '/usr/bin/gpg',
      ['--batch', '--passphrase', '', '--quick-gen-key', name, 'rsa2048', 'sign', 'never'],
      env,
    );
    return must('/usr/bin/gpg', ['--armor', '--export', name], env);
  };
  const key = await newKey('signer@example.org');
  const foreignKey = await newKey('foreigner@example.org');
  const pool = join(folder, 'pool');
  mkdirSync(pool, { recursive: true });
  const files = new Map<string, Buffer>();
  const faults = new Map<string, Fault>();
  let sent = 0;
  let requests = 0;
  const all: Made[] = [];

  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '').slice(1));
    const body = files.get(path);
    if (body === undefined) return response.writeHead(404).end();
    const isPackage = path.endsWith('.deb') || path.startsWith('files/');
    if (isPackage) requests += 1;
    const count = (bytes: number) => {
      if (isPackage) sent += bytes;
    };
    const fault = [...faults].find(([name]) => path.includes(name))?.[1];
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const head = { 'last-modified': 'Tue, 01 Jan 2030 00:00:00 GMT', 'accept-ranges': 'bytes' };
    if (fault === 'endless') {
      response.writeHead(200, head);
      const timer = setInterval(() => {
        if (response.writableLength < 1_000_000) response.write(Buffer.alloc(100_000));
      }, 5);
      response.on('close', () => clearInterval(timer));
      return undefined;
    }
    if (fault === 'trickle') {
      response.writeHead(200, { ...head, 'content-length': body.length });
      let at = 0;
      const timer = setInterval(() => response.write(body.subarray(at, ++at)), 1000);
      response.on('close', () => clearInterval(timer));
      return undefined;
    }
    const shown = fault === 'changed' ? Buffer.alloc(body.length, 7) : body;
    const end = fault === 'truncated' ? Math.min(from + 100_000, shown.length) : shown.length;
    const part = shown.subarray(from, end);
    response.writeHead(from > 0 ? 206 : 200, {
      ...head,
      'content-length': shown.length - from,
      ...(from > 0 ? { 'content-range': `bytes ${from}-${shown.length - 1}/${shown.length}` } : {}),
    });
    count(part.length);
    if (end === shown.length) return response.end(part);
    response.write(part);
    setTimeout(() => response.destroy(), 30);
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  return {
    uri,
    key,
    foreignKey,
    faults,
    sent: () => sent,
    requests: () => requests,
    reset: () => {
      sent = 0;
      requests = 0;
      faults.clear();
    },
    publish: async (packages) => {
      for (const made of packages) {
        const bytes = readFileSync(await makePackage(pool, made));
        files.set(`pool/${made.name}_${made.version}_all.deb`, bytes);
        all.push(made);
      }
      const index = all
        .map((made) => {
          const path = `pool/${made.name}_${made.version}_all.deb`;
          const bytes = files.get(path) ?? Buffer.alloc(0);
          return (
            `Package: ${made.name}\nVersion: ${made.version}\nArchitecture: all\nMaintainer: ` +
            'test ' +
            `<test@example.org>\n${relations(made)}Filename: ` +
            `${path}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\nDescription: made for a ` +
            'test\n'
          );
        })
        .join('\n');
      const packed = gzipSync(index);
      const list = [
        ['main/binary-amd64/Packages', Buffer.from(index)],
        ['main/binary-amd64/Packages.gz', packed],
      ] as const;
      for (const [name, bytes] of list) files.set(`dists/test/${name}`, bytes);
      writeFileSync(
        join(folder, 'Release'),
        'Origin: test\nSuite: test\nCodename: test\nDate: ' +
          `${new Date().toUTCString()}\nArchitectures: amd64 all\nComponents: ` +
          `main\nSHA256:\n${list.map(([name, bytes]) => ` ${sha256(bytes)} ${bytes.length} ${name}\n`).join('')}`,
      );
      await must(
        '/usr/bin/gpg',
        [
          '--batch',
          '--yes',
          '--local-user',
          'signer@example.org',
          '--clearsign',
          '-o',
          join(folder, 'InRelease'),
          join(folder, 'Release'),
        ],
        env,
      );
      files.set('dists/test/InRelease', readFileSync(join(folder, 'InRelease')));
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await run('/usr/bin/gpgconf', ['--kill', 'all'], { timeoutMs: 10_000, env });
    },
  };
}

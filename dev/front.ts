/** Debian's nginx in front of a controller, with the file that a city installs: for tests and
 * benchmarks. Certificates are those of an authority made for the occasion. */
import { createHash, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './lab/host.ts';
import { root, type Service, startService } from './services.ts';

export const frontName = 'preau.ville.example';
export const frontFile = join(root, 'packaging/nginx/preau.conf');

export interface Certificate {
  /** PEM files. */
  authority: string;
  certificate: string;
  key: string;
  /** What Chromium calls the hash of its key: base64. */
  keyHash: string;
}

/** Of a name, by an authority of its own. */
export async function makeCertificate(folder: string, name = frontName): Promise<Certificate> {
  mkdirSync(folder, { recursive: true });
  const [authority, certificate, key, request, extensions] = [
    ...['authority.pem', 'fullchain.pem', 'privkey.pem', 'request.pem', 'extensions'],
  ].map((file) => join(folder, file)) as [string, string, string, string, string];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await must([
    ...['openssl', 'req', '-x509', ...curve, '-days', '2', '-subj', '/O=Ville/CN=Autorite'],
    ...['-addext', 'keyUsage=keyCertSign', '-keyout', `${authority}.key`, '-out', authority],
  ]);
  await must([
    ...['openssl', 'req', ...curve, '-subj', `/CN=${name}`, '-keyout', key, '-out', request],
  ]);
  writeFileSync(extensions, `subjectAltName=DNS:${name}\n`);
  await must([
    ...['openssl', 'x509', '-req', '-days', '2', '-in', request, '-extfile', extensions],
    ...['-CA', authority, '-CAkey', `${authority}.key`, '-CAcreateserial', '-out', certificate],
  ]);
  const { publicKey } = new X509Certificate(readFileSync(certificate));
  const keyHash = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
  return { authority, certificate, key, keyHash };
}

interface FrontOptions {
  folder: string;
  /** Where nginx listens, and where the controller does. */
  address: string;
  port: number;
  controllerPort: number;
  certificate: Certificate;
}

/** Starts it on this host. The shipped file is used as it is, but for names, ports and paths. */
export async function startFront(options: FrontOptions): Promise<Service> {
  const { folder, address, port, controllerPort, certificate } = options;
  for (const name of ['logs', 'body', 'proxy']) mkdirSync(join(folder, name), { recursive: true });
  // nginx's workers are not root.
  chmodSync(folder, 0o755);
  const site = readFileSync(frontFile, 'utf8')
    .replaceAll('listen 443', `listen ${address}:${port}`)
    .replaceAll('listen 80', `listen ${address}:${port + 1}`)
    .replaceAll(/^ *listen \[::\].*\n/gm, '')
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${controllerPort}`)
    .replaceAll('/etc/ssl/preau/fullchain.pem', certificate.certificate)
    .replaceAll('/etc/ssl/preau/privkey.pem', certificate.key);
  writeFileSync(join(folder, 'preau.conf'), site);
  // The rest is as docs/runbooks/https.md leaves Debian's own nginx.conf.
  writeFileSync(
    join(folder, 'nginx.conf'),
    `user www-data;
daemon off;
worker_processes auto;
worker_rlimit_nofile 70000;
pid ${folder}/nginx.pid;
error_log ${folder}/logs/error.log;
events { worker_connections 32768; }
http {
  sendfile on;
  tcp_nopush on;
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log ${folder}/logs/access.log;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  gzip on;
  include ${folder}/preau.conf;
}
`,
  );
  await must(['/usr/sbin/nginx', '-t', '-q', '-c', join(folder, 'nginx.conf')]);
  return startService({
    name: 'nginx',
    file: '/usr/sbin/nginx',
    args: ['-c', join(folder, 'nginx.conf')],
    logPath: join(folder, 'logs/nginx.log'),
  });
}

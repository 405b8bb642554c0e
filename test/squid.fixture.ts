/** Debian's squid as the way out of a school: it wants a password, lets through to the named hosts
 * only, and writes down every connection. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const proxyLogin = { user: 'serveur', password: 'pa:ss@1/é' };

export interface Squid {
  /** The argv that runs it in the foreground. */
  argv: string[];
  /** Its address for this password, at one of its ports. */
  url: (port: number, password?: string) => string;
  /** What it wrote down since the last call, such as `TCP_TUNNEL/200 CONNECT host:port`. A tunnel
   * is written down when it is closed. */
  proxied: () => string[];
}

/** `allowed`: lines of its configuration that define the list `city`. `more`: further lines. Squid
 * is another account: `folder` must be open to it. */
export function prepareSquid(
  folder: string,
  options: { address: string; ports: readonly number[]; allowed: string; more?: string },
): Squid {
  const written = join(folder, 'written');
  mkdirSync(written);
  chmodSync(folder, 0o755);
  const hashed = spawnSync('openssl', ['passwd', '-apr1', '-stdin'], {
    input: proxyLogin.password,
    encoding: 'utf8',
  }).stdout.trim();
  writeFileSync(join(folder, 'passwords'), `${proxyLogin.user}:${hashed}\n`);
  const log = join(folder, 'access.log');
  writeFileSync(log, '');
  writeFileSync(
    join(folder, 'squid.conf'),
    `${options.ports.map((port) => `http_port ${options.address}:${port}`).join('\n')}
${options.more ?? ''}
auth_param basic program /usr/lib/squid/basic_ncsa_auth ${folder}/passwords
auth_param basic children 1
auth_param basic realm ecole
acl known proxy_auth REQUIRED
${options.allowed}
http_access deny !known
http_access allow city
http_access deny all
logformat short %Ss/%>Hs %rm %ru
access_log stdio:${log} logformat=short
cache deny all
cache_log /dev/null
pid_filename none
shutdown_lifetime 0 seconds
netdb_filename none
coredump_dir ${written}
`,
  );
  spawnSync('chown', ['-R', 'proxy:proxy', written, log]);
  let read = 0;
  return {
    argv: ['squid', '-N', '-d1', '-f', join(folder, 'squid.conf')],
    url: (port, password = proxyLogin.password) =>
      `http://${proxyLogin.user}:${encodeURIComponent(password)}@${options.address}:${port}`,
    proxied: () => {
      const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : [];
      const fresh = lines.slice(read);
      read = lines.length;
      return fresh;
    },
  };
}

/** The data centre's own services, by the settings: guacd must never be made to connect to them. */
import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { addressOf } from '@preau/contract/network.ts';
import type { Environment } from '#src/config.ts';

export interface Service {
  /** A name or an address. */
  host: string;
  port: number;
}

const usualPorts: Record<string, number> = {
  'redis:': 6379,
  'rediss:': 6379,
  'postgres:': 5432,
  'postgresql:': 5432,
  'smtp:': 25,
  'smtps:': 465,
};

/** Pure. Those on a Unix socket have no port, so nobody connects to them. */
export function ownServices(
  config: Pick<
    Environment,
    | 'PREAU_HOST'
    | 'PREAU_PORT'
    | 'PREAU_GUACD_HOST'
    | 'PREAU_GUACD_PORT'
    | 'PREAU_REDIS_URL'
    | 'PREAU_DATABASE_URL'
    | 'PREAU_SMTP_URL'
  >,
): Service[] {
  const urls = [config.PREAU_REDIS_URL, config.PREAU_DATABASE_URL, config.PREAU_SMTP_URL];
  return [
    { host: config.PREAU_HOST, port: config.PREAU_PORT },
    { host: config.PREAU_GUACD_HOST, port: config.PREAU_GUACD_PORT },
    ...urls.flatMap((text) => {
      const url = URL.canParse(text) ? new URL(text) : null;
      const port = url === null ? 0 : Number(url.port || usualPorts[url.protocol] || 0);
      return url === null || url.hostname === '' || port === 0
        ? []
        : [{ host: url.hostname.replace(/^\[|\]$/g, ''), port }];
    }),
  ];
}

export interface Names {
  resolve: (host: string) => Promise<string[]>;
  /** Addresses of this machine. */
  own: () => string[];
}

const system: Names = {
  resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  own: () =>
    Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((one) => one.address)),
};

/** Whether one of the services answers at this address. A name that cannot be resolved now counts
 * as elsewhere: the service itself cannot be reached either. */
export async function isOwnService(
  services: readonly Service[],
  at: Service,
  names: Names = system,
): Promise<boolean> {
  const address = addressOf(at.host)?.toString();
  const own = new Set(names.own());
  const isHere = address !== undefined && (own.has(address) || isLocal(address));
  for (const service of services) {
    if (service.port !== at.port) continue;
    const known =
      addressOf(service.host) === null
        ? await names.resolve(service.host).catch(() => [])
        : [service.host];
    const isOurs = (one: string) =>
      addressOf(one)?.toString() === address || (isHere && (isLocal(one) || own.has(one)));
    if (known.some(isOurs)) return true;
  }
  return false;
}

/** Loopback, or a service that listens on every address. */
const isLocal = (text: string): boolean =>
  ['loopback', 'unspecified'].includes(addressOf(text)?.range() ?? '');

/** Addresses of clients, and the ranges they are in. Pure. */
import ipaddr from 'ipaddr.js';

export interface Subnet {
  bits: number;
  holds: (address: Address) => boolean;
}
export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Reading an address costs more than comparing it, and a school asks about the same ones all day.
 * Bounded; the text is the whole truth. */
function remembered<T>(read: (text: string) => T, max = 4096): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const past = known.get(text);
    if (past !== undefined || known.has(text)) return past as T;
    if (known.size >= max) known.clear();
    const value = read(text);
    known.set(text, value);
    return value;
  };
}

/** Null for what is no address. `::ffff:10.0.0.1`, as sockets write it, is 10.0.0.1. */
export const addressOf = (text: string | null): Address | null =>
  text === null ? null : readAddress(text);
const readAddress = remembered((text): Address | null =>
  ipaddr.isValid(text) ? ipaddr.process(text) : null,
);

/** Null for what is no range. `bits` counts as in IPv6, so that ranges of both kinds compare. */
export const subnetOf = remembered((text: string): Subnet | null => {
  if (!ipaddr.isValidCIDR(text)) return null;
  const [network, prefix] = ipaddr.parseCIDR(text);
  const same = (address: Address) =>
    address.kind() === network.kind() &&
    (address as ipaddr.IPv6).match(network as ipaddr.IPv6, prefix);
  return { bits: network.kind() === 'ipv4' ? prefix + 96 : prefix, holds: same };
});
export const isSubnet = (text: string): boolean => subnetOf(text) !== null;

/** What the school says of the place this address is at. */
export function labelsAt(
  networks: readonly { subnet: string; labels: readonly string[] }[],
  address: Address | null,
): string[] {
  if (address === null) return [];
  return [
    ...new Set(
      networks
        .filter(({ subnet }) => subnetOf(subnet)?.holds(address) === true)
        .flatMap(({ labels }) => labels),
    ),
  ];
}

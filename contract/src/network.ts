/** Client addresses and address ranges. Pure. */
import ipaddr from 'ipaddr.js';

export interface Subnet {
  bits: number;
  holds: (address: Address) => boolean;
}
export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Caches parsed addresses: parsing costs more than comparing, and a school uses the same addresses
 * all day. Bounded. Entries never become stale, because the result depends on the text alone. */
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

/** Null when it is not an address. `::ffff:10.0.0.1`, the form that sockets report, becomes
 * 10.0.0.1. */
export const addressOf = (text: string | null): Address | null =>
  text === null ? null : readAddress(text);
const readAddress = remembered((text): Address | null =>
  ipaddr.isValid(text) ? ipaddr.process(text) : null,
);

/** Null when it is not a range. `bits` is counted as in IPv6, so that ranges of both kinds
 * compare. */
export const subnetOf = remembered((text: string): Subnet | null => {
  if (!ipaddr.isValidCIDR(text)) return null;
  const [network, prefix] = ipaddr.parseCIDR(text);
  const same = (address: Address) =>
    address.kind() === network.kind() &&
    (address as ipaddr.IPv6).match(network as ipaddr.IPv6, prefix);
  return { bits: network.kind() === 'ipv4' ? prefix + 96 : prefix, holds: same };
});
export const isSubnet = (text: string): boolean => subnetOf(text) !== null;

/** The labels that the school gives to this address. */
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

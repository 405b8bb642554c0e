/** Addresses of clients, and the ranges they are in. Pure. */
import ipaddr from 'ipaddr.js';

export interface Subnet {
  bits: number;
  holds: (address: Address) => boolean;
}
export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Null for what is no address. `::ffff:10.0.0.1`, as sockets write it, is 10.0.0.1. */
export function addressOf(text: string | null): Address | null {
  return text !== null && ipaddr.isValid(text) ? ipaddr.process(text) : null;
}

/** Null for what is no range. `bits` counts as in IPv6, so that ranges of both kinds compare. */
export function subnetOf(text: string): Subnet | null {
  if (!ipaddr.isValidCIDR(text)) return null;
  const [network, prefix] = ipaddr.parseCIDR(text);
  const same = (address: Address) => address.kind() === network.kind() && (address as ipaddr.IPv6).match(network as ipaddr.IPv6, prefix);
  return { bits: network.kind() === 'ipv4' ? prefix + 96 : prefix, holds: same };
}
export const isSubnet = (text: string): boolean => subnetOf(text) !== null;

/** What the school says of the place this address is at. */
export function labelsAt(networks: readonly { subnet: string; labels: readonly string[] }[], address: Address | null): string[] {
  if (address === null) return [];
  return [...new Set(networks.filter(({ subnet }) => subnetOf(subnet)?.holds(address) === true).flatMap(({ labels }) => labels))];
}

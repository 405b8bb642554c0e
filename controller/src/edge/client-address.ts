/** The client's address: the remote end of the socket, or what a trusted proxy reports. Forwarding
 * headers from anybody else are ignored. */
import type { IncomingMessage } from 'node:http';
import proxyAddr from '@fastify/proxy-addr';

export type AddressOf = (request: IncomingMessage) => string;

/** `trusted`: addresses and ranges of reverse proxies. */
export function createAddressOf(trusted: readonly string[]): AddressOf {
  const isTrusted = proxyAddr.compile([...trusted]);
  return (request) => proxyAddr(request, isTrusted);
}

/** Where a call comes from: the socket's other end, or what a trusted proxy says of it. Nobody else
 * is believed. */
import type { IncomingMessage } from 'node:http';
import proxyAddr from '@fastify/proxy-addr';

export type AddressOf = (request: IncomingMessage) => string;

/** `trusted`: addresses and ranges of reverse proxies. */
export function createAddressOf(trusted: readonly string[]): AddressOf {
  const isTrusted = proxyAddr.compile([...trusted]);
  return (request) => proxyAddr(request, isTrusted);
}

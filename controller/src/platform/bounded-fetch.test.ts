/** A provider whose answers never end: sign-in fails in time, and memory stays. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { boundedFetch } from './bounded-fetch.ts';
import { validateTicket } from './cas.ts';
import { longestStop } from './heavy/longest-stop.fixture.ts';
import { openOidc } from './oidc.ts';

let server: Server;
let url: string;
let sent = 0;
const bomb = gzipSync(Buffer.alloc(200_000_000));

function withoutEnd(response: ServerResponse): void {
  const part = Buffer.alloc(1_000_000, ' ');
  response.writeHead(200, { 'content-type': 'application/json' });
  const send = () => {
    while (!response.destroyed) {
      sent += part.length;
      if (!response.write(part)) break;
    }
  };
  response.on('drain', send);
  send();
}
beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/small') response.end('{"a":1}');
    else if (request.url === '/bomb')
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
    else withoutEnd(response);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const oidc = () =>
  openOidc({
    issuer: url,
    clientId: 'preau',
    clientSecret: null,
    scope: 'openid',
    acrValues: null,
    timeoutMs: 20_000,
  });
const endless: [name: string, ask: () => Promise<unknown>][] = [
  [
    'what CAS says of a ticket',
    () =>
      validateTicket(
        { url, protocol: '3', timeoutMs: 20_000 },
        'https://preau.example',
        'ST-12345678',
      ),
  ],
  ['what OpenID Connect says of itself', () => oidc().configuration()],
  ['an answer that unpacks to 200 MB', () => boundedFetch(`${url}/bomb`, {})],
];
test.each(endless)('%s: refused after a megabyte', async (_name, ask) => {
  sent = 0;
  const before = process.memoryUsage().rss;
  const stop = await longestStop(() => expect(ask()).rejects.toThrow());
  expect(sent).toBeLessThan(20_000_000);
  expect(stop).toBeLessThan(200);
  expect((process.memoryUsage().rss - before) / 1e6).toBeLessThan(100);
});

test('an answer of usual size is read', async () => {
  const answer = await boundedFetch(`${url}/small`, {});
  expect([answer.status, await answer.json()]).toEqual([200, { a: 1 }]);
});

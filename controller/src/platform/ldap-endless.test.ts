/** A directory that answers a sign-in with entries without end: given up, and nobody waits. */

import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { longestStop } from './heavy/longest-stop.fixture.ts';
import { allOf, LdapAway, visitLdap } from './ldap.ts';

/** Tag, length, content, as BER has it. */
function tlv(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const head = Buffer.from([
    tag,
    0x83,
    body.length >> 16,
    (body.length >> 8) & 255,
    body.length & 255,
  ]);
  return Buffer.concat([head, body]);
}
const text = (words: string) => tlv(4, Buffer.from(words));
const number = (value: number, tag = 2) => tlv(tag, Buffer.from([value]));
const bound = tlv(0x30, number(1), tlv(0x61, number(0, 10), text(''), text('')));
const entry = tlv(
  0x30,
  number(2),
  tlv(
    0x64,
    text('uid=lea,dc=ecole'),
    tlv(0x30, tlv(0x30, text('cn'), tlv(0x31, text('x'.repeat(20_000))))),
  ),
);

let server: Server;
let sent = 0;
const sockets: Socket[] = [];
beforeAll(async () => {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    let asked = 0;
    const flood = () => {
      while (!socket.destroyed) {
        sent += entry.length;
        if (!socket.write(entry)) break;
      }
    };
    socket.on('data', () => {
      asked += 1;
      if (asked === 1) socket.write(bound);
      else if (asked === 2) {
        socket.on('drain', flood);
        flood();
      }
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

test('an answer without end is given up', async () => {
  const { port } = server.address() as AddressInfo;
  const directory = {
    url: `ldap://127.0.0.1:${port}`,
    startTls: false,
    ca: null,
    serverName: null,
    bindDn: 'cn=preau',
    bindPassword: 'x',
  };
  let failed: unknown;
  const stop = await longestStop(async () => {
    failed = await visitLdap(directory, 60_000, (ldap) =>
      ldap.search('dc=ecole', allOf('(uid=*)'), ['cn']),
    ).catch((error: unknown) => error);
  });
  expect(failed).toBeInstanceOf(LdapAway);
  expect(String(failed)).toContain('more than 67108864 bytes');
  expect(sent).toBeLessThan(400_000_000);
  expect(stop).toBeLessThan(500);
}, 70_000);

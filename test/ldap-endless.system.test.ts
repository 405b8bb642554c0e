/** A directory that answers a sign-in with entries without end: given up, and nobody waits. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../agent/src/command.ts';
import { longestStop } from '../controller/src/platform/heavy/longest-stop.fixture.ts';
import { allOf, LdapAway, visitLdap } from '../controller/src/platform/ldap.ts';

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
/** `id`: of the call that is answered. */
const bound = (id: number) => tlv(0x30, number(id), tlv(0x61, number(0, 10), text(''), text('')));
const entry = (id: number) =>
  tlv(
    0x30,
    number(id),
    tlv(
      0x64,
      text('uid=lea,dc=ecole'),
      tlv(0x30, tlv(0x30, text('cn'), tlv(0x31, text('x'.repeat(20_000))))),
    ),
  );

const folder = mkdtempSync(join(tmpdir(), 'preau-endless-'));
let server: Server;
let sent = 0;
const sockets: Socket[] = [];
beforeAll(async () => {
  await run(
    '/usr/bin/openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'],
      ...['-keyout', join(folder, 'key'), '-out', join(folder, 'certificate')],
    ],
    { timeoutMs: 20_000 },
  );
  const [key, cert] = [
    readFileSync(join(folder, 'key')),
    readFileSync(join(folder, 'certificate')),
  ];
  server = createServer({ key, cert }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    let asked = 0;
    socket.on('data', (call: Buffer) => {
      asked += 1;
      const id = call[4] ?? 0;
      if (asked === 1) socket.write(bound(id));
      if (asked !== 2) return;
      const one = entry(id);
      const flood = () => {
        while (!socket.destroyed) {
          sent += one.length;
          if (!socket.write(one)) break;
        }
      };
      socket.on('drain', flood);
      flood();
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

test('an answer without end is given up', async () => {
  const { port } = server.address() as AddressInfo;
  const directory = {
    url: `ldaps://localhost:${port}`,
    startTls: false,
    ca: readFileSync(join(folder, 'certificate'), 'utf8'),
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

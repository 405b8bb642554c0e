import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { enrol } from './enrol.ts';
import { loadIdentity, newKeyPair } from './identity.ts';

const { publicKey: cityKey } = newKeyPair();
const { publicKey: otherKey } = newKeyPair();
const serverId = `srv_${'a'.repeat(22)}`;

const root = mkdtempSync(join(tmpdir(), 'preau-enrol-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A city, or whoever answers in its place. */
let city: Server;
let asked: Record<string, unknown>[] = [];
let answersWith = cityKey;
beforeEach(async () => {
  asked = [];
  answersWith = cityKey;
  city = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      asked.push(JSON.parse(body) as Record<string, unknown>);
      response.writeHead(200, { 'content-type': 'application/json' }).end(
        JSON.stringify({
          serverId,
          siteName: 'École',
          serverName: 'serveur-1',
          controllerKey: answersWith,
        }),
      );
    });
  });
  await new Promise<void>((resolve) => city.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  city.close();
  city.closeAllConnections();
});

const enrolIn = (folder: string, more: Partial<Parameters<typeof enrol>[1]> = {}) =>
  enrol(join(root, folder), {
    controllerUrl: `http://127.0.0.1:${(city.address() as AddressInfo).port}//`,
    controllerKey: cityKey,
    code: 'ABCD-EFGH-JKLM',
    ...more,
  });

test('whoever answers with another key is refused, and nothing is kept of them', async () => {
  answersWith = otherKey;
  await expect(enrolIn('other')).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
  expect(asked).toHaveLength(1);
  expect(loadIdentity(join(root, 'other'))).toBeUndefined();
  expect(readdirSync(root)).toEqual([]);
});

test('the city is known from then on by the key that came with the code', async () => {
  const identity = await enrolIn('right');
  expect(identity).toMatchObject({ serverId, controllerKey: cityKey });
  expect(identity.controllerUrl).toMatch(/:\d+$/);
  expect(loadIdentity(join(root, 'right'))).toEqual(identity);
  expect(statSync(join(root, 'right', 'identity.json')).mode & 0o777).toBe(0o600);
  // The private key is made here and stays here.
  expect(JSON.stringify(asked)).not.toContain('PRIVATE');
  expect(Object.keys(asked[0] ?? {}).sort()).toEqual(['code', 'hostname', 'protocol', 'publicKey']);
});

test('each enrolment has a key of its own, and says where its displays are when told', async () => {
  await enrolIn('one');
  await enrolIn('two', { display: { host: '10.0.0.5', port: 3389 } as never });
  expect(asked[0]?.['publicKey']).not.toBe(asked[1]?.['publicKey']);
  expect(asked[1]).toMatchObject({ display: { host: '10.0.0.5', port: 3389 } });
});

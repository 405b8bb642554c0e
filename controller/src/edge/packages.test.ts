import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAttempts } from '#src/accounts/attempts/attempts.ts';
import { createToken } from '#src/accounts/tokens/tokens.ts';
import { createApplication } from '#src/applications/create.ts';
import { application } from '#src/builders.fixture.ts';
import { createClassEntry } from '#src/classes/enter.ts';
import { budget } from '#src/platform/budget.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { openEdge } from './edge.fixture.ts';
import { rangeOf } from './range.ts';

const dataFolder = mkdtempSync(join(tmpdir(), 'preau-packages-'));
let city: City;
let app: FastifyInstance;
let url = '';
let secret = '';

beforeAll(async () => {
  city = await makeCity(':memory:', { PREAU_DATA: dataFolder, PREAU_PACKAGE_MIB: '8' });
  app = await openEdge(city.platform, {
    originAllowed: () => false,
    classEntry: createClassEntry(
      city.platform,
      { hash: async (password) => password, verify: async (hash, password) => hash === password },
      createAttempts({ now: city.platform.clock.now, wait: async () => undefined }),
    ),
  });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
  secret = (
    await createToken(city.platform, city.technician, {
      name: 'essai',
      scope: 'technician',
      siteIds: null,
      days: 1,
    })
  ).secret;
});
afterAll(async () => {
  await app.close();
  await city.close();
  rmSync(dataFolder, { recursive: true, force: true });
});

const hashOf = (content: Buffer) => createHash('sha256').update(content).digest('hex');
const inFolder = () =>
  [
    ...(existsSync(join(dataFolder, 'packages')) ? readdirSync(join(dataFolder, 'packages')) : []),
    ...(existsSync(join(dataFolder, 'packages/.incoming'))
      ? readdirSync(join(dataFolder, 'packages/.incoming'))
      : []),
  ].filter((name) => name !== '.incoming');
async function upload(
  content: Buffer,
  announced: Partial<{ name: string; sha256: string; size: number }> = {},
  headers: Record<string, string> = {},
) {
  const query = new URLSearchParams({
    name: announced.name ?? 'a.deb',
    sha256: announced.sha256 ?? hashOf(content),
    size: String(announced.size ?? content.length),
  });
  const reply = await fetch(`${url}/api/packages?${query}`, {
    method: 'POST',
    body: new Uint8Array(content),
    headers: {
      authorization: `Bearer ${secret}`,
      'content-type': 'application/octet-stream',
      ...headers,
    },
  });
  return {
    status: reply.status,
    answer: (await reply.json()) as { code?: string; sha256?: string; usedBy?: string[] },
  };
}
const fetchAs = (path: string, headers: Record<string, string> = {}, at?: string) =>
  fetch(`${url}${path}`, {
    headers: { authorization: city.agent.authorization('GET', at ?? path, null), ...headers },
  });

describe('uploading', () => {
  test('a file of 5 MB arrives whole, twice', async () => {
    const content = randomBytes(5_000_000);
    expect(await upload(content)).toMatchObject({
      status: 201,
      answer: { sha256: hashOf(content), usedBy: [] },
    });
    expect((await upload(content)).status).toBe(201);
    const got = await fetchAs(`/api/agent/packages/${hashOf(content)}`);
    expect(hashOf(Buffer.from(await got.arrayBuffer()))).toBe(hashOf(content));
  });

  test('what is not as announced is refused, and nothing stays', async () => {
    const before = inFolder();
    const content = randomBytes(2_000_000);
    expect((await upload(content, { sha256: 'a'.repeat(64) })).answer.code).toBe('UPLOAD_REFUSED');
    expect((await upload(content, { size: 2_000_001 })).answer.code).toBe('UPLOAD_REFUSED');
    expect((await upload(content, { size: 9 * 1_048_576 })).answer.code).toBe('PAYLOAD_TOO_LARGE');
    expect((await upload(content, { name: '../a.deb' })).answer.code).toBe('VALIDATION_FAILED');
    expect((await upload(content, {}, { 'content-type': 'application/json' })).status).toBe(400);
    expect(inFolder()).toEqual(before);
  });

  test('a connection that is cut leaves nothing', async () => {
    const before = inFolder();
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(
      `POST /api/packages?name=a.deb&sha256=${'b'.repeat(64)}&size=1000000 HTTP/1.1\r\nhost: ` +
        `x\r\nauthorization: Bearer ${secret}\r\ncontent-type: ` +
        `application/octet-stream\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(5000)}`,
    );
    for (let tries = 0; tries < 100 && inFolder().length === before.length; tries += 1)
      await pause(20);
    expect(inFolder().length).toBe(before.length + 1);
    socket.destroy();
    for (let tries = 0; tries < 100 && inFolder().length > before.length; tries += 1)
      await pause(20);
    expect(inFolder()).toEqual(before);
  });

  test('without a right to it, whoever still writes gets the reason, and is then cut off', async () => {
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    const errors: Error[] = [];
    socket.on('error', (error) => errors.push(error));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.write(
      `POST /api/packages?name=a.deb&sha256=${'b'.repeat(64)}&size=3000000000 HTTP/1.1\r\n` +
        'host: x\r\ncontent-type: application/octet-stream\r\ncontent-length: 3000000000\r\n\r\n',
    );
    const piece = Buffer.alloc(65_536);
    const writing = setInterval(() => socket.write(piece), 10);
    const started = performance.now();
    for (let tries = 0; tries < 100 && answer === ''; tries += 1) await pause(20);
    expect(answer).toMatch(/^HTTP\/1.1 401 /);
    expect(answer).toContain('NOT_SIGNED_IN');
    await pause(1000);
    expect(errors).toEqual([]);
    await closed;
    clearInterval(writing);
    expect(performance.now() - started).toBeLessThan(budget.calls.lingerMs + 2000);
  }, 15_000);

  test('a recipe may name it; then it stays', async () => {
    const content = randomBytes(1000);
    const file = { name: 'jeu.deb', sha256: hashOf(content), size: 1000 };
    const recipe = {
      ...application('jeu'),
      recipes: {
        linux: {
          kind: 'deb' as const,
          package: 'jeu',
          file,
          detect: { kind: 'package' as const, package: 'jeu' },
        },
      },
    };
    await expect(createApplication(city.platform, city.technician, recipe)).rejects.toMatchObject({
      code: 'PACKAGE_NOT_FOUND',
    });
    await upload(content, { name: 'jeu.deb' });
    await expect(
      createApplication(city.platform, city.technician, {
        ...recipe,
        recipes: { linux: { ...recipe.recipes.linux, file: { ...file, size: 999 } } },
      }),
    ).rejects.toMatchObject({ code: 'PACKAGE_NOT_FOUND' });
    await createApplication(city.platform, city.technician, recipe);
    const gone = async () =>
      (
        await fetch(`${url}/api/packages/${file.sha256}`, {
          method: 'DELETE',
          headers: { authorization: `Bearer ${secret}` },
        })
      ).status;
    expect((await upload(content)).answer.usedBy).toEqual(['jeu']);
    expect(await gone()).toBe(409);
    await city.platform.database
      .deleteFrom('application_versions')
      .where('recipes', 'like', `%${file.sha256}%`)
      .execute();
    expect(await gone()).toBe(204);
    expect(inFolder()).not.toContain(file.sha256);
    expect((await fetchAs(`/api/agent/packages/${file.sha256}`)).status).toBe(404);
  });
});

describe('an agent fetches', () => {
  const ranges: [header: string | undefined, size: number, answer: ReturnType<typeof rangeOf>][] = [
    [undefined, 10, { start: 0, end: 9, whole: true }],
    ['bytes=0-', 10, { start: 0, end: 9, whole: false }],
    ['bytes=4-', 10, { start: 4, end: 9, whole: false }],
    ['bytes=4-5', 10, { start: 4, end: 5, whole: false }],
    ['bytes=4-500', 10, { start: 4, end: 9, whole: false }],
    ['bytes=-3', 10, { start: 7, end: 9, whole: false }],
    ['bytes=-30', 10, { start: 0, end: 9, whole: false }],
    ['bytes=9-', 10, { start: 9, end: 9, whole: false }],
    ['bytes=10-', 10, null],
    ['bytes=-0', 10, null],
    ['bytes=5-4', 10, { start: 0, end: 9, whole: true }],
    ['bytes=0-1,3-4', 10, { start: 0, end: 9, whole: true }],
    ['lines=1-2', 10, { start: 0, end: 9, whole: true }],
    ['bytes=-', 10, { start: 0, end: 9, whole: true }],
  ];
  test.each(ranges)('%s of %i', (header, size, answer) =>
    expect(rangeOf(header, size)).toEqual(answer),
  );

  test('the rest of a file, by range', async () => {
    const content = randomBytes(100_000);
    await upload(content);
    const path = `/api/agent/packages/${hashOf(content)}`;
    const half = await fetchAs(path, { range: 'bytes=50000-' });
    expect([
      half.status,
      half.headers.get('content-range'),
      half.headers.get('content-length'),
    ]).toEqual([206, 'bytes 50000-99999/100000', '50000']);
    expect(Buffer.from(await half.arrayBuffer()).equals(content.subarray(50_000))).toBe(true);
    const beyond = await fetchAs(path, { range: 'bytes=100000-' });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */100000']);
  });

  test('signed calls only, for a file that is there only', async () => {
    const path = `/api/agent/packages/${'c'.repeat(64)}`;
    expect((await fetchAs(path)).status).toBe(404);
    expect((await fetchAs(path, {}, '/api/agent/packages/x')).status).toBe(401);
    expect(
      (await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${secret}` } })).status,
    ).toBe(401);
    expect((await fetchAs('/api/agent/packages/..%2fsecret')).status).toBe(400);
  });

  test('a reader that does not read holds nothing back', async () => {
    const content = randomBytes(6_000_000);
    await upload(content);
    const path = `/api/agent/packages/${hashOf(content)}`;
    const { port } = new URL(url);
    // What has been sent and is only not collected yet is not held.
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const held = () => {
      collect();
      return process.memoryUsage().arrayBuffers;
    };
    const before = held();
    const readers = Array.from({ length: 40 }, () => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.pause();
      socket.write(
        `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: ${city.agent.authorization('GET', path, null)}\r\n\r\n`,
      );
      return socket;
    });
    await pause(600);
    // Held as a whole it would be 240 MB.
    expect(held() - before).toBeLessThan(60_000_000);
    expect((await fetchAs(path)).status).toBe(200);
    for (const socket of readers) socket.destroy();
  });
});

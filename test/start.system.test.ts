/** A controller that cannot start says why, in both languages, and leaves nothing running. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort, root, type Service, startControllerProcess, until } from '../dev/services.ts';

let folder: string;
let port: number;
let service: Service | null = null;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preau-start-'));
  port = await freePort();
});
afterEach(async () => {
  await service?.stop();
  service = null;
  rmSync(folder, { recursive: true, force: true });
});

const environment = (more: Record<string, string> = {}) => ({
  PREAU_PORT: String(port),
  PREAU_DATA: join(folder, 'data'),
  PREAU_REDIS_URL: `unix://${join(folder, 'no-redis.sock')}`,
  PREAU_GUACD_PORT: '1',
  ...more,
});
const health = async () =>
  (await fetch(`http://127.0.0.1:${port}/api/health`)).json() as Promise<{
    status: string;
    parts: { part: string; code: string | null }[];
  }>;
async function start(): Promise<void> {
  service = startControllerProcess(environment(), join(folder, 'controller.log'));
  await until('the controller', async () => (await health()).status !== '', 60_000);
}
/** A controller that is expected to end by itself. */
function tryToStart(more: Record<string, string> = {}) {
  const { status, stderr, signal } = spawnSync(
    process.execPath,
    [join(root, 'controller/src/main.ts')],
    {
      encoding: 'utf8',
      timeout: 60_000,
      env: { PATH: '/usr/bin:/bin', NODE_NO_WARNINGS: '1', ...environment(more) },
    },
  );
  return { status, signal, stderr };
}

test('without Redis and guacd it starts, serves, and says what is missing', async () => {
  await start();
  const { status, parts } = await health();
  expect(status).toBe('degraded');
  expect(Object.fromEntries(parts.map(({ part, code }) => [part, code]))).toMatchObject({
    database: null,
    redis: 'REDIS_UNAVAILABLE',
    gateway: 'GATEWAY_UNREACHABLE',
  });
});

test('the folder of a running controller is refused, and free again after a crash', async () => {
  await start();
  const refused = tryToStart({ PREAU_PORT: String(await freePort()) });
  expect(refused).toMatchObject({ status: 1, signal: null });
  expect(refused.stderr).toMatch(/DATA_FOLDER_IN_USE \(folder .*, pid \d+/);
  expect(refused.stderr).toContain('Un autre contrôleur utilise déjà ce dossier');
  expect(refused.stderr).toContain('docs/runbooks/start.md#dossier');
  expect((await health()).status).toBe('degraded');
  await service?.kill();
  service?.restart();
  await until('the controller', async () => (await health()).status !== '', 60_000);
});

test('a port on which another program answers is refused, and nothing stays behind', async () => {
  const other = createServer((_, response) => response.end('{}'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const taken = (other.address() as AddressInfo).port;
  const refused = tryToStart({ PREAU_PORT: String(taken) });
  other.close();
  expect(refused).toMatchObject({ status: 1, signal: null });
  expect(refused.stderr).toMatch(new RegExp(`PORT_TAKEN \\(port ${taken}`));
  expect(refused.stderr).toContain('Un autre programme écoute déjà sur ce port');
  await start();
});

test.each([
  [
    'a damaged database',
    () => {
      mkdirSync(join(folder, 'data'));
      writeFileSync(join(folder, 'data/preau.sqlite'), Buffer.alloc(40_000, 'no database '));
    },
    {},
    'DATABASE_BROKEN',
  ],
  [
    'a PostgreSQL that is not there',
    () => undefined,
    { PREAU_DATABASE_URL: 'postgres://preau:s3cret@127.0.0.1:1/preau' },
    'DATABASE_UNAVAILABLE',
  ],
  [
    'a data folder that is a file',
    () => writeFileSync(join(folder, 'data'), 'x'),
    {},
    'DATA_FOLDER_UNUSABLE',
  ],
] as [string, () => void, Record<string, string>, string][])(
  '%s: said with code, sentence and runbook, and no secret',
  async (_, prepare, settings, code) => {
    prepare();
    const refused = tryToStart(settings);
    expect(refused).toMatchObject({ status: 1, signal: null });
    expect(refused.stderr).toContain(`Préau does not start: ${code}`);
    expect(refused.stderr).toContain('docs/runbooks/');
    expect(refused.stderr).not.toContain('s3cret');
    expect(refused.stderr).not.toMatch(/\n {4}at /);
  },
);

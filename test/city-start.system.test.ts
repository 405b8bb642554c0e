/** The demo city beside another Préau: it says who holds the port, and leaves nothing behind. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startCentre } from '../dev/city.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'preau-city-start-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Processes that name the folder, by their command lines and environments. */
const processesOfFolder = () =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .filter((pid) => {
      try {
        return ['cmdline', 'environ'].some((file) =>
          readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(folder),
        );
      } catch {
        return false;
      }
    });

test('another Préau answers on the port: said by whom, nothing is started, nothing stays', async () => {
  // It is well, refuses the password, and knows no details, as an older one would.
  const other = createServer((request, response) => {
    const isHealth = request.url?.startsWith('/api/health') === true;
    response.writeHead(isHealth ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isHealth ? { status: 'ok' } : { code: 'SIGN_IN_REFUSED' }));
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  await expect(
    startCentre({ folder, port, people: { teachers: 1, pupils: 1 }, keepAlive: true }),
  ).rejects.toThrow(new RegExp(`Port ${port} is held by process ${process.pid}`));
  other.close();
  expect(processesOfFolder()).toEqual([]);
});

test('another Préau takes the port while the city starts: said too, and nothing stays', async () => {
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const script = `
    const { createServer } = require('node:http');
    const take = () => createServer((request, response) => {
      const well = request.url.startsWith('/api/health');
      response.writeHead(well ? 200 : 401, { 'content-type': 'application/json' });
      response.end(JSON.stringify(well ? { status: 'ok' } : { code: 'SIGN_IN_REFUSED' }));
    }).listen(${port}, '127.0.0.1');
    process.stdin.once('data', take);`;
  const other = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'ignore', 'inherit'] });
  const starting = startCentre({
    folder,
    port,
    people: { teachers: 1, pupils: 1 },
    keepAlive: true,
    // The port was free when it was looked at, and is taken before the controller listens.
    tell: (step) => {
      if (step === 'city in the database') other.stdin.write('now\n');
    },
  });
  await expect(starting).rejects.toThrow(
    new RegExp(`Port ${port} is answered by process ${other.pid}`),
  );
  other.kill();
  expect(processesOfFolder()).toEqual([]);
});

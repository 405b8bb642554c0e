/** A certificate that is right at another date: the agent says to look at the clock first. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { root } from '../dev/services.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'preau-certificate-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function openssl(...words: string[]): void {
  const { status, stderr } = spawnSync('openssl', words, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${words[0]}: ${stderr}`);
}
/** A certificate of localhost, valid from one year's beginning to another's. */
function certificate(from: number, to: number): { key: Buffer; cert: Buffer } {
  const config = [
    '[ca]',
    'default_ca=own',
    '[own]',
    'database=index',
    'new_certs_dir=.',
    'serial=serial',
    'default_md=sha256',
    'policy=any',
    'x509_extensions=extensions',
    '[any]',
    'commonName=supplied',
    '[extensions]',
    'subjectAltName=DNS:localhost',
    'basicConstraints=CA:TRUE',
    '[req]',
    'distinguished_name=name',
    '[name]',
  ];
  writeFileSync(join(folder, 'config'), config.join('\n'));
  writeFileSync(join(folder, 'index'), '');
  writeFileSync(join(folder, 'serial'), '01');
  openssl(
    ...['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key', '-out', 'request'],
    ...['-subj', '/CN=localhost', '-config', 'config'],
  );
  openssl(
    ...['ca', '-batch', '-selfsign', '-config', 'config', '-keyfile', 'key', '-in', 'request'],
    ...['-startdate', `${from}0101000000Z`, '-enddate', `${to}0101000000Z`, '-out', 'certificate'],
  );
  return {
    key: readFileSync(join(folder, 'key')),
    cert: readFileSync(join(folder, 'certificate')),
  };
}

test.each([
  ['has expired', 2020, 2021],
  ['is not valid yet', 2090, 2099],
])('a certificate that %s', async (_, from, to) => {
  const server = createServer(certificate(from, to), (_request, response) => response.end('{}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const state = join(folder, 'state');
  mkdirSync(state);
  const agent = spawn(
    process.execPath,
    [
      ...[join(root, 'agent/src/main.ts'), 'enrol', '--controller', `https://localhost:${port}`],
      ...['--key=x', '--code', 'x'],
    ],
    {
      env: {
        PATH: '/usr/bin:/bin',
        PREAU_AGENT_STATE: state,
        NODE_EXTRA_CA_CERTS: join(folder, 'certificate'),
        NODE_NO_WARNINGS: '1',
      },
    },
  );
  let said = '';
  agent.stderr.on('data', (bytes: Buffer) => {
    said += String(bytes);
  });
  const code = await new Promise((resolve) => agent.on('exit', resolve));
  server.close();
  expect(code).toBe(1);
  expect(said).toContain(
    'CERTIFICATE_OUT_OF_DATE: The city’s certificate is not valid at this server’s date',
  );
  expect(said).toMatch(new RegExp(`validFrom: Jan .*${from}.*validTo: Jan .*${to}`));
});

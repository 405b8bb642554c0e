/** Adding a server over SSH, to Debian's own sshd. It runs in a mount namespace whose /etc is an
 * overlay: the accounts, their passwords and sudo's rules are nobody else's, and nothing of the
 * host changes. The installer is a stand-in that enrols with the real agent. */

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Addition, isAdditionOpen } from '@preau/contract/fleet.ts';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEdge } from '../controller/src/edge/edge.fixture.ts';
import { acceptReport } from '../controller/src/reports/accept-report.ts';
import { type Additions, createAdditions } from '../controller/src/servers/additions/add-server.ts';
import { endAbandonedAdditions } from '../controller/src/servers/additions/end.ts';
import { additionTimes } from '../controller/src/servers/additions/run.ts';
import { selectAddition } from '../controller/src/servers/additions/store.ts';
import { type City, makeCity } from '../controller/src/testing.fixture.ts';
import { freePort, GivenUp, root, type Service, startService, until } from '../dev/services.ts';
import { met } from './met.ts';

const passwords = {
  root: 'mot-de-passe-racine-71',
  tech: 'mot-de-passe-tech-52',
  weak: 'mot-de-passe-faible-33',
};
const passphrase = 'phrase-de-la-cle-94';

let folder: string;
let city: City;
let app: FastifyInstance;
let additions: Additions;
let url: string;
let port: number;
let sshd: Service;
let hostKey: string;
let mute: Server;
let foldersBefore: string[];

/** What sshd says first: `SSH-2.0-OpenSSH_9.2p1 …` (RFC 4253, 4.2). */
const greetingOf = (sshPort: number) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(sshPort, '127.0.0.1');
    socket.once('error', reject).once('data', (bytes: Buffer) => {
      socket.destroy();
      resolve(/OpenSSH_([\w.]+)/.exec(bytes.toString())?.[1] ?? '');
    });
  });

const leftovers = () => readdirSync('/tmp').filter((entry) => entry.startsWith('preau-install.'));

const file = (name: string, text: string, mode = 0o600) => {
  writeFileSync(join(folder, name), text, { mode });
  chmodSync(join(folder, name), mode);
  return join(folder, name);
};
const keygen = (name: string, phrase: string) => {
  const made = spawnSync(
    'ssh-keygen',
    ['-q', '-t', 'ed25519', '-N', phrase, '-f', join(folder, name)],
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(made.stderr);
};

/** What stands in for the installer. `state`: where this one keeps its identity. */
const installer = (body: string) =>
  file(
    'files/install.sh',
    `#!/bin/sh\nset -eu\nwhile [ $# -gt 0 ]; do case $1 in --controller) url=$2 ;; --key) key=$2 ` +
      `;; --code-file) code=$2 ;; *) exit 9 ;; esac; shift 2; done\n${body}\n`,
    0o755,
  );
const enrolling = (state: string) => `[ "$(id -u)" -eq 0 ] || { echo "not root"; exit 8; }
[ "$(stat -c %a "$code")" = 600 ] || exit 7
printf '\\033[32m• enrolment as %s\\033[0m\\n' "$(id -un)"
ps -eo args | grep -c -F -f "$code" | sed 's/^/seen in arguments: /' || true
PREAU_AGENT_STATE='${join(folder, state)}' '${process.execPath}' '${join(root, 'agent/src/main.ts')}' \\
  enrol --controller "$url" --key "$key" --code-file "$code"`;

beforeAll(async () => {
  foldersBefore = leftovers();
  folder = mkdtempSync(join(tmpdir(), 'preau-ssh-'));
  // sshd reads the keys of an account as that account.
  chmodSync(folder, 0o711);
  mkdirSync(join(folder, 'files'));
  mkdirSync(join(folder, 'etc-upper'));
  mkdirSync(join(folder, 'etc-work'));
  port = await freePort();
  for (const [name, phrase] of [
    ['host', ''],
    ['other-host', ''],
    ['key', ''],
    ['locked', passphrase],
    ['stranger', ''],
  ] as const)
    keygen(name, phrase);
  hostKey =
    /SHA256:\S+/.exec(
      spawnSync('ssh-keygen', ['-lf', join(folder, 'host.pub')], { encoding: 'utf8' }).stdout,
    )?.[0] ?? '';
  file(
    'authorized',
    `${readFileSync(join(folder, 'key.pub'), 'utf8')}${readFileSync(join(folder, 'locked.pub'), 'utf8')}`,
    0o644,
  );
  file(
    'sshd_config',
    `ListenAddress 127.0.0.1\nPort ${port}\nHostKey ${join(folder, 'host')}\nPidFile ` +
      `none\nPermitRootLogin yes\nPasswordAuthentication yes\nKbdInteractiveAuthentication ` +
      `yes\nUsePAM yes\nStrictModes no\nAuthorizedKeysFile ${join(folder, 'authorized')}` +
      `\nMaxStartups 50\n`,
  );
  const start = `set -e
mount -t overlay overlay -o lowerdir=/etc,upperdir=${folder}/etc-upper,workdir=${folder}/etc-work /etc
mkdir -p /run/sshd
useradd -M -d /tmp -s /bin/sh preautech
useradd -M -d /tmp -s /bin/sh preauweak
printf 'root:${passwords.root}\\npreautech:${passwords.tech}\\npreauweak:${passwords.weak}\\n' | chpasswd
mkdir -p /etc/sudoers.d
printf 'preautech ALL=(ALL) ALL\\nDefaults:preautech !requiretty\\n' > /etc/sudoers.d/preau-test
chmod 440 /etc/sudoers.d/preau-test
exec /usr/sbin/sshd -D -e -f ${folder}/sshd_config`;
  sshd = startService({
    name: 'sshd',
    file: 'unshare',
    args: ['--mount', 'sh', '-c', start],
    logPath: join(folder, 'sshd.log'),
  });
  mute = createServer(() => undefined);
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));

  city = await makeCity(':memory:', {
    PREAU_AGENT_FILES: join(folder, 'files'),
    PREAU_PUBLIC_URL: '',
  });
  additions = createAdditions(
    { ...city.platform, publicUrl: () => url },
    { ...additionTimes, connectMs: 8000, installMs: 30_000, reportMs: 15_000, beatMs: 100 },
  );
  app = await openEdge(city.platform, { publicUrl: () => url, additions });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
  await until(
    'sshd',
    async () =>
      (await additions.hostKey(city.technician, {
        siteId: city.site.id,
        host: '127.0.0.1',
        port,
      })) !== '',
    30_000,
  );
  met('sshd', await greetingOf(port), 'its greeting');
}, 60_000);

afterAll(async () => {
  await additions.close();
  await app.close();
  await sshd.stop();
  mute.close();
  await city.close();
  rmSync(folder, { recursive: true, force: true });
});

const read = async (id: string): Promise<Addition> => {
  const addition = await selectAddition(city.platform.database, id);
  if (addition === undefined) throw new Error('no addition');
  return addition;
};
const request = (more: object) => ({
  siteId: city.site.id,
  serverName: 'Salle info',
  host: '127.0.0.1',
  port,
  login: 'root',
  hostKey,
  ...more,
});
const over = async (id: string, timeoutMs = 60_000): Promise<Addition> => {
  await until(
    'the end of the addition',
    async () => !isAdditionOpen((await read(id)).state),
    timeoutMs,
  );
  return read(id);
};
/** As the new server's agent does once it runs. */
async function reportFor(id: string): Promise<void> {
  await until(
    'enrolment',
    async () => {
      const { state, log } = await read(id);
      if (!isAdditionOpen(state)) throw new GivenUp(log);
      return state === 'reporting';
    },
    90_000,
  );
  const { serverId } = await read(id);
  await acceptReport(
    city.platform,
    { kind: 'agent', id: serverId ?? '', name: 'x', siteId: city.site.id },
    { ...city.agent.report(), epoch: 'n'.repeat(22), seq: 1 },
  );
}
/** Everything the controller has written down. */
async function written(): Promise<string> {
  const { database } = city.platform;
  const tables = await Promise.all(
    (['server_additions', 'audit_events', 'enrolment_codes', 'servers'] as const).map((table) =>
      database.selectFrom(table).selectAll().execute(),
    ),
  );
  return JSON.stringify(tables);
}

describe('who gets in', () => {
  const key = (name: string) => readFileSync(join(folder, name), 'utf8');
  // biome-ignore format: a table
  const ways: [name: string, more: () => object][] = [
    ['root with a password', () => ({ password: passwords.root })],
    ['root with a key', () => ({ privateKey: key('key') })],
    ['root with a locked key', () => ({ privateKey: key('locked'), passphrase })],
    ['a technician’s account, sudo with the same password', () => ({ login: 'preautech', password: passwords.tech })],
    ['a technician’s account with a key, sudo with a password', () => ({ login: 'preautech', privateKey: key('key'), sudoPassword: passwords.tech })],
  ];
  test.each(ways)('%s', async (name, more) => {
    installer(enrolling(`agent-${name.replace(/[^a-z]+/g, '-')}`));
    const { id } = await additions.add(city.technician, request(more()));
    await reportFor(id);
    const done = await over(id);
    expect([done.state, done.failureCode, done.log]).toEqual([
      'done',
      null,
      expect.stringContaining('• enrolment as root\n'),
    ]);
    expect(done.log).toContain('seen in arguments: 0');
    expect(done.log).not.toContain('\u001b');
    const servers = await city.platform.database
      .selectFrom('servers')
      .select(['id', 'name'])
      .where('id', '=', done.serverId ?? '')
      .execute();
    expect(servers).toEqual([{ id: done.serverId, name: 'Salle info' }]);
    const all = await written();
    for (const secret of [
      ...Object.values(passwords),
      passphrase,
      'PRIVATE KEY',
      ...key('key')
        .split('\n')
        .filter((line) => line.length > 40 && !line.includes('-----')),
    ])
      expect(all).not.toContain(secret);
    expect(leftovers().filter((entry) => !foldersBefore.includes(entry))).toEqual([]);
  });
});

describe('who does not', () => {
  // biome-ignore format: a table
  const refusals: [name: string, more: () => object, code: string][] = [
    ['a wrong password', () => ({ password: 'wrong-password' }), 'SSH_SIGN_IN_REFUSED'],
    ['an unknown account', () => ({ login: 'nobody-here', password: 'wrong-password' }), 'SSH_SIGN_IN_REFUSED'],
    ['a key that opens nothing', () => ({ privateKey: readFileSync(join(folder, 'stranger'), 'utf8') }), 'SSH_SIGN_IN_REFUSED'],
    ['a locked key without its passphrase', () => ({ privateKey: readFileSync(join(folder, 'locked'), 'utf8') }), 'SSH_SIGN_IN_REFUSED'],
    ['something that is no key', () => ({ privateKey: 'hello' }), 'SSH_SIGN_IN_REFUSED'],
    ['an account that sudo does not know', () => ({ login: 'preauweak', password: passwords.weak }), 'SUDO_REFUSED'],
    ['a wrong password for sudo', () => ({ login: 'preautech', password: passwords.tech, sudoPassword: 'wrong-password' }), 'SUDO_REFUSED'],
    ['no password for sudo', () => ({ login: 'preautech', privateKey: readFileSync(join(folder, 'key'), 'utf8') }), 'SUDO_REFUSED'],
    ['another host key than the one confirmed', () => ({ password: passwords.root, hostKey: `SHA256:${'a'.repeat(43)}` }), 'HOST_KEY_CHANGED'],
    ['nobody listens', () => ({ password: passwords.root, port: 1 }), 'SSH_FAILED'],
    ['a host that accepts and says nothing', () => ({ password: passwords.root, port: (mute.address() as { port: number }).port }), 'SSH_FAILED'],
    ['a name that does not exist', () => ({ password: passwords.root, host: 'nowhere.invalid' }), 'SSH_FAILED'],
  ];
  test.each(refusals)('%s', async (_name, more, code) => {
    installer(enrolling('refused'));
    const before = await city.platform.database.selectFrom('servers').select('id').execute();
    const done = await over((await additions.add(city.technician, request(more()))).id);
    expect([done.state, done.failureCode]).toEqual(['failed', code]);
    expect(await city.platform.database.selectFrom('servers').select('id').execute()).toEqual(
      before,
    );
    const codes = await city.platform.database
      .selectFrom('enrolment_codes')
      .select('expires_at')
      .where('used_at', 'is', null)
      .execute();
    expect(codes.filter(({ expires_at }) => expires_at > city.time.at)).toEqual([]);
    expect(await written()).not.toContain('wrong-password');
  });

  test('no password goes to a machine that answers with another key', async () => {
    const log = () => readFileSync(join(folder, 'sshd.log'), 'utf8');
    const before = log().length;
    await over(
      (
        await additions.add(
          city.technician,
          request({ password: passwords.root, hostKey: `SHA256:${'b'.repeat(43)}` }),
        )
      ).id,
    );
    expect(log().slice(before)).not.toMatch(/Accepted|Failed password/);
  });
  test('the host key is the one ssh-keygen prints; a mute host and a closed port are refused', async () => {
    const ask = (at: number) =>
      additions.hostKey(city.technician, { siteId: city.site.id, host: '127.0.0.1', port: at });
    expect(await ask(port)).toBe(hostKey);
    await expect(ask(1)).rejects.toMatchObject({ code: 'SSH_FAILED' });
    const started = performance.now();
    await expect(ask((mute.address() as { port: number }).port)).rejects.toMatchObject({
      code: 'SSH_FAILED',
    });
    expect(performance.now() - started).toBeLessThan(14_000);
  });
});

describe('what goes wrong on the way', () => {
  const add = async (body: string) => {
    installer(body);
    return (await additions.add(city.technician, request({ password: passwords.root }))).id;
  };
  test('the installer refuses: its words are kept', async () => {
    const done = await over(
      await add('echo "An execution server needs Debian 12 or newer"; exit 1'),
    );
    expect([done.state, done.failureCode]).toEqual(['failed', 'INSTALL_FAILED']);
    expect(done.log).toContain('needs Debian 12 or newer');
  });
  test('the machine is enrolled already', async () => {
    expect(await over(await add('echo "enrolled already: the identity is kept"'))).toMatchObject({
      state: 'failed',
      failureCode: 'SERVER_ENROLLED_ALREADY',
    });
  });
  test('its agent never reports', async () => {
    const done = await over(await add(enrolling('silent')));
    expect(done).toMatchObject({
      state: 'failed',
      failureCode: 'SERVER_OFFLINE',
      serverId: expect.stringMatching(/^srv_/),
    });
  });
  test('the installer hangs', async () => {
    expect(await over(await add('echo waiting; sleep 300'), 60_000)).toMatchObject({
      state: 'failed',
      failureCode: 'INSTALL_TIMED_OUT',
    });
  });
  test('a flood of output is bounded, and a repeated secret is not kept', async () => {
    const done = await over(
      await add(
        'i=0; while [ $i -lt 20000 ]; do echo "line $i of a machine that talks"; i=$((i+1)); done; ' +
          `echo "${passwords.root}"; cat "$code"; exit 3`,
      ),
    );
    expect(done.log.length).toBeLessThanOrEqual(65_536);
    expect(done.log).toContain('line 19999');
    expect(done.log).not.toContain(passwords.root);
    expect(done.log).not.toMatch(/[A-Z2-7]{4}(-[A-Z2-7]{4}){5}/);
  });
  test('cancelled while it runs', async () => {
    const id = await add('echo waiting; sleep 300');
    await until('the installer', async () => (await read(id)).log.includes('waiting'), 60_000);
    expect(await additions.cancel(city.technician, id)).toMatchObject({
      state: 'cancelled',
      failureCode: null,
    });
    await expect(additions.cancel(city.technician, id)).rejects.toMatchObject({
      code: 'STATE_FORBIDS',
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await read(id)).toMatchObject({ state: 'cancelled' });
  });
  test('its controller dies: the sweep of another says so', async () => {
    const id = await add('echo waiting; sleep 300');
    await until('the installer', async () => (await read(id)).log.includes('waiting'), 60_000);
    await city.platform.database
      .updateTable('server_additions')
      .set({ alive_until: city.time.at - 1 })
      .where('id', '=', id)
      .execute();
    await endAbandonedAdditions(city.platform, { kind: 'job', id: 'sweep', name: 'sweep' });
    await until('the end', async () => !isAdditionOpen((await read(id)).state));
    expect(await read(id)).toMatchObject({ state: 'failed', failureCode: 'ADDITION_ABANDONED' });
  });
});

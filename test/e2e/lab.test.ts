/** The lab itself: real roots, networks and agents; each fault shown to bite and to end; nothing
 * left behind. */
import { createSocket } from 'node:dgram';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../dev/lab/host.ts';
import { type Lab, startLab } from '../../dev/lab/lab.ts';
import { sourceFaults } from '../../dev/lab/mirror.ts';
import {
  cityAddress,
  isAlive,
  leftoversOf,
  names,
  ownerOf,
  slots,
  sweep,
} from '../../dev/lab/network.ts';
import type { LabServer, School } from '../../dev/lab/school.ts';
import { root, until } from '../../dev/services.ts';
import { met, metRecipe, versionIn } from '../met.ts';

const folder = join(root, '.data/lab', `e2e-${process.pid}`);
const nothing = { namespaces: [], links: [], processes: [], mounts: [] };
let lab: Lab;
const school = (number: number): School => {
  const found = lab.schools[number - 1];
  if (found === undefined) throw new Error(`no school ${number}`);
  return found;
};

const script = (code: string) => ['/opt/preau/node', '-e', code];
/** From inside a server: what comes of a call to the controller. */
const reach = async (server: LabServer): Promise<string> =>
  (
    await server.run(
      script(
        `fetch('${lab.url}/api/health', { signal: AbortSignal.timeout(1200) }).then((answer) ` +
          '=> console.log(answer.status), (error) => console.log(error.cause?.code ?? ' +
          'error.name))',
      ),
    )
  ).stdout.trim();
const connects = async (from: LabServer, to: LabServer): Promise<string> =>
  (
    await from.run(
      script(
        `require('node:net').connect({ host: '${to.address}', port: 22, timeout: 1200 ` +
          `}).on('connect', () => (console.log('yes'), process.exit())).on('error', (error) => ` +
          `(console.log(error.code), process.exit())).on('timeout', () => ` +
          `(console.log('silence'), process.exit()))`,
      ),
    )
  ).stdout.trim();
const apt = (server: LabServer, ...words: string[]) =>
  server.run(
    ['apt-get', '-y', '-q', '-o', 'Acquire::Retries=0', '-o', 'Acquire::http::Timeout=2', ...words],
    { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: 20_000 },
  );
const status = async (server: LabServer, name: string) =>
  (await server.run(['dpkg-query', '-W', '-f', '${db:Status-Status}', name])).stdout;
const online = (server: LabServer) =>
  until(
    `${server.name} online`,
    async () =>
      (await lab.technician.call('readServer', { params: { id: server.serverId() } })).health ===
      'online',
    60_000,
  );
const stateOfProcess = (pid: number) =>
  readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.[0];

beforeAll(async () => {
  lab = await startLab({
    sites: 3,
    serversPerSite: { 2: 2 },
    diskMibOf: { 3: 160 },
    folder,
    tell: (step, seconds) => console.log(`• ${step} … ${seconds.toFixed(1)} s`),
  });
}, 600_000);

afterAll(async () => {
  await lab?.stop();
});

describe('a city of real schools', () => {
  it('each server has a network, processes and a package database of its own', async () => {
    expect(lab.servers.map(({ address }) => address)).toEqual(
      [1, 2, 2, 3].map(
        (number, index) => `${cityAddress(lab.slot).slice(0, -4)}.${number}.${index === 2 ? 2 : 1}`,
      ),
    );
    for (const server of lab.servers) {
      expect((await server.run(['hostname'])).stdout.trim()).toBe(server.name);
      const seen = (await server.run(['ps', '-eo', 'args='])).stdout.trim().split('\n');
      expect(seen.some((line) => line.includes('preau-agent.mjs run'))).toBe(true);
      expect(seen.length).toBeLessThan(12);
      expect(await reach(server)).toBe('200');
    }
    await school(1).first.run(['sh', '-c', 'echo here > /etc/only-here']);
    expect(existsSync(join(school(1).first.root(), 'etc/only-here'))).toBe(true);
    expect(existsSync(join(school(2).first.root(), 'etc/only-here'))).toBe(false);
    const [first] = lab.servers;
    const told = await run([
      'ssh',
      '-i',
      lab.ssh.keyPath,
      '-o',
      `UserKnownHostsFile=${lab.ssh.knownHosts}`,
      '-o',
      'BatchMode=yes',
      '-o',
      'ConnectTimeout=5',
      `root@${first?.address}`,
      'hostname',
      '&&',
      'python3',
      '-c',
      'import\\ apt',
    ]);
    expect(told).toMatchObject({ code: 0, stdout: `${first?.name}\n` });
  });

  it('an application that is wanted is installed there by apt, from the city’s source, and nowhere else', async () => {
    const id = await lab.applicationId('galculator');
    const wanted = [school(1).first];
    await lab.want(id, true, wanted);
    await until(
      'galculator',
      async () => (await lab.stateOf(school(1).first, id)) === 'installed',
      90_000,
    );
    expect(await school(1).first.installed('galculator')).toMatch(/^2\./);
    const debian = (await school(1).first.run(['cat', '/etc/debian_version'])).stdout.trim();
    for (const step of ['install', 'detect'] as const)
      metRecipe('apt', step, `Debian ${debian.split('.')[0]}`);
    met('apt', versionIn(await school(1).first.run(['apt-get', '--version'])), 'apt-get --version');
    met('dpkg', versionIn(await school(1).first.run(['dpkg', '--version'])), 'dpkg --version');
    expect(school(1).first.installs('galculator')).toBe(1);
    expect(existsSync(join(school(1).first.root(), 'usr/bin/galculator'))).toBe(true);
    expect(await school(2).first.installed('galculator')).toBeNull();
    const bytes = lab.mirror.bytesOf(school(1).addresses);
    expect(bytes).toBeGreaterThan(150_000);
    expect(school(1).uplinkBytes().fromCity).toBeGreaterThan(bytes);
    expect(lab.mirror.bytesOf(school(2).addresses)).toBe(0);
    expect(
      [...lab.mirror.requestsOf(school(1).addresses).keys()].some((name) =>
        name.startsWith('galculator_'),
      ),
    ).toBe(true);
  });
});

describe('lines', () => {
  it('cut: silence towards the city, the school’s own network goes on; mended: as before', async () => {
    const [first, second] = school(2).servers;
    if (first === undefined || second === undefined) throw new Error('two servers');
    await school(2).cut();
    expect(await reach(first)).toMatch(/TimeoutError|UND_ERR_CONNECT_TIMEOUT/);
    expect(await connects(first, second)).toBe('yes');
    expect(await connects(first, school(1).first)).toBe('silence');
    await school(2).mend();
    expect(await reach(first)).toBe('200');
  });

  it('unplugged: told at once; plugged: as before', async () => {
    const server = school(1).first;
    await server.unplug();
    expect(await reach(server)).toBe('ENETUNREACH');
    await server.plug();
    expect(await reach(server)).toBe('200');
  });

  it('loss: about that share of what is sent arrives; mended: all of it', async () => {
    const ear = createSocket('udp4');
    let heard = 0;
    ear.on('message', () => {
      heard += 1;
    });
    await new Promise<void>((resolve) => ear.bind(0, cityAddress(lab.slot), resolve));
    const send = async (): Promise<number> => {
      heard = 0;
      await school(1).first.run(
        script(
          `const s = require('node:dgram').createSocket('udp4'); let n = 0; const next = () ` +
            `=> n++ < 400 ? s.send('x', ${ear.address().port}, '${cityAddress(lab.slot)}', () ` +
            '=> setTimeout(next, 0)) : s.close(); next();',
        ),
      );
      return heard;
    };
    await school(1).lose(30);
    const some = await send();
    // 280 of 400 are expected; five standard deviations are 46.
    expect(some).toBeGreaterThan(230);
    expect(some).toBeLessThan(330);
    await school(1).mend();
    expect(await send()).toBe(400);
    ear.close();
  });

  it('slow: an eighth of a megabyte takes as long as the rate says; quick again: no time', async () => {
    const name =
      readFileSync(join(root, '.data/lab/pool.json'), 'utf8').match(
        /tuxmath-data_[^"]+\.deb/,
      )?.[0] ?? '';
    const take = async () =>
      Number(
        (
          await school(1).first.run(
            script(
              `const t = Date.now(); fetch('${lab.mirror.url}/${name}', { headers: { range: ` +
                `'bytes=0-131071' } }).then((a) => a.arrayBuffer()).then((b) => ` +
                'console.log(b.byteLength === 131072 ? Date.now() - t : -1))',
            ),
          )
        ).stdout,
      );
    await school(1).slow(512);
    // 131,072 bytes at 64,000 a second, less the first burst.
    const slow = await take();
    expect(slow).toBeGreaterThan(1500);
    expect(slow).toBeLessThan(6000);
    await school(1).quicken();
    const quick = await take();
    expect(quick).toBeGreaterThanOrEqual(0);
    expect(quick).toBeLessThan(1000);
  });
});

describe('programs that die', () => {
  it('agent killed and started; frozen and thawed', async () => {
    const { agent } = school(1).first;
    const before = agent.pid();
    expect(agent.kill()).toBe(true);
    await until('its end', () => agent.pid() === 0);
    await agent.start();
    expect(agent.pid()).not.toBe(before);
    agent.freeze();
    await until('it stands still', () => stateOfProcess(agent.pid()) === 'T');
    agent.thaw();
    await until('it runs', () => stateOfProcess(agent.pid()) !== 'T');
    await online(school(1).first);
  });

  it('sshd killed: refused; started: answers', async () => {
    const server = school(3).first;
    server.sshd.kill();
    await until('its end', () => server.sshd.pid() === 0);
    expect(await connects(school(1).first, server)).toBe('ECONNREFUSED');
    await server.sshd.start();
    await until('its answer', async () => (await connects(school(1).first, server)) === 'yes');
  });

  it('controller killed, frozen, Redis killed and flushed: the city comes back by itself', async () => {
    await lab.controller.kill();
    expect(await reach(school(1).first)).toBe('ECONNREFUSED');
    await lab.controller.startAgain();
    expect(await reach(school(1).first)).toBe('200');
    lab.controller.freeze();
    expect(await reach(school(1).first)).toMatch(/TimeoutError/);
    lab.controller.thaw();
    expect(await reach(school(1).first)).toBe('200');
    await lab.redis.kill();
    await lab.redis.startAgain();
    await lab.redis.flush();
    const id = await lab.offer('payload');
    await lab.want(id, true, [school(2).first]);
    await until(
      'the payload',
      async () => (await lab.stateOf(school(2).first, id)) === 'installed',
      90_000,
    );
    expect(await school(2).first.installed('preau-payload')).toBe('1.0');
  });
});

describe('packages and their source', () => {
  it('packages that fail, ask, are empty, or have a second version behave as made', async () => {
    const server = school(1).first;
    await apt(server, 'install', 'galculator');
    for (const which of ['fails', 'asks', 'empty', 'hangs'] as const) await lab.offer(which);
    expect((await apt(server, 'update')).code).toBe(0);
    expect((await apt(server, 'install', 'preau-empty')).code).toBe(0);
    expect(existsSync(join(server.root(), 'usr/games/preau-empty'))).toBe(false);
    expect((await apt(server, 'install', 'preau-payload=1.0')).code).toBe(0);
    await lab.offer('payload2');
    await apt(server, 'update');
    expect((await apt(server, 'install', 'preau-payload')).code).toBe(0);
    expect(await server.installed('preau-payload')).toBe('2.0');
    expect((await apt(server, 'install', 'preau-asks')).code).toBe(0);
    expect(readFileSync(join(server.root(), 'var/lib/preau-asks-answer'), 'utf8')).toBe('\n');
    expect((await apt(server, 'install', 'preau-fails')).code).toBe(100);
    expect(await status(server, 'preau-fails')).toBe('half-configured');
    expect((await apt(server, 'purge', 'preau-fails')).code).toBe(0);
  });

  it('an installer that never ends is killed with its children', async () => {
    const server = school(1).first;
    const installing = apt(server, 'install', 'preau-hangs');
    await until(
      'its set-up',
      () =>
        server
          .processes()
          .some(({ args }) => args.some((word) => word.endsWith('preau-hangs.postinst'))),
      30_000,
    );
    expect(server.killInstaller()).toBeGreaterThanOrEqual(3);
    expect((await installing).code).not.toBe(0);
    await until(
      'their end',
      () =>
        !server
          .processes()
          .some(({ args }) => args.some((word) => /postinst|^apt-get$|dpkg/.test(word))),
    );
    expect(await status(server, 'preau-hangs')).toMatch(/half-configured|unpacked/);
  });

  it.each(sourceFaults)(
    'a source that is %s: nothing of it is installed; well again: it is',
    async (fault) => {
      const server = school(2).first;
      const fetchOnly = async () => {
        await server.run([
          'sh',
          '-c',
          'rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*',
        ]);
        return server.run([
          'timeout',
          '-k',
          '1',
          '5',
          'apt-get',
          '-y',
          '-q',
          '-o',
          'Acquire::Retries=0',
          '-o',
          'Acquire::http::Timeout=2',
          'install',
          '--reinstall',
          '--download-only',
          'preau-payload',
        ]);
      };
      const well = lab.mirror.misbehave(fault, { addresses: school(2).addresses });
      expect((await fetchOnly()).code, fault).not.toBe(0);
      expect((await apt(school(1).first, 'update')).code, 'other schools do not notice').toBe(0);
      well();
      lab.mirror.behave();
      expect((await fetchOnly()).code).toBe(0);
    },
  );
});

describe('machines', () => {
  it('a full disk: dpkg fails; freed: it does not', async () => {
    const server = school(3).first;
    await apt(server, 'update');
    expect(await server.fillDisk()).toBe(0);
    expect((await apt(server, 'install', 'preau-payload')).code).not.toBe(0);
    await server.freeDisk();
    await server.run(['dpkg', '--configure', '-a']);
    expect((await apt(server, 'install', 'preau-payload')).code).toBe(0);
    expect(await server.installed('preau-payload')).not.toBeNull();
    await expect(school(1).first.fillDisk()).rejects.toThrow('not filled');
  });

  it('power off: nothing of it runs; on: what was installed is there, and it is the same server', async () => {
    const server = school(2).first;
    const before = server.serverId();
    await server.powerOff();
    expect(server.processes()).toEqual([]);
    expect(await connects(school(1).first, server)).not.toBe('yes');
    await server.powerOn();
    expect(server.serverId()).toBe(before);
    expect(await server.installed('preau-payload')).not.toBeNull();
    await online(server);
  });

  it('re-imaged: another server, with nothing installed; the old one is out of service', async () => {
    const server = school(2).first;
    const before = server.serverId();
    await server.reimage();
    expect(server.serverId()).not.toBe(before);
    expect(await server.installed('preau-payload')).toBeNull();
    await online(server);
    expect(
      (await lab.technician.call('listServers', { query: {} })).items.some(
        ({ id }) => id === before,
      ),
    ).toBe(false);
  });
});

describe('the end', () => {
  it('down leaves nothing', async () => {
    const there = lab.leftovers();
    expect(there.namespaces.length).toBe(3 + 4);
    expect(there.links.length).toBe(1 + 3);
    // The first process, sshd and agent of each server; controller and Redis.
    expect(there.processes.length).toBeGreaterThanOrEqual(4 * 3 + 2);
    await lab.stop();
    expect(lab.leftovers()).toEqual(nothing);
    expect(existsSync(folder)).toBe(false);
  });

  it('a lab whose holder was killed is taken away by what is there', async () => {
    const own = join(root, '.data/lab', `e2e-cli-${process.pid}`);
    const cli = (...words: string[]) =>
      run([process.execPath, join(root, 'dev/lab/main.ts'), ...words, '--folder', own], {
        timeoutMs: 200_000,
      });
    try {
      const up = await cli('up', '--sites', '1');
      expect(up.code, up.stderr).toBe(0);
      const slot = slots.find((candidate) => ownerOf(candidate)?.folder === own);
      const owner = slot === undefined ? null : ownerOf(slot);
      if (slot === undefined || owner === null) throw new Error('no lab is up');
      expect((await cli('fault', 'cut', '1')).stdout).toBe('done\n');
      expect(
        (await run(['ip', 'netns', 'exec', names.school(slot, 1), 'nft', 'list', 'ruleset']))
          .stdout,
      ).toContain('oifname "wan" drop');
      expect((await cli('fault', 'mend', '1')).code).toBe(0);
      process.kill(owner.pid, 'SIGKILL');
      await until('its end', () => !isAlive(owner));
      expect(leftoversOf(slot, own).processes.length).toBeGreaterThan(0);
      const down = await cli('down');
      expect(down.code, down.stderr).toBe(0);
      expect(leftoversOf(slot, own)).toEqual(nothing);
    } finally {
      for (const slot of slots) if (ownerOf(slot)?.folder === own) await sweep(slot, own);
      for (const path of [own, `${own}.log`, `${own}.sock`])
        rmSync(path, { recursive: true, force: true });
    }
  }, 300_000);
});

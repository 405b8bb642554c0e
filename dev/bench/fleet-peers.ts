/** Other tools that run one command on many machines, in the same run: ClusterShell over a private
 * sshd on this machine, and its local workers without any network, each target running `sleep
 * 0.2`. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../agent/src/command.ts';
import { freePort, root, startService, until } from '../services.ts';
import { quantile, round } from './figures.ts';
import { measureMesh, type Peer } from './fleet-mesh.ts';

const task = 'sleep 0.2';
const rounds = 3;
const enoughMs = 20_000;

async function timed(targets: number, args: readonly string[]): Promise<Peer> {
  const took: number[] = [];
  const begunAt = performance.now();
  for (let turn = 0; turn < rounds && performance.now() - begunAt < enoughMs; turn += 1) {
    const startedAt = performance.now();
    const done = await run(
      '/usr/bin/clush',
      ['-S', '-q', '-f', String(targets), ...args, '-w', `ecole[1-${targets}]`, task],
      { timeoutMs: 45_000, env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent' } },
    );
    if (done.timedOut) return 'left out: not done within 45 s';
    if (done.code !== 0)
      return `left out: clush ended with ${done.code}: ${done.stderr.slice(-300)}`;
    took.push(round((performance.now() - startedAt) / 1000, 3));
  }
  return { median_s: quantile(took, 0.5), rounds_s: took };
}

export async function measurePeers<N extends number>(
  tell: (text: string) => void,
  sizes: readonly N[],
): Promise<Record<N, Record<string, Peer>>> {
  const folder = join(root, '.data/bench-fleet-peers');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const port = await freePort();
  for (const name of ['host', 'client'])
    await run('/usr/bin/ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)], {
      timeoutMs: 10_000,
    });
  writeFileSync(join(folder, 'authorized'), readFileSync(join(folder, 'client.pub'), 'utf8'), {
    mode: 0o600,
  });
  writeFileSync(
    join(folder, 'sshd'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${join(folder, 'host')}`,
      `AuthorizedKeysFile ${join(folder, 'authorized')}`,
      'PidFile none',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      'UsePAM no',
      'StrictModes no',
      'MaxStartups 500:1:1000',
      'MaxSessions 500',
      'LogLevel ERROR',
      // Keeps the account's own shell settings out of the measured cost.
      `SetEnv HOME=${folder}`,
    ].join('\n'),
  );
  writeFileSync(
    join(folder, 'ssh'),
    [
      'Host ecole*',
      '  HostName 127.0.0.1',
      `  Port ${port}`,
      '  User root',
      `  IdentityFile ${join(folder, 'client')}`,
      '  IdentitiesOnly yes',
      '  StrictHostKeyChecking no',
      '  UserKnownHostsFile /dev/null',
      '  LogLevel ERROR',
      '  ConnectTimeout 60',
    ].join('\n'),
  );
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const sshd = startService({
    name: 'sshd',
    file: '/usr/sbin/sshd',
    args: ['-D', '-f', join(folder, 'sshd')],
    logPath: join(folder, 'sshd.log'),
  });
  try {
    await until(
      'sshd',
      async () =>
        (
          await run('/usr/bin/ssh', ['-F', join(folder, 'ssh'), 'ecole1', 'true'], {
            timeoutMs: 5000,
          })
        ).code === 0,
    );
    const found: Record<number, Record<string, Peer>> = {};
    for (const size of sizes) {
      const overSsh = await timed(size, ['-R', 'ssh', '-o', `-F ${join(folder, 'ssh')}`]);
      const local = await timed(size, ['-R', 'exec']);
      found[size] = {
        'clustershell over ssh': overSsh,
        'clustershell, local workers': local,
        // Each MeshCentral agent is a process of its own, as ours are on a school's server but not
        // here: a few are enough to compare.
        meshcentral: size > 50 ? 'measured with 27 agents only' : await measureMesh(size),
      };
      tell(
        `clustershell, ${size} targets: ` +
          `${typeof overSsh === 'string' ? overSsh : `${overSsh.median_s} s over ssh`}, ` +
          `${typeof local === 'string' ? local : `${local.median_s} s with local workers`}`,
      );
    }
    return found;
  } finally {
    await sshd.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

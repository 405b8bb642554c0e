/** Applications from Debian's packages: found, installed, removed; never asked a question. */
import { join } from 'node:path';
import type { DesiredApplication } from '@preau/contract/desired-state.ts';
import { AppError } from '@preau/contract/errors.ts';
import { run, startDetached } from '#src/command.ts';
import { exists, readText, remove } from '#src/files.ts';

const quick = { timeoutMs: 30_000 };
const installWithinMs = 30 * 60_000;
/** Another apt may hold the lock, ours of before a crash included: wait for it. A kept configuration file is kept. */
const quiet = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=600', '-o', 'Dpkg::Options::=--force-confold', '-o', 'Dpkg::Use-Pty=0'];

/** The installed version by the recipe's rule; null when it is not there. A file has no version: the recipe's is told. */
export async function detect(application: DesiredApplication): Promise<string | null> {
  const rule = application.recipes.linux.detect;
  if (rule.kind === 'file') return exists(rule.path) ? application.version : null;
  const found = await run('/usr/bin/dpkg-query', ['-W', '-f', '${db:Status-Status} ${Version}', rule.package], quick);
  const [status, version] = found.stdout.split(' ');
  return status === 'installed' && version !== undefined ? version : null;
}

export async function install(application: DesiredApplication, logs: string): Promise<void> {
  const { packages } = application.recipes.linux;
  let unknown = await unknownPackages(packages);
  if (unknown.length > 0) {
    // An old list of packages is the usual reason.
    await run('/usr/bin/apt-get', ['update', '-q'], { timeoutMs: 300_000 });
    unknown = await unknownPackages(packages);
  }
  if (unknown.length > 0) throw new AppError('PACKAGE_NOT_FOUND', { why: `no package ${unknown.join(', ')} in this server's sources` });
  const first = await aptGet(application, logs, ['install', ...quiet, '--no-install-recommends', ...packages]);
  if (first.code === 0) return;
  // Half-configured packages of an interrupted run are the usual reason; the second try tells the rest.
  await run('/usr/bin/dpkg', ['--configure', '-a', '--force-confold'], { timeoutMs: installWithinMs });
  const second = await aptGet(application, logs, ['install', ...quiet, '--no-install-recommends', ...packages]);
  if (second.code !== 0) throw new AppError('INSTALL_FAILED', { why: `apt-get ended with ${second.code ?? 'a signal'}: ${second.tail}` });
}

export async function removePackages(application: DesiredApplication, logs: string): Promise<void> {
  if (application.recipes.linux.packages.length === 0) return;
  const done = await aptGet(application, logs, ['remove', ...quiet, ...application.recipes.linux.packages]);
  if (done.code !== 0) throw new AppError('REMOVE_FAILED', { why: `apt-get ended with ${done.code ?? 'a signal'}: ${done.tail}` });
}

async function unknownPackages(packages: readonly string[]): Promise<string[]> {
  const { stdout } = await run('/usr/bin/apt-cache', ['policy', ...packages], quick);
  const known = new Set([...stdout.matchAll(/^(\S+):\n\s+Installed: .*\n\s+Candidate: (?!\(none\))/gm)].map((match) => match[1]));
  return packages.filter((name) => !known.has(name));
}

/** apt runs in a session of its own with its output in a file: an agent that dies does not leave dpkg half-way. */
async function aptGet(application: DesiredApplication, logs: string, args: readonly string[]): Promise<{ code: number | null; tail: string }> {
  const log = join(logs, `apt-${application.slug}.log`);
  remove(log);
  const started = await startDetached('/usr/bin/apt-get', args, log);
  let timer: NodeJS.Timeout | undefined;
  const code = await Promise.race([
    started.exited,
    new Promise<null>((resolve) => {
      timer = setTimeout(() => {
        process.kill(-started.pid, 'SIGKILL');
        resolve(null);
      }, installWithinMs);
    }),
  ]);
  clearTimeout(timer);
  return { code, tail: (readText(log) ?? '').trim().slice(-1200) };
}

/** What Debian provides: packages, and the addresses they come from. */
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, must, refuse, step } from './programs.mjs';

export async function installPackages(names) {
  const missing = missingOf(names);
  await step(
    `Debian packages: ${missing.join(' ')}`,
    () => missing.length === 0,
    () =>
      withoutStartingServices(() => {
        apt(['update']);
        apt(['install', '--no-install-recommends', ...missing]);
      }),
  );
}

function missingOf(names) {
  const found = ask('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Package}\n', ...names]);
  const installed = new Set([...found.matchAll(/^installed (\S+)$/gm)].map((match) => match[1]));
  return names.filter((name) => !installed.has(name));
}

/** Debian starts a service when it installs one: we run private ones, so the packages' own must not
 * take the usual ports. */
function withoutStartingServices(work) {
  const policy = '/usr/sbin/policy-rc.d';
  const made = !existsSync(policy);
  if (made) {
    writeFileSync(policy, '#!/bin/sh\nexit 101\n');
    chmodSync(policy, 0o755);
  }
  try {
    work();
  } finally {
    if (made) rmSync(policy);
  }
}

const apt = (args) =>
  must('apt-get', ['-y', '-q', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });

/** The addresses of the archive and its security updates, from this machine's apt configuration. */
export function mirrors() {
  const folder = '/etc/apt/sources.list.d';
  const addresses = [
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []),
    '/etc/apt/sources.list',
  ]
    .filter((path) => /\.(sources|list)$/.test(path) && existsSync(path))
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .filter((line) => !line.startsWith('#'))
    .flatMap((line) => line.match(/https?:\/\/[^ ]+/g) ?? [])
    .map((address) => address.replace(/\/$/, ''));
  const main = addresses.find((address) => address.endsWith('/debian'));
  const security = addresses.find((address) => address.endsWith('/debian-security'));
  if (main === undefined || security === undefined)
    return refuse(
      '\nNo Debian mirror was found in /etc/apt/sources.list(.d): add one for main and security, then start again.',
    );
  return { main, security };
}

export const makeFrenchLocale = () =>
  step(
    'French locale',
    () => /fr_FR\.utf8/.test(ask('locale', ['-a'])),
    () => must('localedef', ['-i', 'fr_FR', '-f', 'UTF-8', 'fr_FR.UTF-8']),
  );

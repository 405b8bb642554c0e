/** Which run of the kernel this is, and whether the system asks for a restart. */
import type { Boot } from '@preau/contract/asking.ts';
import { AppError } from '@preau/contract/errors.ts';
import { run } from '#src/command.ts';
import { exists, modifiedAt, names, readText } from '#src/files.ts';

/** Compares two kernel releases as Debian numbers them: `6.1.0-9-amd64` is older than `6.1.0-10-amd64`. */
export const isNewerKernel = (one: string, other: string): boolean =>
  one.localeCompare(other, 'en', { numeric: true }) > 0;

/** What Debian says in `/run/reboot-required`, or a kernel in `/boot` that is newer than the running
 * one and of the same flavour. Pure. */
export function restartNeeded(facts: {
  /** When a package asked for it, epoch ms; 0: none did. */
  requiredAt: number;
  packages: readonly string[];
  running: string;
  /** Kernels in /boot, with the time they were written. */
  kernels: readonly { release: string; at: number }[];
}): Boot['restartNeeded'] {
  const flavour = (release: string) => release.split('-').at(-1);
  const isHere = facts.kernels.some(({ release }) => release === facts.running);
  const newer = facts.kernels.filter(
    ({ release }) =>
      flavour(release) === flavour(facts.running) && isNewerKernel(release, facts.running),
  );
  // A container shows the kernel of its host, which is none of those in its /boot.
  const kernels = isHere ? newer : [];
  if (facts.requiredAt === 0 && kernels.length === 0) return null;
  const packages = [
    ...facts.packages,
    ...kernels.map(({ release }) => `linux-image-${release}`),
  ].filter((name) => /^[a-z0-9][a-z0-9+.:~_-]{0,118}$/i.test(name));
  const since = [facts.requiredAt, ...kernels.map(({ at }) => at)].filter((at) => at > 0);
  return {
    since: Math.floor(Math.min(...since)),
    packages: [...new Set(packages)].slice(0, 100),
  };
}

export function readBoot(root = ''): Boot {
  const required = `${root}/run/reboot-required`;
  const kernels = names(`${root}/boot`).flatMap((name) => {
    const release = /^vmlinuz-(.+)$/.exec(name)?.[1];
    return release === undefined ? [] : [{ release, at: modifiedAt(`${root}/boot/${name}`) }];
  });
  return {
    bootId: readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '',
    restartNeeded: restartNeeded({
      requiredAt: exists(required) ? modifiedAt(required) : 0,
      packages: (readText(`${required}.pkgs`) ?? '').split('\n').filter((line) => line !== ''),
      running: readText('/proc/sys/kernel/osrelease')?.trim() ?? '',
      kernels,
    }),
  };
}

/** Returns when the restart is ordered: the machine then stops its services, this agent among
 * them. Throws when it cannot be ordered, and while a program forbids it: apt does so as long as it
 * works. */
export async function restartMachine(): Promise<void> {
  // Without the option, root overrules those programs in Debian 12, and not in Debian 13.
  const args = ['reboot', '--check-inhibitors=yes'];
  const done = await run('/usr/bin/systemctl', args, { timeoutMs: 60_000 });
  if (done.code === 0) return;
  const why = `systemctl reboot: ${done.stderr.trim().slice(-500)}`;
  throw /inhibited by/i.test(why) ? new AppError('PACKAGES_LOCKED', { why }) : new Error(why);
}

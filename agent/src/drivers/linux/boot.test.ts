import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { isNewerKernel, readBoot, restartNeeded } from './boot.ts';
import { spareAgent } from './needrestart.ts';

const root = mkdtempSync(join(tmpdir(), 'preau-boot-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('whether a restart is needed', () => {
  const facts = { requiredAt: 0, packages: [], running: '6.1.0-9-amd64', kernels: [] };
  const kernel = (release: string, at = 5) => ({ release, at });
  const installed = [kernel('6.1.0-9-amd64'), kernel('6.1.0-10-amd64', 7)];
  test('not while nobody asks and the newest kernel runs', () => {
    expect(restartNeeded(facts)).toBeNull();
    expect(restartNeeded({ ...facts, running: '6.1.0-10-amd64', kernels: installed })).toBeNull();
  });
  test('a newer kernel of the same flavour; never that of a container’s host', () => {
    expect(restartNeeded({ ...facts, kernels: installed })).toEqual({
      since: 7,
      packages: ['linux-image-6.1.0-10-amd64'],
    });
    expect(
      restartNeeded({ ...facts, kernels: [kernel('6.1.0-9-amd64'), kernel('6.1.0-10-rt-cloud')] }),
    ).toBeNull();
    expect(restartNeeded({ ...facts, running: '5.4.0-1-amd64', kernels: installed })).toBeNull();
    expect(isNewerKernel('6.1.0-10-amd64', '6.1.0-9-amd64')).toBe(true);
  });
  test('what Debian notes, from when on', () => {
    mkdirSync(join(root, 'run'));
    writeFileSync(join(root, 'run/reboot-required'), '');
    writeFileSync(join(root, 'run/reboot-required.pkgs'), 'libc6\nlibc6\ndbus\n\u0000\n');
    const { bootId, restartNeeded: needed } = readBoot(root);
    expect(bootId).toMatch(/^[0-9a-f-]{36}$/);
    expect(needed?.packages).toEqual(['libc6', 'dbus']);
    expect(Math.abs((needed?.since ?? 0) - Date.now())).toBeLessThan(60_000);
  });
});

test('needrestart spares the agent, where it is installed', () => {
  const file = join(root, 'needrestart/conf.d/preau-agent.conf');
  spareAgent(file);
  mkdirSync(join(root, 'needrestart/conf.d'), { recursive: true });
  spareAgent(file);
  expect(readFileSync(file, 'utf8')).toContain('$nrconf{override_rc}{qr(^preau-agent)} = 0;');
});

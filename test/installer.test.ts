/** The installer as text. What it does on a Debian: installer.system.test.ts. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../dev/services.ts';
import { installerScript } from '../packaging/installer-script.ts';
import { serverPackages } from '../packaging/linux/requirements.mjs';

const script = installerScript();
const sh = (input: string, ...args: string[]) =>
  spawnSync('sh', ['-s', '--', ...args], { input, encoding: 'utf8' });

describe('the installer', () => {
  test('is one script, which installs what the demo installs', () => {
    expect(script).not.toMatch(/^\. "\$\{0/m);
    expect(/^packages='([^']*)'$/m.exec(script)?.[1]?.split(' ')).toEqual(serverPackages);
    // Printing programs call lpr.
    expect(serverPackages).toEqual(expect.arrayContaining(['cups-client', 'cups-bsd', 'xauth']));
  });

  test('does nothing when its download breaks off anywhere', () => {
    const lines = script.split('\n');
    for (const share of [0.2, 0.5, 0.8, 0.95]) {
      const cut = lines.slice(0, Math.floor(lines.length * share)).join('\n');
      const { stdout } = sh(`${cut}\n`, '--remove');
      expect(stdout).toBe('');
    }
  });

  const shellcheck = spawnSync('shellcheck', ['--version'], { encoding: 'utf8' });
  test.skipIf(shellcheck.error !== undefined)(
    'has no fault that shellcheck knows (needs the package shellcheck)',
    () => {
      const { stdout } = spawnSync('shellcheck', ['-s', 'sh', '-f', 'gcc', '-'], {
        input: script,
        encoding: 'utf8',
      });
      expect(stdout).toBe('');
    },
  );

  // biome-ignore format: a table
  const refused: [args: string[], says: RegExp][] = [
    [['--nonsense'], /Unknown option --nonsense/],
    [['--controller'], /Usage/],
    [['--controller', 'https://ville.test'], /Usage/],
    [['--controller', 'ville.test', '--check'], /--controller is ville\.test: expected an address/],
    [['--controller', 'https://v.test', '--check', '--rdp-port', '33x'], /--rdp-port is 33x/],
    [['--controller', 'https://v.test', '--check', '--rdp-host', 'fd00::1'], /--rdp-host is fd00::1: expected an IPv4/],
    [['--controller', 'https://v.test', '--check', '--proxy', 'u:secret@proxy:3128'], /The proxy is proxy:3128: expected/],
    [['--controller', 'https://v.test', '--check', '--proxy', 'http://u:a b@proxy'], /must be written as %20/],
  ];
  test.skipIf(process.getuid?.() !== 0).each(refused)('refuses %j (needs root)', (args, says) => {
    const { status, stdout, stderr } = sh(script, ...args);
    expect([status, stdout, stderr]).toEqual([1, '', expect.stringMatching(says)]);
    expect(stderr).toContain('Nothing was changed.');
    expect(stderr).not.toContain('secret');
  });
});

test('the line that the console shows is one that the installer reads', () => {
  const shown = readFileSync(join(root, 'controller/src/servers/enrolment/enrol.ts'), 'utf8');
  for (const [option] of shown.matchAll(/--[a-z][a-z-]+/g)) expect(script).toContain(`${option} `);
});

/** The commands that make a machine a server, given to a real shell. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  asRoot,
  folderOf,
  makeFolder,
  removeFolder,
  runInstaller,
  writeFile,
} from '../controller/src/servers/additions/shell.ts';

const sh = (command: string, input = '', path = process.env['PATH'] ?? '') => {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
    input,
    encoding: 'utf8',
    env: { PATH: path },
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
};

test.each(['root', 'tech'])('arguments of %s arrive as they are, and nothing stays', (login) => {
  // In place of sudo: it drops its own options and runs the rest.
  const bin = mkdtempSync(join(tmpdir(), 'preau-shell-'));
  writeFileSync(join(bin, 'sudo'), '#!/bin/sh\nshift 5\nexec "$@"\n');
  chmodSync(join(bin, 'sudo'), 0o755);
  const folder = folderOf(sh(makeFolder)) ?? '';
  try {
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    sh(writeFile(`${folder}/install.sh`), 'for word in "$@"; do echo "[$word]"; done\n');
    sh(writeFile(`${folder}/code`), 'one-use\n');
    expect(statSync(`${folder}/code`).mode & 0o777).toBe(0o600);
    const controllerUrl = `https://l'école.example/?a=1&b="$(touch ${bin}/ran)"`;
    const command = runInstaller({ folder, controllerUrl, controllerKey: '`id`' });
    expect(sh(asRoot(login, command), '', `${bin}:${process.env['PATH']}`).split('\n')).toEqual([
      '[--controller]',
      `[${controllerUrl}]`,
      '[--key]',
      '[`id`]',
      '[--code-file]',
      `[${folder}/code]`,
      '',
    ]);
    expect(existsSync(join(bin, 'ran'))).toBe(false);
    expect(existsSync(folder)).toBe(false);
  } finally {
    sh(removeFolder(folder));
    rmSync(bin, { recursive: true, force: true });
  }
});

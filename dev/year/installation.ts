/** A city that runs from a checkout, laid out as docs/runbooks/upgrade.md says, in a folder of its own:
 * versions side by side, the link to the one in use, settings, and in place of systemd a program
 * that starts and ends what the link names. For tests and benchmarks. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { freePort, root } from '../services.ts';

export interface Installation {
  url: string;
  data: string;
  /** Makes a version whose service runs this script; null: this tree's own. */
  addVersion: (name: string, service: string | null) => string;
  /** Makes the link name it. */
  use: (version: string) => void;
  current: () => string;
  systemctl: (word: 'start' | 'stop') => void;
  /** Runs upgrade.sh of a version; `readySeconds`: how long it may take to become ready. */
  upgrade: (version: string, options?: { back?: boolean; readySeconds?: number }) => Run;
  /** Ends what runs. */
  close: () => void;
}
interface Run {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** `settings`: of the controller. */
export async function makeInstallation(
  folder: string,
  settings: Readonly<Record<string, string>>,
): Promise<Installation> {
  const place = join(folder, 'preau');
  const data = join(folder, 'data');
  const bin = join(folder, 'bin');
  for (const path of [place, data, bin]) mkdirSync(path, { recursive: true, mode: 0o700 });
  const port = await freePort();
  const all = {
    ...{ PREAU_PORT: String(port), PREAU_DATA: data, PREAU_LOG_LEVEL: 'error' },
    ...settings,
  };
  const settingsFile = join(folder, 'controller.env');
  writeFileSync(
    settingsFile,
    Object.entries(all)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const pidFile = join(folder, 'pid');
  // Waits for the end of a service, as systemctl does.
  writeFileSync(
    join(bin, 'systemctl'),
    `#!/bin/sh
set -a; . ${settingsFile}; set +a
case "$1" in
  start)
    setsid ${place}/current/node_modules/.bin/node ${place}/current/controller/src/main.ts \\
      >>${folder}/service.log 2>&1 </dev/null &
    echo $! >${pidFile} ;;
  stop)
    [ -f ${pidFile} ] || exit 0
    pid=$(cat ${pidFile}); rm -f ${pidFile}
    kill "$pid" 2>/dev/null || exit 0
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done ;;
esac
`,
  );
  chmodSync(join(bin, 'systemctl'), 0o755);
  const env = {
    PATH: `${bin}:/usr/bin:/bin`,
    ...{ UPGRADE_ROOT: place, UPGRADE_SETTINGS: settingsFile, UPGRADE_USER: '' },
    NODE_NO_WARNINGS: '1',
  };
  const run = (file: string, args: readonly string[], more: Record<string, string> = {}): Run => {
    const { status, stdout, stderr } = spawnSync(file, [...args], {
      encoding: 'utf8',
      env: { ...env, ...more },
    });
    return { status, stdout, stderr };
  };
  const systemctl = (word: string) => void run(join(bin, 'systemctl'), [word]);
  return {
    url: `http://127.0.0.1:${port}`,
    data,
    addVersion: (name, service) => {
      const version = join(place, name);
      mkdirSync(join(version, 'controller/src'), { recursive: true });
      symlinkSync(join(root, 'node_modules'), join(version, 'node_modules'));
      const own = JSON.stringify(join(root, 'controller/src/main.ts'));
      writeFileSync(
        join(version, 'controller/src/main.ts'),
        service === null
          ? `await import(${own});\n`
          : `if (process.argv.length > 2) await import(${own});\nelse {\n${service}\n}\n`,
      );
      return version;
    },
    use: (version) => {
      rmSync(join(place, 'current'), { force: true });
      symlinkSync(version, join(place, 'current'));
    },
    current: () => realpathSync(join(place, 'current')),
    systemctl,
    upgrade: (version, { back = false, readySeconds = 60 } = {}) =>
      run(join(root, 'packaging/linux/upgrade.sh'), back ? ['--back'] : [], {
        ...{ UPGRADE_VERSION: version, UPGRADE_READY_SECONDS: String(readySeconds) },
      }),
    close: () => {
      if (existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '') systemctl('stop');
    },
  };
}

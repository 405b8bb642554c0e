/** Runs under whatever Node the machine has (20 or newer): installs what is missing, then hands
 * over to Node 24.
 *  Each step says what it does and how long it took; what is there already costs nothing.
 *
 *    node dev/bootstrap.mjs start | test [--quick] | bench NAME [--json] | lab up|down|status|fault
 *    … | check | build */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  benchPackages,
  controllerPackages,
  guacdPackages,
  labPackages,
  serverPackages,
  testPackages,
} from '../packaging/linux/requirements.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const tools = join(root, '.data/tools');
const [command = '', ...rest] = process.argv.slice(2);
const quick = rest.includes('--quick');
const needsSystem =
  command === 'start' || command === 'bench' || command === 'lab' || (command === 'test' && !quick);

// A benchmark prints one JSON object and nothing else on standard output: steps are told on
// standard error.
const say = (text) => process.stderr.write(`${text}\n`);

async function step(title, isDone, work) {
  if (isDone()) return;
  const started = Date.now();
  process.stderr.write(`• ${title} … `);
  await work();
  say(`${((Date.now() - started) / 1000).toFixed(1)} s`);
}

function must(file, args, options = {}) {
  const done = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 64e6, ...options });
  if (done.status === 0) return done.stdout ?? '';
  say(
    `\n\n${file} ${args.join(' ')}\nended with ${done.status ?? done.signal ?? done.error?.message}:\n${`${done.stdout ?? ''}${done.stderr ?? ''}`.trim().slice(-3000)}`,
  );
  process.exit(1);
}

function refuse(text) {
  say(text);
  process.exit(1);
}

const hashOf = (paths) => {
  const hash = createHash('sha256');
  const add = (path) => {
    if (statSync(path).isDirectory())
      for (const name of readdirSync(path).sort()) add(join(path, name));
    else hash.update(path.slice(root.length)).update(readFileSync(path));
  };
  for (const path of paths) if (existsSync(join(root, path))) add(join(root, path));
  return hash.digest('hex');
};
const stampIs = (path, value) => existsSync(path) && readFileSync(path, 'utf8') === value;

function checkMachine() {
  if (Number(process.versions.node.split('.')[0]) < 20)
    refuse(
      `Préau needs Node 20 or newer to begin; this is ${process.version}. On Debian: apt-get install nodejs npm, or take Node from nodejs.org.`,
    );
  if (!needsSystem) return;
  const container = `Or run a city in containers, on any system with Docker: docker compose up (see README.md, "A real city").`;
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  if (
    process.platform !== 'linux' ||
    !/^ID=debian$/m.test(release) ||
    !/^VERSION_ID="1[2-9]"$/m.test(release)
  ) {
    refuse(
      `The demo runs applications on this machine, so it needs Debian 12. This is ${/^PRETTY_NAME="?([^"\n]+)/m.exec(release)?.[1] ?? process.platform}.\n${container}\nThe unit tests run anywhere: npm test -- --quick`,
    );
  }
  if (process.getuid() !== 0) {
    refuse(
      `The demo installs Debian packages and makes throw-away accounts, so it needs root. Nothing was changed. Run:\n\n    sudo npm ${command === 'start' ? 'start' : `${command === 'test' ? 'test' : `run ${command} --`} ${rest.join(' ')}`}\n\n${container}`,
    );
  }
}

const isInstalled = (names) => {
  const found =
    spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Package}\n', ...names], {
      encoding: 'utf8',
    }).stdout ?? '';
  const installed = new Set([...found.matchAll(/^installed (\S+)$/gm)].map((match) => match[1]));
  return names.filter((name) => !installed.has(name));
};

/** Debian starts a service when it installs one: ours are private, so the packages' own must not
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

async function installPackages(names) {
  const missing = isInstalled(names);
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

/** guacd is not in Debian 12. Debian 11's runs from a folder of our own, without a trace in the
 * host's apt. It has published faults (fixed in 1.6.0): demo and tests only, on loopback, as its
 * own user. */
async function getGuacd() {
  const folder = join(tools, 'guacd');
  await step(
    'guacd 1.3 from Debian 11, into a private folder',
    () => existsSync(join(folder, 'usr/sbin/guacd')),
    () => {
      const work = join(tools, 'guacd.new');
      rmSync(work, { recursive: true, force: true });
      for (const name of ['lists/partial', 'cache/archives/partial', 'debs', 'root'])
        mkdirSync(join(work, name), { recursive: true });
      const sources = spawnSync(
        'sh',
        [
          '-c',
          "cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | grep -Eo 'https?://[^ ]+' ",
        ],
        { encoding: 'utf8' },
      )
        .stdout.split('\n')
        .map((line) => line.replace(/\/$/, ''));
      const main = sources.find((line) => /\/debian$/.test(line));
      const security = sources.find((line) => /\/debian-security$/.test(line));
      if (main === undefined || security === undefined)
        refuse(
          '\nNo Debian mirror was found in /etc/apt/sources.list(.d): add one for main and security, then start again.',
        );
      const signed = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
      writeFileSync(
        join(work, 'sources.list'),
        `deb ${signed} ${main} bullseye main\ndeb ${signed} ${security} bullseye-security main\n`,
      );
      const own = ['sourcelist', 'sourceparts'].map(
        (name) => `Dir::Etc::${name}=${name === 'sourcelist' ? join(work, 'sources.list') : '-'}`,
      );
      const options = [
        ...own,
        `Dir::State::lists=${join(work, 'lists')}`,
        `Dir::Cache=${join(work, 'cache')}`,
        'APT::Sandbox::User=root',
      ].flatMap((option) => ['-o', option]);
      must('apt-get', [...options, 'update', '-q']);
      must(
        'apt-get',
        [
          ...options,
          'download',
          '-q',
          'guacd',
          'libguac19',
          'libguac-client-rdp0',
          'libssl1.1',
          'libwebp6',
        ],
        { cwd: join(work, 'debs') },
      );
      for (const deb of readdirSync(join(work, 'debs')))
        must('dpkg', ['-x', join(work, 'debs', deb), join(work, 'root')]);
      rmSync(folder, { recursive: true, force: true });
      renameSync(join(work, 'root'), folder);
      rmSync(work, { recursive: true, force: true });
    },
  );
  // Whoever runs guacd must reach it: every folder on the way is readable.
  chmodSync(folder, 0o755);
}

const frenchExists = () =>
  /fr_FR\.utf8/.test(spawnSync('locale', ['-a'], { encoding: 'utf8' }).stdout ?? '');

async function installNpm() {
  const stamp = join(root, 'node_modules/.preau-lock');
  const wanted = hashOf(['package-lock.json']);
  await step(
    'npm packages',
    () => stampIs(stamp, wanted),
    () => {
      must('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
        cwd: root,
      });
      writeFileSync(stamp, wanted);
    },
  );
}

function node24() {
  const bundled = join(root, 'node_modules/.bin/node');
  if (existsSync(bundled)) return bundled;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return refuse(
    `Préau runs on Node 24. The npm package that brings it exists for x86-64 Linux only; install Node 24 yourself and start again. This is ${process.version} on ${process.arch}.`,
  );
}

async function build(node) {
  const sources = hashOf([
    'console/src',
    'console/static',
    'console/vite.config.ts',
    'contract/src',
    'package-lock.json',
  ]);
  const stamp = join(root, 'console/build/.stamp');
  await step(
    'console',
    () => stampIs(stamp, sources),
    () => {
      must(node, [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'error'], {
        cwd: join(root, 'console'),
      });
      writeFileSync(stamp, sources);
    },
  );
  const agentSources = hashOf([
    'agent/src',
    'cli/src',
    'contract/src',
    'packaging/linux',
    'packaging/bundle-agent.ts',
    'packaging/bundle-cli.ts',
    'package-lock.json',
  ]);
  const agentStamp = join(root, 'packaging/build/.stamp');
  await step(
    'agent and command line in one file each',
    () => stampIs(agentStamp, agentSources),
    () => {
      for (const bundle of ['agent', 'cli'])
        must(node, [join(root, `packaging/bundle-${bundle}.ts`)], { cwd: root });
      writeFileSync(agentStamp, agentSources);
    },
  );
}

checkMachine();
await installNpm();
const node = node24();
if (needsSystem) {
  await installPackages([
    ...controllerPackages,
    ...serverPackages,
    ...guacdPackages,
    ...(command === 'start' ? [] : [...testPackages, ...labPackages]),
    ...(command === 'bench' ? benchPackages : []),
  ]);
  await getGuacd();
  await step('French locale', frenchExists, () =>
    must('localedef', ['-i', 'fr_FR', '-f', 'UTF-8', 'fr_FR.UTF-8']),
  );
}
if (needsSystem || command === 'build') await build(node);

const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const runs = {
  start: [join(root, 'dev/start.ts'), ...rest],
  test: [
    vitest,
    'run',
    ...(quick ? ['--project', 'unit'] : []),
    ...rest.filter((word) => word !== '--quick'),
  ],
  bench: [join(root, 'dev/bench.ts'), ...rest],
  lab: [join(root, 'dev/lab/main.ts'), ...rest],
  simulate: [join(root, 'dev/simulation/main.ts'), ...rest],
  check: [join(root, 'dev/check.ts'), ...rest],
  'refresh-calendar': [join(root, 'dev/refresh-calendar.ts'), ...rest],
};
if (command === 'build') process.exit(0);
// Here, not in the test: a base system takes a minute to make, and says so while it is made.
if (command === 'test' && !quick)
  must(node, [join(root, 'dev/lab/main.ts'), 'prepare'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
const run =
  runs[command] ??
  refuse(
    `Unknown command ${JSON.stringify(command)}: start, test, bench, lab, simulate, check or build.`,
  );
const child = spawn(node, run, {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, NODE_NO_WARNINGS: '1' },
});
// A terminal sends Ctrl-C to the child as well; a supervisor sends it only to us.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(name, () => child.kill(name === 'SIGHUP' ? 'SIGTERM' : name));
child.on('exit', (code) => process.exit(code ?? 1));

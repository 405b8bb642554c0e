/** Carries out the steps of the controller's image without an engine: in a folder that holds exactly
 * what the Dockerfile copies, and the npm packages of this checkout. A file that a step needs and
 * nobody copies fails here. Installing and pruning npm packages is left to the engine, which
 * `npm run nightly` starts. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, matchesGlob, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../dev/services.ts';

type Step =
  | { kind: 'copy'; from: string | null; sources: string[]; to: string }
  | { kind: 'run'; line: string };
interface Stage {
  name: string;
  base: string;
  steps: Step[];
}

/** The stages of a Dockerfile, with the steps that bring or make files. */
function stagesOf(path: string): Stage[] {
  const stages: Stage[] = [];
  const text = readFileSync(join(root, path), 'utf8')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ');
  for (const line of text.split('\n')) {
    const [word = '', ...rest] = line.split(/\s+/);
    if (word === 'FROM') stages.push({ name: rest[2] ?? '', base: rest[0] ?? '', steps: [] });
    const steps = stages.at(-1)?.steps;
    if (word === 'RUN') steps?.push({ kind: 'run', line: rest.join(' ') });
    if (word === 'COPY') {
      const from = rest.find((part) => part.startsWith('--from='))?.slice('--from='.length) ?? null;
      const paths = rest.filter((part) => !part.startsWith('--'));
      steps?.push({ kind: 'copy', from, sources: paths.slice(0, -1), to: paths.at(-1) ?? '' });
    }
  }
  return stages;
}

const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n').filter(Boolean);
/** Whether the engine is given a path of the checkout: the last line that names it decides. */
const isSent = (path: string) => {
  const line = ignored.findLast((each) => {
    const pattern = each.replace(/^!/, '');
    return matchesGlob(path, pattern) || matchesGlob(path, `${pattern}/**`);
  });
  return line === undefined || line.startsWith('!');
};

const folder = mkdtempSync(join(tmpdir(), 'preau-image-'));
const folderOf = (stage: string) => join(folder, stage);

function copy(stage: string, { from, sources, to }: Extract<Step, { kind: 'copy' }>): void {
  for (const source of sources) {
    const origin =
      from === null ? join(root, source) : join(folderOf(from), source.slice('/app'.length));
    // As the engine does: a folder's content goes into `to`, a file goes to it or, after a slash, into it.
    const isFile = /\.[a-z]+$/.test(source);
    const target = join(
      folderOf(stage),
      isFile && to.endsWith('/') ? join(to, basename(source)) : to,
    );
    mkdirSync(dirname(target), { recursive: true });
    cpSync(origin, target, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => from !== null || isSent(relative(root, path)),
    });
  }
}

/** Every package is a link to this checkout's; our own workspaces link into the stage. */
function linkPackages(stage: string): void {
  const own = join(root, 'node_modules');
  const here = join(folderOf(stage), 'node_modules');
  mkdirSync(join(here, '@preau'), { recursive: true });
  for (const name of readdirSync(own).filter((each) => each !== '@preau' && !each.startsWith('.')))
    symlinkSync(join(own, name), join(here, name));
  for (const name of readdirSync(join(own, '@preau')))
    symlinkSync(readlinkSync(join(own, '@preau', name)), join(here, '@preau', name));
  for (const workspace of readdirSync(join(own, '@preau'))) {
    const nested = join(root, workspace, 'node_modules');
    if (stage !== 'build' || !existsSync(nested)) continue;
    mkdirSync(join(folderOf(stage), workspace));
    symlinkSync(nested, join(folderOf(stage), workspace, 'node_modules'));
  }
}

function run(stage: string, line: string): { code: number | null; said: string } {
  const done = spawnSync('sh', ['-c', line], {
    cwd: folderOf(stage),
    encoding: 'utf8',
    env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, NODE_NO_WARNINGS: '1' },
  });
  return { code: done.status, said: `${done.stdout}${done.stderr}` };
}

const stages = stagesOf('packaging/container/Dockerfile');
/** Needs the npm registry, Debian's, or an account of the image. */
const onlyForAnEngine = /^(npm (ci|prune) |install -d |apt-get )/;

beforeAll(() => {
  for (const { name, base, steps } of stages) {
    mkdirSync(folderOf(name));
    if (existsSync(folderOf(base)))
      cpSync(folderOf(base), folderOf(name), { recursive: true, verbatimSymlinks: true });
    else linkPackages(name);
    for (const step of steps) {
      if (step.kind === 'copy') {
        if (!step.sources.includes('/app/node_modules')) copy(name, step);
      } else if (!onlyForAnEngine.test(step.line)) {
        const { code, said } = run(name, step.line);
        if (code !== 0) throw new Error(`RUN ${step.line}\n${said.slice(-2000)}`);
      }
    }
  }
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the image of the controller', () => {
  test('is the last stage, so that a build without a target makes the real one', () => {
    expect(stages.map(({ name }) => name)).toEqual(['build', 'city', 'demo', 'controller']);
  });
  test('has the console, and everything that a new server downloads', () => {
    const has = (path: string) => existsSync(join(folderOf('controller'), path));
    expect(has('console/build/index.html')).toBe(true);
    for (const name of [
      'install.sh',
      'preau-agent.mjs',
      'preau-agent-launcher.mjs',
      'preau-agent.service',
    ])
      expect([name, has(`packaging/build/${name}`)]).toEqual([name, true]);
  });
  test('holds every file the controller imports, and nothing of the demo or the tests', () => {
    const { code, said } = run('controller', 'node controller/src/main.ts no-such-command');
    expect(said).toContain('Unknown command no-such-command');
    expect(code).toBe(2);
    expect(run('controller', 'packaging/preau create-administrator').said).toContain(
      'Usage: create-administrator',
    );
    const there = readdirSync(folderOf('controller'), { recursive: true, encoding: 'utf8' });
    const ours = there.filter((name) => !name.includes('node_modules/'));
    expect(ours.filter((name) => /^dev|demo|\.(test|cases|fixture)\.ts$/.test(name))).toEqual([]);
  });
  test('the demo’s image holds every file the demo imports', () => {
    expect(run('demo', 'node packaging/container/demo.ts').said).toContain('Usage: demo.ts');
    expect(readdirSync(join(folderOf('demo'), 'packaging/catalogue')).length).toBeGreaterThan(30);
  });
});

test('the demo’s server is built from files that are there', () => {
  for (const { steps } of stagesOf('packaging/container/demo-server/Dockerfile'))
    for (const step of steps)
      if (step.kind === 'copy' && step.from === null)
        for (const source of step.sources)
          expect([source, existsSync(join(root, source)) && isSent(source)]).toEqual([
            source,
            true,
          ]);
});

/** What goes one by one, without apt: by the table of recipes, and never by default. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LinuxRecipe, PackageFile } from '@preau/contract/application.ts';
import { packagesOf } from '@preau/contract/recipe-kinds.ts';
import { afterAll, describe, expect, test } from 'vitest';
import type { Installable } from '#src/drivers/driver.ts';
import { createApplier } from './apply.ts';
import { createApt } from './apt.ts';
import { createDetector } from './detect.ts';
import { readDpkg } from './dpkg.ts';
import type { Installers } from './installer.ts';
import { openPlaced } from './placed.ts';
import { driverOf } from './recipes/table.ts';
import { filesOf, stagedUnder } from './staged.ts';

const root = mkdtempSync(join(tmpdir(), 'preau-apply-'));
afterAll(() => rmSync(root, { recursive: true }));
const applications = join(root, 'opt');
const staged = stagedUnder(join(root, 'staged'), 'order');
mkdirSync(staged.folder, { recursive: true });

const runs: { file: string; args: readonly string[]; env: Record<string, string> | undefined }[] =
  [];
const run: Installers['run'] = async (_key, file, args, { env }) => {
  runs.push({ file, args, env });
  return { code: 0, timedOut: false, tail: '' };
};
const trials: string[][] = [];
const dpkg = { ...readDpkg(join(root, 'dpkg')), packagesNow: async () => new Map() };
const apt = createApt({ stampFile: join(root, 'lists'), now: () => 0 });
const apply = createApplier({
  root: join(root, 'staged'),
  applications,
  dpkg,
  apt,
  placed: openPlaced(join(root, 'placed.json')),
  installers: { run, resume: () => null, logOf: () => '', note: () => undefined },
  beginTrial: async (...args) => {
    trials.push(args);
    throw new Error('the agent went on');
  },
});
const told: string[] = [];
const applied = async (application: Installable) => {
  told.length = 0;
  const [result] = await apply('order', [application], {
    progress: (_id, state) => told.push(state),
    signal: new AbortController().signal,
    timeoutMs: 60_000,
  });
  return result;
};

const application = (recipe: LinuxRecipe, want: Installable['want'] = 'present'): Installable => ({
  applicationId: 'app_x',
  versionId: 'ver_x',
  slug: 'jeu',
  version: '1.2',
  recipes: { linux: recipe },
  want,
});
const file = (name: string, text: string): PackageFile => {
  const made = { name, sha256: name.padEnd(64, '0'), size: text.length };
  writeFileSync(staged.pathOf(made), text);
  return made;
};
const detect = { kind: 'file', path: '/nowhere' } as const;

describe('one by one', () => {
  test('an archive comes into its own folder, and goes with it', async () => {
    const recipe: LinuxRecipe = {
      kind: 'archive',
      format: 'appimage',
      file: file('jeu.AppImage', 'a program'),
      detect,
    };
    expect(await applied(application(recipe))).toMatchObject({ code: null });
    const path = join(applications, 'jeu/1.2/jeu.AppImage');
    expect(readFileSync(path, 'utf8')).toBe('a program');
    expect(await applied(application(recipe, 'absent'))).toMatchObject({ code: null });
    expect(() => readFileSync(path)).toThrow('ENOENT');
    expect(told).toEqual(['installing', 'removed']);
  });
  test('a script runs by the interpreter it names; without one for going it cannot go', async () => {
    const install = file('script.install', '#!/usr/bin/perl -w\nexit 0\n');
    const recipe: LinuxRecipe = {
      kind: 'script',
      script: 'x',
      install,
      signature: 'A'.repeat(86),
      detect,
    };
    expect(await applied(application(recipe))).toMatchObject({ code: null });
    expect(runs).toEqual([
      {
        file: '/usr/bin/env',
        args: ['-C', staged.folder, '/usr/bin/perl', '-w', staged.pathOf(install)],
        env: { PREAU_APPLICATION: 'jeu', PREAU_VERSION: '1.2' },
      },
    ]);
    expect(await applied(application(recipe, 'absent'))).toMatchObject({ code: 'REMOVE_FAILED' });
  });
  test('the agent’s own bundle is tried; it never goes', async () => {
    const bundle = file('agent.mjs', 'x');
    const recipe: LinuxRecipe = { kind: 'agent', file: bundle, detect: { kind: 'agent' } };
    expect(await applied(application(recipe))).toMatchObject({ code: 'INSTALL_FAILED' });
    expect(trials).toEqual([['order', bundle.sha256, staged.pathOf(bundle)]]);
    expect(await applied(application(recipe, 'absent'))).toMatchObject({ code: null });
    expect(trials).toHaveLength(1);
  });
});

describe('a recipe of a kind this agent does not know', () => {
  const recipe = (kind: string) => ({ kind, detect: { kind: 'agent' } }) as unknown as LinuxRecipe;
  test.each(['flatpak', 'constructor', '__proto__', 'msi'])('%s has no driver', (kind) =>
    expect(driverOf(recipe(kind))).toBeNull(),
  );
  test.each(['present', 'absent'] as const)('wanted %s it is never done', async (want) => {
    expect(await applied(application(recipe('flatpak'), want))).toMatchObject({
      code: 'NOT_APPLICABLE',
    });
    expect(told).toEqual(['installing', 'failed']);
  });
  test('is not found, and names no file and no package', async () => {
    const find = createDetector({ dpkg, apt, applications, runningAgent: null, now: () => 0 });
    expect(await find(application(recipe('flatpak')))).toBeNull();
    expect(filesOf(application(recipe('constructor')))).toEqual([]);
    expect(packagesOf(recipe('constructor'))).toEqual([]);
  });
});

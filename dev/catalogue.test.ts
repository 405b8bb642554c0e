import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApplicationDraft } from '@preau/contract/application.ts';
import { packagesOf } from '@preau/contract/recipe-kinds.ts';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { checkSvg } from '../controller/src/applications/icons/svg.ts';

const folder = join(import.meta.dirname, '../packaging/catalogue');
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const draft = Compile(ApplicationDraft);
const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));

describe('starter catalogue', () => {
  test('has at least twenty applications', () => expect(files.length).toBeGreaterThanOrEqual(20));

  test.each(files)('%s is a valid draft, named after its file', (name) => {
    const application = read(name);
    expect([...draft.Errors(application)]).toEqual([]);
    expect(application).toHaveProperty('slug', name.replace(/\.json$/, ''));
  });

  test('no two applications look the same to a pupil', () => {
    for (const language of ['fr', 'en'] as const) {
      const shown = files.map((file) => draft.Parse(read(file)).name[language]);
      expect(new Set(shown).size).toBe(shown.length);
    }
  });

  test('what a recipe looks for is among what it installs', () => {
    for (const file of files) {
      const { linux } = draft.Parse(read(file)).recipes;
      if (linux?.detect.kind === 'package')
        expect(packagesOf(linux), file).toContain(linux.detect.package);
    }
  });
});

describe('icons of the starter catalogue', () => {
  const icons = join(folder, 'icons');
  const drawn = readdirSync(icons);

  test('every application names its own, and no other is kept', () => {
    for (const file of files) {
      const icon = file.replace(/json$/, 'svg');
      expect(draft.Parse(read(file)).icon, file).toBe(`icons/${icon}`);
      expect(drawn).toContain(icon);
    }
    expect(drawn).toHaveLength(files.length);
  });

  test.each(drawn)('%s is a small drawing on a rounded tile, and the city takes it', (name) => {
    const svg = readFileSync(join(icons, name), 'utf8');
    expect(svg.length).toBeLessThan(4096);
    expect(svg).toMatch(/^<svg .*viewBox="0 0 64 64">\n {2}<rect width="64" height="64" rx="14" /);
    expect(svg).not.toMatch(/<(title|desc|text)|href/);
    expect(checkSvg(svg)).toBe(svg.trim());
  });

  test('no two are the same', () => {
    const drawings = drawn.map((name) => readFileSync(join(icons, name), 'utf8'));
    expect(new Set(drawings).size).toBe(drawings.length);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApplicationDraft } from '@preau/contract/application.ts';
import { packagesOf } from '@preau/contract/recipe-kinds.ts';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';

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

import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { api } from './api.ts';
import { routeTable } from './route-table.ts';

test('the light table has the methods and paths of the whole one, in its order', () => {
  expect(Object.entries(routeTable)).toEqual(
    Object.entries(api).map(([name, { method, path }]) => [name, { method, path }]),
  );
});

test('the light table brings no other file into a page', () => {
  const source = readFileSync(new URL('route-table.ts', import.meta.url), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { verbatimModuleSyntax: true, target: ts.ScriptTarget.ES2024 },
  });
  expect(outputText).toContain('routeTable');
  expect(ts.preProcessFile(outputText, true, true).importedFiles).toEqual([]);
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { root } from '../dev/services.ts';

const folder = join(root, 'console/src');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
  /\.(svelte|ts)$/.test(name),
);
const text = (file: string) => readFileSync(join(folder, file), 'utf8');

/** The value of a property, if it has one of its own. */
const propertyOf = (object: ts.ObjectLiteralExpression, name: string) =>
  object.properties.find(
    (property): property is ts.PropertyAssignment =>
      ts.isPropertyAssignment(property) && property.name.getText() === name,
  )?.initializer;

/** `progressWords.failed`, for each sentence that is a function. */
function callablesIn(file: string): string[] {
  const source = ts.createSourceFile(file, text(file), ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node, path: string) => {
    if (ts.isVariableDeclaration(node)) ts.forEachChild(node, (c) => visit(c, node.name.getText()));
    else if (ts.isPropertyAssignment(node))
      visit(node.initializer, `${path}.${node.name.getText()}`);
    else if (ts.isObjectLiteralExpression(node) && propertyOf(node, 'fr') !== undefined) {
      const french = propertyOf(node, 'fr');
      if (french !== undefined && ts.isArrowFunction(french)) found.push(path);
    } else ts.forEachChild(node, (child) => visit(child, path));
  };
  visit(source, '');
  return found;
}

// The compiler lets a function stand in a template: a teacher would read its source.
test('a sentence that depends on something is called, never shown as it is', () => {
  const callables = new Set(files.filter((file) => file.endsWith('.ts')).flatMap(callablesIn));
  expect(callables.size).toBeGreaterThan(100);
  const shown = files.flatMap((file) =>
    [...text(file).matchAll(/(\w+Words)\(\)((?:\.\w+)+)(?![\w(.[])/g)]
      .filter(([, words = '', path = '']) => callables.has(words + path))
      .map(([match]) => `${file}: ${match}`),
  );
  expect(shown).toEqual([]);
});

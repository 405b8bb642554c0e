/** An error in a log line is called `err`: pino prints an Error under any other name as `{}`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

const files = ['controller/src', 'agent/src', 'dev', 'cli/src'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?<!\.(test|cases|fixture))\.ts$/.test(name))
    .map((name) => `${folder}/${name}`),
);

/** The fields of each log line in a source text that hold an error under another name. */
function misnamed(source: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isLogging(node.expression)) {
      const [fields] = node.arguments;
      if (fields !== undefined && ts.isObjectLiteralExpression(fields))
        for (const field of fields.properties) if (holdsError(field)) found.push(field.getText());
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true));
  return found;
}

const isLogging = (callee: ts.Expression): boolean =>
  ts.isPropertyAccessExpression(callee) &&
  levels.includes(callee.name.text) &&
  /(^|\.)log(ger)?$/.test(callee.expression.getText());

const errorNames = /^(error|e|cause|reason|exception|problem|failure)$/;

function holdsError(field: ts.ObjectLiteralElementLike): boolean {
  if (ts.isShorthandPropertyAssignment(field)) return /^(error|e|cause)$/.test(field.name.text);
  if (!ts.isPropertyAssignment(field) || !ts.isIdentifier(field.initializer)) return false;
  return field.name.getText() !== 'err' && errorNames.test(field.initializer.text);
}

test.each([
  ["log.warn({ error }, 'x')", ['error']],
  ["deps.log.error({ reason: error }, 'x')", ['reason: error']],
  ["log.error({ err: error, id }, 'x')", []],
  ["log.error({ reason: error.message }, 'x')", []],
  ["answer({ error }, 'x')", []],
])('%s', (source, expected) => {
  expect(misnamed(source)).toEqual(expected);
});

test('every log line names its error `err`', () => {
  expect(files.length).toBeGreaterThan(200);
  const wrong = files.flatMap((file) =>
    misnamed(readFileSync(join(root, file), 'utf8')).map((field) => `${file}: ${field}`),
  );
  expect(wrong).toEqual([]);
});

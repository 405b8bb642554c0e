import { describe, expect, test } from 'vitest';
import { budget } from '#src/platform/budget.ts';
import { checkJsonBounds } from './json-bounds.ts';

const { depth, values } = budget.calls;
const check = (text: string) => checkJsonBounds(Buffer.from(text));
const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const list = (many: number) => `[${Array.from({ length: many }, () => '1').join()}]`;

describe('JSON is let in', () => {
  test.each([
    ['nothing', ''],
    ['as deep as allowed', nested(depth)],
    ['many lists beside each other', `[${Array.from({ length: 5000 }, () => '[{}]').join()}]`],
    ['as many values as allowed', list(values)],
    ['brackets and commas in texts', JSON.stringify({ a: '[{,'.repeat(values) })],
    ['quotes in texts', JSON.stringify(['"[[', '\\"', '\\\\"['.repeat(5000)])],
    ['a text without end, which the parser refuses', `"${'['.repeat(depth + 1)}`],
    ['a text that ends with a backslash', '"\\'],
  ])('%s', (_name, text) => expect(() => check(text)).not.toThrow());
});

describe('JSON is refused', () => {
  test.each([
    ['deeper', nested(depth + 1), 'nest deeper'],
    ['deeper, in objects', '{"a":'.repeat(depth + 1), 'nest deeper'],
    ['more values', list(values + 1), 'more than'],
    ['more lists', '[],'.repeat(values / 2 + 1), 'more than'],
    ['deeper after a text', `["\\"",${nested(depth)}`, 'nest deeper'],
  ])('%s', (_name, text, problem) => {
    expect(() => check(text)).toThrow(
      expect.objectContaining({
        code: 'VALIDATION_FAILED',
        details: { issues: [{ field: 'body', problem: expect.stringContaining(problem) }] },
      }),
    );
  });
});

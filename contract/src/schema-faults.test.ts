import { type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { expect, test } from 'vitest';
import { PicturePassword } from './classes.ts';
import { faultsOf } from './schema-faults.ts';

const Unique = Type.Array(Type.Integer(), { maxItems: 10_000, uniqueItems: true });
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);
const cases: [name: string, schema: TSchema, value: unknown, first: [string, string]][] = [
  ['a wrong type', Type.Integer(), 'x', ['', 'type']],
  ['a list that is too short', Type.Array(Type.Integer(), { minItems: 2 }), [1], ['', 'minItems']],
  ['a key too many', Type.Object({}, { additionalProperties: false }), { a: 1 }, ['/a', 'boolean']],
  ['pictures without end', PicturePassword, Array(32_000).fill(1), ['/0', 'type']],
  ['one number again and again', Unique, Array(100_000).fill(1), ['', 'uniqueItems']],
  ['the last of many', Unique, [...upTo(9000), 'x'], ['/9000', 'type']],
  ['twice, far behind', Unique, [...upTo(9000), 5, 5], ['', 'uniqueItems']],
  ['one item too many', Unique, upTo(10_001), ['', 'maxItems']],
  ['in a list of lists', Type.Array(Unique), [upTo(10), [...upTo(70), 3]], ['/1', 'uniqueItems']],
  ['in an object', Type.Object({ a: Unique }), { a: [...upTo(70), 3] }, ['/a', 'uniqueItems']],
];
test.each(cases)('%s: said at once', (_name, schema, value, first) => {
  const began = performance.now();
  const [fault] = faultsOf(Compile(schema), value);
  expect([fault?.instancePath, fault?.keyword]).toEqual(first);
  expect(performance.now() - began).toBeLessThan(500);
});

/** Why a value does not pass its schema. */
import type { Validator } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';

/** No schema asks for more items than this. */
const short = 64;

/** The value with at most `length` items in each of its lists. */
function shortened(value: unknown, length: number): unknown {
  if (Array.isArray(value)) return value.slice(0, length).map((item) => shortened(item, length));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, shortened(inner, length)]),
  );
}

/** The number of items of the longest list. */
function longestIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let longest = Array.isArray(value) ? value.length : 0;
  for (const inner of Object.values(value)) longest = Math.max(longest, longestIn(inner));
  return longest;
}

/** The first violations of a schema that the value does not pass. The library looks at the whole
 * value, and its time grows with the square of a list's repeated items (47 s of 100,000): it is
 * given the shortest lists that do not pass. */
export function faultsOf(
  schema: Pick<Validator, 'Check' | 'Errors'>,
  value: unknown,
): TLocalizedValidationError[] {
  let [passing, failing] = [0, Math.min(short, longestIn(value))];
  if (schema.Check(shortened(value, failing))) {
    [passing, failing] = [failing, longestIn(value)];
    while (failing - passing > 1) {
      const middle = (passing + failing) >> 1;
      if (schema.Check(shortened(value, middle))) passing = middle;
      else failing = middle;
    }
  }
  return schema.Errors(shortened(value, failing));
}

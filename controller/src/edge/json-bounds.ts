/** Bounds on JSON that has not been parsed: how deep it nests, and how many values it holds. A body
 * of 4 MB may otherwise hold the thread that serves everybody for half a second. */
import { AppError } from '@preau/contract/errors.ts';
import { budget } from '#src/platform/budget.ts';

const { depth: maxDepth } = budget.calls;
const [quote, backslash, comma, openList, closeList, openObject, closeObject] = [...'"\\,[]{}'].map(
  (sign) => sign.charCodeAt(0),
);

/** The place after the text that begins before `from`. */
function afterText(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
  return at + 1;
}

const refused = (problem: string) =>
  new AppError('VALIDATION_FAILED', { issues: [{ field: 'body', problem }] });

/** Looks at each byte once. Refuses with VALIDATION_FAILED. */
export function checkJsonBounds(bytes: Uint8Array, maxValues: number = budget.calls.values): void {
  let [depth, values] = [0, 0];
  for (let at = 0; at < bytes.length; ) {
    const sign = bytes[at];
    at += 1;
    if (sign === quote) at = afterText(bytes, at);
    else if (sign === closeList || sign === closeObject) depth -= 1;
    else if (sign === comma || sign === openList || sign === openObject) {
      values += 1;
      if (sign !== comma) depth += 1;
      if (values > maxValues) throw refused(`must not hold more than ${maxValues} values`);
      if (depth > maxDepth) throw refused(`must not nest deeper than ${maxDepth}`);
    }
  }
}

/** Pagination cursors: the sort value and the id of the last row that the client received. Opaque
 * to clients. */
import { AppError } from '@preau/contract/errors.ts';

export const cursorOf = (parts: readonly [string | number, string]): string =>
  Buffer.from(JSON.stringify(parts)).toString('base64url');

/** Null: from the beginning. Refuses with VALIDATION_FAILED a cursor whose value is not of `type`
 * or whose id does not begin with `prefix`. */
export function readCursor(
  cursor: string | undefined,
  type: 'string' | 'number',
  prefix: string,
): [unknown, string] | null {
  if (cursor === undefined) return null;
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(parts) && parts.length === 2) {
      const [value, id] = parts as [unknown, unknown];
      const isValue =
        type === 'string'
          ? typeof value === 'string'
          : Number.isSafeInteger(value) && Number(value) >= 0;
      if (isValue && typeof id === 'string' && new RegExp(`^${prefix}_[A-Za-z0-9_-]{22}$`).test(id))
        return [value, id];
    }
  } catch {
    // Falls through: a malformed cursor is refused below.
  }
  throw new AppError('VALIDATION_FAILED', {
    issues: [{ field: 'query/after', problem: 'not a place in this list' }],
  });
}

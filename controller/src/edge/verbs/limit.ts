/** The number of rows the caller asked for: 50 by default, 200 at most. */
export const limitOf = (query: { limit?: string | undefined }): number =>
  Math.min(Number(query.limit ?? 50), 200);

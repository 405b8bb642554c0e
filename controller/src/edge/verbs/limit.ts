/** How many rows of a list the caller asked for: 50 unless told, 200 at most. */
export const limitOf = (query: { limit?: string | undefined }): number =>
  Math.min(Number(query.limit ?? 50), 200);

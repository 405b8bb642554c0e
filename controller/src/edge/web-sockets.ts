/** Options of ws that its type package does not know yet. */
export const socketLimits = (limits: { closeMs: number; fragments: number }) => ({
  /** After our close frame, until the connection is destroyed. */
  closeTimeout: limits.closeMs,
  maxFragments: limits.fragments,
  /** Chunks of one unfinished message. */
  maxBufferedChunks: 1024,
});

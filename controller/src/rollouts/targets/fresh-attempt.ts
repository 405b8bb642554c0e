/** How a target begins a new attempt: without an order, and without what came of the last one. */
export const freshAttempt = {
  orderId: null,
  order: null,
  lastSeq: 0,
  leaseUntil: null,
  notBefore: null,
  code: null,
  message: null,
  finishedAt: null,
  badge: null,
} as const;

/** The fields of a target at the start of a new attempt: no order, and no results of the last
 * one. */
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

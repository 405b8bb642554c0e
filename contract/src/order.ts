/** The order that tells a server what a rollout wants, and what the agent reports about it. An
 * order is part of the server's signed desired state. Its id is a hash of its content, so that the
 * same order is never carried out twice. */
import { type Static, Type } from 'typebox';
import { ApplicationId, Recipes, VersionId } from './application.ts';
import { errorCodes } from './errors.ts';
import { Id, Instant, Line, MachineText, Nullable, OneOf, Slug, Strict } from './schema.ts';

export const OrderId = Id('ord');

export const cancelKinds = ['finish', 'remove', 'kill'] as const;
export type CancelKind = (typeof cancelKinds)[number];

export const OrderedApplication = Strict({
  applicationId: ApplicationId,
  versionId: VersionId,
  slug: Slug,
  version: Line(80),
  recipes: Recipes,
  want: OneOf(['present', 'absent']),
});
export type OrderedApplication = Static<typeof OrderedApplication>;

export const Order = Strict({
  /** Hash of rollout, server, wanted applications and attempt. */
  orderId: OrderId,
  attempt: Type.Integer({ minimum: 1 }),
  /** Carried out in this order. */
  applications: Type.Array(OrderedApplication, { minItems: 1, maxItems: 60 }),
  /** `stage`: download everything and wait. `install`: continue. */
  phase: OneOf(['stage', 'install']),
  /** The agent may begin to install by itself from `installFrom` on, unless it would not finish by
   * `installUntil`. */
  installFrom: Nullable(Instant),
  installUntil: Nullable(Instant),
  /** Upper estimate of the time that installing takes. */
  expectedMs: Type.Integer({ minimum: 0 }),
  deadlineAt: Instant,
  kibibytesPerSecond: Nullable(Type.Integer({ minimum: 1 })),
  cancel: Nullable(OneOf(cancelKinds)),
});
export type Order = Static<typeof Order>;

/** States of an order as the agent reports them. Its `seq` rises with each change. */
export const reportedOrderStates = [
  'accepted',
  'downloading',
  'staged',
  'installing',
  'verifying',
  'succeeded',
  'already_installed',
  'failed',
  'rejected',
  'cancelled',
] as const;
export const itemStates = [
  'waiting',
  'downloading',
  'staged',
  'installing',
  'installed',
  'already_installed',
  'removed',
  'failed',
  'not_applicable',
] as const;
const Message = MachineText(2000);
export const ReportedItem = Strict({
  applicationId: ApplicationId,
  state: OneOf(itemStates),
  version: Nullable(Line(80)),
  code: Nullable(OneOf(errorCodes)),
  message: Message,
  ms: Nullable(Type.Integer({ minimum: 0 })),
  bytes: Nullable(Type.Integer({ minimum: 0 })),
});
export type ReportedItem = Static<typeof ReportedItem>;
export const ReportedOrder = Strict({
  orderId: OrderId,
  attempt: Type.Integer({ minimum: 1 }),
  seq: Type.Integer({ minimum: 1 }),
  state: OneOf(reportedOrderStates),
  /** The result was found by detection after a crash. */
  recovered: Type.Boolean(),
  /** The cancellation came after installing had begun. */
  tooLate: Type.Boolean(),
  code: Nullable(OneOf(errorCodes)),
  message: Message,
  bytesDone: Type.Integer({ minimum: 0 }),
  bytesTotal: Nullable(Type.Integer({ minimum: 0 })),
  /** The part of `bytesDone` that came over the school's internet line; the rest came from a
   * neighbouring server or was already there. */
  wanBytes: Type.Integer({ minimum: 0 }),
  items: Type.Array(ReportedItem, { maxItems: 60 }),
  /** The end of the installer's own output. */
  log: MachineText(8000),
});
export type ReportedOrder = Static<typeof ReportedOrder>;

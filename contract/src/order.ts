/** The order that carries a target to its server, and what the agent reports of it. An order is part
 * of the server's signed desired state and is named by what it asks: the same order is never
 * carried out twice. */
import { type Static, Type } from 'typebox';
import { ApplicationId, Recipes, VersionId } from './application.ts';
import { errorCodes } from './errors.ts';
import { Id, Instant, Line, Nullable, OneOf, Slug, Strict } from './schema.ts';

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
  /** Hash of rollout, server, what is wanted and attempt. */
  orderId: OrderId,
  attempt: Type.Integer({ minimum: 1 }),
  /** In this order. */
  applications: Type.Array(OrderedApplication, { minItems: 1, maxItems: 60 }),
  /** `stage`: fetch everything and hold it. `install`: go on. */
  phase: OneOf(['stage', 'install']),
  /** The agent alone may begin to install from here… and not when it would not be done by there. */
  installFrom: Nullable(Instant),
  installUntil: Nullable(Instant),
  /** How long installing is expected to take at most. */
  expectedMs: Type.Integer({ minimum: 0 }),
  deadlineAt: Instant,
  kibibytesPerSecond: Nullable(Type.Integer({ minimum: 1 })),
  cancel: Nullable(OneOf(cancelKinds)),
});
export type Order = Static<typeof Order>;

/** What an agent says of an order it knows. `seq` rises with each change. */
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
const Message = Type.String({ maxLength: 2000 });
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
  /** The answer was found by looking, after a crash. */
  recovered: Type.Boolean(),
  /** A cancellation came when installing had begun. */
  tooLate: Type.Boolean(),
  code: Nullable(OneOf(errorCodes)),
  message: Message,
  bytesDone: Type.Integer({ minimum: 0 }),
  bytesTotal: Nullable(Type.Integer({ minimum: 0 })),
  /** Of `bytesDone`, what came over the school's line to the city and beyond; the rest came from a
   * neighbour or was there. */
  wanBytes: Type.Integer({ minimum: 0 }),
  items: Type.Array(ReportedItem, { maxItems: 60 }),
  /** The end of the installer's own output. */
  log: Type.String({ maxLength: 8000 }),
});
export type ReportedOrder = Static<typeof ReportedOrder>;

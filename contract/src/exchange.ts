/** Files between a person's device and the exchange folder of their home at school, and the pages
 * that their programs print. */
import { type Static, Type } from 'typebox';
import { directions, type Terms } from './rule.ts';
import { Id, Instant, Nullable, OneOf, Strict } from './schema.ts';
import { SessionId } from './session.ts';

export const TransferId = Id('trf');

/** 200 MiB: enough for a class film; it takes a school's line about three minutes. */
export const maxTransferBytes = 209_715_200;
/** Only this many files are offered, the newest first. */
export const maxOffered = 200;

/** A plain file name: no path, no hidden file. */
export const fileNamePattern =
  '^(?![\\s.])[^/\\\\\\u0000-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$';
export const FileName = Type.String({ minLength: 1, maxLength: 120, pattern: fileNamePattern });

/** `file`: a file in the exchange folder. `print`: pages that a program of this session printed, as
 * PDF. */
export const offerKinds = ['file', 'print'] as const;
/** A file that a session offers to the person's device, identified by kind and name. */
export const OfferedFile = Strict({
  kind: OneOf(offerKinds),
  name: FileName,
  bytes: Type.Integer({ minimum: 0 }),
  changedAt: Instant,
});
export type OfferedFile = Static<typeof OfferedFile>;

/** `asked`: the source, the device (`in`) or the school's server (`out`), must send the bytes to
 * the city. `here`: the other side may download them. `done`, `failed`: over. Bytes are kept for an
 * hour at most. */
export const transferStates = ['asked', 'here', 'done', 'failed'] as const;
export const Transfer = Strict({
  id: TransferId,
  direction: OneOf(['in', 'out']),
  kind: OneOf(offerKinds),
  name: FileName,
  bytes: Type.Integer({ minimum: 0 }),
  state: OneOf(transferStates),
  failureCode: Nullable(Type.String()),
  createdAt: Instant,
});
export type Transfer = Static<typeof Transfer>;

/** What a session may exchange under the current rules, what it offers, and its current and recent
 * transfers. */
export const Exchange = Strict({
  files: OneOf(directions),
  printing: Type.Boolean(),
  offered: Type.Array(OfferedFile),
  transfers: Type.Array(Transfer),
});
export type Exchange = Static<typeof Exchange>;

/** A transfer that a server must carry out for a session. `sha256`: of the bytes that the city has;
 * null when the server has them. */
export const DesiredTransfer = Strict({
  transferId: TransferId,
  sessionId: SessionId,
  direction: Transfer.properties.direction,
  kind: Transfer.properties.kind,
  name: FileName,
  sha256: Nullable(Type.String({ pattern: '^[0-9a-f]{64}$' })),
  bytes: Type.Integer({ minimum: 0, maximum: maxTransferBytes }),
});
export type DesiredTransfer = Static<typeof DesiredTransfer>;

export const mayBring = (direction: (typeof directions)[number]): boolean =>
  direction === 'in' || direction === 'both';
export const mayTake = (direction: (typeof directions)[number]): boolean =>
  direction === 'out' || direction === 'both';
/** Whether the terms allow this transfer: checked by the city, and again by the school's server. */
export const mayPass = (
  terms: Pick<Terms, 'files' | 'printing'>,
  { direction, kind }: Pick<Transfer, 'direction' | 'kind'>,
): boolean =>
  direction === 'in'
    ? mayBring(terms.files)
    : kind === 'print'
      ? terms.printing
      : mayTake(terms.files);

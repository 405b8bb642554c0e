import { createHash } from 'node:crypto';
import {
  DesiredState,
  type PolicyChange,
  PolicyDocument,
  policyText,
  type SignedState,
} from '@preau/contract/desired-state.ts';
import type { ErrorCode } from '@preau/contract/errors.ts';
import { Compile } from 'typebox/compile';

const isDesiredState = Compile(DesiredState);
const isPolicyDocument = Compile(PolicyDocument);

/** The rules that a state names by their hash. */
export interface KnownPolicy {
  hash: string;
  text: string;
  document: PolicyDocument;
}
export type Acceptance =
  | { accepted: DesiredState; policy: KnownPolicy }
  | { refused: Extract<ErrorCode, `STATE_${string}`>; why: string };

/** Is this a state to obey? Pure but for `verify`. In this order: the pinned controller signed it,
 * every field is known and in bounds, it is for this server, it is not older than the newest one
 * obeyed (the same one again is fine), and the rules it names are at hand: they came with it, or
 * are the ones already known. */
export function acceptState(
  facts: {
    serverId: string;
    newestGeneration: number;
    verify: (text: string, signature: string) => boolean;
    knownPolicy: KnownPolicy | null;
  },
  signed: SignedState,
): Acceptance {
  if (!facts.verify(signed.document, signed.signature))
    return { refused: 'STATE_SIGNATURE_INVALID', why: 'not signed by the pinned controller key' };
  let state: unknown;
  try {
    state = JSON.parse(signed.document);
  } catch {
    return { refused: 'STATE_MALFORMED', why: 'not JSON' };
  }
  if (!isDesiredState.Check(state)) {
    const [issue] = isDesiredState.Errors(state);
    return {
      refused: 'STATE_MALFORMED',
      why: `${issue?.instancePath ?? ''} ${issue?.message ?? ''}`.trim(),
    };
  }
  if (state.serverId !== facts.serverId)
    return { refused: 'STATE_FOR_ANOTHER_SERVER', why: state.serverId };
  if (state.generation < facts.newestGeneration)
    return {
      refused: 'STATE_OLDER',
      why: `generation ${state.generation}, after ${facts.newestGeneration}`,
    };
  const policy = policyOf(state.policy, signed, facts.knownPolicy);
  return typeof policy === 'string'
    ? { refused: 'STATE_MALFORMED', why: policy }
    : { accepted: state, policy };
}

/** Null when the change is from other rules than these. What was known and what was added have each
 * passed their schema. */
function changed(
  known: KnownPolicy | null,
  { from, removed, added }: PolicyChange,
): { text: string; document: PolicyDocument } | null {
  if (known?.hash !== from) return null;
  const gone = new Set(removed);
  const rules = [...known.document.rules.filter(({ id }) => !gone.has(id)), ...added];
  return { text: policyText(rules), document: { rules } };
}

/** The signature covers the hash, and the hash covers the rules. A text: why they cannot be had. */
function policyOf(
  hash: string,
  { policy, change }: SignedState,
  known: KnownPolicy | null,
): KnownPolicy | string {
  if (known?.hash === hash) return known;
  const made = policy !== null || change === undefined ? null : changed(known, change);
  const text = policy ?? made?.text ?? null;
  if (text === null) return 'its rules did not come with it';
  if (createHash('sha256').update(text).digest('hex') !== hash)
    return 'its rules are not the ones it names';
  if (made !== null) return { hash, ...made };
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return 'its rules are not JSON';
  }
  if (isPolicyDocument.Check(document)) return { hash, text, document };
  const [issue] = isPolicyDocument.Errors(document);
  return `its rules: ${issue?.instancePath ?? ''} ${issue?.message ?? ''}`.trim();
}

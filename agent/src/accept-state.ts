import { createHash } from 'node:crypto';
import {
  DesiredState,
  type PolicyChange,
  PolicyDocument,
  policyText,
  type SignedState,
} from '@preau/contract/desired-state.ts';
import type { ErrorCode } from '@preau/contract/errors.ts';
import { faultsOf } from '@preau/contract/schema-faults.ts';
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

/** Decides whether to accept a signed state; pure except for `verify`. Checks in this order: the
 * pinned controller signed it (else STATE_SIGNATURE_INVALID); every field is known and in bounds
 * (STATE_MALFORMED); it is for this server (STATE_FOR_ANOTHER_SERVER); it is not older than the
 * newest accepted one, though the same generation again is fine (STATE_OLDER); its rules came with
 * it or are known already (STATE_MALFORMED). */
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
    const [issue] = faultsOf(isDesiredState, state);
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

/** Applies a policy change; null when it starts from other rules than `known`. Needs no schema
 * check: the known rules and the added ones have each passed theirs. */
function changed(
  known: KnownPolicy | null,
  { from, removed, added }: PolicyChange,
): { text: string; document: PolicyDocument } | null {
  if (known?.hash !== from) return null;
  const gone = new Set(removed);
  const rules = [...known.document.rules.filter(({ id }) => !gone.has(id)), ...added];
  return { text: policyText(rules), document: { rules } };
}

/** Finds the rules with this hash. The state's signature covers the hash, so the rules need none of
 * their own. Returns a string that says why when they are not available. */
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
  const [issue] = faultsOf(isPolicyDocument, document);
  return `its rules: ${issue?.instancePath ?? ''} ${issue?.message ?? ''}`.trim();
}

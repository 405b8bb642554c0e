import { DesiredState, type SignedState } from '@preau/contract/desired-state.ts';
import type { ErrorCode } from '@preau/contract/errors.ts';
import { Compile } from 'typebox/compile';

const isDesiredState = Compile(DesiredState);

export type Acceptance = { accepted: DesiredState } | { refused: Extract<ErrorCode, `STATE_${string}`>; why: string };

/** Is this a state to obey? Pure but for `verify`. In this order: the pinned controller signed it, every field is known and in
 *  bounds, it is for this server, and it is not older than the newest one obeyed (the same one again is fine). */
export function acceptState(
  facts: { serverId: string; newestGeneration: number; verify: (text: string, signature: string) => boolean },
  signed: SignedState,
): Acceptance {
  if (!facts.verify(signed.document, signed.signature)) return { refused: 'STATE_SIGNATURE_INVALID', why: 'not signed by the pinned controller key' };
  let state: unknown;
  try {
    state = JSON.parse(signed.document);
  } catch {
    return { refused: 'STATE_MALFORMED', why: 'not JSON' };
  }
  if (!isDesiredState.Check(state)) {
    const [issue] = isDesiredState.Errors(state);
    return { refused: 'STATE_MALFORMED', why: `${issue?.instancePath ?? ''} ${issue?.message ?? ''}`.trim() };
  }
  if (state.serverId !== facts.serverId) return { refused: 'STATE_FOR_ANOTHER_SERVER', why: state.serverId };
  if (state.generation < facts.newestGeneration) return { refused: 'STATE_OLDER', why: `generation ${state.generation}, after ${facts.newestGeneration}` };
  return { accepted: state };
}

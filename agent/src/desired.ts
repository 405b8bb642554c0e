/** Fetches, accepts, saves and applies the desired state of this server, and the school's rules
 * that come with it. */
import { join } from 'node:path';
import type { DesiredState, SignedState } from '@preau/contract/desired-state.ts';
import { AppError } from '@preau/contract/errors.ts';
import { defaultTerms } from '@preau/contract/rule.ts';
import { acceptState, type KnownPolicy } from './accept-state.ts';
import type { ControllerLink } from './controller-link.ts';
import type { Driver } from './drivers/driver.ts';
import type { Failures } from './failures.ts';
import { readText, writeDurably } from './files.ts';
import type { Pace } from './pace.ts';
import { createDecideHere, type DecideHere } from './policy.ts';

export interface Desired {
  /** The newest accepted state; null before the first. */
  state: () => DesiredState | null;
  /** Decides by the school's current rules; until they are known, nothing is allowed. */
  decide: DecideHere;
  /** Throws when the controller cannot be reached. A refused state is recorded as a failed step. */
  renew: () => Promise<void>;
  /** Restores the state accepted last, after a restart. */
  recall: () => void;
}

export function createDesired(deps: {
  serverId: string;
  stateFolder: string;
  driver: Pick<Driver, 'setNeighbours'>;
  link: Pick<ControllerLink, 'readDesiredState'>;
  verify: (text: string, signature: string) => boolean;
  now: () => number;
  failures: Failures;
  pace: Pick<Pace, 'refused' | 'accepted'>;
}): Desired {
  const { driver, link, now, failures, pace } = deps;
  const statePath = join(deps.stateFolder, 'desired.json');
  let desired: DesiredState | null = null;
  let neighbours = '';
  /** The rules of the school, and where it is. */
  let known: KnownPolicy | null = null;
  let place = '';
  let wholePolicy = false;
  let decideHere: DecideHere = () => ({ allowed: false, terms: defaultTerms });

  const obey = (state: DesiredState, policy: KnownPolicy) => {
    desired = state;
    const here = JSON.stringify(state.site);
    if (policy !== known || here !== place)
      decideHere = createDecideHere(policy.document, state.site, now);
    known = policy;
    place = here;
    const { cache, peers } = state;
    const named = JSON.stringify({ cache, peers });
    if (named !== neighbours) driver.setNeighbours({ cache, peers });
    neighbours = named;
  };

  const renew = async () => {
    const signed = await link.readDesiredState(wholePolicy ? null : (known?.hash ?? null));
    const verdict = acceptState(
      {
        serverId: deps.serverId,
        newestGeneration: desired?.generation ?? 0,
        verify: deps.verify,
        knownPolicy: known,
      },
      signed,
    );
    // A malformed state may come from the policy change: ask for the whole policy next time.
    wholePolicy = 'refused' in verdict && verdict.refused === 'STATE_MALFORMED';
    if ('refused' in verdict) {
      failures.failed(
        'refuse_state',
        `generation after ${desired?.generation ?? 0}`,
        new AppError(verdict.refused, { why: verdict.why }),
        'no',
      );
      pace.refused();
      return;
    }
    pace.accepted();
    failures.mendedAll('refuse_state');
    const isKnown =
      verdict.accepted.generation === desired?.generation &&
      verdict.accepted.issuedAt <= desired.issuedAt;
    // A city restored from a backup may have used this number for another state: the later counts.
    if (isKnown) return;
    // Saved before it is applied: after a crash this server continues from it, even without the
    // controller.
    const { document, signature } = signed;
    writeDurably(
      statePath,
      JSON.stringify({ document, signature, policy: verdict.policy.text } satisfies SignedState),
    );
    obey(verdict.accepted, verdict.policy);
  };

  const recall = () => {
    const text = readText(statePath);
    if (text === undefined) return;
    const verdict = acceptState(
      { serverId: deps.serverId, newestGeneration: 0, verify: deps.verify, knownPolicy: null },
      JSON.parse(text) as SignedState,
    );
    if ('accepted' in verdict) obey(verdict.accepted, verdict.policy);
  };

  return {
    state: () => desired,
    decide: (session, application) => decideHere(session, application),
    renew,
    recall,
  };
}

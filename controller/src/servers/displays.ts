/** Decides at which address the gateway looks for a server's displays. A server names it once, when
 * it is enrolled with a technician's code; a report that names another one is refused until a
 * technician has confirmed it, because guacd would connect, from the data centre, to any address
 * that it is given. Pure. */
import type { DisplayAddress } from '@preau/contract/enrolment.ts';
import { addressOf } from '@preau/contract/network.ts';
import type { Server } from '@preau/contract/server.ts';

export type KnownDisplay = NonNullable<Server['display']>;

/** Ports below are those of a system's own services. */
const lowestPort = 1024;
const ofSchools: readonly string[] = ['unicast', 'private', 'uniqueLocal', 'carrierGradeNat'];

/** The address in its usual form; null when no display can be there. `calledFrom`: the address that
 * the server itself calls from, null when nobody knows; only a server on the controller's own
 * machine is reached at a loopback address. */
export function displayAt(
  { host, port }: DisplayAddress,
  calledFrom: string | null,
): DisplayAddress | null {
  const address = addressOf(host);
  if (address === null || (port !== 0 && port < lowestPort)) return null;
  const range = address.range();
  const isHere = range === 'loopback' && addressOf(calledFrom)?.range() === 'loopback';
  return isHere || ofSchools.includes(range) ? { host: address.toString(), port } : null;
}

/** What is known of a new server: what it has said, or else the address that it calls from. Null
 * when neither can be: its first report will say. */
export function displayAtEnrolment(
  said: DisplayAddress | undefined,
  calledFrom: string | null,
): KnownDisplay | null {
  const at = displayAt(said ?? { host: calledFrom ?? '', port: 0 }, calledFrom);
  return at === null ? null : { ...at, refused: null };
}

/** `known`: it is the known address, here in its usual form. `first`: none was known, and this one
 * is from now on. */
export function judgeDisplay(
  known: KnownDisplay | null,
  reported: DisplayAddress,
  calledFrom: string | null,
): { verdict: 'known' | 'first'; at: DisplayAddress } | { verdict: 'refused' } {
  const at = displayAt(reported, known?.host ?? calledFrom);
  if (at === null || at.port === 0) return { verdict: 'refused' };
  if (known === null) return { verdict: 'first', at };
  const isKnown = at.host === known.host && (known.port === 0 || at.port === known.port);
  return isKnown ? { verdict: 'known', at } : { verdict: 'refused' };
}

/** One application at one school: wanted compared with installed. */
import { type DriftCell, type DriftState, driftStates } from '@preau/contract/fleet.ts';

/** What is known of the application on one server. */
export interface ServerFacts {
  /** Null: not wanted there. */
  wantedVersion: string | null;
  /** As last reported; null: never reported from there. */
  state: string | null;
  version: string | null;
  errorCode: string | null;
  /** Debian packages that its recipe installs; empty for recipes of other kinds. */
  packages: readonly string[];
  /** Packages marked as manually installed, name → version; null when the server does not report
   * them. */
  chosen: ReadonlyMap<string, string> | null;
}

/** The agent's report takes precedence over the list of packages; only the list shows what was
 * removed or installed by hand. Pure. */
export function stateOn(facts: ServerFacts): DriftState {
  const { wantedVersion, state, packages, chosen } = facts;
  const isListed = chosen !== null && chosen.size > 0 && packages.length > 0;
  const there = isListed && packages.every((name) => chosen.has(name));
  if (wantedVersion === null) {
    if (
      state === 'installed' ||
      state === 'installing' ||
      state === 'removing' ||
      state === 'wanted'
    )
      return 'arriving';
    if (state === 'failed') return 'failed';
    return there ? 'extra' : 'none';
  }
  const gone = isListed && !packages.some((name) => chosen.has(name));
  // The agent checks regularly, and reports when its detection rule no longer finds what it
  // installed.
  if (state === 'failed') return gone && facts.errorCode === 'NOT_DETECTED' ? 'missing' : 'failed';
  if (state !== 'installed') return 'arriving';
  if (gone) return 'missing';
  return facts.version !== null && facts.version !== wantedVersion ? 'other_version' : 'installed';
}

/** Takes the worst state among a school's servers; `driftStates` is sorted from best to worst.
 * Pure. */
export function cellOf(applicationId: string, servers: readonly ServerFacts[]): DriftCell {
  const states = servers.map(stateOn);
  const worst = states.reduce<DriftState>(
    (found, state) => (driftStates.indexOf(state) > driftStates.indexOf(found) ? state : found),
    'none',
  );
  const versions = servers
    .map(
      (facts, at) =>
        facts.version ??
        (states[at] === 'extra' ? (facts.chosen?.get(facts.packages[0] ?? '') ?? null) : null),
    )
    .filter((version) => version !== null);
  return {
    applicationId,
    state: worst,
    wantedVersion: servers.find((facts) => facts.wantedVersion !== null)?.wantedVersion ?? null,
    versions: [...new Set(versions)].sort(),
    wantedOn: servers.filter((facts) => facts.wantedVersion !== null).length,
    servers: servers.length,
  };
}

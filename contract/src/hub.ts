/** Socket events: wake-ups only. A message names what changed; whoever is woken reads it again over
 * HTTP. */

/** To browsers, topics such as `sessions`, `servers`, `rules`, `session:<id>`; to agents only
 * `desired-state`. */
export interface WakeEvents {
  wake: (topics: string[]) => void;
}

export const hubPath = '/api/hub';
export const agentNamespace = '/agent';
export const consoleNamespace = '/console';

/** Socket events: wake-ups only. A message names what changed; whoever is woken reads it again over
 * HTTP. */
import type { Topic } from './topics.ts';

/** To browsers, topics; to agents only `desired-state`. */
export interface WakeEvents {
  wake: (topics: (Topic | 'desired-state')[]) => void;
}

export const hubPath = '/api/hub';
export const agentNamespace = '/agent';
export const consoleNamespace = '/console';

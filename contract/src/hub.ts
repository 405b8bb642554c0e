/** Socket events: wake-ups only. A message names what changed; the receiver reads it again over
 * HTTP. */
import type { Topic } from './topics.ts';

/** Browsers receive topics; agents receive only `desired-state`. */
export interface WakeEvents {
  wake: (topics: (Topic | 'desired-state')[]) => void;
}

export const hubPath = '/api/hub';
export const agentNamespace = '/agent';
export const consoleNamespace = '/console';

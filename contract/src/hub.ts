/** Socket events: wake-ups only. A message names what changed; whoever is woken reads it again over HTTP. */

/** To browsers: `wake` with topics such as `sessions`, `servers`, `applications`, `rules`, `audit`, `session:<id>`. */
export interface ConsoleEvents {
  wake: (topics: string[]) => void;
}

/** To agents: `wake` means "your desired state may have changed: fetch it". */
export interface AgentEvents {
  wake: () => void;
}

export const hubPath = '/api/hub';
export const agentNamespace = '/agent';
export const consoleNamespace = '/console';

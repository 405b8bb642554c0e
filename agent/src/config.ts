/** Configuration of an agent: the sole reader of its environment. All faults at once. */
export interface AgentConfig {
  /** Identity, journals, home directories: survives reboots. */
  stateFolder: string;
  /** Sockets, displays, credentials: gone at reboot. */
  runFolder: string;
  /** Starts the names of display accounts, so that two agents on one machine never meet. */
  prefix: string;
  /** Where guacd reaches this server's displays. */
  rdpHost: string;
  /** 0 picks a free one, once. */
  rdpPort: number;
  logLevel: string;
}

interface Setting {
  name: string;
  fallback: string;
  expected: string;
  matches: RegExp;
}

export const agentSettings = [
  { name: 'PREAU_AGENT_STATE', fallback: '/var/lib/preau-agent', expected: 'an absolute path', matches: /^\/[A-Za-z0-9/._-]+$/ },
  { name: 'PREAU_AGENT_RUN', fallback: '/run/preau-agent', expected: 'an absolute path of at most 60 characters (sockets live in it)', matches: /^\/[A-Za-z0-9/._-]{1,59}$/ },
  { name: 'PREAU_AGENT_PREFIX', fallback: 'preau', expected: 'a lower-case word of at most 12 characters', matches: /^[a-z][a-z0-9]{1,11}$/ },
  { name: 'PREAU_AGENT_RDP_HOST', fallback: '127.0.0.1', expected: 'an IPv4 address of this machine', matches: /^\d{1,3}(\.\d{1,3}){3}$/ },
  { name: 'PREAU_AGENT_RDP_PORT', fallback: '0', expected: 'a port, or 0 for a free one', matches: /^\d{1,5}$/ },
  { name: 'PREAU_AGENT_LOG_LEVEL', fallback: 'info', expected: 'debug, info, warn or error', matches: /^(debug|info|warn|error)$/ },
] as const satisfies Setting[];

export function parseAgentConfig(environment: Record<string, string | undefined>): AgentConfig {
  const faults: string[] = [];
  const value = (name: (typeof agentSettings)[number]['name']): string => {
    const setting = agentSettings.find((candidate) => candidate.name === name);
    const given = environment[name] ?? setting?.fallback ?? '';
    if (setting !== undefined && !setting.matches.test(given)) faults.push(`  ${name} is ${JSON.stringify(given)}: expected ${setting.expected}`);
    return given;
  };
  const config = {
    stateFolder: value('PREAU_AGENT_STATE'),
    runFolder: value('PREAU_AGENT_RUN'),
    prefix: value('PREAU_AGENT_PREFIX'),
    rdpHost: value('PREAU_AGENT_RDP_HOST'),
    rdpPort: Number(value('PREAU_AGENT_RDP_PORT')),
    logLevel: value('PREAU_AGENT_LOG_LEVEL'),
  };
  for (const name of Object.keys(environment)) {
    if (name.startsWith('PREAU_AGENT_') && !agentSettings.some((setting) => setting.name === name)) faults.push(`  ${name} is set: there is no such variable`);
  }
  if (faults.length > 0) throw new Error(`The agent's configuration has ${faults.length} fault(s):\n${faults.join('\n')}`);
  return Object.freeze(config);
}

export const readAgentConfig = (): AgentConfig => parseAgentConfig(process.env);

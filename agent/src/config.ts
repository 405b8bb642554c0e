/** Configuration of an agent: the only reader of its environment. Reports all faults at once. */
import { getProxyForUrl } from 'proxy-from-env';

export interface AgentConfig {
  /** Identity, journals, home directories: survives reboots. */
  stateFolder: string;
  /** Sockets, displays, credentials: gone at reboot. */
  runFolder: string;
  /** Prefix of display account names; keeps two agents on one machine apart. */
  prefix: string;
  /** Where guacd reaches this server's displays. */
  rdpHost: string;
  /** 0: the agent picks a free port. */
  rdpPort: number;
  /** Where the site's first server answers its neighbours' requests for packages. */
  cacheHost: string;
  /** 0: the agent picks a free port. */
  cachePort: number;
  cacheMiB: number;
  /** A download slower than this for a minute is given up. */
  slowestBytesPerSecond: number;
  /** An installer that has not ended by then is stopped, however much time its order has. */
  installSeconds: number;
  /** How long a new agent has until the controller must have accepted a report from it. */
  trialSeconds: number;
  logLevel: string;
}

interface Setting {
  name: string;
  fallback: string;
  expected: string;
  matches: RegExp;
}

export const agentSettings = [
  {
    name: 'PREAU_AGENT_STATE',
    fallback: '/var/lib/preau-agent',
    expected: 'an absolute path',
    matches: /^\/[A-Za-z0-9/._-]+$/,
  },
  {
    name: 'PREAU_AGENT_RUN',
    fallback: '/run/preau-agent',
    expected: 'an absolute path of at most 60 characters (sockets live in it)',
    matches: /^\/[A-Za-z0-9/._-]{1,59}$/,
  },
  {
    name: 'PREAU_AGENT_PREFIX',
    fallback: 'preau',
    expected: 'a lower-case word of at most 12 characters',
    matches: /^[a-z][a-z0-9]{1,11}$/,
  },
  {
    name: 'PREAU_AGENT_RDP_HOST',
    fallback: '127.0.0.1',
    expected: 'an IPv4 address of this machine',
    matches: /^\d{1,3}(\.\d{1,3}){3}$/,
  },
  {
    name: 'PREAU_AGENT_RDP_PORT',
    fallback: '0',
    expected: 'a port, or 0 for a free one',
    matches: /^\d{1,5}$/,
  },
  {
    name: 'PREAU_AGENT_CACHE_HOST',
    fallback: '',
    expected: 'an IPv4 address of this machine, or empty for that of the displays',
    matches: /^(\d{1,3}(\.\d{1,3}){3})?$/,
  },
  {
    name: 'PREAU_AGENT_CACHE_PORT',
    fallback: '0',
    expected: 'a port, or 0 for a free one',
    matches: /^\d{1,5}$/,
  },
  {
    name: 'PREAU_AGENT_CACHE_MIB',
    fallback: '8192',
    expected: 'a whole number of MiB',
    matches: /^\d{1,8}$/,
  },
  {
    name: 'PREAU_AGENT_SLOWEST',
    fallback: '1000',
    expected: 'a whole number of bytes per second',
    matches: /^\d{1,9}$/,
  },
  {
    name: 'PREAU_AGENT_INSTALL_SECONDS',
    fallback: '7200',
    expected: 'a whole number of seconds, at least 1',
    matches: /^[1-9]\d{0,5}$/,
  },
  {
    name: 'PREAU_AGENT_TRIAL_SECONDS',
    fallback: '120',
    expected: 'a whole number of seconds, at least 1',
    matches: /^[1-9]\d{0,4}$/,
  },
  {
    name: 'PREAU_AGENT_LOG_LEVEL',
    fallback: 'info',
    expected: 'debug, info, warn or error',
    matches: /^(debug|info|warn|error)$/,
  },
] as const satisfies Setting[];

export function parseAgentConfig(environment: Record<string, string | undefined>): AgentConfig {
  const faults: string[] = [];
  const value = (name: (typeof agentSettings)[number]['name']): string => {
    const setting = agentSettings.find((candidate) => candidate.name === name);
    const given = environment[name] ?? setting?.fallback ?? '';
    if (setting !== undefined && !setting.matches.test(given))
      faults.push(`  ${name} is ${JSON.stringify(given)}: expected ${setting.expected}`);
    return given;
  };
  const config = {
    stateFolder: value('PREAU_AGENT_STATE'),
    runFolder: value('PREAU_AGENT_RUN'),
    prefix: value('PREAU_AGENT_PREFIX'),
    rdpHost: value('PREAU_AGENT_RDP_HOST'),
    rdpPort: Number(value('PREAU_AGENT_RDP_PORT')),
    cacheHost: value('PREAU_AGENT_CACHE_HOST') || value('PREAU_AGENT_RDP_HOST'),
    cachePort: Number(value('PREAU_AGENT_CACHE_PORT')),
    cacheMiB: Number(value('PREAU_AGENT_CACHE_MIB')),
    slowestBytesPerSecond: Number(value('PREAU_AGENT_SLOWEST')),
    installSeconds: Number(value('PREAU_AGENT_INSTALL_SECONDS')),
    trialSeconds: Number(value('PREAU_AGENT_TRIAL_SECONDS')),
    logLevel: value('PREAU_AGENT_LOG_LEVEL'),
  };
  for (const name of Object.keys(environment)) {
    if (name.startsWith('PREAU_AGENT_') && !agentSettings.some((setting) => setting.name === name))
      faults.push(`  ${name} is set: there is no such variable`);
  }
  if (faults.length > 0)
    throw new Error(
      `The agent's configuration has ${faults.length} fault(s):\n${faults.join('\n')}`,
    );
  return Object.freeze(config);
}

export const readAgentConfig = (): AgentConfig => parseAgentConfig(process.env);

const ownMachine = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Address of the proxy through which this address is reached, by HTTPS_PROXY, HTTP_PROXY and
 * NO_PROXY in either case; null: directly. The machine itself is always reached directly. */
export const proxyFor = (url: string): string | null =>
  URL.canParse(url) && !ownMachine.test(new URL(url).hostname) ? getProxyForUrl(url) || null : null;

/** Those variables, for installers that download by themselves. */
export const proxyVariables = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && /^(https?|no|all)_proxy$/i.test(name) ? [[name, value]] : [],
    ),
  );

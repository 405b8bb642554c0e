/** The schools' servers, by what they have reported. */
import { offlineAfterMs } from '@preau/contract/server.ts';
import { examination, type Found } from './examination.ts';
import type { FindingCode } from './findings.ts';
import { type ServerFacts, selectServerFacts } from './store.ts';

/** The members of a JSON object; none when the text is not one. */
export function readJson(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

export const servers = examination({
  failure: 'NOT_LOOKED_AT',
  gather: ({ rows }) => selectServerFacts(rows()),
  judge: judgeServers,
});

const fullBelowMiB = 2048;
const wrongFromMs = 60_000;

type Kind = { code: FindingCode; of: (server: ServerFacts, now: number) => string | null };

/** What may be wrong with each server, in words; null: it is not. */
const kinds: readonly Kind[] = [
  {
    code: 'SERVERS_SILENT',
    of: ({ lastSeenAt }, now) =>
      lastSeenAt === null
        ? 'never heard'
        : now - lastSeenAt >= offlineAfterMs
          ? `for ${Math.round((now - lastSeenAt) / 60_000)} min`
          : null,
  },
  {
    code: 'AGENTS_AHEAD',
    of: ({ generation, appliedGeneration }) =>
      appliedGeneration > generation ? `${appliedGeneration} there, ${generation} here` : null,
  },
  {
    code: 'SERVERS_QUARANTINED',
    of: ({ quarantinedAt }) => (quarantinedAt === null ? null : 'its key is refused'),
  },
  {
    code: 'SERVER_CLOCKS_WRONG',
    of: ({ clockSkewMs }) =>
      clockSkewMs === null || Math.abs(clockSkewMs) < wrongFromMs
        ? null
        : `by ${Math.round(clockSkewMs / 1000)} s`,
  },
  {
    code: 'SERVER_DISKS_FULL',
    of: ({ health }) => {
      const { diskFreeMiB } = readJson(health);
      return typeof diskFreeMiB === 'number' && diskFreeMiB < fullBelowMiB
        ? `${diskFreeMiB} MiB free`
        : null;
    },
  },
];

function otherVersions(facts: readonly ServerFacts[], version: string): Found[] {
  const others = facts.flatMap(({ name, inventory }) => {
    const { agentVersion } = readJson(inventory);
    return typeof agentVersion === 'string' && agentVersion !== version
      ? [`${name} (${agentVersion})`]
      : [];
  });
  return others.length === 0 ? [] : [told('AGENTS_OLDER', others)];
}

const told = (code: FindingCode, names: readonly string[]): Found => ({
  code,
  why: names.slice(0, 10).join(', ') + (names.length > 10 ? ` and ${names.length - 10} more` : ''),
  counts: { servers: names.length },
});

export function judgeServers(
  facts: readonly ServerFacts[],
  { now, version }: { now: number; version: string },
): Found[] {
  const found = kinds.flatMap(({ code, of }) => {
    const wrong = facts.flatMap((server) => {
      const words = of(server, now);
      return words === null ? [] : [`${server.name} (${words})`];
    });
    return wrong.length === 0 ? [] : [told(code, wrong)];
  });
  return [...found, ...otherVersions(facts, version)];
}

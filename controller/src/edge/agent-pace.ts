/** Bounds how often one server calls, and how much it sends: an agent that reports in a loop must
 * not cost the other schools anything. */
import { budget, type Limits } from '#src/platform/budget.ts';
import { slowDown } from '#src/platform/slow-down.ts';
import { TokenBuckets } from '#src/platform/token-bucket.ts';

export interface AgentPace {
  /** Before the body is read and the signature checked: refuses what the server with this id has no
   * room for. It takes nothing, because anybody may write an id. */
  mayCall: (serverId: string, route: string) => void;
  /** After the signature was checked. */
  called: (serverId: string, route: string, bytes: number) => void;
}

/** Both refuse with SLOW_DOWN. Each route has a rate of its own, so that reports never keep a server
 * from reading its desired state. */
export function createAgentPace(
  limits: Limits<'reports'> = budget.reports,
  now = () => performance.now(),
): AgentPace {
  const calls = new TokenBuckets(limits.calls);
  const bytes = new TokenBuckets(limits.bytes);
  const refuseFor = (ms: number) => {
    if (ms > 0) throw slowDown(ms);
  };
  return {
    mayCall: (serverId, route) => {
      refuseFor(calls.wait(`${serverId} ${route}`, 1, now()));
      refuseFor(bytes.wait(serverId, 1, now()));
    },
    called: (serverId, route, size) => {
      refuseFor(calls.take(`${serverId} ${route}`, 1, now()));
      refuseFor(bytes.take(serverId, size, now()));
    },
  };
}

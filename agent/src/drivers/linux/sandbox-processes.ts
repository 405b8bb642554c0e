/** Finds the processes of a session's sandbox, also after a restart of the agent: by the session's
 * control group, and by marks where there is none. */
import type { ControlGroups } from './control-groups.ts';
import {
  environmentOf,
  listProcesses,
  type Process,
  pidNamespace,
  readProcess,
} from './processes.ts';
import { sessionMarker } from './sandbox.ts';

type Groups = Pick<ControlGroups, 'processesOf'>;

/** Every process of the session's sandbox. One that is only starting is not in its group yet: it is
 * found by its arguments. */
export function processesOf(groups: Groups, sessionId: string): Process[] {
  const all = listProcesses();
  const grouped = groups.processesOf(sessionId);
  const own = pidNamespace(process.pid);
  // Programs choose their own arguments, but not their pid namespace.
  const starting = all.filter(
    (process) => isStarting(process, sessionId) && pidNamespace(process.pid) === own,
  );
  const found = new Set([
    ...starting.map(({ pid }) => pid),
    ...(grouped ?? markedIn(all, starting, sessionId)),
  ]);
  return all.filter(({ pid }) => found.has(pid));
}

/** Cheaper than `processesOf`, for a session that has long started. */
export function sandboxRuns(groups: Groups, sessionId: string): boolean {
  const grouped = groups.processesOf(sessionId);
  return grouped === null
    ? processesOf(groups, sessionId).length > 0
    : grouped.some((pid) => readProcess(pid) !== undefined);
}

/** bubblewrap, which has the session's mark among its arguments. */
const isStarting = ({ args }: Process, sessionId: string): boolean =>
  args[args.indexOf(sessionMarker) + 1] === sessionId;

/** Without a control group: all processes in the pid namespace of one that the sandbox's first
 * process started, or that has the session's mark: in its environment, or, as long as bubblewrap
 * prepares the namespace, in its arguments. The first process of the namespace always has
 * it, whatever a program does to its own environment. */
function markedIn(all: readonly Process[], starting: readonly Process[], sessionId: string) {
  const outer = new Set(starting.map(({ pid }) => pid));
  const own = pidNamespace(process.pid);
  const mark = `${sessionMarker}=${sessionId}`;
  const spaces = new Set(
    all
      .filter(
        (process) =>
          outer.has(process.parent) ||
          isStarting(process, sessionId) ||
          environmentOf(process.pid).includes(mark),
      )
      .map(({ pid }) => pidNamespace(pid)),
  );
  return all
    .filter(({ pid }) => {
      const space = pidNamespace(pid);
      return space !== undefined && space !== own && spaces.has(space);
    })
    .map(({ pid }) => pid);
}

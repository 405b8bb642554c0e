/** Finds the processes of a sandbox in the process table, also after a restart of the agent. */
import { listProcesses, type Process, pidNamespace } from './processes.ts';
import { sessionMarker } from './sandbox.ts';

/** Every process of the session's sandbox, by its pid namespace. */
export const processesOf = (sessionId: string): Process[] => {
  const all = listProcesses();
  const outer = all.filter(
    (process) =>
      process.args[0]?.endsWith('bwrap') === true &&
      process.args[process.args.indexOf(sessionMarker) + 1] === sessionId,
  );
  const holders = new Set(outer.map((process) => process.pid));
  const spaces = new Set(
    all
      .filter((process) => holders.has(process.parent))
      .map((process) => pidNamespace(process.pid)),
  );
  const own = pidNamespace(process.pid);
  return [
    ...outer,
    ...all.filter((candidate) => {
      const space = pidNamespace(candidate.pid);
      return space !== undefined && space !== own && spaces.has(space);
    }),
  ];
};

/** Fits a state to what the server's agent knows. An agent of an earlier version refuses a whole
 * state for one member that it does not know, and then obeys nothing until it is brought along.
 * Pure. */
import type { Recipes } from '@preau/contract/application.ts';
import type { DesiredState } from '@preau/contract/desired-state.ts';

type Parts = Pick<
  DesiredState,
  'applications' | 'removals' | 'sessions' | 'orders' | 'restart' | 'erasedHomes'
>;

const withoutFirstFiles = <T extends { recipes: Recipes }>(application: T): T => {
  const { linux } = application.recipes;
  if (linux?.launch?.firstFiles === undefined) return application;
  const { firstFiles: _, ...launch } = linux.launch;
  return { ...application, recipes: { ...application.recipes, linux: { ...linux, launch } } };
};

/** Without the members that came after version 0.1.0; only agents that answer are asked anyway. */
export const forEarlierAgent = <T extends Parts>({
  restart: _,
  erasedHomes: ___,
  ...parts
}: T) => ({
  ...parts,
  applications: parts.applications.map(withoutFirstFiles),
  removals: parts.removals.map(withoutFirstFiles),
  sessions: parts.sessions.map(({ uid: __, ...session }) => session),
  orders: parts.orders.map((order) => ({
    ...order,
    applications: order.applications.map(withoutFirstFiles),
  })),
});

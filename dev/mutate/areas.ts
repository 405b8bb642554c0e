/** What is mutated, by area. `mutate`: files and folders whose bugs would hurt most. `tests`: where a
 * test may see them, at the level of units; those that do not load a mutated file are left out. */

export interface Area {
  mutate: readonly string[];
  tests: readonly string[];
}

export const areas: Readonly<Record<string, Area>> = {
  decisions: {
    mutate: [
      ...['contract/src/policy.ts', 'contract/src/calendar.ts', 'contract/src/windows.ts'],
      ...['contract/src/rule-problem.ts', 'controller/src/access', 'controller/src/sessions'],
    ],
    tests: ['contract', 'controller/src/access', 'controller/src/rules', 'controller/src/sessions'],
  },
  rollouts: {
    mutate: [
      'controller/src/rollouts/run',
      'controller/src/rollouts/plan',
      'controller/src/rollouts/schedules',
    ],
    tests: ['controller/src/rollouts'],
  },
  identity: {
    mutate: ['controller/src/identity', 'controller/src/accounts'],
    tests: ['controller/src/identity', 'controller/src/accounts', 'controller/src/edge'],
  },
  edge: { mutate: ['controller/src/edge'], tests: ['controller/src/edge'] },
  gateway: {
    mutate: [
      'controller/src/edge/gateway',
      'controller/src/platform/guacd.ts',
      'controller/src/platform/guacamole.ts',
    ],
    tests: ['controller/src/edge', 'controller/src/platform', 'controller/src/sessions'],
  },
  agent: { mutate: ['agent/src'], tests: ['agent/src'] },
};

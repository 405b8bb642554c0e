/** How often a route may be called, by what a call costs. A route that is not listed here goes by
 * its method. */
import type { Route, RouteName } from '@preau/contract/api.ts';
import type { budget } from '#src/platform/budget.ts';

/** `read`: a page may ask for much at once. `write`: changes rows; `personal`: by a person who is no
 * technician. `launch`: changes what a server does, and makes a generation. `costly`: seconds of
 * work, or a file of the whole city; only a few run at once, for everybody together. */
export type Pace = keyof (typeof budget)['calls']['paces'];

const listed: { readonly [N in RouteName]?: Pace } = {
  launchSession: 'launch',
  attachSession: 'launch',
  askForFile: 'launch',
  printBadges: 'costly',
  exportAccess: 'costly',
  exportAudit: 'costly',
  exportAuditCsv: 'costly',
  exportCatalogue: 'costly',
  exportPerson: 'costly',
  exportRollout: 'costly',
  importCatalogue: 'costly',
  readAccessMatrix: 'costly',
  readUsage: 'costly',
  verifyAudit: 'costly',
  previewRule: 'costly',
  planRollout: 'costly',
  checkDirectory: 'costly',
  syncDirectory: 'costly',
};

export const paceOf = (name: RouteName, { method }: Pick<Route, 'method'>): Pace =>
  listed[name] ?? (method === 'GET' ? 'read' : 'write');

import { setIcon } from '#src/applications/icons/icons.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { readDesiredState } from '#src/servers/desired/desired-state.ts';
import { enrol } from '#src/servers/enrolment/enrol.ts';

import type { Verbs } from './verb.ts';

export const agentVerbs = {
  enrol: (deps, actor, { body }, { address }) => enrol(deps, actor, body, address),
  readDesiredState: (deps, actor, { query }) => readDesiredState(deps, actor, query.policy ?? null),
  sendReport: (deps, actor, { body }, { address }) => acceptReport(deps, actor, body, address),
  sendIcon: async (deps, actor, { body }) => {
    await setIcon(deps, actor, body);
    return null;
  },
} satisfies Partial<Verbs>;

import { AppError } from '@preau/contract/errors.ts';
import { setIcon } from '#src/applications/icons/icons.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { readDesiredState } from '#src/servers/desired/desired-state.ts';
import { enrol } from '#src/servers/enrolment/enrol.ts';

import type { Verbs } from './verb.ts';

export const agentVerbs = {
  enrol: async (deps, actor, { body }, { address }) => {
    // A school enrols one server at a time: its address guesses one code at a time.
    const guess = { of: `enrolment ${address}`, from: '', kind: 'password' } as const;
    const enrolment = await deps.identity.attempts.judge(guess, () =>
      enrol(deps, actor, body, address),
    );
    if (enrolment === null) throw new AppError('ENROLMENT_CODE_REFUSED');
    return enrolment;
  },
  readDesiredState: (deps, actor, { query }) => readDesiredState(deps, actor, query.policy ?? null),
  sendReport: (deps, actor, { body }, { address }) => acceptReport(deps, actor, body, address),
  sendIcon: async (deps, actor, { body }) => {
    await setIcon(deps, actor, body);
    return null;
  },
} satisfies Partial<Verbs>;

/** Looking for a verb? Its route names it: `createRule` of the contract is `createRule` in the file
 * of its noun beside this one. Here they are one table: the compiler refuses it when a route has no
 * verb, or when a verb answers in another shape than its route. */
import { accountVerbs } from './accounts.ts';
import { agentVerbs } from './agents.ts';
import { applicationVerbs } from './applications.ts';
import { auditVerbs } from './audit.ts';
import { classVerbs } from './classes.ts';
import { exchangeVerbs } from './exchange.ts';
import { identityVerbs } from './identity.ts';
import { privacyVerbs } from './privacy.ts';
import { recordingVerbs } from './recordings.ts';
import { requestVerbs } from './requests.ts';
import { rolloutVerbs } from './rollouts.ts';
import { ruleVerbs } from './rules.ts';
import { serverVerbs } from './servers.ts';
import { sessionVerbs } from './sessions.ts';
import { siteVerbs } from './sites.ts';
import type { Verbs } from './verb.ts';

export const verbs: Verbs = {
  health: async (deps) => ({ status: 'ok', version: deps.version }),
  ...accountVerbs,
  ...agentVerbs,
  ...applicationVerbs,
  ...auditVerbs,
  ...classVerbs,
  ...exchangeVerbs,
  ...identityVerbs,
  ...privacyVerbs,
  ...recordingVerbs,
  ...requestVerbs,
  ...rolloutVerbs,
  ...ruleVerbs,
  ...serverVerbs,
  ...sessionVerbs,
  ...siteVerbs,
};

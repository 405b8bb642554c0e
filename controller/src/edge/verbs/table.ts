/** All verbs, by the names of their routes: `createRule` of the contract is `createRule` in the
 * file of its noun beside this one. There are two tables, one for JSON routes and one for stream
 * routes. The compiler rejects them when a route has no verb, or when a verb's reply has another
 * type than its route's. */
import { accountVerbs } from './accounts.ts';
import { agentVerbs } from './agents.ts';
import { applicationStreams, applicationVerbs } from './applications.ts';
import { auditVerbs } from './audit.ts';
import { classVerbs } from './classes.ts';
import { exchangeStreams, exchangeVerbs } from './exchange.ts';
import { healthVerbs } from './health.ts';
import { identityVerbs } from './identity.ts';
import { importStreams } from './people-imports.ts';
import { privacyVerbs } from './privacy.ts';
import { recordingStreams, recordingVerbs } from './recordings.ts';
import { requestVerbs } from './requests.ts';
import { rolloutVerbs } from './rollouts.ts';
import { ruleVerbs } from './rules.ts';
import { serverVerbs } from './servers.ts';
import { sessionVerbs } from './sessions.ts';
import { siteVerbs } from './sites.ts';
import type { StreamVerbs, Verbs } from './verb.ts';

export const verbs: Verbs = {
  ...accountVerbs,
  ...agentVerbs,
  ...applicationVerbs,
  ...auditVerbs,
  ...classVerbs,
  ...exchangeVerbs,
  ...healthVerbs,
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

export const streamVerbs: StreamVerbs = {
  ...applicationStreams,
  ...exchangeStreams,
  ...importStreams,
  ...recordingStreams,
};

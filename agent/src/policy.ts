/** The school's rules, decided by once more on the school's own server: a controller that is stale or worse cannot open what they forbid. */
import type { DesiredApplication, DesiredSession, DesiredSite, PolicyDocument } from '@preau/contract/desired-state.ts';
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import { compilePolicy, decide } from '@preau/contract/policy.ts';

export type MayOpen = (session: DesiredSession, application: DesiredApplication) => boolean;

/** `now` is read at each question. */
export function createMayOpen({ rules }: PolicyDocument, site: DesiredSite, now: () => number): MayOpen {
  const policy = compilePolicy(rules, frenchCalendar);
  return ({ accountId, role, groupIds, attributes, address }, { applicationId, category, labels }) =>
    decide(policy, { person: { id: accountId, role, siteId: site.siteId, groupIds, attributes }, application: { id: applicationId, category, labels }, site, address, now: now() }).allowed;
}

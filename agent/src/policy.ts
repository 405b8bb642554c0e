/** Evaluates the school's rules once more on the school's own server: a stale or compromised
 * controller cannot open what they forbid. */
import type {
  DesiredApplication,
  DesiredSession,
  DesiredSite,
  PolicyDocument,
} from '@preau/contract/desired-state.ts';
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import { compilePolicy, type Decision, decide } from '@preau/contract/policy.ts';

export type DecideHere = (
  session: DesiredSession,
  application: DesiredApplication,
) => Pick<Decision, 'allowed' | 'terms'>;

/** `now` is called for each decision. */
export function createDecideHere(
  { rules }: PolicyDocument,
  site: DesiredSite,
  now: () => number,
): DecideHere {
  // Compiled on first use: most servers decide nothing before the rules change again.
  let policy: ReturnType<typeof compilePolicy> | null = null;
  const compiled = () => {
    policy ??= compilePolicy(rules, frenchCalendar);
    return policy;
  };
  return (
    { accountId, role, groupIds, attributes, address },
    { applicationId, category, labels },
  ) =>
    decide(compiled(), {
      person: { id: accountId, role, siteId: site.siteId, groupIds, attributes },
      application: { id: applicationId, category, labels },
      site,
      address,
      now: now(),
    });
}

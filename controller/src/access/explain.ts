/** Explains why a person has, or lacks, access to an application: to the person in one sentence, to
 * a technician rule by rule, for a chosen device and time. */
import type { Role } from '@preau/contract/account.ts';
import type { Application } from '@preau/contract/application.ts';
import { AppError } from '@preau/contract/errors.ts';
import type {
  AccessExplanation,
  AccessQuestion as Asked,
  ExplainedRemedy as ShownRemedy,
  Verdict,
  Why,
} from '@preau/contract/explanation.ts';
import { explain, type Question, type Remedy, reasonOf } from '@preau/contract/policy.ts';
import { plainRule, type Rule } from '@preau/contract/rule.ts';
import { mustReach } from '#src/accounts/reach.ts';
import { selectAccount, selectPerson } from '#src/accounts/store.ts';
import { catalogueBook } from '#src/applications/catalogue-book.ts';
import { selectApplications } from '#src/applications/store.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { withNames } from '#src/rules/names/store.ts';
import { policyBook, policyBookAt } from '#src/rules/policy-book.ts';
import { selectRules } from '#src/rules/store.ts';
import { selectInstalledAtSite } from '#src/servers/store.ts';

type Deps = Pick<Platform, 'database' | 'clock'>;

/** Explains one application, or all of them when `applicationId` is null. A past `at` is answered
 * with the rules in force then. Refuses with NOT_FOUND, OUT_OF_SCOPE. */
export async function explainAccess(
  deps: Deps,
  actor: AccountActor,
  asked: Asked,
): Promise<AccessExplanation> {
  const account = await selectAccount(deps.database, asked.accountId);
  if (account === undefined) throw new AppError('NOT_FOUND', { account: asked.accountId });
  if (actor.siteIds !== null) mustReach(actor, account.siteId);
  const now = deps.clock.now();
  const at = asked.at ?? now;
  const isPast = at < now;
  const { policy, sites } = isPast
    ? await policyBookAt(deps.database, at)
    : await policyBook(deps.database);
  const rules = new Map(
    (await withNames(deps.database, await selectRules(deps.database, isPast ? { at } : {}))).map(
      (rule) => [rule.id, rule],
    ),
  );
  const applications = await selectApplications(deps.database, {
    learnt: false,
    among: isPast ? 'all' : 'offered',
    ...(asked.applicationId === null ? {} : { id: asked.applicationId }),
  });
  if (asked.applicationId !== null && applications.length === 0)
    throw new AppError('NOT_FOUND', { application: asked.applicationId });
  const installed =
    account.siteId === null
      ? new Set<string>()
      : await selectInstalledAtSite(deps.database, account.siteId);
  const person = await selectPerson(deps.database, account);
  const site = account.siteId === null ? null : (sites.get(account.siteId) ?? null);
  const items = applications.map((application): Verdict => {
    const question: Question = { person, application, site, address: asked.address, now: at };
    const { allowed, terms, considered, changesAt, remedy } = explain(policy, question);
    const shown = considered.filter(
      ({ outcome }) => asked.applicationId !== null || outcome === 'decided',
    );
    return {
      applicationId: application.id,
      slug: application.slug,
      name: application.name,
      iconHash: application.iconHash,
      installed: installed.has(application.id),
      allowed,
      terms,
      changesAt,
      considered: shown.flatMap(({ ruleId, outcome, opensAt }) => {
        const rule = rules.get(ruleId);
        return rule === undefined ? [] : [{ rule, outcome, opensAt }];
      }),
      remedy: shownRemedy(remedy, application, account, rules),
    };
  });
  return {
    accountId: account.id,
    personName: account.displayName,
    role: account.role,
    siteId: account.siteId,
    siteName: account.siteName,
    at,
    items,
  };
}

/** When the remedy is a new rule, returns the draft to save: for this person and this application,
 * at their school. */
function shownRemedy(
  remedy: Remedy,
  application: Pick<Application, 'id'>,
  account: { id: string; role: Role; siteId: string | null },
  rules: ReadonlyMap<string, Rule>,
): ShownRemedy {
  if (remedy.kind === 'add' || ('ruleId' in remedy && !rules.has(remedy.ruleId))) {
    return {
      kind: 'add',
      draft: {
        ...plainRule,
        effect: remedy.kind === 'add' ? remedy.effect : 'allow',
        target: { kind: 'application', applicationId: application.id },
        audience: { kind: 'person', accountId: account.id },
        place:
          account.siteId === null
            ? { kind: 'everywhere' }
            : { kind: 'site', siteId: account.siteId },
      },
    };
  }
  return remedy;
}

/** Tells the person who calls why they may not open an application, as one reason code for which
 * the console has a sentence. Refuses with NOT_FOUND. */
export async function whyNot(
  deps: Deps,
  actor: AccountActor,
  slug: string,
  address: string | null,
): Promise<Why> {
  const application = (await catalogueBook(deps.database)).bySlug.get(slug);
  if (application === undefined) throw new AppError('NOT_FOUND', { application: slug });
  const because = (reason: Why['reason'], at: number | null = null): Why => ({
    slug,
    name: application.name,
    reason,
    at,
  });
  if (actor.siteId === null) return because('no_school');
  const { policy, sites } = await policyBook(deps.database);
  const { reason, at } = reasonOf(
    explain(policy, {
      person: await selectPerson(deps.database, actor),
      application,
      site: sites.get(actor.siteId) ?? null,
      address,
      now: deps.clock.now(),
    }),
  );
  if (
    reason === 'open' &&
    !(await selectInstalledAtSite(deps.database, actor.siteId)).has(application.id)
  )
    return because('not_installed');
  return because(reason, at);
}

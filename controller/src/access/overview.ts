/** Access as a matrix of applications × schools, and a CSV export of who could open what over a
 * period. */

import { AppError } from '@preau/contract/errors.ts';
import type { AccessMatrix } from '@preau/contract/explanation.ts';
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import { changesAt, compilePolicy, decide, type Question } from '@preau/contract/policy.ts';
import { reaches } from '#src/accounts/reach.ts';
import { selectPeople } from '#src/accounts/store.ts';
import { selectApplications } from '#src/applications/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import { toCsv } from '#src/platform/csv.ts';
import type { Platform } from '#src/platform/platform.ts';
import { policyBook } from '#src/rules/policy-book.ts';
import { policyRuleOf, selectChanges, selectRules } from '#src/rules/store.ts';
import { selectInstalledAtSite } from '#src/servers/store.ts';
import { selectSites } from '#src/sites/store.ts';
import { inSlices } from './in-slices.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'wakeups'>;

export async function readAccessMatrix(
  deps: Deps,
  actor: AccountActor,
  query: { role: 'pupil' | 'teacher' | null; after: string | null; limit: number },
): Promise<AccessMatrix> {
  const { database } = deps;
  const now = deps.clock.now();
  const applications = await selectApplications(database, { learnt: false });
  const { policy, sites } = await policyBook(database);
  const reached = (await selectSites(database)).filter((site) => reaches(actor, site.id));
  const from = query.after === null ? 0 : reached.findIndex(({ id }) => id === query.after) + 1;
  const page = reached.slice(from, from + query.limit);
  const people = Map.groupBy(
    (
      await selectPeople(
        database,
        page.map(({ id }) => id),
      )
    ).filter(
      ({ role }) =>
        query.role === null ||
        role === query.role ||
        (query.role === 'teacher' && role === 'contact'),
    ),
    (person) => person.siteId,
  );
  const items: AccessMatrix['items'] = [];
  for (const site of page) {
    const open = applications.map(() => 0);
    await inSlices(people.get(site.id) ?? [], (person) => {
      applications.forEach((application, at) => {
        if (
          decide(policy, {
            person,
            application,
            site: sites.get(site.id) ?? null,
            address: null,
            now,
          }).allowed
        )
          open[at] = (open[at] ?? 0) + 1;
      });
    });
    const installed = await selectInstalledAtSite(database, site.id);
    items.push({
      siteId: site.id,
      siteName: site.name,
      people: people.get(site.id)?.length ?? 0,
      open,
      installed: applications.map(({ id }) => installed.has(id)),
    });
  }
  return {
    applications: applications.map(({ id, slug, name, category, iconHash }) => ({
      id,
      slug,
      name,
      category,
      iconHash,
    })),
    items,
    next: from + query.limit < reached.length ? (page.at(-1)?.id ?? null) : null,
  };
}

const maxPeriodMs = 400 * 86_400_000;
const hourMs = 3_600_000;
const accessHead = [
  ...['école', 'nom', 'identifiant', 'rôle', 'application'],
  ...['première fois', 'dernière fois', 'heures ouvertes'],
];

/** CSV, one line per person and application. Each version of the rules counts for the part of the
 * period in which it was in force. Refuses with VALIDATION_FAILED a period that is empty or longer
 * than 400 days, and a request for the whole city and every application at once: that would be
 * millions of lines. */
export async function exportAccess(
  deps: Deps,
  actor: AccountActor,
  asked: { from: number; until: number; siteId: string | null; applicationId: string | null },
): Promise<Buffer> {
  const { from, until, siteId, applicationId } = asked;
  if (until <= from || until - from > maxPeriodMs)
    throw new AppError('VALIDATION_FAILED', {
      issues: [{ field: 'query/until', problem: 'after `from`, and at most 400 days later' }],
    });
  if (siteId === null && applicationId === null)
    throw new AppError('VALIDATION_FAILED', {
      issues: [{ field: 'query/site', problem: 'a school or an application' }],
    });
  const { database } = deps;
  const { sites } = await policyBook(database);
  const names = new Map((await selectSites(database)).map((site) => [site.id, site.name]));
  // Applications withdrawn since then could still be opened in the period.
  const applications = await selectApplications(database, {
    learnt: false,
    among: 'all',
    ...(applicationId === null ? {} : { id: applicationId }),
  });
  const people = (
    await selectPeople(database, siteId === null ? (actor.siteIds ?? null) : [siteId])
  ).filter((person) => person.siteId !== null && reaches(actor, person.siteId));
  const policies = await policiesBetween(deps, from, until);
  const lines: string[][] = [];
  await inSlices(people, (person) => {
    const site = sites.get(person.siteId ?? '') ?? null;
    for (const application of applications) {
      let [first, last, open] = [Number.NaN, Number.NaN, 0];
      for (const { policy, since, end } of policies) {
        for (const span of openSpans(
          policy,
          { person, application, site, address: null, now: since },
          end,
        )) {
          if (Number.isNaN(first)) first = span.from;
          last = span.to;
          open += span.to - span.from;
        }
      }
      if (open > 0)
        lines.push([
          names.get(person.siteId ?? '') ?? '',
          person.displayName,
          person.login,
          person.role,
          application.name.fr,
          new Date(first).toISOString(),
          new Date(last).toISOString(),
          (open / hourMs).toFixed(1),
        ]);
    }
  });
  await recordEffect(deps, database, actor, {
    action: 'access.exported',
    subjectId: applicationId,
    subjectName: applications.find(({ id }) => id === applicationId)?.name.fr ?? '',
    siteId,
    details: { from, until, lines: lines.length },
  });
  deps.wakeups.wake(['audit']);
  // `toCsv` escapes cells that a spreadsheet would read as a formula, such as a crafted name.
  return Buffer.from(await toCsv(accessHead, lines, '\n'));
}

async function policiesBetween(deps: Deps, from: number, until: number) {
  const edges = [from, ...(await selectChanges(deps.database, from, until)), until];
  const policies: { policy: ReturnType<typeof compilePolicy>; since: number; end: number }[] = [];
  for (const [at, since] of edges.slice(0, -1).entries()) {
    policies.push({
      policy: compilePolicy(
        (await selectRules(deps.database, { at: since })).map(policyRuleOf),
        frenchCalendar,
      ),
      since,
      end: edges[at + 1] ?? until,
    });
  }
  return policies;
}

/** The spans, from `question.now` until `end`, in which access is allowed. Epoch ms. */
function openSpans(
  policy: ReturnType<typeof compilePolicy>,
  question: Question,
  end: number,
): { from: number; to: number }[] {
  const spans: { from: number; to: number }[] = [];
  let { now } = question;
  while (now < end) {
    const { allowed } = decide(policy, { ...question, now });
    const next = changesAt(policy, { ...question, now }, end) ?? end;
    if (allowed) spans.push({ from: now, to: next });
    now = next;
  }
  return spans;
}

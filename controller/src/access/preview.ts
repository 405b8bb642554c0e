/** Shows the effect of a rule before it is saved: who gains access, who loses it, at which schools,
 * and which rules conflict with it. */

import { AppError } from '@preau/contract/errors.ts';
import type { Preview, PreviewRequest } from '@preau/contract/explanation.ts';
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import {
  changesAt,
  compilePolicy,
  decide,
  explain,
  isMeant,
  type Policy,
  type PolicyApplication,
} from '@preau/contract/policy.ts';
import type { PolicyRule, RuleDraft } from '@preau/contract/rule.ts';
import { mustReach } from '#src/accounts/reach.ts';
import { selectPeople } from '#src/accounts/store.ts';
import { selectApplications } from '#src/applications/store.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { withNames } from '#src/rules/names/store.ts';
import { policyRuleOf, selectRules } from '#src/rules/store.ts';
import { selectPolicySites } from '#src/sites/store.ts';
import { inSlices } from './in-slices.ts';
import { touchedBy } from './push.ts';
import { checkDraft } from './rules.ts';

const draftId = `rul_${'-'.repeat(22)}`;

const concerns = (rule: Pick<RuleDraft, 'target'>, application: PolicyApplication): boolean =>
  rule.target.kind === 'application'
    ? rule.target.applicationId === application.id
    : rule.target.kind === 'label'
      ? application.labels.includes(rule.target.label)
      : rule.target.category === application.category;

type Site = Parameters<typeof decide>[1]['site'];
/** A policy with only the hours of this rule; evaluate it with a question from `anybody`. */
const hoursOnly = (rule: PolicyRule): Policy =>
  compilePolicy(
    [
      {
        ...rule,
        effect: 'allow',
        audience: { kind: 'everyone' },
        client: null,
        place: { kind: 'everywhere' },
        target: { kind: 'application', applicationId: 'x' },
      },
    ],
    frenchCalendar,
  );
const anybody = (site: Site, now: number) => ({
  person: { id: '', role: 'pupil' as const, siteId: null, groupIds: [], attributes: {} },
  application: { id: 'x', category: '', labels: [] },
  site,
  address: null,
  now,
});

/** A time within the hours of the rule: now, or the next one within a year; now when there is
 * none. */
function timeOf(rule: PolicyRule, site: Site, now: number): number {
  if (rule.when === null) return now;
  const explained = explain(hoursOnly(rule), anybody(site, now));
  return explained.allowed ? now : (explained.changesAt ?? now);
}

const yearMs = 366 * 86_400_000;
const sameHours = (a: PolicyRule, b: PolicyRule): boolean =>
  JSON.stringify(a.when) === JSON.stringify(b.when);

/** The times at which to compare. When the hours of a rule change, also a time that only the old
 * hours contain and one that only the new hours contain: a person who loses an afternoon loses
 * access. */
function timesOf(rule: PolicyRule, past: PolicyRule | null, site: Site, now: number): number[] {
  const times = [timeOf(rule, site, now)];
  if (past === null || sameHours(rule, past)) return times;
  const [was, is] = [hoursOnly(past), hoursOnly(rule)];
  const found = new Map<boolean, number>();
  // Steps through the boundaries of both schedules in turn; weekly hours need far fewer than 200.
  for (
    let [at, steps] = [now, 0];
    steps < 200 && found.size < 2 && Number.isFinite(at);
    steps += 1
  ) {
    const question = anybody(site, at);
    const on = decide(is, question).allowed;
    if (decide(was, question).allowed !== on && !found.has(on)) found.set(on, at);
    at = Math.min(
      changesAt(was, question, now + yearMs) ?? Number.POSITIVE_INFINITY,
      changesAt(is, question, now + yearMs) ?? Number.POSITIVE_INFINITY,
    );
  }
  return [...new Set([...times, ...found.values()])];
}

/** Refuses with NOT_FOUND, RULE_REFUSED, OUT_OF_SCOPE, and with VALIDATION_FAILED when neither a
 * rule nor a draft is given. */
export async function previewRule(
  deps: Pick<Platform, 'database' | 'clock'>,
  actor: AccountActor,
  { ruleId, draft }: PreviewRequest,
): Promise<Preview> {
  const { database } = deps;
  const stored = await selectRules(database);
  const past = ruleId === null ? undefined : stored.find(({ id }) => id === ruleId);
  if (ruleId !== null && past === undefined) throw new AppError('NOT_FOUND', { rule: ruleId });
  if (draft === null && past === undefined)
    throw new AppError('VALIDATION_FAILED', {
      issues: [{ field: 'draft', problem: 'nothing to weigh' }],
    });
  if (draft !== null) await checkDraft(database, draft);
  const sides = [past, draft].filter((side) => side != null);
  mustReach(actor, ...sides.map(({ place }) => (place.kind === 'site' ? place.siteId : null)));

  const others = stored.filter(({ id }) => id !== ruleId).map(policyRuleOf);
  const pastRule = past === undefined ? null : policyRuleOf(past);
  const newRule = draft === null ? null : policyRuleOf({ ...draft, id: ruleId ?? draftId });
  const before = compilePolicy(pastRule === null ? others : [...others, pastRule], frenchCalendar);
  const after = compilePolicy(newRule === null ? others : [...others, newRule], frenchCalendar);
  const sites = await selectPolicySites(database);
  const touched = new Set(
    touchedBy(
      sides.map(({ place }) => place),
      sites,
    ),
  );
  const applications = (await selectApplications(database, { learnt: false })).filter(
    (application) => sides.some((side) => concerns(side, application)),
  );
  // Only rules for every place apply to a person without a school.
  const people = (await selectPeople(database, null)).filter(
    (person) =>
      (person.siteId === null
        ? sides.some(({ place }) => place.kind === 'everywhere')
        : touched.has(person.siteId)) && sides.some(({ audience }) => isMeant(audience, person)),
  );

  const now = deps.clock.now();
  const previewed = newRule ?? pastRule;
  const gains = tally();
  const losses = tally();
  const met = new Map<string, { people: Set<string>; wins: boolean; isEqual: boolean }>();
  const first = sites.get([...touched][0] ?? '') ?? null;
  const timesBySite = new Map<string | null, number[]>();
  const address = addressFor(previewed);
  await inSlices(people, (person) => {
    const site = person.siteId === null ? null : (sites.get(person.siteId) ?? null);
    const key = person.siteId;
    const times =
      timesBySite.get(key) ??
      (previewed === null ? [now] : timesOf(previewed, pastRule, site, now));
    timesBySite.set(key, times);
    for (const application of applications) {
      for (const [index, at] of times.entries()) {
        const question = { person, application, site, address: address(site), now: at };
        const [was, is] = [decide(before, question), decide(after, question)];
        if (was.allowed !== is.allowed)
          (is.allowed ? gains : losses).add(
            person.id,
            person.siteId,
            application.id,
            person.displayName,
          );
        if (newRule !== null && index === 0) meet(after, newRule, question, met);
      }
    }
  });
  const named = await withNames(
    database,
    stored.filter(({ id }) => met.has(id)),
  );
  return {
    gains: gains.summary(),
    losses: losses.summary(),
    sites: [...touched],
    concerned: people.length,
    at: timesBySite.get(first?.siteId ?? null)?.[0] ?? now,
    conflicts: named
      .map((rule) => {
        const meeting = met.get(rule.id);
        return {
          rule,
          wins: meeting?.wins ?? false,
          isEqual: meeting?.isEqual ?? false,
          people: meeting?.people.size ?? 0,
        };
      })
      .sort((a, b) => b.people - a.people)
      .slice(0, 20),
  };
}

/** For each school, the address of a device that the rule applies to; null when the rule names no
 * device. */
function addressFor(
  rule: PolicyRule | null,
): (
  site: { networks: readonly { subnet: string; labels: readonly string[] }[] } | null,
) => string | null {
  const client = rule?.client ?? null;
  if (client === null) return () => null;
  const firstOf = (subnet: string | undefined) => subnet?.split('/')[0] ?? null;
  return (site) =>
    client.kind === 'subnet'
      ? firstOf(client.subnet)
      : firstOf(site?.networks.find(({ labels }) => labels.includes(client.label))?.subnet);
}

/** Adds to `met` the rules of the opposite effect that match the same person and application. */
function meet(
  policy: Policy,
  rule: PolicyRule,
  question: Parameters<typeof decide>[1],
  met: Map<string, { people: Set<string>; wins: boolean; isEqual: boolean }>,
): void {
  const { considered } = explain(policy, question, { turns: false });
  const mine = considered.findIndex(({ ruleId }) => ruleId === rule.id);
  if (mine < 0 || !['decided', 'outranked'].includes(considered[mine]?.outcome ?? '')) return;
  considered.forEach((other, at) => {
    if (other.effect === rule.effect || !['decided', 'outranked'].includes(other.outcome)) return;
    const known = met.get(other.ruleId) ?? {
      people: new Set<string>(),
      wins: at < mine,
      isEqual: other.precision === considered[mine]?.precision,
    };
    known.people.add(question.person.id);
    met.set(other.ruleId, known);
  });
}

function tally() {
  const [people, schools, applications] = [
    new Map<string, string>(),
    new Set<string>(),
    new Set<string>(),
  ];
  return {
    add: (personId: string, siteId: string | null, applicationId: string, name: string) => {
      people.set(personId, name);
      if (siteId !== null) schools.add(siteId);
      applications.add(applicationId);
    },
    summary: () => ({
      people: people.size,
      schools: schools.size,
      applications: applications.size,
      examples: [...people.values()].slice(0, 5),
    }),
  };
}

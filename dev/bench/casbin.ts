/** Compares our decision with casbin's on the same questions. */
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import { compilePolicy, decide } from '@preau/contract/policy.ts';
import type { PolicyRule } from '@preau/contract/rule.ts';
import { newEnforcer, newModelFromString, StringAdapter } from 'casbin';
import { median, round, timed } from './figures.ts';
import { rulesWorld, tuesday } from './rules-world.ts';

/** The same rules as a casbin policy: its priority effect takes the first matching line, so the
 * lines are sorted by our order. Hours and PCs are left out on both sides; every answer is
 * compared. */
export async function measureCasbin(tell: (text: string) => void) {
  const world = rulesWorld({
    sites: 27,
    applications: 300,
    people: 10_000,
    rules: 500,
    withHours: false,
  });
  const policy = compilePolicy(world.rules, frenchCalendar);
  const model = newModelFromString(`
[request_definition]
r = sub, obj, dom
[policy_definition]
p = kind, who, what, where, eft
[policy_effect]
e = priority(p.eft) || deny
[matchers]
m = meant(r.sub, p.kind, p.who) && about(r.obj, p.what) && there(r.dom, p.where)
`);
  const sorted = [...new Set([...policy.byTarget.values()].flat())].sort(
    (a, b) => b.rank - a.rank || (a.rule.id < b.rule.id ? -1 : 1),
  );
  const whoOf = ({ audience }: PolicyRule) =>
    audience.kind === 'person'
      ? audience.accountId
      : audience.kind === 'group'
        ? audience.groupId
        : audience.kind === 'role'
          ? audience.role
          : audience.kind === 'attributes'
            ? (audience.all[0]?.value ?? '')
            : '-';
  const whatOf = ({ target }: PolicyRule) =>
    target.kind === 'application'
      ? target.applicationId
      : target.kind === 'label'
        ? target.label
        : target.category;
  const whereOf = ({ place }: PolicyRule) =>
    place.kind === 'site' ? place.siteId : place.kind === 'site_group' ? place.siteGroupId : '*';
  const enforcer = await newEnforcer(
    model,
    new StringAdapter(
      sorted
        .map(
          ({ rule }) =>
            `p, ${rule.audience.kind}, ${whoOf(rule)}, ${whatOf(rule)}, ${whereOf(rule)}, ${rule.effect}`,
        )
        .join('\n'),
    ),
  );
  const people = new Map(world.people.map((person) => [person.id, person]));
  const applications = new Map(
    world.applications.map((application) => [application.id, application]),
  );
  const sites = new Map(world.sites.map((site) => [site.siteId, site]));
  await enforcer.addFunction('meant', (sub: string, kind: string, who: string) => {
    const person = people.get(sub);
    return (
      kind === 'everyone' ||
      (kind === 'person' && sub === who) ||
      (kind === 'role' && person?.role === who) ||
      (kind === 'group' && person?.groupIds.includes(who) === true) ||
      (kind === 'attributes' && person?.attributes['level']?.includes(who) === true)
    );
  });
  await enforcer.addFunction('about', (obj: string, what: string) => {
    const application = applications.get(obj);
    return (
      obj === what || application?.category === what || application?.labels.includes(what) === true
    );
  });
  await enforcer.addFunction(
    'there',
    (dom: string, where: string) =>
      where === '*' || dom === where || sites.get(dom)?.siteGroupIds.includes(where) === true,
  );
  const questions = Array.from({ length: 1500 }, (_, at) => ({
    person: world.people[(at * 37) % 10_000],
    application: world.applications[(at * 11) % 300],
  }));
  const ask = (at: number) => {
    const { person, application } = questions[at] ?? {};
    if (person === undefined || application === undefined) throw new Error('no such question');
    return {
      person,
      application,
      site: sites.get(person.siteId ?? '') ?? null,
      address: null,
      now: tuesday,
    };
  };
  const casbinUs: number[] = [];
  const oursUs: number[] = [];
  let allowed = 0;
  for (const at of questions.keys()) {
    const question = ask(at);
    let theirs = false;
    casbinUs.push(
      timed(() => {
        theirs = enforcer.enforceSync(
          question.person.id,
          question.application.id,
          question.person.siteId,
        );
      }) * 1000,
    );
    const ours = decide(policy, question).allowed;
    if (ours !== theirs)
      throw new Error(
        `casbin says ${theirs} and we say ${ours} of ${question.person.id} and ${question.application.id}`,
      );
    if (ours) allowed += 1;
  }
  const asked = [...questions.keys()].map(ask);
  // One of our decisions takes less than the clock's resolution: fifty different questions are one
  // sample.
  for (let from = 0; from + 50 <= asked.length; from += 1) {
    const some = asked.slice(from, from + 50);
    oursUs.push(
      (timed(() => {
        for (const question of some) decide(policy, question);
      }) *
        1000) /
        50,
    );
  }
  const ratio = median(casbinUs) / median(oursUs);
  tell(
    `casbin ${median(casbinUs).toFixed(1)} µs beside ${median(oursUs).toFixed(2)} µs; the ` +
      `same ${questions.length} answers`,
  );
  return {
    ratio,
    detail: {
      casbin_us_p50: round(median(casbinUs), 2),
      ours_us_p50: round(median(oursUs), 3),
      questions: questions.length,
      allowed,
    },
  };
}

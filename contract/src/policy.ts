/** May this person use this application, here and now, and how? One pure decision, made by the
 * controller when it lists, launches and connects, by the agent before it opens anything, and by
 * the console's explanations.
 *
 * **The order.** Only the most precise rule that fits decides. Rules are compared by whom they name
 * (a person, then a class or group, then attributes, then a role, then everyone); on a tie by what
 * (an application, then a label, then a category); then by the PC (a labelled PC, then an address
 * range, the narrower first, then any); then by where (a school, then a group of schools, then
 * everywhere); then by when (a rule with hours before one without). If all of that is equal, a deny
 * wins over an allow, and with the same effect the smaller id wins, so two rules never tie. A rule
 * outside its hours does not fit. When no rule fits, access is denied. */
import { isTeacher, isTechnician, type Person } from './account.ts';
import { type Calendar, momentOfDay, type Place, windowAt } from './calendar.ts';
import { dayOfDate } from './days.ts';
import { type Address, addressOf, labelsAt, type Subnet, subnetOf } from './network.ts';
import {
  type AttributeTest,
  defaultTerms,
  type PolicyRule,
  type RuleAudience,
  type RuleTimes,
  type Terms,
} from './rule.ts';
import type { WindowSpec, Windows } from './windows.ts';

/** The facts about a school that a decision reads: its time zone and calendar, and which PCs are
 * there. */
export interface PolicySite extends Place {
  readonly siteId: string;
  readonly siteGroupIds: readonly string[];
  readonly networks: readonly { readonly subnet: string; readonly labels: readonly string[] }[];
}
export interface PolicyApplication {
  readonly id: string;
  readonly category: string;
  readonly labels: readonly string[];
}

/** `site`: the person's school, whose server would run the application; null for a person without a
 * school. `address`: of their device; null when unknown. */
export interface Question {
  readonly person: Person;
  readonly application: PolicyApplication;
  readonly site: PolicySite | null;
  readonly address: string | null;
  readonly now: number;
}

export interface Decision {
  allowed: boolean;
  /** The rule that decided; null when none fits, which denies access. */
  ruleId: string | null;
  terms: Terms;
}

interface Compiled {
  rule: PolicyRule;
  rank: number;
  subnet: Subnet | null;
  /** Cached by school: whether the rule's hours were on when last computed, and until when that
   * holds. */
  hours: Map<string, { place: Place; since: number; until: number; on: boolean }>;
}
export interface Policy {
  readonly calendar: Calendar;
  /** Sorted by precision: the first rule that fits decides. */
  readonly byTarget: ReadonlyMap<string, readonly Compiled[]>;
  /** Cached by application; valid while its category and labels stay the same. */
  readonly forApplication: Map<string, { of: PolicyApplication; rules: readonly Compiled[] }>;
}

const audiencePrecision: Record<RuleAudience['kind'], number> = {
  everyone: 0,
  role: 1,
  attributes: 2,
  group: 3,
  person: 4,
};
const targetPrecision = { category: 0, label: 1, application: 2 } as const;
const placePrecision = { everywhere: 0, site_group: 1, site: 2 } as const;

/** More precise is larger; on a tie a deny ranks higher. */
function rankOf(rule: PolicyRule, subnet: Subnet | null): number {
  const client =
    rule.client === null ? 0 : rule.client.kind === 'label' ? 200 : 1 + (subnet?.bits ?? 0);
  const digits = [
    audiencePrecision[rule.audience.kind],
    targetPrecision[rule.target.kind],
    client,
    placePrecision[rule.place.kind],
    rule.when === null ? 0 : 1,
    rule.effect === 'deny' ? 1 : 0,
  ];
  return digits.reduce((rank, digit) => rank * 256 + digit, 0);
}

const bySharpness = (a: Compiled, b: Compiled): number =>
  b.rank - a.rank || (a.rule.id < b.rule.id ? -1 : 1);

const targetKey = ({ target }: PolicyRule): string =>
  target.kind === 'application'
    ? target.applicationId
    : target.kind === 'label'
      ? `label ${target.label}`
      : `category ${target.category}`;

/** Prepares rules once for many questions. Neither `rules` nor the objects in a question may be
 * changed afterwards, because results are cached by identity. */
export function compilePolicy(rules: readonly PolicyRule[], calendar: Calendar): Policy {
  const byTarget = new Map<string, Compiled[]>();
  for (const rule of rules) {
    const subnet = rule.client?.kind === 'subnet' ? subnetOf(rule.client.subnet) : null;
    // An unreadable subnet matches no device, so an allow is dropped. A deny must not be lost, so
    // it applies to every device.
    if (rule.client?.kind === 'subnet' && subnet === null && rule.effect === 'allow') continue;
    const compiled: Compiled = { rule, rank: rankOf(rule, subnet), subnet, hours: new Map() };
    const key = targetKey(rule);
    byTarget.set(key, [...(byTarget.get(key) ?? []), compiled]);
  }
  for (const sorted of byTarget.values()) sorted.sort(bySharpness);
  return { calendar, byTarget, forApplication: new Map() };
}

function rulesFor(policy: Policy, application: PolicyApplication): readonly Compiled[] {
  const known = policy.forApplication.get(application.id);
  if (
    known !== undefined &&
    (known.of === application ||
      (known.of.category === application.category &&
        known.of.labels.join() === application.labels.join()))
  )
    return known.rules;
  const keys = [
    application.id,
    ...application.labels.map((label) => `label ${label}`),
    `category ${application.category}`,
  ];
  const rules = keys.flatMap((key) => policy.byTarget.get(key) ?? []).sort(bySharpness);
  policy.forApplication.set(application.id, { of: application, rules });
  return rules;
}

/** The device of a question, parsed once for many rules. */
interface Device {
  address: Address | null;
  labels: readonly string[] | null;
}

function deviceOf(question: Question): Device {
  return { address: addressOf(question.address), labels: null };
}

const fold = (text: string): string => text.toLowerCase();
function attributeHolds(person: Person, { attribute, test, value }: AttributeTest): boolean {
  const wanted = fold(value);
  const values = (person.attributes[attribute] ?? []).map(fold);
  switch (test) {
    case 'is':
      return values.includes(wanted);
    case 'is_not':
      return !values.includes(wanted);
    case 'starts_with':
      return values.some((each) => each.startsWith(wanted));
    case 'contains':
      return values.some((each) => each.includes(wanted));
  }
}

export function isMeant(audience: RuleAudience, person: Person): boolean {
  switch (audience.kind) {
    case 'everyone':
      return true;
    case 'role':
      return (
        audience.role === person.role ||
        (audience.role === 'technician' && isTechnician(person)) ||
        (audience.role === 'teacher' && isTeacher(person))
      );
    case 'attributes':
      return audience.all.every((test) => attributeHolds(person, test));
    case 'group':
      return person.groupIds.includes(audience.groupId);
    case 'person':
      return audience.accountId === person.id;
  }
}

/** Whether the rule applies at this school. Only such rules are sent to its servers. `site` null:
 * for people without a school. */
export const concernsSite = (
  { place }: Pick<PolicyRule, 'place'>,
  site: Pick<PolicySite, 'siteId' | 'siteGroupIds'> | null,
): boolean =>
  place.kind === 'everywhere' ||
  (site !== null &&
    (place.kind === 'site'
      ? place.siteId === site.siteId
      : site.siteGroupIds.includes(place.siteGroupId)));

function isFromThere({ rule, subnet }: Compiled, question: Question, device: Device): boolean {
  if (rule.client === null) return true;
  if (rule.client.kind === 'label') {
    device.labels ??= labelsAt(question.site?.networks ?? [], device.address);
    return device.labels.includes(rule.client.label);
  }
  return subnet === null || (device.address !== null && subnet.holds(device.address));
}

/** For people without a school, days are counted as in Paris. */
const nowhere: Place = { timeZone: 'Europe/Paris', holidayZone: 'A', closures: [] };

/** Whether the rule's hours are on, and until when that holds. Infinity: no change found. */
function hoursOf(
  compiled: Compiled,
  policy: Policy,
  site: PolicySite | null,
  now: number,
): { on: boolean; until: number } {
  const { when } = compiled.rule;
  if (when === null) return { on: true, until: Number.POSITIVE_INFINITY };
  const place: Place = site ?? nowhere;
  const key = site?.siteId ?? '';
  const known = compiled.hours.get(key);
  if (known !== undefined && known.place === place && known.since <= now && now < known.until)
    return known;
  const [begins, ends] = [
    when.from === null ? Number.NEGATIVE_INFINITY : momentOfDay(place, dayOfDate(when.from)),
    when.until === null ? Number.POSITIVE_INFINITY : momentOfDay(place, dayOfDate(when.until) + 1),
  ];
  const state = ((): { on: boolean; until: number } => {
    if (now >= ends) return { on: false, until: Number.POSITIVE_INFINITY };
    if (now < begins) return { on: false, until: begins };
    if (when.open.length === 0 && when.exceptDates.length === 0) return { on: true, until: ends };
    const window = windowAt(policy.calendar, place, windowsOf(when), now);
    return {
      on: window.open,
      until: Math.min(
        ends,
        (window.open ? window.until : window.opensAt) ?? Number.POSITIVE_INFINITY,
      ),
    };
  })();
  compiled.hours.set(key, { ...state, place, since: now });
  return state;
}
const wholeDays: WindowSpec[] = [
  { days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '24:00', period: 'always' },
];
/** The calendar caches by identity, so equal hours must be passed as the same object. */
const prepared = new WeakMap<RuleTimes, Windows>();
function windowsOf(when: RuleTimes): Windows {
  const made = prepared.get(when) ?? {
    open: when.open.length === 0 ? wholeDays : when.open,
    exceptDates: when.exceptDates,
  };
  prepared.set(when, made);
  return made;
}

const answerOf = (rule: PolicyRule): Decision => ({
  allowed: rule.effect === 'allow',
  ruleId: rule.id,
  terms: rule.how ?? defaultTerms,
});
const nobody: Decision = { allowed: false, ruleId: null, terms: defaultTerms };

export const decide = (policy: Policy, question: Question): Decision =>
  decideWithout(policy, question, null);

/** The decision as if the rule with this id did not exist. */
function decideWithout(policy: Policy, question: Question, ruleId: string | null): Decision {
  const device = deviceOf(question);
  for (const compiled of rulesFor(policy, question.application)) {
    if (
      compiled.rule.id !== ruleId &&
      fits(compiled, question, device) &&
      hoursOf(compiled, policy, question.site, question.now).on
    )
      return answerOf(compiled.rule);
  }
  return nobody;
}

const fits = (compiled: Compiled, question: Question, device: Device): boolean =>
  concernsSite(compiled.rule, question.site) &&
  isMeant(compiled.rule.audience, question.person) &&
  isFromThere(compiled, question, device);

/** The first instant after `now` and before `limit` at which the answer changes; null when it does
 * not. */
export function changesAt(policy: Policy, question: Question, limit: number): number | null {
  const { allowed } = decide(policy, question);
  const device = deviceOf(question);
  const fitting = rulesFor(policy, question.application).filter(
    (compiled) => compiled.rule.when !== null && fits(compiled, question, device),
  );
  let { now } = question;
  // Each step passes a boundary of some rule, so the number of boundaries limits the loop.
  for (let steps = 0; fitting.length > 0 && steps < 10_000; steps += 1) {
    now = Math.min(
      ...fitting.map((compiled) => hoursOf(compiled, policy, question.site, now).until),
    );
    if (now >= limit) return null;
    if (decide(policy, { ...question, now }).allowed !== allowed) return now;
  }
  return null;
}

/** What happened to a rule about this application: it decided; it fits but a more precise rule
 * decided; or it does not fit because of the hour, the device, the school or the person. */
export type RuleOutcome =
  | 'decided'
  | 'outranked'
  | 'out_of_hours'
  | 'other_device'
  | 'other_place'
  | 'other_person';
/** `precision`: equal for rules that differ only in effect or id. */
export interface Considered {
  ruleId: string;
  outcome: RuleOutcome;
  effect: 'allow' | 'deny';
  opensAt: number | null;
  precision: number;
}
/** The smallest change that would reverse the answer: wait, use another PC, withdraw a rule, or add
 * a rule for this person alone. */
export type Remedy =
  | { kind: 'wait'; at: number }
  | { kind: 'withdraw'; ruleId: string }
  | { kind: 'add'; effect: 'allow' | 'deny' }
  | { kind: 'move'; ruleId: string };
export interface Explanation extends Decision {
  considered: Considered[];
  /** When the answer will change without intervention, within a year; null when it does not. */
  changesAt: number | null;
  remedy: Remedy;
}

const yearMs = 366 * 86_400_000;

/** Every rule about this application, most precise first, with its outcome. `turns: false` skips
 * the search for the next change, which saves time over many questions. */
export function explain(
  policy: Policy,
  question: Question,
  { turns: looksAhead = true } = {},
): Explanation {
  const decision = decide(policy, question);
  const device = deviceOf(question);
  const rules = rulesFor(policy, question.application);
  const considered = rules.map((compiled): Considered => {
    const { rule } = compiled;
    const hours = hoursOf(compiled, policy, question.site, question.now);
    const outcome =
      rule.id === decision.ruleId
        ? 'decided'
        : !concernsSite(rule, question.site)
          ? 'other_place'
          : !isMeant(rule.audience, question.person)
            ? 'other_person'
            : !isFromThere(compiled, question, device)
              ? 'other_device'
              : hours.on
                ? 'outranked'
                : 'out_of_hours';
    return {
      ruleId: rule.id,
      outcome,
      effect: rule.effect,
      opensAt: outcome === 'out_of_hours' && Number.isFinite(hours.until) ? hours.until : null,
      precision: Math.floor(compiled.rank / 256),
    };
  });
  const turns = !looksAhead ? null : changesAt(policy, question, question.now + yearMs);
  return {
    ...decision,
    considered,
    changesAt: turns,
    remedy: remedyFor(policy, question, decision, considered, turns),
  };
}

function remedyFor(
  policy: Policy,
  question: Question,
  decision: Decision,
  considered: readonly Considered[],
  turns: number | null,
): Remedy {
  const hoursOnly = considered.find(
    ({ outcome, effect }) => outcome === 'out_of_hours' && effect === 'allow',
  );
  if (!decision.allowed && turns !== null && hoursOnly !== undefined)
    return { kind: 'wait', at: turns };
  const elsewhere = considered.find(
    ({ outcome, effect }) => outcome === 'other_device' && effect === 'allow',
  );
  if (decision.ruleId === null && elsewhere !== undefined)
    return { kind: 'move', ruleId: elsewhere.ruleId };
  // Suggest withdrawing a rule only when it is for one person. A rule for many stays, and a new one
  // for this person overrides it.
  const decider = rulesFor(policy, question.application).find(
    ({ rule }) => rule.id === decision.ruleId,
  );
  if (
    decider?.rule.audience.kind === 'person' &&
    decideWithout(policy, question, decider.rule.id).allowed !== decision.allowed
  )
    return { kind: 'withdraw', ruleId: decider.rule.id };
  return { kind: 'add', effect: decision.allowed ? 'deny' : 'allow' };
}

/** The single reason to show to the person; `at` is when it closes or opens. */
export function reasonOf({ allowed, considered, changesAt: at }: Explanation): {
  reason: 'open' | 'out_of_hours' | 'forbidden' | 'other_device' | 'not_published';
  at: number | null;
} {
  if (allowed) return { reason: 'open', at };
  const missed = considered.find(
    ({ outcome, effect }) =>
      effect === 'allow' && (outcome === 'out_of_hours' || outcome === 'other_device'),
  );
  if (missed?.outcome === 'out_of_hours' && at !== null) return { reason: 'out_of_hours', at };
  if (considered.some(({ outcome }) => outcome === 'decided'))
    return { reason: 'forbidden', at: null };
  return {
    reason: missed?.outcome === 'other_device' ? 'other_device' : 'not_published',
    at: null,
  };
}

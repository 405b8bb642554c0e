/** 500 rules, 300 applications, 10,000 people, 27 schools: the data of `bench rules`. Generated
 * from a seed: the same each time. */

import type { Person } from '@preau/contract/account.ts';
import { categories } from '@preau/contract/application.ts';
import type { PolicyApplication, PolicySite } from '@preau/contract/policy.ts';
import {
  defaultTerms,
  type PolicyRule,
  type RuleAudience,
  type RulePlace,
  type RuleTarget,
  type RuleTimes,
} from '@preau/contract/rule.ts';

export interface RulesWorld {
  sites: PolicySite[];
  applications: (PolicyApplication & { slug: string })[];
  people: Person[];
  classes: { id: string; siteId: string; members: string[] }[];
  rules: PolicyRule[];
}

export const idOf = (prefix: string, number: number): string =>
  `${prefix}_${String(number).padStart(22, '0')}`;

/** A simple generator is random enough to spread rules. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * sides);
  };
}

const lessons: RuleTimes = {
  open: [
    { days: [1, 2, 4, 5], from: '08:30', to: '16:30', period: 'school' },
    { days: [3], from: '08:30', to: '11:30', period: 'school' },
  ],
  exceptDates: [],
  from: null,
  until: null,
};

interface WorldSize {
  sites: number;
  applications: number;
  people: number;
  rules: number;
  withHours: boolean;
}

export function rulesWorld(size: WorldSize, seed = 2026): RulesWorld {
  const roll = dice(seed);
  const sites = Array.from(
    { length: size.sites },
    (_, at): PolicySite => ({
      siteId: idOf('sit', at),
      siteGroupIds: [idOf('sgr', at % 4)],
      timeZone: 'Europe/Paris',
      holidayZone: 'B',
      closures: [],
      networks: [
        { subnet: `10.${at % 250}.0.0/16`, labels: ['ecole'] },
        { subnet: `10.${at % 250}.2.0/24`, labels: ['salle-info'] },
      ],
    }),
  );
  const applications = Array.from({ length: size.applications }, (_, at) => ({
    id: idOf('app', at),
    slug: `app-${at}`,
    category: categories[at % categories.length] ?? 'tools',
    labels: at % 5 === 0 ? [`cycle-${at % 3}`] : [],
  }));
  const classes: RulesWorld['classes'] = [];
  const people = Array.from({ length: size.people }, (_, at): Person => {
    const site = at % size.sites;
    const isTeacher = at % 34 === 0;
    const room = Math.floor(at / size.sites / 25);
    const classId = idOf('grp', site * 1000 + room);
    if (classes[site * 1000 + room] === undefined)
      classes[site * 1000 + room] = { id: classId, siteId: idOf('sit', site), members: [] };
    classes[site * 1000 + room]?.members.push(idOf('acc', at));
    return {
      id: idOf('acc', at),
      role: isTeacher ? 'teacher' : 'pupil',
      siteId: idOf('sit', site),
      groupIds: [classId],
      attributes: { level: [['CP', 'CE1', 'CE2', 'CM1', 'CM2'][room % 5] ?? 'CP'] },
    };
  });
  const rules = Array.from({ length: size.rules }, (_, at): PolicyRule => {
    const target = targetOf(at, size, roll);
    const who = roll(20);
    const site = roll(size.sites);
    const audience = audienceOf(who, site, size, roll);
    const place = placeOf(at, site, roll);
    return {
      id: idOf('rul', at),
      effect: roll(6) === 0 ? 'deny' : 'allow',
      target,
      audience,
      place,
      client: size.withHours && at % 20 === 7 ? { kind: 'label', label: 'salle-info' } : null,
      when: size.withHours && at % 3 === 0 ? lessons : null,
      how: at % 9 === 0 ? { ...defaultTerms, maxMinutes: 60 } : null,
    };
  });
  return {
    sites,
    applications,
    people,
    classes: classes.filter((each) => each !== undefined),
    rules,
  };
}

type Roll = (sides: number) => number;

function targetOf(at: number, size: WorldSize, roll: Roll): RuleTarget {
  if (at % 10 < 7)
    return { kind: 'application', applicationId: idOf('app', roll(size.applications)) };
  if (at % 10 < 9)
    return { kind: 'category', category: categories[roll(categories.length)] ?? 'tools' };
  return { kind: 'label', label: `cycle-${roll(3)}` };
}

function audienceOf(who: number, site: number, size: WorldSize, roll: Roll): RuleAudience {
  if (who < 6) return { kind: 'role', role: who % 2 === 0 ? 'pupil' : 'teacher' };
  if (who < 10) return { kind: 'everyone' };
  if (who < 17) return { kind: 'group', groupId: idOf('grp', site * 1000 + roll(14)) };
  if (who < 18)
    return { kind: 'attributes', all: [{ attribute: 'level', test: 'is', value: 'CM2' }] };
  return { kind: 'person', accountId: idOf('acc', roll(size.people)) };
}

function placeOf(at: number, site: number, roll: Roll): RulePlace {
  if (at % 5 === 0) return { kind: 'everywhere' };
  if (at % 5 === 1) return { kind: 'site_group', siteGroupId: idOf('sgr', roll(4)) };
  return { kind: 'site', siteId: idOf('sit', site) };
}

export const tuesday = Date.parse('2026-11-24T10:00:00+01:00');

/** A person, their school, and the address their request comes from. */
export const questionOf = (world: RulesWorld, at: number, now = tuesday) => {
  const person = world.people[at % world.people.length];
  const site = world.sites.find(({ siteId }) => siteId === person?.siteId);
  if (person === undefined || site === undefined) throw new Error('no such person');
  return { person, site, address: at % 2 === 0 ? `10.${at % 250}.2.9` : null, now };
};

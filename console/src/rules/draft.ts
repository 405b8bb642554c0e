/** A rule being edited, and how the list of rules is filtered. Pure. */

import { type Calendar, momentOfDay, type Place, windowAt } from '@preau/contract/calendar.ts';
import { dayOfDate } from '@preau/contract/days.ts';
import { fold } from '@preau/contract/fold.ts';
import {
  plainRule,
  type Rule,
  type RuleAudience,
  type RuleDraft,
  type RuleTarget,
  type RuleTimes,
} from '@preau/contract/rule.ts';
import { ruleProblem } from '@preau/contract/rule-problem.ts';
import type { Translated } from '@preau/contract/schema.ts';
import type { WindowSpec } from '@preau/contract/windows.ts';
import type { Told } from './words.ts';

/** A rule being edited, with the names of what it refers to; for a saved rule, the names the server
 * gave. */
export interface Writing extends Omit<RuleDraft, 'target' | 'audience'> {
  target: RuleTarget | null;
  audience: RuleAudience | null;
  targetName: string | null;
  audienceName: string | null;
  placeName: string | null;
}

export const emptyWriting = (): Writing => ({
  ...plainRule,
  effect: 'allow',
  target: null,
  audience: null,
  targetName: '',
  audienceName: '',
  placeName: 'everywhere',
});

export const writingOf = ({
  effect,
  target,
  audience,
  place,
  client,
  when,
  how,
  note,
  targetName,
  audienceName,
  placeName,
}: Rule): Writing =>
  structuredClone({
    effect,
    target,
    audience,
    place,
    client,
    when,
    how,
    note,
    targetName,
    audienceName,
    placeName,
  });

/** Null while a required choice is missing. A blank note becomes null; a rule that forbids has no
 * terms. */
export function draftOf({
  effect,
  target,
  audience,
  place,
  client,
  when,
  how,
  note,
}: Writing): RuleDraft | null {
  if (target === null || audience === null) return null;
  const words = note?.trim() ?? '';
  return {
    effect,
    target,
    audience,
    place,
    client,
    when,
    how: effect === 'deny' ? null : how,
    note: words === '' ? null : words,
  };
}
export const toldOf = (writing: Writing): Told => ({
  ...writing,
  how: writing.effect === 'deny' ? null : writing.how,
});

export interface WritingProblem {
  field: 'target' | 'audience' | 'place' | 'client' | 'when' | 'how';
  why: Translated;
}
const slug = /^[a-z0-9][a-z0-9-]{1,40}$/;

/** The first problem that prevents saving; null when there is none. */
export function writingProblem(writing: Writing): WritingProblem | null {
  const { target, audience, place, placeName, client, audienceName, targetName } = writing;
  if (target === null)
    return {
      field: 'target',
      why: { fr: 'Choisissez ce qui est concerné.', en: 'Choose what it is about.' },
    };
  if (targetName === null)
    return {
      field: 'target',
      why: {
        fr: 'Cette application n’existe plus : choisissez-en une autre.',
        en: 'This application is gone: choose another one.',
      },
    };
  if (target.kind === 'label' && !slug.test(target.label))
    return {
      field: 'target',
      why: {
        fr: 'Une étiquette s’écrit en minuscules, chiffres et traits d’union.',
        en: 'A label is written in lower-case letters, digits and hyphens.',
      },
    };
  if (audience === null)
    return { field: 'audience', why: { fr: 'Choisissez pour qui.', en: 'Choose for whom.' } };
  if (audienceName === null)
    return {
      field: 'audience',
      why: {
        fr: 'Cette personne ou ce groupe n’existe plus : choisissez de nouveau.',
        en: 'This person or group is gone: choose again.',
      },
    };
  if (audience.kind === 'attributes') {
    const bad = audience.all.find(
      ({ attribute, value }) =>
        !/^[A-Za-z][A-Za-z0-9_-]{0,39}$/.test(attribute) ||
        value.trim() === '' ||
        /^\s/.test(value),
    );
    if (bad !== undefined)
      return {
        field: 'audience',
        why: {
          fr: 'Chaque attribut a un nom (lettres et chiffres) et une valeur.',
          en: 'Each attribute has a name (letters and digits) and a value.',
        },
      };
  }
  if (
    placeName === null ||
    (place.kind === 'site' && place.siteId === '') ||
    (place.kind === 'site_group' && place.siteGroupId === '')
  )
    return { field: 'place', why: { fr: 'Choisissez où.', en: 'Choose where.' } };
  if (client?.kind === 'label' && !slug.test(client.label))
    return {
      field: 'client',
      why: {
        fr: 'Une étiquette de postes s’écrit en minuscules, chiffres et traits d’union.',
        en: 'A label of PCs is written in lower-case letters, digits and hyphens.',
      },
    };
  return ruleProblem({
    effect: writing.effect,
    client,
    when: writing.when,
    how: writing.effect === 'deny' ? null : writing.how,
  });
}

export const noTimes: RuleTimes = { open: [], exceptDates: [], from: null, until: null };
export const classHours: WindowSpec = {
  days: [1, 2, 3, 4, 5],
  from: '08:30',
  to: '16:30',
  period: 'school',
};
export const outsideHolidays: WindowSpec = {
  days: [1, 2, 3, 4, 5, 6, 7],
  from: '00:00',
  to: '24:00',
  period: 'outside_holidays',
};

// ---- the list -------------------------------------------------------------------------------

export type Pulse =
  | { state: 'on' }
  | { state: 'off' | 'ended' | 'ahead'; opensAt: number | null }
  | { state: 'gone' };

/** Whether a rule applies now at `place`. */
export function pulseOf(
  rule: Pick<Rule, 'when' | 'targetName' | 'audienceName' | 'placeName'>,
  calendar: Calendar,
  place: Place,
  now: number,
): Pulse {
  if (rule.targetName === null || rule.audienceName === null || rule.placeName === null)
    return { state: 'gone' };
  const { when } = rule;
  if (when === null) return { state: 'on' };
  if (when.until !== null && now >= momentOfDay(place, dayOfDate(when.until) + 1))
    return { state: 'ended', opensAt: null };
  const begins = when.from === null ? null : momentOfDay(place, dayOfDate(when.from));
  if (begins !== null && now < begins) return { state: 'ahead', opensAt: begins };
  if (when.open.length === 0 && when.exceptDates.length === 0) return { state: 'on' };
  const open =
    when.open.length === 0
      ? [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '24:00', period: 'always' as const }]
      : when.open;
  const window = windowAt(calendar, place, { open, exceptDates: when.exceptDates }, now);
  return window.open ? { state: 'on' } : { state: 'off', opensAt: window.opensAt };
}

export interface RuleFilter {
  words: string;
  effect: '' | 'allow' | 'deny';
  siteId: string;
  applicationId: string;
  state: '' | 'on' | 'off' | 'gone';
}
export const noFilter: RuleFilter = {
  words: '',
  effect: '',
  siteId: '',
  applicationId: '',
  state: '',
};

/** `sentence`: the rule's text on screen, so that everything visible can be searched. A rule of the
 * whole city, or of a group a school is in, matches that school. */
export function passes(
  rule: Rule,
  filter: RuleFilter,
  facts: {
    sentence: string;
    pulse: Pulse;
    groupsOfSite: readonly string[];
    application: { category: string; labels: readonly string[] } | undefined;
  },
): boolean {
  if (filter.effect !== '' && rule.effect !== filter.effect) return false;
  if (
    filter.state !== '' &&
    (filter.state === 'off'
      ? !['off', 'ended', 'ahead'].includes(facts.pulse.state)
      : facts.pulse.state !== filter.state)
  )
    return false;
  if (
    filter.siteId !== '' &&
    (rule.place.kind === 'site'
      ? rule.place.siteId !== filter.siteId
      : rule.place.kind === 'site_group' && !facts.groupsOfSite.includes(rule.place.siteGroupId))
  )
    return false;
  if (filter.applicationId !== '') {
    const { target } = rule;
    if (
      target.kind === 'application'
        ? target.applicationId !== filter.applicationId
        : target.kind === 'category'
          ? target.category !== facts.application?.category
          : facts.application?.labels.includes(target.label) !== true
    )
      return false;
  }
  const sought = fold(`${facts.sentence} ${rule.note ?? ''} ${rule.changedByName}`);
  return fold(filter.words)
    .split(/\s+/)
    .every((word) => sought.includes(word));
}

/** Epoch ms of a local date and time at a school: `2026-11-30T10:00` there. */
export function momentAt(local: string, timeZone: string): number | null {
  const wall = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(local) ? Date.parse(`${local}:00Z`) : Number.NaN;
  if (Number.isNaN(wall)) return null;
  let at = wall;
  // The zone's offset depends on the result: two iterations settle it, except for an hour that does
  // not exist.
  for (let step = 0; step < 2; step += 1)
    at = wall - (Date.parse(`${wallClock(at, timeZone)}:00Z`) - at + (at % 60_000));
  return at;
}
/** `2026-11-30T10:00`: local time in that zone. */
export function wallClock(at: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '00';
  return `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}`;
}
/** The next such weekday (ISO: Monday is 1) at this hour there; never today. */
export function nextWeekday(weekday: number, clock: string, now: number, timeZone: string): string {
  const day = dayOfDate(wallClock(now, timeZone).slice(0, 10));
  const today = ((((day + 3) % 7) + 7) % 7) + 1;
  const ahead = ((weekday - today + 6) % 7) + 1;
  return `${new Date((day + ahead) * 86_400_000).toISOString().slice(0, 10)}T${clock}`;
}

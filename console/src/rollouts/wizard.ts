/** The state of the rollout wizard. It survives a reload: it stays in the tab's session storage
 * until the rollout is started or given up. */

import type { Rollout, ScheduleDraft } from '@preau/contract/rollout.ts';
import { defaultDraft, type RolloutDraft, type WaveSpec } from '@preau/contract/rollout-draft.ts';
import type { Recurrence, Windows } from '@preau/contract/windows.ts';
import { go } from '../lib/page.svelte.ts';
import { paths } from '../shell/paths.ts';

export interface Wizard {
  step: number;
  /** The rollout planned from it, once there is one. */
  rolloutId: string | null;
  name: string;
  items: RolloutDraft['items'];
  where: RolloutDraft['where'];
  start: 'now' | 'later' | 'repeat';
  /** As the browser's field holds it: local time. */
  at: string;
  repeat: Recurrence;
  install: Windows | null;
  download: Windows | null;
  waves: WaveSpec[];
  trip: RolloutDraft['trip'];
  onTrip: RolloutDraft['onTrip'];
  budget: RolloutDraft['budget'];
  timeoutMinutes: number;
  catchUpDays: number;
}

const key = 'preau-rollout-draft';
export const atOnce: WaveSpec[] = [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }];
export const careful: WaveSpec[] = defaultDraft.waves;

const clone = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

export const emptyWizard = (): Wizard => ({
  step: 0,
  rolloutId: null,
  name: '',
  items: [],
  where: { all: false, siteIds: [], groupIds: [], serverIds: [], labels: [] },
  start: 'now',
  at: '',
  repeat: { days: [3], at: '13:30', period: 'school' },
  install: null,
  download: null,
  waves: clone(careful),
  trip: clone(defaultDraft.trip),
  onTrip: defaultDraft.onTrip,
  budget: clone(defaultDraft.budget),
  timeoutMinutes: defaultDraft.timeoutMinutes,
  catchUpDays: defaultDraft.catchUpDays,
});

export function storedWizard(): Wizard {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(key) ?? 'null');
    if (typeof stored === 'object' && stored !== null && 'step' in stored)
      return { ...emptyWizard(), ...(stored as Wizard) };
  } catch {
    // From another release, or not ours: start anew.
  }
  return emptyWizard();
}
export const keepWizard = (wizard: Wizard): void =>
  sessionStorage.setItem(key, JSON.stringify(wizard));
export const forgetWizard = (): void => sessionStorage.removeItem(key);

/** The browser's field wants local time without a zone. */
export const fieldOf = (at: number): string =>
  new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

function wizardOf(draft: RolloutDraft): Wizard {
  return {
    ...emptyWizard(),
    name: draft.name,
    items: clone(draft.items),
    where: clone(draft.where),
    start: draft.startAt === null ? 'now' : 'later',
    at: draft.startAt === null ? '' : fieldOf(draft.startAt),
    install: clone(draft.windows.install),
    download: clone(draft.windows.download),
    waves: clone(draft.waves),
    trip: clone(draft.trip),
    onTrip: draft.onTrip,
    budget: clone(draft.budget),
    timeoutMinutes: draft.timeoutMinutes,
    catchUpDays: draft.catchUpDays,
  };
}

export function draftOf(wizard: Wizard): RolloutDraft {
  const { name, items, where, waves, trip, onTrip, budget, timeoutMinutes, catchUpDays } =
    clone(wizard);
  return {
    name: name.trim(),
    items,
    where: where.all ? { ...where, siteIds: [], groupIds: [], serverIds: [] } : where,
    waves,
    trip,
    onTrip,
    budget,
    windows: { install: wizard.install, download: wizard.download },
    startAt: wizard.start === 'later' && wizard.at !== '' ? new Date(wizard.at).getTime() : null,
    timeoutMinutes,
    catchUpDays,
  };
}
export const scheduleOf = (wizard: Wizard): ScheduleDraft => ({
  name: wizard.name.trim(),
  when: clone(wizard.repeat),
  draft: draftOf(wizard),
});

/** Opens the wizard prefilled with schools, servers or applications chosen elsewhere, or with a
 * rollout to repeat. */
export function beginRollout(chosen: {
  siteIds?: readonly string[];
  serverIds?: readonly string[];
  items?: RolloutDraft['items'];
}): void {
  const wizard = emptyWizard();
  keepWizard({
    ...wizard,
    items: chosen.items ?? [],
    where: {
      ...wizard.where,
      siteIds: [...(chosen.siteIds ?? [])],
      serverIds: [...(chosen.serverIds ?? [])],
    },
  });
  go(paths.newRollout());
}
export function repeatRollout(rollout: Rollout): void {
  keepWizard({ ...wizardOf(rollout.draft), start: 'now', at: '' });
  go(paths.newRollout());
}
export function editRollout(rollout: Rollout): void {
  keepWizard({ ...wizardOf(rollout.draft), rolloutId: rollout.id });
  go(paths.newRollout());
}

import type { Rollout } from '@preau/contract/rollout.ts';
import { defaultDraft, type RolloutDraft } from '@preau/contract/rollout-draft.ts';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { openBrowser } from '../lib/browser.fixture.ts';

openBrowser();
vi.stubGlobal('history', { pushState: () => undefined });
vi.stubGlobal('scrollTo', () => undefined);
const wizard = await import('./wizard.ts');

beforeEach(() => sessionStorage.clear());
const draft = (more: Partial<RolloutDraft> = {}): RolloutDraft => ({
  ...defaultDraft,
  name: 'Boulier',
  items: [{ applicationId: `app_${'a'.repeat(22)}`, want: 'present' }],
  where: {
    all: false,
    siteIds: ['sit_a'],
    groupIds: ['sgr_a'],
    serverIds: ['srv_a'],
    labels: ['x'],
  },
  ...more,
});
const rollout = (more: Partial<RolloutDraft> = {}) =>
  ({ id: 'rol_a', draft: draft(more) }) as unknown as Rollout;

describe('what is written becomes a draft', () => {
  const written = (more: Partial<ReturnType<typeof wizard.emptyWizard>> = {}) =>
    wizard.draftOf({ ...wizard.emptyWizard(), ...more });
  test('as it is, when nothing was changed', () => {
    wizard.editRollout(rollout());
    expect(wizard.draftOf(wizard.storedWizard())).toEqual(draft());
  });
  test('everywhere means no school in particular, and labels stay', () => {
    expect(written({ where: { ...draft().where, all: true } }).where).toEqual({
      all: true,
      siteIds: [],
      groupIds: [],
      serverIds: [],
      labels: ['x'],
    });
  });
  test.each<[Parameters<typeof written>[0], number | null]>([
    [{ start: 'now', at: '2026-11-30T10:00' }, null],
    [{ start: 'repeat', at: '2026-11-30T10:00' }, null],
    [{ start: 'later', at: '' }, null],
    [{ start: 'later', at: '2026-11-30T10:00' }, new Date(2026, 10, 30, 10).getTime()],
  ])('%j starts at %s', (more, startAt) => {
    expect(written(more).startAt).toBe(startAt);
  });
  test('without spaces around its name, and as a repetition too', () => {
    const all = { ...wizard.emptyWizard(), name: '  Boulier ' };
    expect(wizard.draftOf(all).name).toBe('Boulier');
    expect(wizard.scheduleOf(all)).toMatchObject({
      name: 'Boulier',
      when: { days: [3], at: '13:30', period: 'school' },
      draft: { name: 'Boulier' },
    });
  });
  test('the moment is the one the field shows, also around a change of clocks', () => {
    for (const local of [
      [2026, 9, 25, 1, 59],
      [2026, 9, 25, 4, 0],
      [2026, 2, 29, 1, 0],
      [2026, 2, 29, 4, 30],
    ]) {
      const [year = 0, month = 0, day, hour, minute] = local;
      const at = new Date(year, month, day, hour, minute).getTime();
      expect(written({ start: 'later', at: wizard.fieldOf(at) }).startAt).toBe(at);
    }
  });
});

describe('what is begun is kept in the tab', () => {
  test('until it is given up', () => {
    expect(wizard.storedWizard()).toEqual(wizard.emptyWizard());
    wizard.keepWizard({ ...wizard.emptyWizard(), step: 2, name: 'x' });
    expect(wizard.storedWizard()).toMatchObject({ step: 2, name: 'x' });
    wizard.forgetWizard();
    expect(wizard.storedWizard()).toEqual(wizard.emptyWizard());
  });
  test.each(['{', 'null', '7', '{"name":"x"}'])('of another release it is not: %s', (text) => {
    sessionStorage.setItem('preau-rollout-draft', text);
    expect(wizard.storedWizard()).toEqual(wizard.emptyWizard());
  });
  test('one of an older release gets what has been added since', () => {
    sessionStorage.setItem('preau-rollout-draft', '{"step":1,"name":"x"}');
    expect(wizard.storedWizard()).toEqual({ ...wizard.emptyWizard(), step: 1, name: 'x' });
  });
});

describe('begun from elsewhere', () => {
  test('with schools, servers or programs chosen there, and nothing of the last one', () => {
    wizard.keepWizard({ ...wizard.emptyWizard(), name: 'alt', step: 3 });
    wizard.beginRollout({ siteIds: ['sit_a'], serverIds: ['srv_a'] });
    expect(wizard.storedWizard()).toEqual({
      ...wizard.emptyWizard(),
      where: { all: false, siteIds: ['sit_a'], groupIds: [], serverIds: ['srv_a'], labels: [] },
    });
  });
  test('repeated it is another one and starts now; edited it is the same and keeps its time', () => {
    const startAt = new Date(2026, 10, 30, 10).getTime();
    wizard.repeatRollout(rollout({ startAt }));
    expect(wizard.storedWizard()).toMatchObject({
      rolloutId: null,
      start: 'now',
      at: '',
      name: 'Boulier',
    });
    wizard.editRollout(rollout({ startAt }));
    expect(wizard.storedWizard()).toMatchObject({
      rolloutId: 'rol_a',
      start: 'later',
      at: '2026-11-30T10:00',
    });
    expect(wizard.draftOf(wizard.storedWizard()).startAt).toBe(startAt);
  });
  test('what is written does not reach into what it was made from', () => {
    const made = wizard.emptyWizard();
    const [first] = made.waves;
    if (first !== undefined) first.soakMinutes = 99;
    made.trip.failedCount = 0;
    expect(wizard.emptyWizard().waves[0]?.soakMinutes).toBe(0);
    expect(defaultDraft.trip.failedCount).toBe(2);
  });
});

import type {
  DesiredApplication,
  DesiredSession,
  DesiredState,
} from '@preau/contract/desired-state.ts';
import { defaultTerms } from '@preau/contract/rule.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Actual,
  type ActualApplication,
  type ActualSession,
  plan,
  type Step,
} from './plan.ts';

const may = (allowed: boolean) => ({ allowed, terms: defaultTerms });
const now = 1_800_000_000_000;
const application = (name: string, more: Partial<DesiredApplication> = {}): DesiredApplication => ({
  applicationId: `app_${name}`,
  versionId: `ver_${name}`,
  slug: name,
  category: 'drawing',
  labels: [],
  version: '1',
  askedAt: 1,
  recipes: {
    linux: {
      kind: 'apt',
      packages: [name],
      detect: { kind: 'package', package: name },
      launch: { command: [name] },
      icon: { desktopFile: `${name}.desktop` },
    },
  },
  ...more,
});
const session = (name: string, app: string, attachSerial = 1): DesiredSession => ({
  sessionId: `ses_${name}`,
  applicationId: `app_${app}`,
  accountId: 'acc_lea',
  login: 'lea',
  displayName: 'Léa',
  language: 'fr',
  attachSerial,
  role: 'pupil',
  groupIds: [],
  attributes: {},
  address: null,
});
const desired = (more: Partial<DesiredState> = {}): DesiredState => ({
  protocol: 1,
  serverId: 'srv_a',
  generation: 1,
  issuedAt: now,
  standbyDisplays: 0,
  momentMs: 300,
  site: {
    siteId: 'sit_a',
    siteGroupIds: [],
    timeZone: 'Europe/Paris',
    holidayZone: 'A',
    closures: [],
    networks: [],
  },
  policy: '',
  applications: [],
  removals: [],
  sessions: [],
  transfers: [],
  orders: [],
  cache: null,
  peers: [],
  ...more,
});
const known = (
  name: string,
  state: ActualApplication['state'],
  more: Partial<ActualApplication> = {},
): [string, ActualApplication] => [
  `app_${name}`,
  { versionId: `ver_${name}`, state, askedAt: 1, retryAt: null, ...more },
];
const actual = (
  more: {
    applications?: [string, ActualApplication][];
    sessions?: [string, ActualSession][];
    displays?: Partial<Actual['displays']>;
    packagesBusy?: boolean;
    held?: string[];
  } = {},
): Actual => ({
  applications: new Map(more.applications),
  sessions: new Map(more.sessions),
  displays: { ready: 0, preparing: 0, retryAt: null, ...more.displays },
  packagesBusy: more.packagesBusy ?? false,
  held: new Set(more.held),
});
const told = (step: Step): string => {
  switch (step.kind) {
    case 'prepare_display':
      return 'prepare';
    case 'install_application':
      return `install ${step.application.slug}`;
    case 'remove_application':
      return `remove ${step.application.slug}`;
    case 'open_session':
      return `open ${step.session.sessionId} ${step.application.slug}`;
    case 'attach_session':
      return `attach ${step.session.sessionId} ${step.session.attachSerial}`;
    case 'end_session':
      return `end ${step.sessionId}`;
    case 'refuse_session':
      return `refuse ${step.session.sessionId}`;
  }
};
const tux = application('tux');
const gimp = application('gimp');

describe('plan', () => {
  // biome-ignore format: a table
  const cases: [name: string, desired: DesiredState, actual: Actual, steps: string[]][] = [
    ['nothing wanted, nothing there', desired(), actual(), []],
    ['install what was never looked at', desired({ applications: [tux] }), actual(), ['install tux']],
    ['installed stays', desired({ applications: [tux] }), actual({ applications: [known('tux', 'installed')] }), []],
    ['another version is worked through again', desired({ applications: [tux] }), actual({ applications: [known('tux', 'installed', { versionId: 'ver_old' })] }), ['install tux']],
    ['removed before comes back', desired({ applications: [tux] }), actual({ applications: [known('tux', 'absent')] }), ['install tux']],
    ['one package step at a time', desired({ applications: [tux, gimp] }), actual(), ['install tux']],
    ['none while apt works', desired({ applications: [tux] }), actual({ packagesBusy: true }), []],
    ['what an order works on is left to it', desired({ applications: [tux, gimp] }), actual({ held: ['app_tux'] }), ['install gimp']],
    ['nor is it removed meanwhile', desired({ removals: [tux] }), actual({ applications: [known('tux', 'installed')], held: ['app_tux'] }), []],
    ['the next once the first is there', desired({ applications: [tux, gimp] }), actual({ applications: [known('tux', 'installed')] }), ['install gimp']],
    ['a failed one does not hold up the next', desired({ applications: [tux, gimp] }), actual({ applications: [known('tux', 'failed')] }), ['install gimp']],
    ['failed for good is left alone', desired({ applications: [tux] }), actual({ applications: [known('tux', 'failed')] }), []],
    ['failed waits for its retry', desired({ applications: [tux] }), actual({ applications: [known('tux', 'failed', { retryAt: now + 1 })] }), []],
    ['failed is retried in time', desired({ applications: [tux] }), actual({ applications: [known('tux', 'failed', { retryAt: now })] }), ['install tux']],
    ['asked again by a technician', desired({ applications: [{ ...tux, askedAt: 2 }] }), actual({ applications: [known('tux', 'failed')] }), ['install tux']],
    ['asked again for what is there', desired({ applications: [{ ...tux, askedAt: 2 }] }), actual({ applications: [known('tux', 'installed')] }), []],
    ['removal', desired({ removals: [tux] }), actual({ applications: [known('tux', 'installed')] }), ['remove tux']],
    ['removal before installing', desired({ applications: [gimp], removals: [tux] }), actual({ applications: [known('tux', 'installed')] }), ['remove tux']],
    ['removed stays removed', desired({ removals: [tux] }), actual({ applications: [known('tux', 'absent')] }), []],

    ['open a session', desired({ applications: [tux], sessions: [session('1', 'tux')] }), actual({ applications: [known('tux', 'installed')] }), ['open ses_1 tux']],
    ['a click does not wait for apt', desired({ applications: [tux], sessions: [session('1', 'tux')] }), actual({ packagesBusy: true }), ['open ses_1 tux']],
    ['refuse what is not published here', desired({ sessions: [session('1', 'tux')] }), actual(), ['refuse ses_1']],
    ['refuse what is being removed', desired({ removals: [tux], sessions: [session('1', 'tux')] }), actual({ applications: [known('tux', 'absent')] }), ['refuse ses_1']],
    ['opening is not opened twice', desired({ applications: [tux], sessions: [session('1', 'tux', 3)] }), actual({ applications: [known('tux', 'installed')], sessions: [['ses_1', { phase: 'opening', serial: 0 }]] }), []],
    ['running at its serial', desired({ applications: [tux], sessions: [session('1', 'tux', 2)] }), actual({ applications: [known('tux', 'installed')], sessions: [['ses_1', { phase: 'running', serial: 2 }]] }), []],
    ['a browser asks anew', desired({ applications: [tux], sessions: [session('1', 'tux', 3)] }), actual({ applications: [known('tux', 'installed')], sessions: [['ses_1', { phase: 'running', serial: 2 }]] }), ['attach ses_1 3']],
    ['no longer wanted', desired(), actual({ sessions: [['ses_1', { phase: 'running', serial: 1 }]] }), ['end ses_1']],
    ['over and heard of', desired(), actual({ sessions: [['ses_1', { phase: 'over', serial: 1 }]] }), ['end ses_1']],
    ['over but the controller has not heard', desired({ applications: [tux], sessions: [session('1', 'tux', 4)] }), actual({ applications: [known('tux', 'installed')], sessions: [['ses_1', { phase: 'over', serial: 1 }]] }), []],
    ['ending that failed waits for its retry', desired(), actual({ sessions: [['ses_1', { phase: 'over', serial: 1, retryAt: now + 1 }]] }), []],
    ['ending that failed is tried again in time', desired(), actual({ sessions: [['ses_1', { phase: 'over', serial: 1, retryAt: now }]] }), ['end ses_1']],
    ['ending is not ended twice', desired(), actual({ sessions: [['ses_1', { phase: 'ending', serial: 1 }]] }), []],
    ['opening is ended once it runs', desired(), actual({ sessions: [['ses_1', { phase: 'opening', serial: 0 }]] }), []],

    ['displays: two at a time', desired({ standbyDisplays: 5 }), actual(), ['prepare', 'prepare']],
    ['displays: those under way count', desired({ standbyDisplays: 5 }), actual({ displays: { preparing: 1 } }), ['prepare']],
    ['displays: no third', desired({ standbyDisplays: 5 }), actual({ displays: { preparing: 2 } }), []],
    ['displays: enough', desired({ standbyDisplays: 2 }), actual({ displays: { ready: 2 } }), []],
    ['displays: more than enough', desired({ standbyDisplays: 2 }), actual({ displays: { ready: 4 } }), []],
    ['displays: filled up behind a session that opens', desired({ standbyDisplays: 1, applications: [tux], sessions: [session('1', 'tux')] }), actual({ applications: [known('tux', 'installed')], displays: { ready: 1 } }), ['open ses_1 tux', 'prepare']],
    ['displays: wait after a failure', desired({ standbyDisplays: 1 }), actual({ displays: { retryAt: now + 1 } }), []],
    ['displays: again after the wait', desired({ standbyDisplays: 1 }), actual({ displays: { retryAt: now } }), ['prepare']],
  ];
  test.each(cases)('%s', (_name, want, is, steps) => {
    expect(plan(want, is, now, () => may(true)).map(told)).toEqual(steps);
    expect(plan(want, is, now, () => may(true)).map(told)).toEqual(steps);
  });

  test('what the rules forbid is refused, and nothing else', () => {
    const want = desired({
      applications: [application('a'), application('b')],
      sessions: [session('1', 'a'), session('2', 'b')],
    });
    const is = actual({ applications: [known('a', 'installed'), known('b', 'installed')] });
    expect(plan(want, is, now, ({ sessionId }) => may(sessionId === 'ses_1')).map(told)).toEqual([
      'open ses_1 a',
      'refuse ses_2',
    ]);
  });

  test(
    'whatever is wanted and is there: one package step, two displays at once, each ' +
      'session once, nothing foreign',
    () => {
      const names = ['a', 'b', 'c'];
      const states = fc.dictionary(
        fc.constantFrom(...names),
        fc.constantFrom<ActualApplication['state']>('unknown', 'installed', 'absent', 'failed'),
        { noNullPrototype: true },
      );
      const phases = fc.dictionary(
        fc.constantFrom(...names, 'x', 'y'),
        fc.constantFrom<ActualSession['phase']>('opening', 'running', 'ending', 'over'),
        { noNullPrototype: true },
      );
      fc.assert(
        fc.property(
          fc.record({ apps: fc.subarray(names), sessions: fc.subarray(names), standby: fc.nat(6) }),
          fc.record({ apps: states, sessions: phases, packagesBusy: fc.boolean() }),
          fc.record({ ready: fc.nat(6), preparing: fc.nat(2) }),
          (wanted, { apps, sessions, packagesBusy }, displays) => {
            const { apps: wantApps, sessions: wantSessions, standby } = wanted;
            const { preparing } = displays;
            const want = desired({
              standbyDisplays: standby,
              applications: wantApps.map((name) => application(name)),
              removals: names
                .filter((name) => !wantApps.includes(name))
                .map((name) => application(name)),
              sessions: wantSessions.map((name) => session(name, name, 2)),
            });
            const is = actual({
              applications: Object.entries(apps).map(([name, state]) => known(name, state)),
              sessions: Object.entries(sessions).map(([name, phase]): [string, ActualSession] => [
                `ses_${name}`,
                { phase, serial: 1 },
              ]),
              displays,
              packagesBusy,
            });
            const steps = plan(want, is, now, () => may(true));
            const of = (...kinds: Step['kind'][]) =>
              steps.filter((step) => kinds.includes(step.kind));
            expect(of('install_application', 'remove_application').length).toBeLessThanOrEqual(
              packagesBusy ? 0 : 1,
            );
            expect(of('prepare_display').length + preparing).toBeLessThanOrEqual(2);
            const touched = steps.flatMap((step) =>
              'session' in step
                ? [step.session.sessionId]
                : 'sessionId' in step
                  ? [step.sessionId]
                  : [],
            );
            expect(new Set(touched).size).toBe(touched.length);
            for (const step of steps)
              if (step.kind === 'open_session') expect(wantApps).toContain(step.application.slug);
            for (const step of steps)
              if (step.kind === 'end_session')
                expect(wantSessions.map((name) => `ses_${name}`)).not.toContain(step.sessionId);
          },
        ),
      );
    },
  );
});

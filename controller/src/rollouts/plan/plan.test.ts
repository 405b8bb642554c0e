import { defaultDraft, type RolloutDraft, type WaveSpec } from '@preau/contract/rollout-draft.ts';
import type { PlanEntry } from '@preau/contract/rollout-plan.ts';
import { describe, expect, test } from 'vitest';
import {
  type PlanFacts,
  type PlannedApplication,
  planDrift,
  planEntries,
  planText,
  splitIntoWaves,
  totalsOf,
} from './plan.ts';

const number = (n: number) => String(n).padStart(2, '0');
const entry = (server: string, site: string, more: Partial<PlanEntry> = {}): PlanEntry => ({
  serverId: server,
  serverName: server,
  siteId: site,
  siteName: `École ${site}`,
  wave: 0,
  online: true,
  items: [{ applicationId: 'app', action: 'install', from: null }],
  bytes: 0,
  minutes: 0,
  ...more,
});
const sites = (n: WaveSpec['size'] | number | 'rest'): WaveSpec => ({
  size: typeof n === 'number' ? { sites: n } : n === 'rest' ? { rest: true } : n,
  gate: 'auto',
  soakMinutes: 0,
});
const share = (part: number) => sites({ share: part });
/** How many schools each wave has; schools of one server each. */
const sizes = (schools: number, waves: WaveSpec[]): number[] => {
  const entries = Array.from({ length: schools }, (_, n) => entry(`s${number(n)}`, number(n)));
  splitIntoWaves(entries, waves);
  expect(entries.every(({ wave }) => wave >= 1 && wave <= waves.length)).toBe(true);
  return waves.map((_, index) => entries.filter(({ wave }) => wave === index + 1).length);
};

describe('how many schools each wave has', () => {
  // biome-ignore format: a table
  const cases: [waves: WaveSpec[], byCity: [schools: number, sizes: number[]][]][] = [
    [defaultDraft.waves, [
      [1, [1, 0, 0]], [2, [1, 1, 0]], [3, [1, 1, 1]], [4, [1, 1, 2]], [5, [1, 1, 3]], [14, [1, 1, 12]],
      [15, [1, 2, 12]], [24, [1, 2, 21]], [25, [1, 3, 21]], [27, [1, 3, 23]], [34, [1, 3, 30]], [35, [1, 4, 30]], [40, [1, 4, 35]],
    ]],
    [[share(0.5), sites('rest')], [[1, [1, 0]], [2, [1, 1]], [3, [2, 1]], [5, [3, 2]], [40, [20, 20]]]],
    [[share(0.34), share(0.34), sites('rest')], [[1, [1, 0, 0]], [3, [1, 1, 1]], [10, [3, 3, 4]]]],
    [[share(1), sites('rest')], [[1, [1, 0]], [40, [40, 0]]]],
    [[sites(5), sites('rest')], [[3, [3, 0]], [5, [5, 0]], [6, [5, 1]]]],
    [[sites(2), sites(2)], [[1, [1, 0]], [4, [2, 2]], [9, [2, 7]]]],
    [[sites('rest')], [[1, [1]], [40, [40]]]],
    [[sites('rest'), sites(1)], [[3, [3, 0]]]],
    [[share(0.1)], [[10, [10]]]],
  ];
  for (const [waves, byCity] of cases)
    test.each(byCity)(
      `${JSON.stringify(waves.map(({ size }) => size))} of %i`,
      (schools, expected) => {
        expect(sizes(schools, waves)).toEqual(expected);
      },
    );

  test('no school is forgotten and no wave but the last ones is empty, in cities of 1 to 40', () => {
    for (let schools = 1; schools <= 40; schools += 1)
      for (const part of [0.01, 0.1, 0.25, 0.33, 0.5, 0.99]) {
        const found = sizes(schools, [sites(1), share(part), sites('rest')]);
        expect(found.reduce((sum, size) => sum + size, 0)).toBe(schools);
        if (schools > 1) expect(found[1]).toBeGreaterThan(0);
      }
  });
});

describe('which schools come first', () => {
  const waves = [sites(1), sites(1), sites('rest')];
  const order = (entries: PlanEntry[]) => {
    splitIntoWaves(entries, waves);
    return entries.map(({ serverId, wave }) => `${serverId}:${wave}`).join(' ');
  };
  test('by name; of the same name by id', () => {
    expect(order([entry('c', 'C'), entry('a', 'A'), entry('b', 'B')])).toBe('c:3 a:1 b:2');
    const twins = { siteName: 'École' };
    expect(order([entry('c', 'C', twins), entry('a', 'A', twins), entry('b', 'B', twins)])).toBe(
      'c:3 a:1 b:2',
    );
  });
  test('those whose servers all answer', () => {
    const off = { online: false };
    expect(order([entry('a', 'A', off), entry('b', 'B'), entry('c', 'C')])).toBe('a:3 b:1 c:2');
    expect(
      order([entry('a1', 'A'), entry('a2', 'A', off), entry('b', 'B', off), entry('c', 'C')]),
    ).toBe('a1:2 a2:2 b:3 c:1');
  });
  test('all servers of a school are in one wave', () => {
    expect(order([entry('a1', 'A'), entry('b1', 'B'), entry('a2', 'A'), entry('b2', 'B')])).toBe(
      'a1:1 b1:2 a2:1 b2:2',
    );
  });
});

const planned = (slug: string, more: Partial<PlannedApplication> = {}): PlannedApplication => ({
  application: {
    id: slug,
    slug,
    name: { fr: slug, en: slug },
    recipes: {
      linux: { kind: 'apt', packages: [slug], detect: { kind: 'package', package: slug } },
    },
    estimate: null,
    category: 'drawing',
    labels: [],
    requires: [],
  },
  versionId: `${slug} 2`,
  version: '2',
  want: 'present',
  becauseOf: null,
  ...more,
});
type PlanServer = PlanFacts['servers'][number];
const server = (id: string, siteId: string, more: Partial<PlanServer> = {}): PlanServer => ({
  id,
  name: id,
  siteId,
  online: true,
  draining: false,
  quarantined: false,
  answers: true,
  platform: 'linux',
  labels: [],
  installed: new Map(),
  ...more,
});
const where = (more: Partial<RolloutDraft['where']> = {}): RolloutDraft['where'] => ({
  all: false,
  siteIds: [],
  groupIds: [],
  serverIds: [],
  labels: [],
  ...more,
});
const has = (slug: string, versionId: string, version: string | null = '1') =>
  new Map([[slug, { versionId, version }]]);

describe('whom it concerns', () => {
  const facts: PlanFacts = {
    sites: ['A', 'B', 'C'].map((id) => ({ id, name: `École ${id}` })),
    servers: [
      server('a1', 'A', { labels: ['salle'] }),
      server('a2', 'A'),
      server('b1', 'B'),
      server('b2', 'B', { draining: true }),
      server('b3', 'B', { quarantined: true, draining: true }),
    ],
    applications: [planned('tux')],
    groupSites: new Set(),
  };
  const plan = (chosen: Partial<RolloutDraft['where']>, more: Partial<PlanFacts> = {}) => {
    const { entries, leftOut } = planEntries(
      { where: where(chosen), waves: [sites('rest')] },
      { ...facts, ...more },
    );
    return [
      entries.map(({ serverId }) => serverId).join(' '),
      leftOut
        .map(({ siteId, serverName, reason }) => `${serverName ?? siteId} ${reason}`)
        .join(' '),
    ];
  };
  const b = 'b2 draining b3 quarantined';
  // biome-ignore format: a table
  const cases: [name: string, where: Partial<RolloutDraft['where']>, more: Partial<PlanFacts>, entries: string, leftOut: string][] = [
    ['everybody', { all: true }, {}, 'a1 a2 b1', `${b} C no_server`],
    ['nobody', {}, {}, '', ''],
    ['one school', { siteIds: ['A'] }, {}, 'a1 a2', ''],
    ['a school without a server', { siteIds: ['C'] }, {}, '', 'C no_server'],
    ['a group’s schools', {}, { groupSites: new Set(['B']) }, 'b1', b],
    ['one server', { serverIds: ['a2'] }, {}, 'a2', ''],
    ['a school and a server of another', { siteIds: ['B'], serverIds: ['a1'] }, {}, 'a1 b1', b],
    ['only those of a label', { siteIds: ['A'], labels: ['salle', 'x'] }, {}, 'a1', 'a2 no_label'],
    ['no recipe for its system', { siteIds: ['A'] }, { applications: [planned('w', { application: { ...planned('w').application, recipes: {} } })] }, '', 'a1 not_applicable a2 not_applicable'],
  ];
  test.each(cases)('%s', (_name, chosen, more, entries, leftOut) => {
    expect(plan(chosen, more)).toEqual([entries, leftOut]);
  });
});

describe('what is done there', () => {
  const noRecipe = { application: { ...planned('tux').application, recipes: {} } };
  // biome-ignore format: a table
  const cases: [name: string, application: PlannedApplication, installed: PlanServer['installed'], action: string, from: string | null][] = [
    ['it is new', planned('tux'), new Map(), 'install', null],
    ['it is there', planned('tux'), has('tux', 'tux 2', '2'), 'nothing_to_do', '2'],
    ['another version is', planned('tux'), has('tux', 'tux 1'), 'change_version', '1'],
    ['something else is', planned('tux'), has('gimp', 'tux 2'), 'install', null],
    ['it is to go', planned('tux', { want: 'absent' }), has('tux', 'tux 1'), 'remove', '1'],
    ['it is to go and is not there', planned('tux', { want: 'absent' }), new Map(), 'nothing_to_do', null],
    ['it is to go, from a system it has no recipe for', planned('tux', { want: 'absent', ...noRecipe }), has('tux', 'tux 1', null), 'remove', null],
  ];
  test.each(cases)('%s', (_name, application, installed, action, from) => {
    const { entries } = planEntries(
      { where: where({ all: true }), waves: [sites('rest')] },
      {
        sites: [{ id: 'A', name: 'A' }],
        servers: [server('a', 'A', { installed })],
        applications: [application],
        groupSites: new Set(),
      },
    );
    expect(entries[0]?.items).toEqual([{ applicationId: 'tux', action, from }]);
  });

  test('it costs what installing costs, and nothing to remove or to keep', () => {
    const estimate = { bytes: 1000, minutes: 2.26, p95Ms: 1000, samples: 3 };
    const measured = planned('tux', {
      application: { ...planned('tux').application, estimate },
    });
    const { entries, totals } = planEntries(
      { where: where({ all: true }), waves: [sites('rest')] },
      {
        sites: [{ id: 'A', name: 'A' }],
        servers: [
          server('a', 'A'),
          server('b', 'A', { installed: has('tux', 'tux 1'), online: false }),
          server('c', 'A', { installed: has('tux', 'tux 2') }),
          server('d', 'A', {
            installed: new Map([
              ...has('tux', 'tux 2'),
              ...has('new', 'new 2'),
              ...has('old', 'old 1'),
            ]),
          }),
          server('e', 'A', {
            installed: new Map([...has('tux', 'tux 2'), ...has('new', 'new 2')]),
          }),
        ],
        applications: [measured, planned('new'), planned('old', { want: 'absent' })],
        groupSites: new Set(),
      },
    );
    expect(entries.map(({ serverId, bytes, minutes }) => [serverId, bytes, minutes])).toEqual([
      ['a', 20_001_000, 3.3],
      ['b', 20_001_000, 3.3],
      ['c', 20_000_000, 1],
      ['d', 0, 0],
      ['e', 0, 0],
    ]);
    expect(totals).toEqual({
      sites: 1,
      servers: 5,
      nothingToDo: 1,
      offline: 1,
      bytes: 60_002_000,
      minutes: 3.3,
    });
    expect(totalsOf([])).toMatchObject({ sites: 0, servers: 0, minutes: 0 });
  });
});

describe('how much a plan has changed', () => {
  const removed = { items: [{ applicationId: 'app', action: 'remove' as const, from: '1' }] };
  const four = ['a', 'b', 'c', 'd'].map((id) => entry(id, id));
  // biome-ignore format: a table
  const cases: [name: string, after: PlanEntry[], share: number, servers: string[]][] = [
    ['nothing', four, 0, []],
    ['another wave is no change', four.map((one) => ({ ...one, wave: 2, online: false })), 0, []],
    ['one is gone', four.slice(1), 0.25, ['a']],
    ['one has come', [...four, entry('e', 'e')], 0.25, ['e']],
    ['one is due something else', [entry('a', 'a', removed), ...four.slice(1)], 0.25, ['a']],
    ['another application', four.map((one) => ({ ...one, items: [{ applicationId: 'x', action: 'install' as const, from: null }] })), 1, ['a', 'b', 'c', 'd']],
    ['all are gone', [], 1, ['a', 'b', 'c', 'd']],
  ];
  test.each(cases)('%s', (_name, after, part, servers) => {
    expect(planDrift({ entries: four }, { entries: after })).toEqual({ share: part, servers });
  });
  test('of an empty plan', () => {
    expect(planDrift({ entries: [] }, { entries: four }).share).toBe(4);
  });
});

test('what approval is bound to: the draft, the versions, the servers, their waves and their actions', () => {
  const draft = { ...defaultDraft, name: 'x', items: [], where: where() } as RolloutDraft;
  const listed = { applicationId: 'app', versionId: '1', want: 'present' as const };
  const application = {
    ...listed,
    slug: 'x',
    name: { fr: 'x', en: 'x' },
    version: '1',
    becauseOf: null,
  };
  const text = (
    change: Partial<PlanEntry> = {},
    more: Partial<typeof application> = {},
    drafted: Partial<RolloutDraft> = {},
  ) =>
    planText(
      { ...draft, ...drafted },
      { applications: [{ ...application, ...more }], entries: [entry('a', 'A', change)] },
    );
  expect(text()).toBe(text({ online: false, bytes: 9, siteName: 'autre' }, { slug: 'y' }));
  const other = [
    text({ serverId: 'b' }),
    text({ wave: 3 }),
    text({ items: [{ applicationId: 'app', action: 'remove', from: null }] }),
    text({}, { versionId: '2' }),
    text({}, { applicationId: 'y' }),
    text({}, {}, { timeoutMinutes: 1 }),
  ];
  for (const changed of other) expect(changed).not.toBe(text());
});

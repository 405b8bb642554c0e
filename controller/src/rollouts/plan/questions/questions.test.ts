import type { PlanEntry } from '@preau/contract/rollout-plan.ts';
import { describe, expect, test } from 'vitest';
import type { PlannedApplication } from '../plan.ts';
import { type AskableServer, questionsOf } from './questions.ts';

const planned = (slug: string, version = '1.0'): PlannedApplication => ({
  application: {
    id: `app ${slug}`,
    slug,
    name: { fr: slug, en: slug },
    recipes: {
      linux: {
        kind: 'apt',
        packages: [slug],
        detect: { kind: 'package', package: slug },
      },
    },
    estimate: null,
    category: 'tools',
    labels: [],
    requires: [],
  },
  versionId: `ver ${slug} ${version}`,
  version,
  want: 'present',
  becauseOf: null,
});
const server = (name: string, more: Partial<AskableServer> = {}): AskableServer => ({
  id: name,
  siteId: name.slice(0, 1),
  platform: 'linux',
  online: true,
  answers: true,
  wanted: [],
  ...more,
});
const entry = (
  serverId: string,
  ...items: [slug: string, action: PlanEntry['items'][number]['action']][]
): PlanEntry => ({
  serverId,
  serverName: serverId,
  siteId: serverId.slice(0, 1),
  siteName: serverId.slice(0, 1),
  wave: 1,
  online: true,
  items: items.map(([slug, action]) => ({ applicationId: `app ${slug}`, action, from: null })),
  bytes: 0,
  minutes: 0,
});
const ask = (
  entries: PlanEntry[],
  servers: AskableServer[],
  applications = [planned('x'), planned('y')],
) => questionsOf({ applications, entries }, servers, 1000);

describe('who is asked', () => {
  const both = [entry('a1', ['x', 'install']), entry('a2', ['x', 'install'])];
  // biome-ignore format: a table
  const cases: [name: string, entries: PlanEntry[], servers: AskableServer[], asked: string[]][] = [
    ['the first of the school', both, [server('a1'), server('a2')], ['a1']],
    ['the next, when the first is silent', both, [server('a1', { online: false }), server('a2')], ['a2']],
    ['or of an older version', both, [server('a1', { answers: false }), server('a2')], ['a2']],
    ['nobody, when none can be asked', both, [server('a1', { online: false }), server('a2', { answers: false })], []],
    ['one of each school', [...both, entry('b1', ['y', 'change_version'])], [server('a1'), server('b1')], ['a1', 'b1']],
    ['not one that the plan leaves out', [entry('a2', ['x', 'install'])], [server('a1'), server('a2')], ['a2']],
    ['nobody, when nothing is installed', [entry('a1', ['x', 'remove'], ['y', 'nothing_to_do'])], [server('a1')], []],
    ['nobody, without a recipe for its system', both, [server('a1', { platform: 'windows' })], []],
  ];
  test.each(cases)('%s', (_name, entries, servers, asked) => {
    expect(ask(entries, servers).map(({ serverId }) => serverId)).toEqual(asked);
  });
  test('what any of its servers is to install', () => {
    const [question] = ask(
      [entry('a1', ['x', 'install'], ['y', 'nothing_to_do']), entry('a2', ['y', 'install'])],
      [server('a1'), server('a2')],
    );
    expect(question?.asked.map(({ slug }) => slug)).toEqual(['x', 'y']);
  });
});

describe('the key', () => {
  const entries = [entry('a1', ['x', 'install'], ['y', 'install'])];
  const wanted = [
    { applicationId: 'app 1', versionId: 'v1' },
    { applicationId: 'app 2', versionId: 'v2' },
  ];
  const keyFor = (applications: PlannedApplication[], set = wanted) =>
    ask(entries, [server('a1', { wanted: set })], applications)[0]?.key;
  const first = keyFor([planned('x'), planned('y')]);

  test('is a hash, the same for the same question in any order', () => {
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(keyFor([planned('y'), planned('x')], wanted.toReversed())).toBe(first);
  });
  test('another for another version, recipe or wanted set', () => {
    const other = planned('y');
    const recipe = other.application.recipes.linux;
    if (recipe?.kind === 'apt') recipe.packages = ['z'];
    const keys = [
      first,
      keyFor([planned('x'), planned('y', '2.0')]),
      keyFor([planned('x'), other]),
      keyFor([planned('x'), planned('y')], wanted.slice(1)),
    ];
    expect(new Set(keys).size).toBe(4);
  });
});

import type { Foreseen } from '@preau/contract/asking.ts';
import { defaultDraft } from '@preau/contract/rollout-draft.ts';
import type { PlanEntry } from '@preau/contract/rollout-plan.ts';
import { describe, expect, test } from 'vitest';
import { totalsOf } from './plan.ts';
import { type Installed, refusalsOf, withRefusals } from './refusals.ts';

const id = (kind: string, letter: string) => `${kind}_${letter.repeat(22)}`;
const app = (slug: string, requires: string[] = []): Installed => ({
  applicationId: id('app', slug),
  slug,
  requires,
});
const fine = (slug: string): Foreseen => ({
  applicationId: id('app', slug),
  installs: 2,
  upgrades: 0,
  removes: [],
  downloadBytes: 1000,
  refusal: null,
});
const harmful = (slug: string, wantedBy: string | null): Foreseen => ({
  ...fine(slug),
  removes: [{ name: 'libx', version: '1.0', wantedBy }],
  refusal: { code: 'PACKAGE_NOT_FOUND', message: 'would remove libx' },
});
const school = { siteId: id('sit', 'a'), siteName: 'École A', serverName: 'un' };

describe('what is refused', () => {
  const apps = [app('a'), app('b', ['a']), app('c', ['b']), app('d')];
  // biome-ignore format: a table
  const cases: [name: string, foreseen: Foreseen[], refused: string[]][] = [
    ['nothing', [fine('a'), fine('b')], []],
    ['a removal without a refusal is allowed', [{ ...harmful('d', null), refusal: null }], []],
    ['what may go well at the start', [{ ...fine('a'), refusal: { code: 'DISK_FULL', message: '' } }], []],
    ['one', [harmful('d', 'gimp')], ['d']],
    ['and what cannot do without it, and so on', [harmful('a', 'gimp'), fine('b'), fine('c')], ['a', 'b', 'c']],
    ['an application that the plan does not have', [harmful('z', null)], []],
  ];
  test.each(cases)('%s', (_name, foreseen, refused) => {
    const found = refusalsOf([{ ...school, foreseen }], apps, new Map());
    expect(found.map(({ applicationId }) => applicationId.slice(4, 5))).toEqual(refused);
  });
  test('both names are there, and whose package nobody wants is nobody’s', () => {
    const names = new Map([['gimp', { fr: 'Dessin', en: 'Drawing' }]]);
    const [first, second] = refusalsOf(
      [{ ...school, foreseen: [harmful('a', 'gimp'), harmful('d', null)] }],
      [app('a'), app('d')],
      names,
    );
    expect(first).toMatchObject({
      ...school,
      removes: [{ name: 'libx', wantedBy: 'gimp', wantedByName: { fr: 'Dessin', en: 'Drawing' } }],
    });
    expect(second?.removes).toEqual([
      { name: 'libx', version: '1.0', wantedBy: null, wantedByName: null },
    ]);
  });
});

describe('a plan without what is refused', () => {
  const entry = (site: string, server: string, slugs: string[]): PlanEntry => ({
    serverId: id('srv', server),
    serverName: server,
    siteId: id('sit', site),
    siteName: `École ${site.toUpperCase()}`,
    wave: site === 'a' ? 1 : 2,
    online: true,
    items: slugs.map((slug) => ({
      applicationId: id('app', slug),
      action: slug === 'r' ? 'remove' : 'install',
      from: null,
    })),
    bytes: 0,
    minutes: 0,
  });
  const entries = [
    entry('a', 'p', ['x']),
    entry('a', 'q', ['x', 'y']),
    entry('b', 's', ['x', 'r']),
  ];
  const parts = { entries, leftOut: [], totals: totalsOf(entries) };
  const draft = {
    ...defaultDraft,
    waves: [
      { size: { sites: 1 }, gate: 'auto' as const, soakMinutes: 0 },
      { size: { rest: true as const }, gate: 'auto' as const, soakMinutes: 0 },
    ],
  };
  const refusal = (site: string, slug: string) =>
    refusalsOf(
      [{ ...school, siteId: id('sit', site), foreseen: [harmful(slug, null)] }],
      [app(slug)],
      new Map(),
    );
  const estimates = new Map([[id('app', 'y'), { bytes: 7, minutes: 1 }]]);

  test('nothing refused: the very same', () => {
    expect(withRefusals(draft, parts, [], estimates)).toBe(parts);
  });
  test('on every server of that school, and only there; the others keep theirs', () => {
    const after = withRefusals(draft, parts, refusal('a', 'x'), estimates);
    expect(after.leftOut).toEqual([
      { siteId: id('sit', 'a'), siteName: 'École A', serverName: 'p', reason: 'refused' },
    ]);
    expect(
      after.entries.map(({ serverName, items, bytes }) => [
        serverName,
        items.map(({ action }) => action).join(),
        bytes,
      ]),
    ).toEqual([
      ['q', 'refused,install', 7],
      ['s', 'install,remove', 0],
    ]);
    expect(after.totals).toMatchObject({ sites: 2, servers: 2 });
    expect(entries[1]?.items[0]?.action).toBe('install');
  });
  test('a removal is never refused', () => {
    const after = withRefusals(draft, parts, refusal('b', 'r'), estimates);
    expect(after.entries.at(-1)?.items.map(({ action }) => action)).toEqual(['install', 'remove']);
  });
  test('no wave stays without its school', () => {
    const alone = entries.filter(({ serverName }) => serverName !== 'q');
    const after = withRefusals(draft, { ...parts, entries: alone }, refusal('a', 'x'), estimates);
    expect(after.entries.map(({ serverName, wave }) => [serverName, wave])).toEqual([['s', 1]]);
  });
});

import type { DriftState } from '@preau/contract/fleet.ts';
import { describe, expect, test } from 'vitest';
import { cellOf, type ServerFacts, stateOn } from './cell.ts';

const packages = (...names: string[]) => new Map(names.map((name) => [name, '2']));
const facts = (more: Partial<ServerFacts>): ServerFacts => ({
  wantedVersion: '2',
  state: 'installed',
  version: '2',
  errorCode: null,
  packages: ['tuxpaint'],
  chosen: packages('tuxpaint', 'vim'),
  ...more,
});
const unasked = { wantedVersion: null, state: null, version: null };

describe('stateOn', () => {
  // biome-ignore format: a table
  const cases: [name: string, facts: Partial<ServerFacts>, state: DriftState][] = [
    ['as asked', {}, 'installed'],
    ['in another version', { version: '1' }, 'other_version'],
    ['asked for, not begun', { state: 'wanted', version: null, chosen: packages('vim') }, 'arriving'],
    ['on its way', { state: 'installing', version: null }, 'arriving'],
    ['failed', { state: 'failed', version: null, chosen: packages('vim') }, 'failed'],
    ['taken away by hand', { chosen: packages('vim') }, 'missing'],
    ['taken away by hand, and the agent has noticed', { state: 'failed', errorCode: 'NOT_DETECTED', chosen: packages('vim') }, 'missing'],
    ['its package is there, what detects it is not', { state: 'failed', errorCode: 'NOT_DETECTED' }, 'failed'],
    ['one of its packages is left', { packages: ['a', 'b'], chosen: packages('a') }, 'installed'],
    ['a server that does not list its packages', { chosen: null }, 'installed'],
    ['a server whose list is empty', { chosen: packages() }, 'installed'],
    ['no Debian package: what is reported counts', { packages: [], chosen: packages('vim') }, 'installed'],
    ['neither asked for nor there', { ...unasked, chosen: packages('vim') }, 'none'],
    ['put there by hand', unasked, 'extra'],
    ['half of it is there: came with something else', { ...unasked, packages: ['tuxpaint', 'stamps'] }, 'none'],
    ['being removed', { ...unasked, state: 'removing', version: '2' }, 'arriving'],
    ['removed', { ...unasked, state: 'removed', chosen: packages('vim') }, 'none'],
    ['removed, and put there again by hand', { ...unasked, state: 'removed' }, 'extra'],
    ['not removed: that failed', { ...unasked, state: 'failed', version: '2' }, 'failed'],
  ];
  test.each(cases)('%s', (_name, more, state) => {
    expect(stateOn(facts(more))).toBe(state);
  });
});

describe('cellOf', () => {
  test('a school without a server', () => {
    expect(cellOf('app_x', [])).toEqual({
      applicationId: 'app_x',
      state: 'none',
      wantedVersion: null,
      versions: [],
      wantedOn: 0,
      servers: 0,
    });
  });
  test('shows the worst server, every version, and on how many it is wanted', () => {
    expect(
      cellOf('app_x', [
        facts({}),
        facts({ version: '1' }),
        facts({ ...unasked, chosen: packages('vim') }),
      ]),
    ).toEqual({
      applicationId: 'app_x',
      state: 'other_version',
      wantedVersion: '2',
      versions: ['1', '2'],
      wantedOn: 2,
      servers: 3,
    });
    expect(
      cellOf('app_x', [
        facts({ state: 'failed', version: null }),
        facts({ chosen: packages('vim') }),
      ]).state,
    ).toBe('failed');
  });
  test('names the version of what was put there by hand', () => {
    expect(
      cellOf('app_x', [facts({ ...unasked, chosen: new Map([['tuxpaint', '0.9']]) })]),
    ).toMatchObject({ state: 'extra', versions: ['0.9'] });
  });
});

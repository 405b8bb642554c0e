import { offlineAfterMs } from '@preau/contract/server.ts';
import { describe, expect, test } from 'vitest';
import { type Candidate, type Placement, place } from './place.ts';

const now = 1_800_000_000_000;
const server = (serverId: string, more: Partial<Candidate> = {}): Candidate => ({
  serverId,
  lastSeenAt: now - 1000,
  roles: ['execution'],
  draining: false,
  restarting: false,
  installed: true,
  liveSessions: 0,
  maxSessions: 10,
  ...more,
});

describe('place', () => {
  // biome-ignore format: a table
  const cases: [name: string, candidates: Candidate[], placement: Placement][] = [
    ['no server', [], { refused: 'SERVER_OFFLINE' }],
    ['never seen', [server('a', { lastSeenAt: null })], { refused: 'SERVER_OFFLINE' }],
    ['silent just too long', [server('a', { lastSeenAt: now - offlineAfterMs })], { refused: 'SERVER_OFFLINE' }],
    ['silent almost too long', [server('a', { lastSeenAt: now - offlineAfterMs + 1 })], { serverId: 'a' }],
    ['a file server runs nothing', [server('a', { roles: ['files'] })], { refused: 'SERVER_OFFLINE' }],
    ['not installed', [server('a', { installed: false })], { refused: 'APPLICATION_NOT_INSTALLED' }],
    ['full', [server('a', { liveSessions: 10 })], { refused: 'SERVER_FULL' }],
    ['more than full', [server('a', { liveSessions: 11 })], { refused: 'SERVER_FULL' }],
    ['draining', [server('a', { draining: true })], { refused: 'SERVER_FULL' }],
    ['the one that is not draining, however busy', [server('a', { draining: true }), server('b', { liveSessions: 9 })], { serverId: 'b' }],
    ['restarts soon', [server('a', { restarting: true })], { refused: 'SERVER_RESTARTS' }],
    ['is away to restart', [server('a', { restarting: true, lastSeenAt: null })], { refused: 'SERVER_RESTARTS' }],
    ['the other one, while one restarts', [server('a', { restarting: true }), server('b', { liveSessions: 9 })], { serverId: 'b' }],
    ['restarts soon and full', [server('a', { restarting: true, liveSessions: 10 })], { refused: 'SERVER_FULL' }],
    ['the last place', [server('a', { liveSessions: 9 })], { serverId: 'a' }],
    ['the first thing missing is named: offline before not installed', [server('a', { lastSeenAt: null, installed: false })], { refused: 'SERVER_OFFLINE' }],
    ['not installed before full', [server('a', { installed: false, liveSessions: 10 })], { refused: 'APPLICATION_NOT_INSTALLED' }],
    ['the one that has it', [server('a', { installed: false }), server('b')], { serverId: 'b' }],
    ['the largest share free, not the most places', [server('a', { liveSessions: 30, maxSessions: 60 }), server('b', { liveSessions: 4, maxSessions: 10 })], { serverId: 'b' }],
    ['equals: the smaller id', [server('b'), server('a')], { serverId: 'a' }],
    ['an idle one that is offline loses', [server('a', { lastSeenAt: now - 60_000 }), server('b', { liveSessions: 9 })], { serverId: 'b' }],
  ];
  test.each(cases)('%s', (_name, candidates, placement) => {
    expect(place(candidates, now)).toEqual(placement);
    expect(place([...candidates].reverse(), now)).toEqual(placement);
  });
  test('leaves its facts as they were', () => {
    const candidates = Object.freeze([server('b', { liveSessions: 5 }), server('a')]);
    place(candidates, now);
    expect(candidates.map((c) => c.serverId)).toEqual(['b', 'a']);
  });
});

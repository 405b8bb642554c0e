import { restartToldMs } from '@preau/contract/restart.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  advance,
  backWithinMs,
  busyForMs,
  type RestartChange,
  type RestartFacts,
} from './advance.ts';

const due = 1_000_000_000;
const minute = 60_000;
type Server = RestartFacts['server'];
const restart = (
  id: string,
  state: RestartFacts['state'],
  server: Partial<Server> = {},
  more: Partial<RestartFacts> = {},
): RestartFacts => ({
  id,
  serverId: id,
  state,
  at: due,
  begunAt: state === 'restarting' ? due : null,
  bootId: 'old',
  server: {
    bootId: 'old',
    online: true,
    well: true,
    gone: false,
    busy: false,
    liveSessions: 0,
    ...server,
  },
  ...more,
});
/** `a told 300, b skipped stopped`: what changes, seconds being from when it is due. */
const told = (changes: readonly RestartChange[]) =>
  changes
    .map(
      (change) =>
        `${change.id} ${change.to}` +
        ('at' in change ? ` ${(change.at - due) / 1000}` : '') +
        ('reason' in change ? ` ${change.reason}` : ''),
    )
    .join(', ');

describe('one server', () => {
  // biome-ignore format: a table
  const cases: [name: string, restart: RestartFacts, afterMs: number, changes: string][] = [
    ['long before', restart('a', 'waiting'), -restartToldMs - 1, ''],
    ['minutes before: people are told', restart('a', 'waiting', { liveSessions: 3 }), -restartToldMs, 'a told 0'],
    ['asked for now, with sessions: they have minutes', restart('a', 'waiting', { liveSessions: 1 }), 0, 'a told 300'],
    ['asked for now, nobody there: at once', restart('a', 'waiting'), 0, 'a told 0'],
    ['its turn came late', restart('a', 'waiting', { liveSessions: 1 }), 60 * minute, 'a told 3900'],
    ['told, not yet due', restart('a', 'told'), -1, ''],
    ['told and due', restart('a', 'told'), 0, 'a restarting'],
    ['silent before it is due', restart('a', 'waiting', { online: false }), -1, ''],
    ['silent when it is due', restart('a', 'waiting', { online: false }), 0, 'a skipped offline'],
    ['told, then silent', restart('a', 'told', { online: false }), 0, 'a skipped offline'],
    ['a rollout works there: waits, told or not', restart('a', 'waiting', { busy: true }), 0, ''],
    ['a rollout has begun after it was told', restart('a', 'told', { busy: true }), minute, ''],
    ['a rollout works there for too long', restart('a', 'told', { busy: true }), busyForMs, 'a skipped busy'],
    ['retired', restart('a', 'waiting', { gone: true }), -restartToldMs - 1, 'a skipped gone'],
    ['restarted by somebody else', restart('a', 'waiting', { bootId: 'new' }), -restartToldMs - 1, 'a done'],
    ['told, and restarted by somebody else', restart('a', 'told', { bootId: 'new' }), 0, 'a done'],
    ['restarting: the same boot still', restart('a', 'restarting'), minute, ''],
    ['restarting: away', restart('a', 'restarting', { online: false }), minute, ''],
    ['another boot, but silent again', restart('a', 'restarting', { bootId: 'new', online: false }), minute, ''],
    ['another boot: back', restart('a', 'restarting', { bootId: 'new' }), minute, 'a done'],
    ['back, its displays do not start yet', restart('a', 'restarting', { bootId: 'new', well: false }), minute, ''],
    ['back, its displays never start', restart('a', 'restarting', { bootId: 'new', well: false }), backWithinMs, 'a failed unwell'],
    ['never back', restart('a', 'restarting', { online: false }), backWithinMs, 'a failed not_back'],
    ['never restarted', restart('a', 'restarting'), backWithinMs, 'a failed not_back'],
    ['late, but back', restart('a', 'restarting', { bootId: 'new' }), backWithinMs, 'a done'],
    ['retired while it restarts', restart('a', 'restarting', { gone: true }), minute, 'a skipped gone'],
    ['a report of nobody', restart('a', 'restarting', { bootId: null }), minute, ''],
  ];
  test.each(cases)('%s', (_name, facts, afterMs, changes) => {
    expect(told(advance([facts], due + afterMs))).toBe(changes);
  });
});

describe('a school', () => {
  const next = restart('b', 'waiting');
  // biome-ignore format: a table
  const cases: [name: string, line: RestartFacts[], afterMs: number, changes: string][] = [
    ['the second waits while the first is told', [restart('a', 'told'), next], -1, ''],
    ['while it restarts', [restart('a', 'restarting', { online: false }), next], minute, ''],
    ['even when it stands first in the list', [next, restart('a', 'restarting', { online: false })], minute, ''],
    ['even when it was put off for its sessions', [next, restart('a', 'told', {}, { at: due + minute })], 0, ''],
    ['and follows when the first is back', [restart('a', 'restarting', { bootId: 'new' }), next], minute, 'a done, b told 60'],
    ['only one is told at a time', [restart('a', 'waiting'), next], 0, 'a told 0'],
    ['a silent one holds up nobody', [restart('a', 'waiting', { online: false }), next], 0, 'a skipped offline, b told 0'],
    ['one that does not come back stops the school', [restart('a', 'restarting', { online: false }), next, restart('c', 'waiting')], backWithinMs, 'a failed not_back, b skipped stopped, c skipped stopped'],
    ['nothing to do', [], 0, ''],
  ];
  test.each(cases)('%s', (_name, line, afterMs, changes) => {
    expect(told(advance(line, due + afterMs))).toBe(changes);
  });

  test('whatever happens, at most one server is told or restarting, and everything ends', () => {
    const luck = fc.record({ online: fc.boolean(), well: fc.boolean(), busy: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(fc.array(luck, { minLength: 3, maxLength: 3 }), { maxLength: 60 }),
        (days) => {
          let line = ['a', 'b', 'c'].map((id) => restart(id, 'waiting', { liveSessions: 1 }));
          let now = due - 10 * minute;
          for (let step = 0; step < 400 && line.length > 0; step += 1) {
            now += minute;
            const today = days[step % Math.max(days.length, 1)];
            line = line.map((one, index) => ({
              ...one,
              server: { ...one.server, ...today?.[index], bootId: one.server.bootId },
            }));
            for (const change of advance(line, now)) {
              const was = line.find(({ id }) => id === change.id);
              if (was === undefined) throw new Error('a change of nothing');
              line = line.filter(({ id }) => id !== change.id);
              if (change.to === 'told') line.push({ ...was, state: 'told', at: change.at });
              if (change.to === 'restarting')
                line.push({
                  ...was,
                  state: 'restarting',
                  begunAt: now,
                  server: { ...was.server, bootId: 'new' },
                });
            }
            expect(line.filter(({ state }) => state !== 'waiting').length).toBeLessThanOrEqual(1);
          }
          expect(line).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

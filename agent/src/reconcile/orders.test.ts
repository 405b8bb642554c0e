import { errors } from '@preau/contract/errors.ts';
import type { Order } from '@preau/contract/order.ts';
import { targetMoves } from '@preau/contract/rollout-states.ts';
import { describe, expect, test } from 'vitest';
import type { OrderJournal } from './order-journal.ts';
import type { OrderFacts } from './order-transition.ts';
import {
  application,
  applied,
  brief,
  cancelled,
  type Feed,
  finds,
  gimp,
  gone,
  held,
  isJournal,
  isOrder,
  isReported,
  itself,
  looked,
  now,
  o,
  order,
  play,
  reach,
  staged,
  toStaged,
  tux,
  type Way,
  wanted,
  ways,
} from './orders.fixture.ts';
import { step } from './orders.ts';

describe('every state and every event', () => {
  const events: Record<string, Feed> = {
    wanted: wanted(o),
    'wanted, busy': wanted(o, { free: false }),
    'wanted, hold': wanted(held),
    'cancel finish': wanted(cancelled('finish')),
    'cancel remove': wanted(cancelled('remove')),
    'cancel kill': wanted(cancelled('kill')),
    unwanted: { kind: 'unwanted' },
    restarted: { kind: 'restarted' },
    stopping: { kind: 'stopping' },
    'looked, all there': looked(tux, gimp),
    'looked, one there': looked(tux),
    'looked, none there': looked(),
    'look failed': (run) => ({ kind: 'look_failed', run, code: 'INTERNAL', message: 'no dpkg' }),
    progress: (run) => ({ kind: 'progress', run, done: 10, total: 20, wan: 5 }),
    staged,
    'stage failed': (run) => ({
      kind: 'stage_failed',
      run,
      code: 'DOWNLOAD_FAILED',
      message: 'cut off',
      slug: 'gimp',
    }),
    item: (run) => ({ kind: 'item', run, applicationId: tux.applicationId, state: 'installing' }),
    applied,
    'apply failed': (run) => ({
      kind: 'apply_failed',
      run,
      code: 'DISK_FULL',
      message: 'full',
      log: '',
    }),
    gone,
    'stale answer': (run) => ({ kind: 'looked', run: run - 1, found: finds(tux, gimp) }),
  };
  const none = '-';
  // biome-ignore format: a table
  const expected: Record<Way, Record<string, string>> = {
    accepted: {
      wanted: 'accepted/looking: save detect', 'wanted, busy': 'accepted:', 'wanted, hold': 'accepted/looking: save detect',
      'cancel finish': 'cancelled: save discard', 'cancel remove': 'cancelled: save discard', 'cancel kill': 'cancelled: save discard', unwanted: 'dropped: save discard',
    },
    looking: {
      wanted: 'accepted/looking:', 'wanted, busy': 'accepted/looking:', 'wanted, hold': 'accepted/looking:',
      'cancel finish': 'cancelled: save abort discard', 'cancel remove': 'cancelled: save abort discard', 'cancel kill': 'cancelled: save abort discard', unwanted: 'dropped: save abort discard',
      restarted: 'accepted: save', stopping: 'accepted: save abort',
      'looked, all there': 'already_installed: remember save discard', 'looked, one there': 'downloading/staging: save stage', 'looked, none there': 'downloading/staging: save stage', 'look failed': 'failed INTERNAL: save discard',
    },
    staging: {
      wanted: 'downloading/staging:', 'wanted, busy': 'downloading/staging:', 'wanted, hold': 'downloading/staging:',
      'cancel finish': 'cancelled: save abort discard', 'cancel remove': 'cancelled: save abort discard', 'cancel kill': 'cancelled: save abort discard', unwanted: 'dropped: save abort discard',
      restarted: 'downloading: save', stopping: 'downloading: save abort',
      progress: 'downloading/staging:', staged: 'staged: save', 'stage failed': 'failed DOWNLOAD_FAILED: save discard',
    },
    staged: {
      wanted: 'staged/looking: save detect', 'wanted, busy': 'staged:', 'wanted, hold': 'staged:',
      'cancel finish': 'cancelled: save discard', 'cancel remove': 'cancelled: save discard', 'cancel kill': 'cancelled: save discard', unwanted: 'dropped: save discard',
    },
    'staged, looking': {
      wanted: 'staged/looking:', 'wanted, busy': 'staged/looking:', 'wanted, hold': 'staged/looking:',
      'cancel finish': 'cancelled: save abort discard', 'cancel remove': 'cancelled: save abort discard', 'cancel kill': 'cancelled: save abort discard', unwanted: 'dropped: save abort discard',
      restarted: 'staged: save', stopping: 'staged: save abort',
      'looked, all there': 'already_installed: remember save discard', 'looked, one there': 'installing/applying: save apply', 'looked, none there': 'installing/applying: save apply', 'look failed': 'failed INTERNAL: save discard',
    },
    installing: {
      wanted: 'installing/applying:', 'wanted, busy': 'installing/applying:', 'wanted, hold': 'installing/applying:',
      'cancel finish': 'installing/applying late: save', 'cancel remove': 'installing/applying late: save', 'cancel kill': 'installing/applying late: save abort',
      restarted: 'installing/attaching: save attach', stopping: 'installing/applying: save',
      item: 'installing/applying: save', applied: 'verifying/verifying: save detect', 'apply failed': 'verifying/verifying: save detect',
    },
    verifying: {
      wanted: 'verifying/verifying:', 'wanted, busy': 'verifying/verifying:', 'wanted, hold': 'verifying/verifying:',
      'cancel finish': 'verifying/verifying late: save', 'cancel remove': 'verifying/verifying late: save', 'cancel kill': 'verifying/verifying late: save',
      restarted: 'verifying/attaching: save attach', stopping: 'verifying/verifying: save',
      'looked, all there': 'succeeded: remember save discard', 'looked, one there': 'failed NOT_DETECTED: remember save discard', 'looked, none there': 'failed NOT_DETECTED: save discard', 'look failed': 'failed INTERNAL: save discard',
    },
    attaching: {
      wanted: 'installing/attaching:', 'wanted, busy': 'installing/attaching:', 'wanted, hold': 'installing/attaching:',
      'cancel finish': 'installing/attaching late: save', 'cancel remove': 'installing/attaching late: save', 'cancel kill': 'installing/attaching late: save',
      restarted: 'rejected ORDER_POISONED: save discard', stopping: 'installing/attaching: save', gone: 'verifying/verifying: save detect',
    },
    recovering: {
      wanted: 'verifying/verifying:', 'wanted, busy': 'verifying/verifying:', 'wanted, hold': 'verifying/verifying:',
      'cancel finish': 'verifying/verifying late: save', 'cancel remove': 'verifying/verifying late: save', 'cancel kill': 'verifying/verifying late: save',
      restarted: 'rejected ORDER_POISONED: save discard', stopping: 'verifying/verifying: save',
      'looked, all there': 'succeeded recovered: remember save discard', 'looked, one there': 'failed AGENT_CRASHED recovered: remember save discard', 'looked, none there': 'failed AGENT_CRASHED recovered: save discard', 'look failed': 'failed INTERNAL: save discard',
    },
    undoing: {
      wanted: 'verifying/undoing late:', 'wanted, busy': 'verifying/undoing late:', 'wanted, hold': 'verifying/undoing late:',
      'cancel finish': 'verifying/undoing late:', 'cancel remove': 'verifying/undoing late:', 'cancel kill': 'verifying/undoing late: save abort',
      restarted: 'verifying/attaching late: save attach', stopping: 'verifying/undoing late: save',
      applied: 'verifying/verifying late: save detect', 'apply failed': 'verifying/verifying late: save detect',
    },
    succeeded: {},
    dropped: {
      wanted: 'accepted/looking: save detect', 'wanted, busy': 'accepted: save', 'wanted, hold': 'accepted/looking: save detect',
      'cancel finish': 'cancelled: save discard', 'cancel remove': 'cancelled: save discard', 'cancel kill': 'cancelled: save discard',
    },
  };
  const rows = (Object.keys(ways) as Way[]).flatMap((way) =>
    Object.keys(events).map((event): [Way, string, string] => [
      way,
      event,
      expected[way][event] ?? none,
    ]),
  );
  test.each(rows)('%s × %s → %s', (way, event, outcome) => {
    const journal = reach(way);
    const made = events[event];
    if (made === undefined) throw new Error(event);
    const next = step(journal, typeof made === 'function' ? made(journal.run) : made, now);
    expect(brief(next)).toBe(outcome);
    if (next === null) return;
    expect(isJournal.Errors(next.journal)).toEqual([]);
    expect(isReported.Errors(next.journal.report)).toEqual([]);
    // Whatever is told is told under a new number, and is on disk before anything else begins.
    if (JSON.stringify(next.journal.report) !== JSON.stringify(journal.report)) {
      expect(next.journal.report.seq).toBe(journal.report.seq + 1);
      expect(next.effects.map(({ kind }) => kind)).toContain('save');
    }
    const begun = next.effects.findIndex(({ kind }) =>
      ['detect', 'stage', 'apply', 'attach'].includes(kind),
    );
    if (begun >= 0) expect(next.effects.slice(0, begun)).toContainEqual({ kind: 'save' });
    // And is a move that the controller takes.
    const [from, to] = [journal.report.state, next.journal.report.state];
    if (from !== to && way !== 'dropped') expect(targetMoves[from]).toContain(to);
  });
});

describe('arriving', () => {
  // biome-ignore format: a table
  const outcomes: [name: string, order: Order, more: Partial<OrderFacts & { lost: boolean }>, outcome: string][] = [
    ['taken on, and looked at first', o, {}, 'accepted/looking: save detect'],
    ['taken on, and waits while others work', o, { free: false }, 'accepted: save'],
    ['cancelled before it came', cancelled('finish'), {}, 'cancelled: save discard'],
    ['no recipe for this server', o, { refuses: ({ slug }) => (slug === 'gimp' ? 'NOT_APPLICABLE' : null) }, 'rejected NOT_APPLICABLE: save discard'],
    ['a script nobody reviewed', o, { refuses: ({ slug }) => (slug === 'tux' ? 'SCRIPT_REFUSED' : null) }, 'rejected SCRIPT_REFUSED: save discard'],
    ['its journal is lost: found out by looking', o, { lost: true }, 'verifying/attaching: save attach'],
  ];
  test.each(outcomes)('%s', (_name, of, more, outcome) => {
    expect(isOrder.Check(of)).toBe(true);
    expect(brief(step(null, wanted(of, more), now))).toBe(outcome);
  });
  test('what is refused says which and why', () => {
    const { journal } = play(null, [
      wanted(o, { refuses: ({ slug }) => (slug === 'gimp' ? 'NOT_APPLICABLE' : null) }),
    ]);
    expect(journal.report).toMatchObject({
      message: 'gimp',
      items: [
        { state: 'waiting', code: null },
        { state: 'not_applicable', code: 'NOT_APPLICABLE' },
      ],
    });
  });
  test('only an order that is wanted begins a journal', () => {
    expect(step(null, { kind: 'restarted' }, now)).toBeNull();
    expect(step(null, { kind: 'unwanted' }, now)).toBeNull();
  });
});

describe('when installing may begin', () => {
  const outcomes: [name: string, order: Order, begins: boolean][] = [
    ['no window', o, true],
    ['held', held, false],
    ['before the window', order({ installFrom: now + 1 }), false],
    ['at its first moment', order({ installFrom: now }), true],
    ['just fits', order({ installUntil: now + 60_000 }), true],
    ['would not be done in time', order({ installUntil: now + 59_999 }), false],
    ['after it closed', order({ installFrom: now - 10, installUntil: now - 5 }), false],
  ];
  test.each(outcomes)('%s', (_name, of, begins) => {
    const next = step(reach('staged'), wanted(of), now);
    expect(brief(next)).toBe(begins ? 'staged/looking: save detect' : 'staged:');
  });
  test('closed while the answer was under way: stays staged', () => {
    const until = order({ installUntil: now + 60_000 });
    const { journal } = play(null, [...toStaged, wanted(until)]);
    expect(
      brief(step(journal, { kind: 'looked', run: journal.run, found: finds() }, now + 1)),
    ).toBe('staged: save');
  });
  test('what was there and is gone when installing begins is fetched first', () => {
    const { journal } = play(null, [wanted(held), looked(gimp), staged, wanted(o)]);
    expect(journal.staged).toEqual([tux.applicationId]);
    const next = play(journal, [looked()]);
    expect(brief(next)).toBe('downloading/staging: save stage');
    expect(next.journal.staged).toEqual([tux.applicationId, gimp.applicationId]);
  });
});

describe('items', () => {
  const states = (journal: OrderJournal) => journal.report.items.map(({ state }) => state);
  test('all along', () => {
    expect(states(reach('looking'))).toEqual(['waiting', 'waiting']);
    expect(states(reach('staging'))).toEqual(['downloading', 'downloading']);
    expect(states(reach('staged'))).toEqual(['staged', 'staged']);
    const installing = play(reach('installing'), [
      (run) => ({ kind: 'item', run, applicationId: tux.applicationId, state: 'installing' }),
    ]);
    expect(states(installing.journal)).toEqual(['installing', 'staged']);
    const done = play(installing.journal, [applied, looked(tux, gimp)]);
    expect(done.journal.report.items).toEqual(
      [tux, gimp].map(({ applicationId }) => ({
        applicationId,
        state: 'installed',
        version: '1',
        code: null,
        message: '',
        ms: 5,
        bytes: null,
      })),
    );
    expect(done.journal.report.log).toBe('done');
  });
  test('only what is missing is brought; what was there says so', () => {
    const { journal, effects } = play(null, [
      wanted(held),
      looked(gimp),
      staged,
      wanted(o),
      looked(gimp),
    ]);
    expect(
      effects.flatMap((effect) =>
        effect.kind === 'apply' ? effect.applications.map(({ slug }) => slug) : [],
      ),
    ).toEqual(['tux']);
    expect(states(play(journal, [applied, looked(tux, gimp)]).journal)).toEqual([
      'installed',
      'already_installed',
    ]);
    expect(states(play(journal, [applied, looked(tux)]).journal)).toEqual(['installed', 'failed']);
  });
  test('the first that failed gives the order its code', () => {
    const results = [
      {
        applicationId: tux.applicationId,
        code: 'INSTALL_FAILED' as const,
        message: 'dpkg ended with 1',
        ms: 3,
      },
      { applicationId: gimp.applicationId, code: null, message: '', ms: 4 },
    ];
    const { journal } = play(reach('installing'), [
      (run) => ({ kind: 'applied', run, results, log: '' }),
      looked(),
    ]);
    expect(journal.report).toMatchObject({
      state: 'failed',
      code: 'INSTALL_FAILED',
      message: 'dpkg ended with 1',
      items: [
        { state: 'failed', code: 'INSTALL_FAILED' },
        { state: 'failed', code: 'NOT_DETECTED' },
      ],
    });
    expect(errors.INSTALL_FAILED.retryable).toBe(true);
  });
  test('an installer that complained, and brought it nevertheless', () => {
    const results = [
      {
        applicationId: tux.applicationId,
        code: 'INSTALL_FAILED' as const,
        message: 'a hook failed',
        ms: 3,
      },
      { applicationId: gimp.applicationId, code: null, message: '', ms: 4 },
    ];
    expect(
      play(reach('installing'), [
        (run) => ({ kind: 'applied', run, results, log: '' }),
        looked(tux, gimp),
      ]).journal.report,
    ).toMatchObject({
      state: 'succeeded',
      items: [{ state: 'installed', code: null, message: 'a hook failed' }, {}],
    });
  });
  test('an older version is no proof that a newer one was brought', () => {
    const older = {
      ...finds(),
      [tux.applicationId]: { version: '0.9', asWanted: false },
      [gimp.applicationId]: { version: '1', asWanted: true },
    };
    const results = [
      { applicationId: tux.applicationId, code: 'INSTALL_FAILED' as const, message: 'no', ms: 3 },
    ];
    const { journal } = play(null, [
      ...toStaged,
      wanted(o),
      (run) => ({ kind: 'looked', run, found: older }),
      (run) => ({ kind: 'applied', run, results, log: '' }),
      looked(tux, gimp),
    ]);
    expect(journal.report).toMatchObject({ state: 'failed', code: 'INSTALL_FAILED' });
  });
  test('taking away: gone is good, still there is REMOVE_FAILED', () => {
    const away = order({ applications: [application('tux', { want: 'absent' })] });
    const there =
      (is: boolean): Feed =>
      (run) => ({
        kind: 'looked',
        run,
        found: { [tux.applicationId]: { version: is ? '1' : null, asWanted: !is } },
      });
    const installing: Feed[] = [wanted(away), there(true), staged, wanted(away), there(true)];
    expect(play(null, [wanted(away), there(false)]).journal.report).toMatchObject({
      state: 'already_installed',
      items: [{ state: 'removed' }],
    });
    expect(play(null, [...installing, applied, there(false)]).journal.report).toMatchObject({
      state: 'succeeded',
      items: [{ state: 'removed', version: null }],
    });
    expect(play(null, [...installing, applied, there(true)]).journal.report).toMatchObject({
      state: 'failed',
      code: 'REMOVE_FAILED',
    });
  });
  test('whose fault a failed fetch is', () => {
    expect(
      play(reach('staging'), [
        (run) => ({
          kind: 'stage_failed',
          run,
          code: 'HASH_MISMATCH',
          message: 'other bytes',
          slug: 'gimp',
        }),
      ]).journal.report,
    ).toMatchObject({
      code: 'HASH_MISMATCH',
      items: [
        { state: 'waiting', code: null },
        { state: 'failed', code: 'HASH_MISMATCH', message: 'other bytes' },
      ],
    });
  });
  test('progress is told every 2 s at most, and completely at the end', () => {
    const journal = reach('staging');
    const at = (ms: number, done: number) =>
      step(
        journal,
        { kind: 'progress', run: journal.run, done, total: 100, wan: done / 2 },
        now + ms,
      );
    expect(at(1999, 10)).toMatchObject({
      journal: { report: { bytesDone: 0, seq: journal.report.seq } },
      effects: [],
    });
    expect(at(2000, 10)).toMatchObject({
      journal: {
        report: { bytesDone: 10, bytesTotal: 100, wanBytes: 5, seq: journal.report.seq + 1 },
      },
      effects: [{ kind: 'save' }],
    });
    const quiet = at(1, 100);
    expect(play(quiet?.journal ?? null, [staged]).journal.report).toMatchObject({
      state: 'staged',
      bytesDone: 100,
      wanBytes: 50,
    });
  });
});

describe('cancelling while installing', () => {
  const late = (cancel: NonNullable<Order['cancel']>, ...then: Feed[]) =>
    play(reach('installing'), [wanted(cancelled(cancel)), ...then]);
  test('finish: goes on to its end, too late', () => {
    expect(late('finish', applied, looked(tux, gimp)).journal.report).toMatchObject({
      state: 'succeeded',
      tooLate: true,
    });
    expect(late('finish', applied, looked()).journal.report).toMatchObject({
      state: 'failed',
      tooLate: true,
    });
  });
  test('remove: finishes, takes away what it brought and nothing else, last first', () => {
    const one = play(null, [
      wanted(held),
      looked(),
      staged,
      wanted(o),
      looked(gimp),
      wanted(cancelled('remove')),
      applied,
      looked(tux, gimp),
    ]);
    expect(
      one.effects.flatMap((effect) =>
        effect.kind === 'apply'
          ? effect.applications.map(({ slug, want }) => `${slug} ${want}`)
          : [],
      ),
    ).toEqual(['tux absent']);
    const both = late('remove', applied, looked(tux, gimp));
    expect(
      both.effects.flatMap((effect) =>
        effect.kind === 'apply'
          ? effect.applications.map(({ slug, want }) => `${slug} ${want}`)
          : [],
      ),
    ).toEqual(['gimp absent', 'tux absent']);
    const end = play(both.journal, [applied, looked()]);
    expect(end.journal.report).toMatchObject({
      state: 'cancelled',
      code: null,
      tooLate: true,
      items: [{ state: 'removed' }, { state: 'removed' }],
    });
    expect(end.effects[0]).toMatchObject({
      kind: 'remember',
      applications: [
        { slug: 'tux', want: 'absent' },
        { slug: 'gimp', want: 'absent' },
      ],
    });
    expect(play(both.journal, [applied, looked(tux)]).journal.report).toMatchObject({
      state: 'cancelled',
      items: [{ state: 'failed', code: 'REMOVE_FAILED', version: '1' }, { state: 'removed' }],
    });
  });
  test('remove: an older version that was replaced is not taken away', () => {
    const older = { ...finds(), [tux.applicationId]: { version: '0.9', asWanted: false } };
    const { journal } = play(null, [
      ...toStaged,
      wanted(o),
      (run) => ({ kind: 'looked', run, found: older }),
      wanted(cancelled('remove')),
      applied,
    ]);
    expect(play(journal, [looked(tux)]).journal.report).toMatchObject({
      state: 'cancelled',
      items: [{ state: 'installed' }, { state: 'failed' }],
    });
  });
  test('kill: the installer is stopped, detection says what is there', () => {
    expect(late('kill', applied, looked(tux)).journal.report).toMatchObject({
      state: 'cancelled',
      tooLate: true,
      code: null,
      items: [{ state: 'installed' }, { state: 'failed' }],
    });
  });
  test('from finish to kill, never back', () => {
    const killed = late('finish', wanted(cancelled('kill')));
    expect(killed.effects).toEqual([{ kind: 'save' }, { kind: 'abort' }]);
    expect(step(killed.journal, wanted(cancelled('finish')), now)?.journal.cancel).toBe('kill');
  });
  test('a crash while taking away: looked at, not begun again', () => {
    const end = play(reach('undoing'), [{ kind: 'restarted' }, gone, looked(tux)]);
    expect(end.journal.report).toMatchObject({
      state: 'cancelled',
      recovered: true,
      items: [{ state: 'failed', code: 'REMOVE_FAILED' }, { state: 'removed' }],
    });
  });
});

describe('crashes', () => {
  test('twice while working on one order: poison, whatever it worked on', () => {
    const once = play(reach('looking'), [{ kind: 'restarted' }, wanted(o)]);
    expect(once.journal).toMatchObject({ crashes: 1, doing: 'looking' });
    expect(play(once.journal, [{ kind: 'restarted' }]).journal.report).toMatchObject({
      state: 'rejected',
      code: 'ORDER_POISONED',
    });
  });
  test('an order that waits is not to blame', () => {
    expect(step(reach('staged'), { kind: 'restarted' }, now)).toBeNull();
    expect(step(reach('accepted'), { kind: 'restarted' }, now)).toBeNull();
  });
  test('a stop on purpose is no crash', () => {
    expect(
      play(reach('staging'), [{ kind: 'stopping' }, { kind: 'restarted' }]).journal.crashes,
    ).toBe(0);
    const { journal } = play(reach('installing'), [{ kind: 'stopping' }, { kind: 'restarted' }]);
    expect(journal).toMatchObject({ crashes: 0, doing: 'attaching', stopped: false });
    expect(play(journal, [gone, looked(tux, gimp)]).journal.report).toMatchObject({
      state: 'succeeded',
      recovered: true,
    });
  });
  test('dropped and wanted again: counts on, and numbers rise', () => {
    const past = play(reach('staging'), [{ kind: 'restarted' }, { kind: 'unwanted' }]).journal;
    const again = play(past, [wanted(o)]).journal;
    expect(again).toMatchObject({
      crashes: 1,
      dropped: false,
      report: { state: 'accepted', seq: past.report.seq + 1 },
    });
    expect(again.run).toBeGreaterThan(past.run);
  });
  test('a lost journal: numbers go on above any that were used; never a second installation', () => {
    const first = play(null, [wanted(o, { lost: true })]);
    expect(first.journal.report.seq).toBeGreaterThan(now);
    expect(play(first.journal, [gone, looked(tux, gimp)]).journal.report).toMatchObject({
      state: 'succeeded',
      recovered: true,
    });
    expect(play(first.journal, [gone, looked()]).journal.report).toMatchObject({
      state: 'failed',
      code: 'AGENT_CRASHED',
    });
  });

  describe('the agent brings itself', () => {
    const own = order({ applications: [itself, tux] });
    const installing = play(null, [wanted(own), looked(), staged, wanted(own), looked()]);
    test('comes last', () => {
      expect(
        installing.effects.flatMap((effect) =>
          effect.kind === 'apply' ? effect.applications.map(({ slug }) => slug) : [],
        ),
      ).toEqual(['tux', 'agent']);
    });
    test('the restart is no crash; detection decides', () => {
      const back = play(installing.journal, [{ kind: 'restarted' }]);
      expect(back.journal.crashes).toBe(0);
      // An agent is not taken away: cancelled so, the new one stays.
      expect(
        play(back.journal, [
          wanted({ ...own, applications: [itself], cancel: 'remove' }),
          gone,
          looked(itself),
        ]).effects.flatMap((effect) =>
          effect.kind === 'apply' ? effect.applications.map(({ slug }) => slug) : [],
        ),
      ).toEqual([]);
      expect(play(back.journal, [gone, looked(itself, tux)]).journal.report).toMatchObject({
        state: 'succeeded',
        recovered: true,
      });
      expect(play(back.journal, [gone, looked(tux)]).journal.report).toMatchObject({
        state: 'failed',
        code: 'INSTALL_FAILED',
      });
    });
    test('a new agent that falls and gives way to the old one', () => {
      const old = play(installing.journal, [{ kind: 'restarted' }, { kind: 'restarted' }]);
      expect(old.journal).toMatchObject({ crashes: 1, doing: 'attaching' });
      expect(play(old.journal, [gone, looked(tux)]).journal.report).toMatchObject({
        state: 'failed',
        code: 'INSTALL_FAILED',
      });
    });
    test('a new agent that falls again and again does not go on for ever', () => {
      expect(
        play(installing.journal, [
          { kind: 'restarted' },
          { kind: 'restarted' },
          { kind: 'restarted' },
        ]).journal.report,
      ).toMatchObject({ state: 'rejected', code: 'ORDER_POISONED' });
    });
  });
});

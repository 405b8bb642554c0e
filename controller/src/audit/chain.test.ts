import { auditActions } from '@preau/contract/audit.ts';
import {
  type ChainedEvent,
  erasedDetails,
  erasedName,
  followChain,
  hashOf,
  type Link,
  markOf,
  noLink,
  valuesOf,
} from '@preau/contract/audit-chain.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newSalt, sha256 } from '#src/platform/secrets.ts';
import { makeCity } from '#src/testing.fixture.ts';
import { chainCases } from './chain.cases.ts';
import { erasingOf, withoutNames } from './erase.ts';
import { exportAuditCsv, exportChain } from './export.ts';
import { recordEffect } from './record.ts';
import { selectAuditEvents } from './store.ts';

chainCases(() => makeCity());

const anyEvent = fc
  .record({
    id: fc.stringMatching(/^[0-9a-z]{10}_[0-9a-z]{8}$/),
    at: fc.nat(),
    action: fc.constantFrom(...auditActions.filter((action) => action !== 'account.erased')),
    actorKind: fc.constantFrom(
      'account' as const,
      'agent' as const,
      'job' as const,
      'nobody' as const,
    ),
    actorId: fc.option(fc.stringMatching(/^acc_[A-Za-z0-9_-]{22}$/)),
    actorName: fc.string(),
    subjectId: fc.option(fc.string()),
    subjectName: fc.string({ unit: 'grapheme' }),
    siteId: fc.option(fc.string()),
    details: fc.dictionary(fc.string(), fc.jsonValue()),
  })
  .map((event) => ({
    ...event,
    details: JSON.parse(JSON.stringify(event.details)) as Record<string, unknown>,
  }));

function link(events: readonly Omit<ChainedEvent, 'seq' | 'hash' | 'salts' | 'marks'>[]): {
  chain: ChainedEvent[];
  head: Link;
} {
  let head = noLink;
  const chain = events.map((event): ChainedEvent => {
    const salts = [newSalt(), newSalt(), newSalt()];
    const marks = valuesOf(event).map((value, field) =>
      markOf(sha256, salts[field] ?? '', field, value),
    );
    head = { seq: head.seq + 1, hash: hashOf(sha256, head, event, marks) };
    return { ...event, ...head, salts, marks };
  });
  return { chain, head };
}
const verdictOf = (chain: readonly ChainedEvent[], head: Link) => {
  const check = followChain(sha256, noLink);
  for (const event of chain) check.next(event);
  return check.end(head);
};

describe('tampering is found', () => {
  test('any field of any event; a deletion, a repetition, an exchange, a cut end, at any place', () => {
    fc.assert(
      fc.property(
        fc.array(anyEvent, { minLength: 3, maxLength: 8 }),
        fc.nat(),
        fc.nat(),
        fc.string({ minLength: 1 }),
        (events, place, other, text) => {
          const { chain, head } = link(events);
          expect(verdictOf(chain, head)).toMatchObject({ intact: true, events: events.length });
          const at = place % chain.length;
          const found = (tampered: ChainedEvent[]) =>
            expect(verdictOf(tampered, head).intact).toBe(false);
          const victim = chain[at];
          if (victim === undefined) return;
          const changes: Partial<ChainedEvent>[] = [
            { id: `${victim.id}x` },
            { at: victim.at + 1 },
            { action: victim.action === 'brake.set' ? 'brake.released' : 'brake.set' },
            { actorKind: victim.actorKind === 'job' ? 'agent' : 'job' },
            { actorId: `${victim.actorId}x` },
            { actorName: victim.actorName + text },
            { subjectId: `${victim.subjectId}x` },
            { subjectName: victim.subjectName + text },
            { siteId: `${victim.siteId}x` },
            { details: { ...victim.details, [`${text}!`]: 1 } },
            { salts: victim.salts.map(() => newSalt()) },
            { marks: victim.marks.map(() => 'a'.repeat(64)) },
            { hash: 'b'.repeat(64) },
            { seq: victim.seq + 1 },
            // Made to look erased, without an erasure.
            { actorName: erasedName, salts: ['', victim.salts[1] ?? '', victim.salts[2] ?? ''] },
            { details: erasedDetails, salts: [victim.salts[0] ?? '', victim.salts[1] ?? '', ''] },
          ];
          for (const change of changes) found(chain.with(at, { ...victim, ...change }));
          found(chain.toSpliced(at, 1));
          found(chain.toSpliced(at, 0, victim));
          const second = (at + 1 + (other % (chain.length - 1))) % chain.length;
          const swapped = chain[second];
          if (swapped !== undefined) found(chain.with(at, swapped).with(second, victim));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a whole tail made anew passes its own sums, but not by a place that was noted', () => {
    const event = {
      id: '0_1',
      at: 1,
      action: 'brake.set' as const,
      actorKind: 'job' as const,
      actorId: null,
      actorName: 'a',
      subjectId: null,
      subjectName: 'b',
      siteId: null,
      details: {},
    };
    const honest = link([event, { ...event, at: 2 }, { ...event, at: 3 }]);
    const forged = link([event, { ...event, at: 9 }, { ...event, at: 10 }]);
    expect(verdictOf(forged.chain, forged.head).intact).toBe(true);
    const check = followChain(sha256, noLink, { seq: 2, hash: honest.chain[1]?.hash ?? '' });
    for (const each of forged.chain) check.next(each);
    expect(check.end(forged.head).broken).toEqual({ seq: 2, problem: 'other_chain' });
  });
});

test('a name is taken out as a whole word, deep in details, and not out of longer ones', () => {
  const {
    chain: [event],
  } = link([
    {
      id: '0_1',
      at: 1,
      action: 'rule.created',
      actorKind: 'job',
      actorId: null,
      actorName: 'a',
      subjectId: null,
      subjectName: 'b',
      siteId: null,
      details: { deep: [{ audience: 'Zoé (Léa)' }] },
    },
  ]);
  if (event === undefined) throw new Error('no event');
  expect(withoutNames(event, erasingOf([{ id: 'acc_x', names: ['Léa'] }]))).toMatchObject({
    unnamed: 1,
    event: { details: erasedDetails, actorName: 'a' },
  });
  expect(
    withoutNames(event, erasingOf([{ id: 'acc_x', names: ['Lé', 'zoéx', '(.*)'] }])),
  ).toBeNull();
});

test(
  'events of one millisecond stand in the order they were written; exports hold all of them; ' +
    'cells begin no formula',
  async () => {
    const city = await makeCity();
    for (let index = 0; index < 50; index += 1)
      await recordEffect(
        city.platform,
        city.platform.database,
        { kind: 'job', id: 'x', name: '=cmd|calc' },
        { action: 'brake.set', subjectName: `${index}` },
      );
    expect(
      (
        await selectAuditEvents(city.platform.database, { before: null, limit: 50, search: null })
      ).map((event) => event.subjectName),
    ).toEqual(Array.from({ length: 50 }, (_, index) => `${49 - index}`));
    const lines = (await exportChain(city.platform, city.technician, 0))
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ preau: 'audit', start: noLink, removal: null });
    expect(lines.at(-1)).toMatchObject({ last: true, end: { seq: lines.length - 2 } });
    await expect(exportChain(city.platform, city.technician, 10_000)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    const half = (await exportChain(city.platform, city.technician, 30))
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect([half[0], half[1]]).toMatchObject([
      { start: { seq: 30, hash: lines[30]?.['hash'] }, removal: null },
      { seq: 31 },
    ]);
    const csv = (
      await exportAuditCsv(city.platform, city.technician, { search: '=cmd' })
    ).toString();
    expect(csv.split('\n')).toHaveLength(52);
    expect(csv).toContain(";'=cmd|calc;");
    await city.close();
  },
);

test('pages of the audit: every event once, also those of one millisecond, by school and by person', async () => {
  const city = await makeCity();
  const { platform, technician, pupil } = city;
  for (let index = 0; index < 23; index += 1) {
    await recordEffect(platform, platform.database, index % 3 === 0 ? pupil : technician, {
      action: index % 2 === 0 ? 'brake.set' : 'brake.released',
      subjectName: `${index}`,
      siteId: index % 4 === 0 ? city.site.id : 'sit_elsewhere',
    });
    if (index % 5 === 4) city.time.at += 1;
  }
  const all = async (
    limit: number,
    more: Partial<Parameters<typeof selectAuditEvents>[1]> = {},
  ) => {
    const found: string[] = [];
    let before: string | null = null;
    for (;;) {
      const page: Awaited<ReturnType<typeof selectAuditEvents>> = await selectAuditEvents(
        platform.database,
        { before, limit, search: null, action: 'brake.', ...more },
      );
      found.push(...page.map(({ subjectName }) => subjectName));
      const last = page.at(-1);
      if (last === undefined) return found;
      before = last.id;
    }
  };
  const numbers = (every: (index: number) => boolean) =>
    Array.from({ length: 23 }, (_, index) => 22 - index)
      .filter(every)
      .map(String);
  for (const limit of [1, 4, 5, 23, 24]) {
    expect(await all(limit)).toEqual(numbers(() => true));
    expect(await all(limit, { siteIds: [city.site.id] })).toEqual(numbers((n) => n % 4 === 0));
    expect(await all(limit, { personId: pupil.id })).toEqual(numbers((n) => n % 3 === 0));
    expect(await all(limit, { action: 'brake.set' })).toEqual(numbers((n) => n % 2 === 0));
    expect(await all(limit, { siteIds: [] })).toEqual([]);
    // From the third moment on, and before the fourth.
    const from = city.time.at - 2;
    expect(await all(limit, { from, until: from + 1 })).toEqual(['14', '13', '12', '11', '10']);
  }
  await city.close();
});

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DesiredState, policyText } from '@preau/contract/desired-state.ts';
import { AppError, type ErrorCode } from '@preau/contract/errors.ts';
import type { DesiredTransfer } from '@preau/contract/exchange.ts';
import { defaultTerms, type Terms } from '@preau/contract/rule.ts';
import { describe, expect, test, vi } from 'vitest';
import { createMemoryDriver } from './drivers/memory.ts';
import { createExchange } from './exchange.ts';
import { opened, openPolicy, sessionOne, tux, world } from './world.fixture.ts';

const transfer = (more: Partial<DesiredTransfer> = {}): DesiredTransfer => ({
  transferId: `trf_${'t'.repeat(22)}`,
  sessionId: sessionOne.sessionId,
  direction: 'in',
  kind: 'file',
  name: 'devoir.txt',
  sha256: createHash('sha256').update('bonjour').digest('hex'),
  bytes: 7,
  ...more,
});
/** The rules of the school let everybody, on these terms. */
const rules = (terms: Partial<Terms>) =>
  policyText(openPolicy.rules.map((rule) => ({ ...rule, how: { ...defaultTerms, ...terms } })));
const wanting = (transfers: DesiredTransfer[]) => ({
  applications: [tux],
  sessions: [sessionOne],
  transfers,
});

test('four at once; the next when one is over', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'preau-exchange-'));
  const waiting: (() => void)[] = [];
  const exchange = createExchange({
    stateFolder: folder,
    driver: createMemoryDriver(),
    link: {
      readTransfer: (): Promise<never> =>
        new Promise((_resolve, reject) =>
          waiting.push(() => reject(new AppError('FILE_GONE', { name: 'x' }))),
        ),
      sendTransfer: async () => undefined,
    },
    now: () => 10_000,
    work: (task) => void task(),
    tell: () => undefined,
  });
  const transfers = Array.from({ length: 6 }, (_, at) =>
    transfer({ transferId: `trf_${String(at).repeat(22)}` }),
  );
  const pass = () =>
    exchange.pass({ sessions: [sessionOne], transfers } as unknown as DesiredState, () => ({
      ...defaultTerms,
      files: 'in',
    }));
  pass();
  pass();
  expect(waiting).toHaveLength(4);
  waiting[0]?.();
  await vi.waitFor(() => expect(exchange.reported()).toHaveLength(1));
  pass();
  expect(waiting).toHaveLength(5);
  for (const end of waiting) end();
  await vi.waitFor(() => expect(exchange.reported()).toHaveLength(5));
  pass();
  expect(waiting).toHaveLength(6);
  rmSync(folder, { recursive: true });
});

describe('files', () => {
  test('one that is brought is fetched, checked and put down; said until the city asks no more', async () => {
    const w = world();
    await opened(w);
    w.city.set(transfer().transferId, 'bonjour');
    w.want(wanting([transfer()]), undefined, rules({ files: 'in' }));
    await w.soon(() =>
      expect(w.last().transfers).toEqual([
        { transferId: transfer().transferId, code: null, message: '' },
      ]),
    );
    expect(w.driver.calls).toContain('placeFile devoir.txt');
    w.want(wanting([]), undefined, rules({ files: 'in' }));
    await w.soon(() => expect(w.last()).toMatchObject({ transfers: [], generation: 3 }));
    expect(readdirSync(join(w.folder, 'transfers'))).toEqual([]);
  });

  test('what a session offers is told, sent when asked for; pages are printed once', async () => {
    const w = world();
    await opened(w);
    w.want(wanting([]), undefined, rules({ files: 'out', printing: true }));
    w.driver.offer(sessionOne.sessionId, { kind: 'file', name: 'dessin.png' }, 'pixels');
    w.driver.offer(sessionOne.sessionId, { kind: 'print', name: 'Pages.pdf' }, '%PDF-');
    w.clock.at += 3000;
    await w.soon(() =>
      expect(w.last().sessions).toMatchObject([
        {
          offered: [
            { kind: 'file', name: 'dessin.png', bytes: 6 },
            { kind: 'print', name: 'Pages.pdf', bytes: 5 },
          ],
        },
      ]),
    );
    const [file, pages] = [
      transfer({ direction: 'out', name: 'dessin.png', sha256: null, bytes: 6 }),
      transfer({
        transferId: `trf_${'p'.repeat(22)}`,
        direction: 'out',
        kind: 'print',
        name: 'Pages.pdf',
        sha256: null,
        bytes: 5,
      }),
    ];
    w.want(wanting([file, pages]), undefined, rules({ files: 'out', printing: true }));
    await w.soon(() => expect(w.last().transfers).toHaveLength(2));
    expect([w.city.get(file.transferId), w.city.get(pages.transferId)]).toEqual([
      'pixels',
      '%PDF-',
    ]);
    w.clock.at += 3000;
    await w.soon(() => expect(w.last().sessions).toMatchObject([{ offered: [{ kind: 'file' }] }]));
  });

  test('what the school’s own rules do not let through is not moved, whatever the city asks', async () => {
    const w = world();
    await opened(w);
    w.driver.offer(sessionOne.sessionId, { kind: 'file', name: 'dessin.png' }, 'pixels');
    w.city.set(transfer().transferId, 'bonjour');
    const out = transfer({
      transferId: `trf_${'o'.repeat(22)}`,
      direction: 'out',
      name: 'dessin.png',
      sha256: null,
    });
    w.want(wanting([transfer(), out]), undefined, rules({ files: 'none', printing: true }));
    await w.soon(() =>
      expect(w.last().transfers.map((one) => one.code)).toEqual([
        'FILES_NOT_ALLOWED',
        'FILES_NOT_ALLOWED',
      ]),
    );
    expect(w.city.has(out.transferId)).toBe(false);
    expect(w.driver.calls).not.toContain('placeFile devoir.txt');
    expect(w.last().sessions).toMatchObject([{ offered: [] }]);
  });

  test(
    'other bytes than announced, a file that is gone: said, nothing put down; a line that ' +
      'breaks is tried again',
    async () => {
      const w = world();
      await opened(w);
      w.city.set(transfer().transferId, 'bonsoir');
      const gone = transfer({
        transferId: `trf_${'g'.repeat(22)}`,
        direction: 'out',
        name: 'rien.png',
        sha256: null,
      });
      const late = transfer({ transferId: `trf_${'l'.repeat(22)}` });
      w.want(wanting([transfer(), gone]), undefined, rules({ files: 'both' }));
      await w.soon(() =>
        expect(w.last().transfers).toMatchObject([
          { transferId: gone.transferId, code: 'FILE_GONE' },
        ]),
      );
      await w.soon(() => {
        // Each look of the loop comes a minute later.
        w.clock.at += 60_000;
        w.away(false);
        expect(w.last().transfers).toEqual(
          expect.arrayContaining([
            expect.objectContaining({ transferId: transfer().transferId, code: 'HASH_MISMATCH' }),
          ]),
        );
      });
      expect(w.driver.calls).not.toContain('placeFile devoir.txt');
      w.city.set(late.transferId, 'bonjour');
      w.want(wanting([late]), undefined, rules({ files: 'both' }));
      await w.soon(() =>
        expect(w.last().transfers).toEqual([
          { transferId: late.transferId, code: null, message: '' },
        ]),
      );
    },
  );

  test('a city whose database is away for longer than a line breaks is waited for', async () => {
    const w = world();
    await opened(w);
    w.city.set(transfer().transferId, 'bonjour');
    w.refusals.push(...Array<ErrorCode>(6).fill('DATABASE_UNAVAILABLE'), 'BUSY');
    w.want(wanting([transfer()]), undefined, rules({ files: 'both' }));
    await w.soon(() => {
      w.clock.at += 60_000;
      w.away(false);
      expect(w.last().transfers).toEqual([
        { transferId: transfer().transferId, code: null, message: '' },
      ]);
    });
    expect(w.refusals).toEqual([]);
  });
});

/** What must hold of recordings, whatever database is below. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultTerms, plainRule } from '@preau/contract/rule.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createRule } from '#src/access/rules.ts';
import { erasePerson } from '#src/privacy/erase/erase.ts';
import { keepAges } from '#src/privacy/keep.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { type City, codeOf } from '#src/testing.fixture.ts';
import { endSession } from '../end.ts';
import { launch } from '../launch.ts';
import { redeemTicket } from '../tunnel.ts';
import {
  closeAbandoned,
  deleteRecording,
  listRecordings,
  readRecording,
  recordingPath,
  startRecording,
  watchRecording,
} from './recordings.ts';

export function recordingCases(
  openCity: (settings: Record<string, string>) => Promise<City>,
): void {
  let city: City;
  let data: string;
  beforeEach(async () => {
    data = mkdtempSync(join(tmpdir(), 'preau-recordings-'));
    city = await openCity({ PREAU_DATA: data });
  });
  afterEach(async () => {
    await city.close();
    rmSync(data, { recursive: true, force: true });
  });
  const list = async () =>
    (await listRecordings(city.platform, city.technician, { limit: 50 })).items;
  const kept = () => readdirSync(join(data, 'recordings'));
  const record = async (text = 'picture') => {
    const { session } = await launch(city.platform, city.pupil, {
      application: 'tuxpaint',
      language: 'fr',
    });
    const recorder = await startRecording(
      city.platform,
      city.pupil,
      session.id,
      Buffer.from('begins;'),
    );
    city.time.at += 65_000;
    if (text !== '') recorder.write(Buffer.from(text));
    recorder.end();
    await vi.waitFor(async () => expect((await list())[0]?.endedAt).not.toBeNull());
    const [recording] = await list();
    if (recording === undefined) throw new Error('no recording');
    return recording;
  };
  const told = async () =>
    (
      await city.platform.database
        .selectFrom('audit_events')
        .select('action')
        .orderBy('id')
        .execute()
    )
      .map((event) => event.action)
      .filter((action) => action.includes('record'));

  describe('recordings', () => {
    test('hold what was shown, and say whose, where, how long; each look is told', async () => {
      const recording = await record();
      expect(recording).toMatchObject({
        accountId: city.pupil.id,
        personName: 'lea',
        siteId: city.site.id,
        bytes: 14,
        isWhole: true,
      });
      expect((recording.endedAt ?? 0) - recording.startedAt).toBe(65_000);
      const { path, size } = await watchRecording(city.platform, city.technician, recording.id);
      expect([readFileSync(path, 'utf8'), size]).toEqual(['begins;picture', 14]);
      await deleteRecording(city.platform, city.technician, recording.id);
      expect([await list(), kept()]).toEqual([[], []]);
      expect(await told()).toEqual(['session.recorded', 'recording.watched', 'recording.deleted']);
    });

    test('a technician of other schools sees none of it', async () => {
      const { id } = await record();
      const other = { ...city.technician, siteIds: [`sit_${'x'.repeat(22)}`] };
      expect((await listRecordings(city.platform, other, { limit: 50 })).items).toEqual([]);
      for (const work of [readRecording, watchRecording, deleteRecording])
        expect(await codeOf(work(city.platform, other, id))).toBe('OUT_OF_SCOPE');
      expect(kept()).toEqual([id]);
    });

    test('pages follow each other; a search finds by person, school and application', async () => {
      for (let count = 0; count < 5; count += 1) await record();
      const [first, second] = [
        await listRecordings(city.platform, city.technician, { limit: 3 }),
        await listRecordings(city.platform, city.technician, {
          limit: 3,
          after: (await listRecordings(city.platform, city.technician, { limit: 3 })).next ?? '',
        }),
      ];
      expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(
        (await list()).map(({ id }) => id),
      );
      expect(second.next).toBeNull();
      for (const [search, found] of [
        ['LEA', 5],
        ['hugo', 5],
        ['tuxpaint', 5],
        ['personne', 0],
        ['l%a', 0],
      ] as const)
        expect(
          (await listRecordings(city.platform, city.technician, { limit: 50, search })).items,
        ).toHaveLength(found);
      expect(
        await codeOf(
          listRecordings(city.platform, city.technician, { limit: 3, after: 'bm9uc2Vuc2U' }),
        ),
      ).toBe('VALIDATION_FAILED');
    });

    test('a disk that takes nothing keeps nobody from working: it is told', async () => {
      const { session } = await launch(city.platform, city.pupil, {
        application: 'tuxpaint',
        language: 'fr',
      });
      const recorder = await startRecording(
        city.platform,
        city.pupil,
        session.id,
        Buffer.from('begins;'),
      );
      for (let count = 0; count < 40; count += 1) recorder.write(Buffer.alloc(2 ** 20));
      recorder.write(Buffer.alloc(2 ** 26));
      recorder.write(Buffer.from('more'));
      recorder.end();
      await vi.waitFor(
        async () => expect(await list()).toMatchObject([{ isWhole: false, endedAt: city.time.at }]),
        5000,
      );
      await vi.waitFor(async () =>
        expect(await told()).toEqual(['session.recorded', 'recording.broken']),
      );
    });

    test('one whose controller died is ended, and says that it is not whole', async () => {
      const { session } = await launch(city.platform, city.pupil, {
        application: 'tuxpaint',
        language: 'fr',
      });
      const abandoned = await startRecording(
        city.platform,
        city.pupil,
        session.id,
        Buffer.from('begins;'),
      );
      await vi.waitFor(() =>
        expect(readFileSync(recordingPath(city.platform, kept()[0] ?? ''), 'utf8')).toBe('begins;'),
      );
      city.time.at += 61_000;
      const [path, at] = [recordingPath(city.platform, kept()[0] ?? ''), city.time.at / 1000];
      // Somebody writes, or did a moment ago.
      utimesSync(path, at - 30, at - 30);
      await closeAbandoned(city.platform);
      expect(await list()).toMatchObject([{ endedAt: null }]);
      utimesSync(path, at - 61, at - 61);
      await closeAbandoned(city.platform);
      expect(await list()).toMatchObject([
        { endedAt: city.time.at - 61_000, bytes: 7, isWhole: false },
      ]);
      abandoned.end();
      await vi.waitFor(async () => expect(await list()).toMatchObject([{ isWhole: true }]));
    });

    test('nobody is recorded whose page has not said so', async () => {
      const { ticket } = await launch(city.platform, city.pupil, {
        application: 'tuxpaint',
        language: 'fr',
      });
      const draft = {
        ...plainRule,
        effect: 'allow',
        target: { kind: 'application', applicationId: city.applications.tuxpaint.id },
        audience: { kind: 'role', role: 'pupil' },
        how: { ...defaultTerms, recording: true },
      } as const;
      await createRule(city.platform, city.technician, draft);
      expect(await codeOf(redeemTicket(city.platform, city.pupil, ticket.ticket))).toBe(
        'TICKET_REFUSED',
      );
      const again = await launch(city.platform, city.pupil, {
        application: 'tuxpaint',
        language: 'fr',
      });
      expect(again.ticket.recording).toBe(true);
      expect(await redeemTicket(city.platform, city.pupil, again.ticket.ticket)).toMatchObject({
        recording: true,
      });
    });

    test('they go by age, and with their person', async () => {
      const { id, sessionId } = await record();
      city.time.at += 29 * 86_400_000;
      await keepAges(city.platform);
      expect(kept()).toEqual([id]);
      city.time.at += 2 * 86_400_000;
      await keepAges(city.platform);
      expect([await list(), kept()]).toEqual([[], []]);
      await endSession(city.platform, city.pupil, sessionId);
      await acceptReport(city.platform, city.agent.actor, city.agent.report());
      const again = await record();
      await endSession(city.platform, city.pupil, again.sessionId);
      writeFileSync(recordingPath(city.platform, 'stray'), 'x');
      await erasePerson(city.platform, city.administrator, city.pupil.id, 'lea');
      expect(await list()).toEqual([]);
      city.time.at += 86_400_000;
      await keepAges(city.platform);
      expect(kept()).toEqual([]);
      expect(await told()).toContain('recordings.pruned');
    });
  });
}

/** What must hold of people's files, whatever database is below. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OfferedFile } from '@preau/contract/exchange.ts';
import { defaultTerms, plainRule, type Terms } from '@preau/contract/rule.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRule } from '#src/access/rules.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { readDesiredState } from '#src/servers/desired/desired-state.ts';
import { type City, codeOf, readySession } from '#src/testing.fixture.ts';
import { endSession } from '../end.ts';
import { launch } from '../launch.ts';
import { sweep } from '../sweep.ts';
import { askForFile, bringFile, findTaken, noteTaken, readExchange } from './exchange.ts';
import { findBrought, receiveAsked } from './serve.ts';

async function* of(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
const drawing: OfferedFile = { kind: 'file', name: 'dessin été.png', bytes: 7, changedAt: 1 };
const pages: OfferedFile = { kind: 'print', name: 'Poésie.pdf', bytes: 5, changedAt: 2 };

export function exchangeCases(openCity: (settings: Record<string, string>) => Promise<City>): void {
  let city: City;
  let data: string;
  beforeEach(async () => {
    data = mkdtempSync(join(tmpdir(), 'preau-exchange-'));
    city = await openCity({ PREAU_DATA: data, PREAU_EXCHANGE_MIB: '1' });
  });
  afterEach(async () => {
    await city.close();
    rmSync(data, { recursive: true, force: true });
  });

  const kept = () =>
    existsSync(join(data, 'transfers'))
      ? readdirSync(join(data, 'transfers')).filter((name) => name !== '.incoming')
      : [];
  const desired = async () =>
    (
      JSON.parse((await readDesiredState(city.platform, city.agent.actor)).document) as {
        transfers: unknown[];
      }
    ).transfers;
  const told = async () =>
    (
      await city.platform.database
        .selectFrom('audit_events')
        .select('action')
        .orderBy('id')
        .execute()
    )
      .map((event) => event.action)
      .filter((action) => /^(file|pages)\./.test(action));
  /** A running session with these terms, that offers these files. */
  const session = async (
    terms: Partial<Terms>,
    offered: OfferedFile[] = [drawing, pages],
  ): Promise<string> => {
    const { platform, technician, pupil, applications, agent } = city;
    await createRule(platform, technician, {
      ...plainRule,
      effect: 'allow',
      target: { kind: 'application', applicationId: applications.tuxpaint.id },
      audience: { kind: 'person', accountId: pupil.id },
      how: { ...defaultTerms, ...terms },
    });
    const {
      session: { id },
    } = await launch(platform, pupil, { application: 'tuxpaint', language: 'fr' });
    await acceptReport(
      platform,
      agent.actor,
      agent.report({ sessions: [readySession(id, 1, null, offered)] }),
    );
    return id;
  };
  const bring = (id: string, text = 'bonjour', size = Buffer.byteLength(text)) =>
    bringFile(city.platform, city.pupil, id, { name: 'devoir.txt', size, body: of(text) }, null);
  const say = (
    id: string,
    transfers: { transferId: string; code: 'DISK_FULL' | null; message: string }[],
  ) =>
    acceptReport(
      city.platform,
      city.agent.actor,
      city.agent.report({ sessions: [readySession(id, null, null, [drawing, pages])], transfers }),
    );

  describe('files of sessions', () => {
    test(
      'from the device to the school: the server is told, fetches, says that it is there; the ' +
        'city keeps nothing',
      async () => {
        const id = await session({ files: 'in' });
        const transfer = await bring(id);
        expect(transfer).toMatchObject({
          direction: 'in',
          name: 'devoir.txt',
          bytes: 7,
          state: 'here',
        });
        expect(await desired()).toEqual([
          {
            transferId: transfer.id,
            sessionId: id,
            direction: 'in',
            kind: 'file',
            name: 'devoir.txt',
            sha256: hashOf('bonjour'),
            bytes: 7,
          },
        ]);
        expect(city.woken).toContain(`agent:${city.agent.actor.id}`);
        expect(await findBrought(city.platform, city.agent.actor, transfer.id)).toMatchObject({
          bytes: 7,
        });
        await say(id, [{ transferId: transfer.id, code: null, message: '' }]);
        expect(await desired()).toEqual([]);
        expect((await readExchange(city.platform, city.pupil, id, null)).transfers).toMatchObject([
          { state: 'done' },
        ]);
        expect(await codeOf(findBrought(city.platform, city.agent.actor, transfer.id))).toBe(
          'NOT_FOUND',
        );
        await sweep(city.platform);
        expect(kept()).toEqual([]);
        expect(await told()).toEqual(['file.brought']);
      },
    );

    test(
      'from the school to the device: asked once however often, taken as often as one likes, ' +
        'gone after an hour',
      async () => {
        const id = await session({ files: 'out', printing: true });
        expect((await readExchange(city.platform, city.pupil, id, null)).offered).toEqual([
          drawing,
          pages,
        ]);
        const asked = await Promise.all(
          [1, 2, 3].map(() => askForFile(city.platform, city.pupil, id, drawing, null)),
        );
        expect(new Set(asked.map((one) => one.id)).size).toBe(1);
        const transferId = asked[0]?.id ?? '';
        expect(await desired()).toMatchObject([
          { transferId, direction: 'out', kind: 'file', name: drawing.name, sha256: null },
        ]);
        expect(await codeOf(findTaken(city.platform, city.pupil, transferId))).toBe('FILE_GONE');
        await receiveAsked(
          city.platform,
          city.agent.actor,
          transferId,
          { sha256: hashOf('pixels!'), size: 7 },
          of('pixels!'),
        );
        await receiveAsked(
          city.platform,
          city.agent.actor,
          transferId,
          { sha256: hashOf('pixels!'), size: 7 },
          of('sent again'),
        );
        await say(id, [{ transferId, code: null, message: '' }]);
        expect(await desired()).toEqual([]);
        for (let time = 0; time < 2; time += 1)
          await noteTaken(
            city.platform,
            city.pupil,
            await findTaken(city.platform, city.pupil, transferId),
          );
        expect(await told()).toEqual(['file.taken', 'file.taken']);
        city.time.at += 3_600_001;
        await sweep(city.platform);
        expect(kept()).toEqual([]);
        expect(await codeOf(findTaken(city.platform, city.pupil, transferId))).toBe('NOT_FOUND');
      },
    );

    test('the rules of each way are those of now, and of nobody else’s session', async () => {
      const id = await session({ files: 'none', printing: false });
      expect(await readExchange(city.platform, city.pupil, id, null)).toEqual({
        files: 'none',
        printing: false,
        offered: [],
        transfers: [],
      });
      expect(await codeOf(bring(id))).toBe('FILES_NOT_ALLOWED');
      expect(await codeOf(askForFile(city.platform, city.pupil, id, drawing, null))).toBe(
        'FILES_NOT_ALLOWED',
      );
      expect(await codeOf(askForFile(city.platform, city.pupil, id, pages, null))).toBe(
        'FILES_NOT_ALLOWED',
      );
      expect(await codeOf(readExchange(city.platform, city.teacher, id, null))).toBe('NOT_FOUND');
      expect(
        await codeOf(
          bringFile(city.platform, city.teacher, id, { name: 'a', size: 1, body: of('a') }, null),
        ),
      ).toBe('NOT_FOUND');
      expect(kept()).toEqual([]);
    });

    test('what was sent is what was announced, of another server nothing is taken', async () => {
      const id = await session({ files: 'both' });
      expect(await codeOf(bring(id, 'bonjour', 6))).toBe('UPLOAD_REFUSED');
      expect(await codeOf(bring(id, 'bonjour', 8))).toBe('UPLOAD_REFUSED');
      expect(await codeOf(bring(id, 'x', 209_715_201))).toBe('PAYLOAD_TOO_LARGE');
      expect(await codeOf(bring(id, 'x', 1_048_577))).toBe('BUSY');
      expect((await readExchange(city.platform, city.pupil, id, null)).transfers).toEqual([]);
      const { id: transferId } = await askForFile(city.platform, city.pupil, id, drawing, null);
      const other = await city.enrolServer('serveur-2');
      expect(
        await codeOf(
          receiveAsked(
            city.platform,
            other.actor,
            transferId,
            { sha256: hashOf('x'), size: 1 },
            of('x'),
          ),
        ),
      ).toBe('NOT_FOUND');
      expect(
        await codeOf(
          receiveAsked(
            city.platform,
            city.agent.actor,
            transferId,
            { sha256: hashOf('x'), size: 1 },
            of('y'),
          ),
        ),
      ).toBe('UPLOAD_REFUSED');
      expect(await codeOf(findBrought(city.platform, other.actor, (await bring(id)).id))).toBe(
        'NOT_FOUND',
      );
      expect(
        await codeOf(
          askForFile(city.platform, city.pupil, id, { kind: 'file', name: 'autre.png' }, null),
        ),
      ).toBe('FILE_GONE');
      expect(kept()).toHaveLength(1);
    });

    test('bytes without a row go, whoever left them', async () => {
      const id = await session({ files: 'both' });
      const { id: transferId } = await askForFile(city.platform, city.pupil, id, drawing, null);
      // Swept away while the school was still sending.
      async function* late(): AsyncGenerator<Buffer> {
        await city.platform.database.deleteFrom('transfers').where('id', '=', transferId).execute();
        yield Buffer.from('pixels!');
      }
      expect(
        await codeOf(
          receiveAsked(
            city.platform,
            city.agent.actor,
            transferId,
            { sha256: hashOf('pixels!'), size: 7 },
            late(),
          ),
        ),
      ).toBe('NOT_FOUND');
      expect(kept()).toEqual([]);
      const [old, young] = [`trf_${'o'.repeat(22)}`, `trf_${'y'.repeat(22)}`];
      for (const name of [old, young]) writeFileSync(join(data, 'transfers', name), 'x');
      utimesSync(join(data, 'transfers', young), city.time.at / 1000, city.time.at / 1000);
      utimesSync(
        join(data, 'transfers', old),
        city.time.at / 1000 - 3601,
        city.time.at / 1000 - 3601,
      );
      await sweep(city.platform);
      expect(kept()).toEqual([young]);
    });

    test('twenty on their way are enough', async () => {
      const id = await session({ files: 'in' });
      for (let count = 0; count < 20; count += 1) await bring(id, String(count));
      expect(await codeOf(bring(id))).toBe('TOO_MANY_FILES');
    });

    test('a failure is told; a session that ends leaves nothing waiting', async () => {
      const id = await session({ files: 'both' });
      const first = await bring(id);
      await say(id, [{ transferId: first.id, code: 'DISK_FULL', message: 'no space' }]);
      expect((await readExchange(city.platform, city.pupil, id, null)).transfers).toMatchObject([
        { state: 'failed', failureCode: 'DISK_FULL' },
      ]);
      await bring(id);
      await askForFile(city.platform, city.pupil, id, drawing, null);
      await endSession(city.platform, city.pupil, id);
      expect(await codeOf(bring(id))).toBe('SESSION_OVER');
      await sweep(city.platform);
      await sweep(city.platform);
      expect(
        (await readExchange(city.platform, city.pupil, id, null)).transfers
          .map((one) => one.failureCode)
          .sort(),
      ).toEqual(['DISK_FULL', 'SESSION_OVER', 'SESSION_OVER']);
      expect(kept()).toEqual([]);
      expect(await told()).toEqual([
        'file.brought',
        'file.failed',
        'file.brought',
        'file.failed',
        'file.failed',
      ]);
    });
  });
}

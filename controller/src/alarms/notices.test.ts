/** What is done without anybody's request: retention and the check of the audit, once a day in one
 * of the city's processes; news and mails. */
import { text } from 'node:stream/consumers';
import { dayMs } from '@preau/contract/days.ts';
import { SMTPServer } from 'smtp-server';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { recordEffect } from '#src/audit/record.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import { createLog, type Log } from '#src/platform/log.ts';
import { readAuditChain } from '#src/privacy/keep.ts';
import { approveRequest } from '#src/requests/answer.ts';
import { askForProgram } from '#src/requests/ask.ts';
import { noticeReady } from '#src/requests/bring.ts';
import { endSession } from '#src/sessions/end.ts';
import { launch } from '#src/sessions/launch.ts';
import { type City, makeCity, publicUrl } from '#src/testing.fixture.ts';
import { startNotices } from './notices.ts';

let city: City;
let notices: { close: () => Promise<void> }[] = [];
let complaints: string[] = [];
const mails: string[] = [];
let server: SMTPServer;

beforeEach(async () => {
  server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    closeTimeout: 200,
    onData: (stream, _session, done) => {
      void text(stream).then((raw) => {
        mails.push(raw);
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const at = server.server.address();
  const port = typeof at === 'object' && at !== null ? at.port : 0;
  city = await makeCity(':memory:', {
    PREAU_SMTP_URL: `smtp://127.0.0.1:${port}`,
    PREAU_MAIL_FROM: 'preau@ville.example',
  });
  complaints = [];
  mails.length = 0;
});
afterEach(async () => {
  for (const each of notices) await each.close();
  notices = [];
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await city.close();
});

/** One process of the city. */
const start = (everyMs = 20) => {
  const log: Log = Object.assign(Object.create(createLog('silent')) as Log, {
    error: (_facts: unknown, said?: unknown) => void complaints.push(String(said)),
  });
  notices.push(
    startNotices({ ...city.platform, log, publicUrl: () => publicUrl }, { everyMs, settleMs: 0 }),
  );
};
const soon = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 5000, interval: 5 });
const verifiedAt = async () => (await readAuditChain(city.platform)).verified?.at ?? null;
const pruned = async () =>
  (
    await selectAuditEvents(city.platform.database, {
      before: null,
      limit: 200,
      search: null,
      action: 'sessions.pruned',
    })
  ).length;
const sessions = () => city.platform.database.selectFrom('sessions').select('id').execute();

describe('retention', () => {
  test('what is too old goes and the audit is verified, by time alone, and again the next day', async () => {
    const { session } = await launch(city.platform, city.pupil, {
      application: 'tuxpaint',
      language: 'fr',
    });
    await endSession(city.platform, city.pupil, session.id);
    start();
    await soon(async () => expect(await verifiedAt()).toBe(city.time.at));
    expect(await sessions()).toHaveLength(1);
    const first = city.time.at;
    city.time.at += 500 * dayMs;
    await soon(async () => expect(await verifiedAt()).toBe(city.time.at));
    expect(await sessions()).toEqual([]);
    expect((await readAuditChain(city.platform)).removed).toBeGreaterThan(0);
    expect(await pruned()).toBe(1);
    const second = city.time.at;
    expect(second).toBeGreaterThan(first);
    // Within a day it is done already, however often the timer comes.
    city.time.at += dayMs - 1;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await verifiedAt()).toBe(second);
    city.time.at += 1;
    await soon(async () => expect(await verifiedAt()).toBe(second + dayMs));
    expect(complaints).toEqual([]);
  });

  test('two processes of one city do it once', async () => {
    let verified = 0;
    city.platform.wakeups.listen((topics) => {
      // The verdict is saved once, and its saving is what wakes the page of the audit.
      if (topics.length === 1 && topics[0] === 'audit') verified += 1;
    });
    start();
    start();
    await soon(async () => expect(await verifiedAt()).toBe(city.time.at));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(verified).toBe(1);
  });

  test('a chain that somebody has changed is said aloud', async () => {
    const { platform } = city;
    start();
    await soon(async () => expect(await verifiedAt()).toBe(city.time.at));
    expect(complaints).toEqual([]);
    await platform.database
      .updateTable('audit_chain')
      .set((row) => ({ seq: row('seq', '-', 1) }))
      .execute();
    city.time.at += dayMs;
    await soon(async () => expect(complaints).toEqual(['the audit has been tampered with']));
    expect((await readAuditChain(platform)).verified).toMatchObject({ intact: false });
  });
});

describe('news and mails', () => {
  /** A teacher asks for a program that is there and not published to them. */
  const ask = async () => {
    const { platform, teacher, technician, applications, time } = city;
    await platform.database
      .updateTable('accounts')
      .set({ mail: 'prof@ecole.example' })
      .where('id', '=', teacher.id)
      .execute();
    await platform.database.updateTable('rule_versions').set({ until: time.at }).execute();
    const request = await askForProgram(platform, teacher, {
      applicationId: applications.secret.id,
      name: 'secret',
      purpose: 'Essayer',
      link: null,
      wantedBy: null,
      wish: 'class',
    });
    return () =>
      approveRequest(platform, technician, request.id, {
        audience: { kind: 'role', role: 'teacher' },
        alike: false,
        note: null,
      });
  };

  test('who asked is told as soon as it is there, without waiting for the timer', async () => {
    const approve = await ask();
    start(60_000);
    await approve();
    await soon(async () => expect(mails).toHaveLength(1));
    expect(mails[0]).toContain('To: prof@ecole.example');
  });

  test('a wake-up that was lost costs no more than the time between two runs', async () => {
    const approve = await ask();
    await approve();
    start(20);
    await soon(async () => expect(mails).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(mails).toHaveLength(1);
  });

  test('a mail that is due, and that nobody announces, is sent by time', async () => {
    const approve = await ask();
    await approve();
    expect(await noticeReady(city.platform)).toBe(1);
    start(20);
    await soon(async () => expect(mails).toHaveLength(1));
  });

  test('once closed, nothing is done any more', async () => {
    start(5);
    await soon(async () => expect(await verifiedAt()).toBe(city.time.at));
    for (const each of notices) await each.close();
    const at = city.time.at;
    city.time.at += dayMs;
    await recordEffect(
      city.platform,
      city.platform.database,
      { kind: 'job', id: 'x', name: 'x' },
      { action: 'brake.set', subjectName: 'x' },
    );
    city.platform.wakeups.wake(['applications', 'mail']);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await verifiedAt()).toBe(at);
  });
});

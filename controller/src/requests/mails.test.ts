/** The outbox against a real mail server on loopback. */
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { afterEach, describe, expect, test } from 'vitest';
import { saveLanguage } from '#src/accounts/store.ts';
import { isMailAddress } from '#src/config.ts';
import { createMailer, oneLine } from '#src/platform/mail.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { approveRequest, refuseRequest } from './answer.ts';
import { askForProgram } from './ask.ts';
import { noticeReady } from './bring.ts';
import { sendMails, waitMs, wordsFor } from './mails.ts';

interface Received {
  to: string[];
  raw: string;
}
const received: Received[] = [];
let server: SMTPServer | null = null;
let city: City;

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
async function listen(port: number, refuse: number | null = null): Promise<void> {
  server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    closeTimeout: 200,
    onRcptTo: (_address, _session, done) =>
      done(
        refuse === null
          ? null
          : Object.assign(new Error('no such user here'), { responseCode: refuse }),
      ),
    onData: (stream, session, done) => {
      void text(stream).then((raw) => {
        received.push({ to: session.envelope.rcptTo.map(({ address }) => address), raw });
        done();
      });
    },
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(port, '127.0.0.1', resolve));
}
const hangUp = async () => {
  const closing = server;
  server = null;
  if (closing !== null) await new Promise<void>((resolve) => closing.close(() => resolve()));
};
afterEach(async () => {
  await hangUp();
  received.length = 0;
  await city?.close();
});

/** A teacher whose request is ready, and one whose is refused. */
async function news(port: number, mail = 'prof@ecole.example') {
  city = await makeCity(':memory:', {
    PREAU_SMTP_URL: `smtp://127.0.0.1:${port}`,
    PREAU_MAIL_FROM: 'preau@ville.example',
  });
  const { platform, teacher, technician, applications } = city;
  await platform.database
    .updateTable('accounts')
    .set({ mail })
    .where('id', '=', teacher.id)
    .execute();
  const ask = (name: string, applicationId: string | null = null) =>
    askForProgram(platform, teacher, {
      applicationId,
      name,
      purpose: 'Pour essayer',
      link: null,
      wantedBy: null,
      wish: 'me',
    });
  const { id } = await ask('', applications.secret.id);
  await approveRequest(platform, technician, id, {
    audience: { kind: 'askers' },
    alike: false,
    note: null,
  });
  expect(await noticeReady(platform)).toBe(1);
  return { id, ask, mailer: createMailer(`smtp://127.0.0.1:${port}`, 'preau@ville.example', 1000) };
}
const outbox = () =>
  city.platform.database.selectFrom('mail_outbox').selectAll().orderBy('id').execute();

describe('mail', () => {
  test('a server that is down and comes back: each mail once, in the language of the person', async () => {
    const port = await freePort();
    const { mailer, ask } = await news(port);
    const { platform, time, teacher, technician } = city;
    const send = () => sendMails(platform, mailer, 'https://preau.example');
    expect(await send()).toBe(0);
    expect(await outbox()).toEqual([
      expect.objectContaining({
        attempts: 1,
        sent_at: null,
        next_at: time.at + waitMs(0),
        problem: expect.stringMatching(/ECONNREFUSED/),
      }),
    ]);
    expect(await send()).toBe(0);
    expect((await outbox())[0]?.attempts).toBe(1);
    time.at += waitMs(0);
    await send();
    expect((await outbox())[0]).toMatchObject({ attempts: 2, next_at: time.at + waitMs(1) });

    await listen(port);
    expect(await send()).toBe(0);
    time.at += waitMs(1);
    // Two processes at once: one takes it.
    expect((await Promise.all([send(), send()])).reduce((sum, count) => sum + count, 0)).toBe(1);
    time.at += 86_400_000;
    expect(await send()).toBe(0);
    expect(received).toHaveLength(1);
    const [first] = received;
    expect(first?.to).toEqual(['prof@ecole.example']);
    expect(first?.raw).toMatch(/^From: =\?UTF-8\?Q\?Pr=C3=A9au\?= <preau@ville\.example>\r$/m);
    expect(first?.raw).toMatch(/^Subject: secret est disponible\r$/m);
    expect(first?.raw).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(first?.raw).toContain('https://preau.example/');
    expect(first?.raw).toMatch(/^Message-ID: <mai_[A-Za-z0-9_-]{22}@ville\.example>\r$/m);

    // In English, with a reason that would be headers if anybody let it.
    await saveLanguage(platform.database, teacher.id, 'en');
    const evil = await ask('Jeu');
    await refuseRequest(platform, technician, evil.id, {
      reason: 'No.\nBcc: everyone@example.org',
      alike: false,
    });
    await platform.database
      .updateTable('requests')
      .set({ name: 'Jeu\r\nBcc: everyone@example.org\r\n\r\nBuy' })
      .where('id', '=', evil.id)
      .execute();
    expect(await send()).toBe(1);
    const head = received[1]?.raw.split('\r\n\r\n')[0] ?? '';
    expect(received[1]?.to).toEqual(['prof@ecole.example']);
    expect(head).not.toMatch(/^Bcc:/im);
    expect(head.replace(/\r\n[ \t]+/g, ' ')).toMatch(
      /^Subject: Your request for Jeu Bcc: everyone@example\.org Buy\r$/m,
    );
    mailer.close();
  });

  test(
    'a refusal for good is not tried again; what is no address is not tried at all; three days ' +
      'are the end',
    async () => {
      const port = await freePort();
      await listen(port, 550);
      const { mailer } = await news(port);
      const { platform, time } = city;
      expect(await sendMails(platform, mailer, '')).toBe(0);
      expect(await outbox()).toEqual([
        expect.objectContaining({
          sent_at: null,
          next_at: null,
          problem: expect.stringContaining('no such user'),
        }),
      ]);
      expect((await outbox())[0]?.problem).not.toContain('prof@ecole.example');
      const again = (address: string) =>
        platform.database
          .updateTable('mail_outbox')
          .set({ next_at: time.at, attempts: 0 })
          .execute()
          .then(() =>
            platform.database
              .updateTable('accounts')
              .set({ mail: address })
              .where('id', '=', city.teacher.id)
              .execute(),
          );
      await again('prof@ecole.example>\r\nRCPT TO:<x@example.org');
      await sendMails(platform, mailer, '');
      expect((await outbox())[0]).toMatchObject({ next_at: null, problem: 'no mail address' });
      await hangUp();
      await again('prof@ecole.example');
      time.at += 3 * 86_400_000 + 1;
      await sendMails(platform, mailer, '');
      expect((await outbox())[0]).toMatchObject({ next_at: null, sent_at: null });
      expect(received).toEqual([]);
      mailer.close();
    },
  );

  test('addresses, lines and waits', () => {
    for (const good of ['a@b.fr', 'prenom.nom+x@ac-grenoble.fr', "o'neil@ecole.example"])
      expect(isMailAddress(good)).toBe(true);
    for (const bad of [
      '',
      'a',
      'a@',
      '@b',
      'a b@c',
      'a@b\r\nBcc: c@d',
      '<a@b>',
      'a@b,c@d',
      'a@b;c@d',
      'a@b..c',
      'a@-b',
      `${'x'.repeat(65)}@b.fr`,
    ])
      expect(isMailAddress(bad)).toBe(false);
    expect(oneLine('a\r\nb\u2028c\u0000d')).toBe('a b c d');
    expect([0, 1, 5, 50].map(waitMs)).toEqual([30_000, 60_000, 960_000, 21_600_000]);
    const request = {
      name: 'Jeu',
      applicationName: { fr: 'Jeu', en: 'Game' },
      siteName: 'École',
      reason: 'Non',
    };
    for (const kind of ['request.ready', 'request.refused', 'request.answered'] as const) {
      expect(wordsFor({ kind, language: 'fr', personName: 'Zoé' }, request, '').text).toMatch(
        /^Bonjour Zoé,\n\n.*Jeu/,
      );
      expect(wordsFor({ kind, language: 'en', personName: 'Zoé' }, request, '').subject).toMatch(
        /Game/,
      );
    }
  });
});

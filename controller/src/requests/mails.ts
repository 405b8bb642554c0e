/** Mails about requests: their texts, and delivery from the outbox. A mail that was handed over
 * is not sent again; while the mail server is unreachable, it is retried with growing delays for
 * three days. */
import type { Mail, Mailer } from '#src/platform/mail.ts';
import { MailRefused, oneLine } from '#src/platform/mail.ts';
import type { Platform } from '#src/platform/platform.ts';
import {
  claimMail,
  type DueMail,
  deleteOldMails,
  type StoredRequest,
  selectDueMails,
  selectRequest,
  settleMail,
} from './store.ts';

const giveUpAfterMs = 3 * 86_400_000;
/** Longer than one attempt takes: after that, another process takes over from one that died. */
const leaseMs = 120_000;
const forgetAfterMs = 90 * 86_400_000;

/** 30 seconds, doubled each time, at most six hours. Pure. */
export const waitMs = (attempts: number): number =>
  Math.min(30_000 * 2 ** Math.min(attempts, 12), 6 * 3_600_000);

/** Pure. `url`: of the portal; empty when it is not configured. */
export function wordsFor(
  mail: Pick<DueMail, 'kind' | 'language' | 'personName'>,
  request: Pick<StoredRequest, 'name' | 'applicationName' | 'siteName' | 'reason'>,
  url: string,
): { subject: string; text: string } {
  const name = oneLine(request.applicationName?.[mail.language] ?? request.name);
  const link = url === '' ? '' : `${url}/${mail.kind === 'request.ready' ? '' : 'requests'}`;
  const lines = (...all: string[]) =>
    all.filter((line, at) => line !== '' || all[at - 1] !== '').join('\n');
  if (mail.language === 'en') {
    const [subject, body] = {
      'request.ready': [
        `${name} is there`,
        `You asked for ${name}: its icon is now on your Préau home page (${request.siteName}).`,
      ],
      'request.refused': [
        `Your request for ${name}`,
        `Your request for ${name} was not accepted.\n\n${request.reason ?? ''}`,
      ],
      'request.answered': [
        `An answer to your request for ${name}`,
        `Somebody has answered about your request for ${name}.`,
      ],
    }[mail.kind] as [string, string];
    return {
      subject,
      text: lines(
        `Hello ${oneLine(mail.personName)},`,
        '',
        body,
        '',
        link,
        '',
        'Préau (this message was sent by itself)',
        '',
      ),
    };
  }
  const [subject, body] = {
    'request.ready': [
      `${name} est disponible`,
      `Vous aviez demandé ${name} : son icône est maintenant sur votre page d’accueil Préau (${request.siteName}).`,
    ],
    'request.refused': [
      `Votre demande : ${name}`,
      `Votre demande pour ${name} n’a pas été acceptée.\n\n${request.reason ?? ''}`,
    ],
    'request.answered': [
      `Une réponse à votre demande : ${name}`,
      `Quelqu’un a répondu à votre demande pour ${name}.`,
    ],
  }[mail.kind] as [string, string];
  return {
    subject,
    text: lines(
      `Bonjour ${oneLine(mail.personName)},`,
      '',
      body,
      '',
      link,
      '',
      'Préau (ce message est automatique)',
      '',
    ),
  };
}

/** Sends the mails that are due. Never throws when the mail server is unreachable. Returns how
 * many were handed over. */
export async function sendMails(
  deps: Pick<Platform, 'config' | 'database' | 'clock' | 'log'>,
  mailer: Mailer,
  url: string,
): Promise<number> {
  let sent = 0;
  for (const mail of await selectDueMails(deps.database, deps.clock.now(), 50)) {
    const now = deps.clock.now();
    if (!(await claimMail(deps.database, mail, now + leaseMs))) continue;
    const request = await selectRequest(deps.database, mail.about.split(' ')[0] ?? '');
    if (request === undefined || mail.address === null) {
      await settleMail(deps.database, mail.id, {
        sent_at: null,
        next_at: null,
        problem: 'nobody to tell',
      });
      continue;
    }
    const letter: Mail = {
      to: mail.address,
      ...wordsFor(mail, request, url),
      messageId: `<${mail.id}@${deps.config.PREAU_MAIL_FROM.split('@')[1] ?? 'localhost'}>`,
    };
    try {
      await mailer.send(letter);
      await settleMail(deps.database, mail.id, {
        sent_at: deps.clock.now(),
        next_at: null,
        problem: null,
      });
      sent += 1;
    } catch (error) {
      if (!(error instanceof MailRefused)) throw error;
      const over = error.permanent || now - mail.createdAt > giveUpAfterMs;
      // The address is personal data and stays out of the log.
      deps.log.warn(
        {
          mail: mail.id,
          attempt: mail.attempts + 1,
          reason: error.message.replaceAll(mail.address, '…'),
        },
        over ? 'mail given up' : 'mail not sent yet',
      );
      await settleMail(deps.database, mail.id, {
        sent_at: null,
        next_at: over ? null : deps.clock.now() + waitMs(mail.attempts),
        problem: error.message.replaceAll(mail.address, '…'),
      });
      // An unreachable server is unreachable for the other mails too.
      if (!error.permanent) break;
    }
  }
  await deleteOldMails(deps.database, deps.clock.now() - forgetAfterMs);
  return sent;
}

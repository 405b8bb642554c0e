/** Mails, news and retention: background work that no request waits for. Notifies people that an
 * application they asked for is available, as soon as something is installed or published in any
 * controller process; sends the mails in the outbox; deletes data older than its retention period.
 * Each also runs every ten seconds, so a lost wake-up costs only seconds. */
import { createMailer } from '#src/platform/mail.ts';
import type { Platform } from '#src/platform/platform.ts';
import { keepAges } from '#src/privacy/keep.ts';
import { noticeReady } from '#src/requests/bring.ts';
import { sendMails } from '#src/requests/mails.ts';
import { runAgain } from './run-again.ts';

/** `settleMs`: delay before each run; changes during it are handled together. */
const usualTimes = { everyMs: 10_000, settleMs: 250 };

export function startNotices(
  deps: Platform & { publicUrl: () => string },
  { everyMs, settleMs }: typeof usualTimes = usualTimes,
): {
  close: () => Promise<void>;
} {
  const { PREAU_SMTP_URL: url, PREAU_MAIL_FROM: from } = deps.config;
  const mailer = url === '' ? null : createMailer(url, from);
  const background = (work: () => Promise<unknown>, failure: string) =>
    runAgain(work, (error) => deps.log.error({ err: error }, failure), { settleMs });
  const news = background(() => noticeReady(deps), 'requests not looked at');
  const retention = background(() => keepAges(deps), 'old things not removed');
  const mails =
    mailer === null
      ? null
      : background(() => sendMails(deps, mailer, deps.publicUrl()), 'mails not sent');
  const stop = deps.wakeups.listen((topics) => {
    if (
      topics.some((topic) => topic === 'applications' || topic === 'rules' || topic === 'requests')
    )
      void news.ask();
    if (topics.includes('mail')) void mails?.ask();
  });
  const timer = setInterval(() => {
    void news.ask();
    void retention.ask();
    void mails?.ask();
  }, everyMs);
  return {
    close: async () => {
      stop();
      clearInterval(timer);
      mailer?.close();
      await Promise.all([news.close(), retention.close(), mails?.close()]);
    },
  };
}

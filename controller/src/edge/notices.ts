/** What nobody waits for. Tells people that what they asked for is there: looks as soon as
 * something was installed or published, here or in another controller process, and every ten
 * seconds besides; sends what is in the outbox; once a day removes what is too old. A lost wake-up
 * costs seconds. */
import { createMailer } from '#src/platform/mail.ts';
import type { Platform } from '#src/platform/platform.ts';
import { keepAges } from '#src/privacy/keep.ts';
import { noticeReady } from '#src/requests/bring.ts';
import { sendMails } from '#src/requests/mails.ts';

const everyMs = 10_000;
/** What happens at once is looked at once. */
const settleMs = 250;

export function startNotices(deps: Platform & { publicUrl: () => string }): {
  close: () => Promise<void>;
} {
  const { PREAU_SMTP_URL: url, PREAU_MAIL_FROM: from } = deps.config;
  const mailer = url === '' ? null : createMailer(url, from);
  let closing = false;

  /** One at a time; what comes meanwhile is looked at after it. */
  const oneAtATime = (name: string, work: () => Promise<unknown>) => {
    let running: Promise<void> | null = null;
    let again = false;
    const run = async () => {
      do {
        again = false;
        await new Promise((resolve) => setTimeout(resolve, settleMs));
        if (!closing) await work().catch((error: unknown) => deps.log.error({ err: error }, name));
      } while (again && !closing);
      running = null;
    };
    return {
      ask: () => {
        if (running === null) running = run();
        else again = true;
      },
      done: async () => running,
    };
  };
  const looking = oneAtATime('requests not looked at', () => noticeReady(deps));
  const sending = oneAtATime('mails not sent', async () =>
    mailer === null ? 0 : sendMails(deps, mailer, deps.publicUrl()),
  );
  const keeping = oneAtATime('old things not removed', () => keepAges(deps));
  const stop = deps.wakeups.listen((topics) => {
    if (closing) return;
    if (
      topics.some((topic) => topic === 'applications' || topic === 'rules' || topic === 'requests')
    )
      looking.ask();
    if (mailer !== null && topics.includes('mail')) sending.ask();
  });
  const timer = setInterval(() => {
    looking.ask();
    keeping.ask();
    if (mailer !== null) sending.ask();
  }, everyMs);
  return {
    close: async () => {
      closing = true;
      stop();
      clearInterval(timer);
      mailer?.close();
      await looking.done();
      await sending.done();
      await keeping.done();
    },
  };
}

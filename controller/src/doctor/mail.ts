/** The mail server. No mail is sent. */
import { createMailer } from '#src/platform/mail.ts';
import { examination } from './examination.ts';

export const mail = examination({
  failure: 'MAIL_UNREACHABLE',
  gather: async ({ config }) => {
    if (config.PREAU_SMTP_URL === '') return;
    const mailer = createMailer(config.PREAU_SMTP_URL, config.PREAU_MAIL_FROM, 5000);
    try {
      await mailer.check();
    } finally {
      mailer.close();
    }
  },
  judge: () => [],
});

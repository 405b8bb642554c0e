/** Sending mail through the city's own mail server: the only file that knows SMTP. */
import { createTransport } from 'nodemailer';
import { isMailAddress } from '#src/config.ts';

export interface Mail {
  to: string;
  subject: string;
  text: string;
  /** The same for every attempt, so that a mail server can detect duplicates. */
  messageId: string;
}

/** The mail was not sent; the message gives the reason. `permanent`: retrying is useless. */
export class MailRefused extends Error {
  readonly permanent: boolean;
  constructor(message: string, permanent: boolean, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'MailRefused';
    this.permanent = permanent;
  }
}

export interface Mailer {
  /** Signs in as for a mail, and sends none. Throws what the server says. */
  check: () => Promise<void>;
  send: (mail: Mail) => Promise<void>;
  close: () => void;
}

/** Reduces text from people to one line, so that it cannot start a mail header. */
export const oneLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 200);

/** `smtp://` uses STARTTLS when the server offers it, `smtps://` TLS from the first byte. */
export function createMailer(url: string, from: string, timeoutMs = 10_000): Mailer {
  const transport = createTransport({
    url,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    check: async () => {
      await transport.verify();
    },
    send: async ({ to, subject, text, messageId }) => {
      if (!isMailAddress(to)) throw new MailRefused('no mail address', true);
      try {
        await transport.sendMail({
          from: { name: 'Préau', address: from },
          to: { name: '', address: to },
          subject: oneLine(subject),
          text,
          messageId,
          headers: { 'Auto-Submitted': 'auto-generated' },
        });
      } catch (cause) {
        const code =
          cause instanceof Error && 'responseCode' in cause ? Number(cause.responseCode) : 0;
        throw new MailRefused(
          cause instanceof Error ? oneLine(cause.message) : 'mail not sent',
          code >= 500 && code < 600,
          { cause },
        );
      }
    },
    close: () => transport.close(),
  };
}

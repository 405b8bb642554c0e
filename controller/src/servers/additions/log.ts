/** The output of a machine that becomes a server: untrusted text, stored for display. Pure. */
import { maxAdditionLog } from '@preau/contract/fleet.ts';

/** Removes escape sequences, control characters and text-direction overrides, and masks the secrets
 * in case the machine prints them. */
export function cleanOutput(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) if (secret.length >= 4) clean = clean.replaceAll(secret, '•••');
  return (
    clean
      .replace(/\r\n?/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
      .replace(/\u001b(\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(\u0007|\u001b\\)?|.)/g, '')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
      .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '')
  );
}

/** Appends, and keeps the end when the log grows too long. A quarter is dropped at once, by whole
 * lines, so that the cost stays proportional to the output. */
export function append(log: string, text: string): string {
  const whole = log + text;
  if (whole.length <= maxAdditionLog) return whole;
  const kept = whole.slice(-maxAdditionLog * 0.75);
  const line = kept.indexOf('\n');
  return `…\n${line < 0 ? kept : kept.slice(line + 1)}`;
}

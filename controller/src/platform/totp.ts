/** Codes of a telephone (RFC 6238): six digits, half a minute each. The only code that knows the
 * library. */
import { generateSecret, generateURI, verify } from 'otplib';

export const newTotpSecret = (): string => generateSecret();
export const totpAddress = (secret: string, login: string): string =>
  generateURI({ issuer: 'Préau', label: login, secret });

/** The period the code belongs to, or null. One before and one after are taken too, because clocks
 * differ; none up to `after`. */
export async function totpPeriod(
  secret: string,
  code: string,
  now: number,
  after: number,
): Promise<number | null> {
  const epoch = Math.floor(now / 1000);
  const result = await verify({ secret, token: code, epoch, epochTolerance: 30 });
  if (!result.valid) return null;
  const period = Math.floor(epoch / 30) + result.delta;
  return period > after ? period : null;
}

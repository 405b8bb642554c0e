/** TOTP codes (RFC 6238): six digits, valid for half a minute each. The only code that knows the
 * library. */
import { generateSecret, generateURI, verify } from 'otplib';

export const newTotpSecret = (): string => generateSecret();
export const totpAddress = (secret: string, login: string): string =>
  generateURI({ issuer: 'Préau', label: login, secret });

/** The time period of a valid code, or null. The previous and next periods are accepted because
 * clocks differ; periods up to `after` are refused. */
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

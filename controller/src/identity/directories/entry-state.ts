/** Reasons in a directory entry that forbid signing in. Pure. */
import { dayMs } from '@preau/contract/days.ts';
import type { LdapEntry } from '#src/platform/ldap.ts';

/** Attributes that `stateOf` reads. */
export const stateAttributes = [
  'userAccountControl',
  'accountExpires',
  'shadowExpire',
  'shadowLastChange',
  'shadowMax',
  'pwdAccountLockedTime',
  'pwdReset',
];

/** Active Directory counts in 100 ns since 1601. */
const since1601Ms = 11_644_473_600_000;

/** Null: signing in is allowed. */
export function stateOf(
  values: LdapEntry['values'],
  now: number,
): 'ACCOUNT_DISABLED' | 'ACCOUNT_EXPIRED' | 'PASSWORD_MUST_CHANGE' | 'PASSWORD_EXPIRED' | null {
  const number = (name: string) =>
    values[name.toLowerCase()]?.[0] === undefined ? null : Number(values[name.toLowerCase()]?.[0]);
  if (
    ((number('userAccountControl') ?? 0) & 2) !== 0 ||
    values['pwdaccountlockedtime']?.[0] === '000001010000Z'
  )
    return 'ACCOUNT_DISABLED';
  const expires = number('accountExpires') ?? 0;
  // 0 and 2^63 - 1: never.
  if (expires > 0 && expires < 9e18 && expires / 10_000 - since1601Ms <= now)
    return 'ACCOUNT_EXPIRED';
  const shadowExpire = number('shadowExpire') ?? -1;
  if (shadowExpire >= 0 && shadowExpire * dayMs <= now) return 'ACCOUNT_EXPIRED';
  const changed = number('shadowLastChange');
  if (changed === 0 || values['pwdreset']?.[0]?.toUpperCase() === 'TRUE')
    return 'PASSWORD_MUST_CHANGE';
  const max = number('shadowMax') ?? 0;
  if (changed !== null && max > 0 && max < 99_999 && (changed + max) * dayMs < now)
    return 'PASSWORD_EXPIRED';
  return null;
}

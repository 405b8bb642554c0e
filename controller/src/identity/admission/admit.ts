/** Whoever a provider vouches for has an account: made at the first sight, brought up to date at
 * each. An account belongs to one provider and one name there; somebody of the same login elsewhere
 * is somebody else. */

import { insertAccounts } from '#src/accounts/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Clock } from '#src/platform/clock.ts';
import type { Rows } from '#src/platform/database.ts';
import { keepPhoto } from '../people/store.ts';
import {
  changeMemberships,
  insertProviderGroup,
  type KnownPerson,
  selectKnownPerson,
  selectLoginsLike,
  selectMemberships,
  selectProviderGroups,
  selectSitesByUai,
  updatePerson,
} from './store.ts';
import type { Vouched } from './vouch.ts';

export interface Admitted {
  accountId: string;
  change: 'added' | 'changed' | 'returned' | 'same';
}
/** Read once for many people. */
export interface AdmissionBook {
  sites: Map<string, string>;
  groups: Map<string, string>;
}
export const openBook = async (rows: Rows, provider: string): Promise<AdmissionBook> => ({
  sites: await selectSitesByUai(rows),
  groups: await selectProviderGroups(rows, provider),
});

/** `camille.durand`, else `camille.durand-2`, and so on. Pure. */
export function freeLogin(wish: string, taken: ReadonlySet<string>): string {
  let login = wish;
  for (let number = 2; taken.has(login); number += 1) login = `${wish}-${number}`;
  return login;
}

/** What is kept of somebody differs from what the provider says. Pure. */
export const differs = (known: KnownPerson, vouched: Vouched, siteId: string | null): boolean =>
  known.displayName !== vouched.displayName ||
  known.mail !== vouched.mail ||
  known.siteId !== siteId ||
  known.attributes !== JSON.stringify(vouched.attributes) ||
  (!known.roleByHand && known.role !== vouched.role);

export async function admit(
  deps: { clock: Clock },
  rows: Rows,
  actor: Actor,
  vouched: Vouched,
  book?: AdmissionBook,
): Promise<Admitted> {
  const { sites, groups } = book ?? (await openBook(rows, vouched.provider));
  const mapped = vouched.uai === null ? null : (sites.get(vouched.uai) ?? null);
  const known = await selectKnownPerson(rows, vouched.provider, vouched.externalId);
  // Where an administrator put somebody by hand, they stay.
  const siteId = known?.roleByHand === true ? known.siteId : mapped;
  let accountId: string;
  let change: Admitted['change'] = 'same';
  if (known === undefined) {
    const login = freeLogin(vouched.login, await selectLoginsLike(rows, vouched.login));
    [accountId = ''] = await insertAccounts(
      rows,
      [
        {
          login,
          displayName: vouched.displayName,
          role: vouched.role,
          siteId,
          passwordHash: null,
          provider: vouched.provider,
          externalId: vouched.externalId,
          mail: vouched.mail,
          attributes: vouched.attributes,
        },
      ],
      deps.clock.now(),
    );
    change = 'added';
    await recordEffect(deps, rows, actor, {
      action: 'account.added',
      subjectId: accountId,
      subjectName: vouched.displayName,
      siteId,
      details: { provider: vouched.provider, role: vouched.role },
    });
  } else {
    accountId = known.id;
    if (known.disabled || differs(known, vouched, siteId)) {
      change = known.disabled ? 'returned' : 'changed';
      const role = known.roleByHand ? known.role : vouched.role;
      await updatePerson(rows, known.id, {
        displayName: vouched.displayName,
        role,
        siteId,
        mail: vouched.mail,
        attributes: JSON.stringify(vouched.attributes),
      });
      await recordEffect(deps, rows, actor, {
        action: known.disabled ? 'account.enabled' : 'account.changed',
        subjectId: known.id,
        subjectName: vouched.displayName,
        siteId,
        details: {
          provider: vouched.provider,
          ...(role === known.role ? {} : { role: `${known.role} → ${role}` }),
        },
      });
    }
  }
  const wanted = new Set<string>();
  for (const group of vouched.groups) {
    const groupSite = group.uai === null ? null : (sites.get(group.uai) ?? null);
    // A class of a school that is not ours is none.
    if (group.uai !== null && groupSite === null) continue;
    const id =
      groups.get(group.externalId) ??
      (await insertProviderGroup(rows, vouched.provider, group, groupSite));
    groups.set(group.externalId, id);
    wanted.add(id);
  }
  const has = new Set(
    (known === undefined ? [] : await selectMemberships(rows, vouched.provider, accountId)).map(
      (member) => member.groupId,
    ),
  );
  const [add, remove] = [
    [...wanted].filter((id) => !has.has(id)),
    [...has].filter((id) => !wanted.has(id)),
  ];
  if (add.length + remove.length > 0) {
    await changeMemberships(rows, accountId, add, remove);
    if (change === 'same') change = 'changed';
  }
  await keepPhoto(rows, accountId, vouched.photo);
  return { accountId, change };
}

/** Gives the people a provider vouches for an account: created at their first sign-in, updated at
 * each one. An account belongs to one provider and one identifier there; the same login at another
 * provider is another person. */
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

type Change = 'added' | 'changed' | 'returned' | 'same';
export interface Admitted {
  accountId: string;
  change: Change;
}
/** Ids of schools by UAI, and of groups by the provider's id for them: read once for many
 * people. */
export interface KnownIds {
  sites: Map<string, string>;
  groups: Map<string, string>;
}
export const readKnownIds = async (rows: Rows, provider: string): Promise<KnownIds> => ({
  sites: await selectSitesByUai(rows),
  groups: await selectProviderGroups(rows, provider),
});
/** Context for admitting one person. */
interface Admission {
  deps: { clock: Clock };
  rows: Rows;
  actor: Actor;
  vouched: Vouched;
}

/** `camille.durand`, else `camille.durand-2`, and so on. Pure. */
export function freeLogin(wish: string, taken: ReadonlySet<string>): string {
  let login = wish;
  for (let number = 2; taken.has(login); number += 1) login = `${wish}-${number}`;
  return login;
}

/** Whether the stored account differs from what the provider says. Pure. */
const differs = (known: KnownPerson, vouched: Vouched, siteId: string | null): boolean =>
  known.displayName !== vouched.displayName ||
  known.mail !== vouched.mail ||
  known.siteId !== siteId ||
  known.attributes !== JSON.stringify(vouched.attributes) ||
  (!known.roleByHand && known.role !== vouched.role);

/** In the caller's transaction. `ids`: from `readKnownIds`; newly created groups are added to
 * it. */
export async function admit(
  deps: { clock: Clock },
  rows: Rows,
  actor: Actor,
  vouched: Vouched,
  ids?: KnownIds,
): Promise<Admitted> {
  const admission: Admission = { deps, rows, actor, vouched };
  const { sites, groups } = ids ?? (await readKnownIds(rows, vouched.provider));
  const mapped = vouched.uai === null ? null : (sites.get(vouched.uai) ?? null);
  const known = await selectKnownPerson(rows, vouched.provider, vouched.externalId);
  // An administrator's choice of school takes precedence over the provider's.
  const siteId = known?.roleByHand === true ? known.siteId : mapped;
  const { accountId, change } =
    known === undefined
      ? await addAccount(admission, siteId)
      : await renewAccount(admission, known, siteId);
  const wanted = await groupIdsOf(admission, { sites, groups });
  const moved = await changeGroups(admission, accountId, known !== undefined, wanted);
  await keepPhoto(rows, accountId, vouched.photo);
  return { accountId, change: change === 'same' && moved ? 'changed' : change };
}

async function addAccount(
  { deps, rows, actor, vouched }: Admission,
  siteId: string | null,
): Promise<Admitted> {
  const login = freeLogin(vouched.login, await selectLoginsLike(rows, vouched.login));
  const [accountId = ''] = await insertAccounts(
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
  await recordEffect(deps, rows, actor, {
    action: 'account.added',
    subjectId: accountId,
    subjectName: vouched.displayName,
    siteId,
    details: { provider: vouched.provider, role: vouched.role },
  });
  return { accountId, change: 'added' };
}

/** Updates an account; a disabled person may sign in again. */
async function renewAccount(
  { deps, rows, actor, vouched }: Admission,
  known: KnownPerson,
  siteId: string | null,
): Promise<Admitted> {
  const accountId = known.id;
  if (!known.disabled && !differs(known, vouched, siteId)) return { accountId, change: 'same' };
  const role = known.roleByHand ? known.role : vouched.role;
  await updatePerson(rows, accountId, {
    displayName: vouched.displayName,
    role,
    siteId,
    mail: vouched.mail,
    attributes: JSON.stringify(vouched.attributes),
  });
  await recordEffect(deps, rows, actor, {
    action: known.disabled ? 'account.enabled' : 'account.changed',
    subjectId: accountId,
    subjectName: vouched.displayName,
    siteId,
    details: {
      provider: vouched.provider,
      ...(role === known.role ? {} : { role: `${known.role} → ${role}` }),
    },
  });
  return { accountId, change: known.disabled ? 'returned' : 'changed' };
}

/** Ids of the groups the provider puts this person in; missing groups are created. */
async function groupIdsOf({ rows, vouched }: Admission, ids: KnownIds): Promise<Set<string>> {
  const wanted = new Set<string>();
  for (const group of vouched.groups) {
    const siteId = group.uai === null ? null : (ids.sites.get(group.uai) ?? null);
    // Classes of schools outside this city are ignored.
    if (group.uai !== null && siteId === null) continue;
    const id =
      ids.groups.get(group.externalId) ??
      (await insertProviderGroup(rows, vouched.provider, group, siteId));
    ids.groups.set(group.externalId, id);
    wanted.add(id);
  }
  return wanted;
}

/** False when the memberships are already exactly these. Groups of other providers are left
 * alone. */
async function changeGroups(
  { rows, vouched }: Admission,
  accountId: string,
  wasKnown: boolean,
  wanted: ReadonlySet<string>,
): Promise<boolean> {
  const memberships = wasKnown ? await selectMemberships(rows, vouched.provider, accountId) : [];
  const has = new Set(memberships.map(({ groupId }) => groupId));
  const add = [...wanted].filter((id) => !has.has(id));
  const remove = [...has].filter((id) => !wanted.has(id));
  if (add.length + remove.length === 0) return false;
  await changeMemberships(rows, accountId, add, remove);
  return true;
}

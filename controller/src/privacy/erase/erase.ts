/** Erases a person's identity. Their account, sessions and audit events stay, under the name "an
 * erased person". */

import { erasedName } from '@preau/contract/audit-chain.ts';
import { dayMs } from '@preau/contract/days.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { Erased, PersonHeld } from '@preau/contract/privacy.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { withdrawRule } from '#src/access/rules.ts';
import { mustReach, reachOf } from '#src/accounts/reach.ts';
import { deleteSignInsOf } from '#src/accounts/sign-ins/store.ts';
import { chainEvents } from '#src/audit/chain.ts';
import { erasingOf, passOver } from '#src/audit/erase.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import { removeErased } from '#src/platform/compaction/compaction.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectRules } from '#src/rules/store.ts';
import { publishErasedHomes } from '#src/servers/homes/homes.ts';
import { insertErasedHomes } from '#src/servers/homes/store.ts';
import { removePersonFiles, selectPersonFiles } from '#src/sessions/person-files.ts';
import { saveNamed, searchHeld, selectHeld, selectLeavers, selectPrivacy } from '../store.ts';
import { closeAccounts, forgetVanished, pseudonymise, selectNames } from './store.ts';

type Deps = Pick<
  Platform,
  'config' | 'database' | 'clock' | 'secrets' | 'wakeups' | 'heavy' | 'log'
>;

const inGroups = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, group) =>
    items.slice(group * size, group * size + size),
  );

export const findPeople = (
  deps: Pick<Deps, 'database'>,
  actor: AccountActor,
  search: string,
): Promise<PersonHeld[]> => searchHeld(deps.database, search, reachOf(actor));

export async function listLeavers(
  deps: Pick<Deps, 'database' | 'clock'>,
  actor: AccountActor,
  siteId: string | null,
): Promise<PersonHeld[]> {
  const { leftDays } = await selectPrivacy(deps.database);
  if (siteId !== null) mustReach(actor, siteId);
  return selectLeavers(deps.database, {
    before: deps.clock.now() - leftDays * dayMs,
    siteIds: siteId === null ? reachOf(actor) : [siteId],
    limit: 2000,
  });
}

/** Refuses with NOT_FOUND; with VALIDATION_FAILED when `login` is not theirs; with STATE_FORBIDS
 * the caller's own account, and a person who has an application open. */
export async function erasePerson(
  deps: Deps,
  actor: AccountActor,
  id: string,
  login: string,
): Promise<Erased> {
  const [person] = await selectHeld(deps.database, [id]);
  if (person === undefined || person.erasedAt !== null)
    throw new AppError('NOT_FOUND', { account: id });
  mustReach(actor, ...(reachOf(actor) === null ? [] : [person.siteId]));
  if (person.login !== login.trim().toLowerCase())
    throw new AppError('VALIDATION_FAILED', {
      issues: [{ field: 'body/login', problem: 'is not the user name of this account' }],
    });
  if (id === actor.id || person.liveSessions > 0)
    throw new AppError('STATE_FORBIDS', { liveSessions: person.liveSessions });
  return eraseAccounts(deps, actor, [id], []);
}

/** Erases those who are still leavers and have no application open; the others are kept, and
 * listed in the answer. */
export async function eraseLeavers(
  deps: Deps,
  actor: AccountActor,
  accountIds: readonly string[],
): Promise<Erased> {
  const leavers = new Map(
    (await listLeavers(deps, actor, null)).map((person) => [person.id, person]),
  );
  const may = accountIds.filter((id) => leavers.get(id)?.liveSessions === 0);
  return eraseAccounts(
    deps,
    actor,
    may,
    accountIds
      .filter((id) => !may.includes(id))
      .map((id) => ({ id, code: leavers.has(id) ? 'STATE_FORBIDS' : 'NOT_FOUND' })),
  );
}

/** Somebody who types the name again and again does not keep the erasure from ending. */
const mostRounds = 5;

/** In steps, each safe to repeat: if the controller stops in between, the accounts can still be
 * erased. The audit records the erasure before it loses the names, so that a verification at any
 * time finds every missing name accounted for. */
async function eraseAccounts(
  deps: Deps,
  actor: AccountActor,
  ids: readonly string[],
  keptOnes: Erased['kept'],
): Promise<Erased> {
  if (ids.length === 0) return { accounts: 0, events: 0, kept: keptOnes };
  const now = deps.clock.now();
  const whose = new Set(ids);
  for (const rule of await selectRules(deps.database))
    if (rule.audience.kind === 'person' && whose.has(rule.audience.accountId))
      await withdrawRule(deps, actor, rule.id);
  const people = await selectNames(deps.database, ids);
  const erasing = erasingOf(people);
  await chainEvents(deps);
  let seen = await passOver(deps, erasing, {}, 'count');
  const record = (personIds: readonly string[], unnamed: number) =>
    deps.database.transaction().execute(async (rows) => {
      const signIns = await deleteSignInsOf(rows, { accountIds: personIds });
      await closeAccounts(rows, personIds, now);
      for (const [at, person] of people.filter(({ id }) => personIds.includes(id)).entries())
        await recordEffect(deps, rows, actor, {
          action: 'account.erased',
          subjectId: person.id,
          subjectName: erasedName,
          siteId: person.siteId,
          details: { unnamed: at === 0 ? unnamed : 0 },
        });
      return signIns.map(({ tokenHash }) => tokenHash);
    });
  const signIns: string[] = [];
  for (const [at, group] of inGroups(ids, 200).entries())
    signIns.push(...(await record(group, at === 0 ? seen.unnamed : 0)));
  // Whoever types the name meanwhile leaves an event with it. Only what was counted is erased: one
  // more would look like a forgery for ever.
  for (let round = 1; round <= mostRounds; round += 1) {
    await chainEvents(deps);
    seen = await passOver(deps, erasing, { after: seen.seq }, 'count');
    if (seen.unnamed === 0) break;
    await record(ids.slice(0, 1), seen.unnamed);
  }
  const { events } = await passOver(deps, erasing, { upTo: seen.seq }, 'erase');
  await deps.database.transaction().execute((rows) =>
    forgetVanished(
      rows,
      people.flatMap(({ names }) => names),
    ),
  );
  for (const group of inGroups(ids, 50)) {
    const files = await selectPersonFiles(deps, group);
    await deps.database.transaction().execute(async (rows) => {
      await insertErasedHomes(rows, group, now);
      await pseudonymise(
        rows,
        people.filter(({ id }) => group.includes(id)),
        now,
      );
      // Until the file is rewritten, also if the controller stops before.
      await saveNamed(rows, 'compaction', { due: true }, now);
    });
    await removePersonFiles(deps, files);
  }
  await publishErasedHomes(deps);
  if (await removeErased(deps)) await saveNamed(deps.database, 'compaction', { due: false }, now);
  deps.wakeups.wake([
    'audit',
    'people',
    'recordings',
    'requests',
    ...signIns.map((hash): Topic => `sign-in:${hash}`),
  ]);
  return { accounts: people.length, events, kept: keptOnes };
}

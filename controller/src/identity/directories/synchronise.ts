/** Reads a whole directory and updates accounts. People who have vanished from it are disabled,
 * never deleted; when more than one in ten would be, nothing changes until a technician has read
 * the list and confirmed exactly that list. */
import { AppError } from '@preau/contract/errors.ts';
import type { Directory, DirectoryCheck } from '@preau/contract/identity.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { tellSignedOut } from '#src/accounts/sign-ins/sign-in.ts';
import { deleteSignInsOf } from '#src/accounts/sign-ins/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { admit, readKnownIds } from '../admission/admit.ts';
import { disablePeople, selectKnownPeople } from '../admission/store.ts';
import { type ProviderPerson, vouch } from '../admission/vouch.ts';
import type { PasswordProvider, Provider } from '../provider.ts';
import type { Identity } from '../sign-in.ts';
import { deleteOldSteps } from '../steps/store.ts';
import { planSync, type SyncPlan } from './plan-sync.ts';
import {
  claimDirectory,
  countAccountsOf,
  type DirectoryRow,
  keepDirectory,
  selectDirectory,
} from './store.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'log' | 'wakeups'> & {
  identity: Pick<Identity, 'providers'>;
};
/** Longer than any synchronisation takes; after that, a process is assumed dead. */
const leaseMs = 600_000;
const retryMs = 300_000;
/** People per transaction, so that sign-ins wait only briefly. */
const atOnce = 100;
const job: Actor = { kind: 'job', id: 'synchronise', name: 'synchronise' };

function findDirectory(deps: Deps, id: string): Provider {
  const provider = deps.identity.providers.find((one) => one.id === id);
  if (provider === undefined) throw new AppError('NOT_FOUND', { provider: id });
  return provider;
}

/** Synchronises the directories that are due. Called by the sweep; running it twice is a no-op. */
export async function synchroniseDue(deps: Deps): Promise<void> {
  const now = deps.clock.now();
  await deleteOldSteps(deps.database, now);
  for (const provider of deps.identity.providers) {
    if (provider.kind !== 'ldap' || provider.syncEveryMs === null) continue;
    if (
      (await selectDirectory(deps.database, provider.id)).nextAt > now ||
      !(await claimDirectory(deps.database, provider.id, now, now + leaseMs, false))
    )
      continue;
    await synchronise(deps, job, provider, null);
  }
}

/** `confirm`: hash of the plan whose brake a technician releases. Refuses with SYNC_RUNNING, and
 * with SYNC_BRAKED when the plan has changed. */
export async function synchroniseNow(
  deps: Deps,
  actor: Actor,
  id: string,
  confirm: string | null,
): Promise<Directory> {
  const provider = findDirectory(deps, id);
  if (provider.kind !== 'ldap') throw new AppError('NOT_FOUND', { provider: id });
  const now = deps.clock.now();
  if (!(await claimDirectory(deps.database, id, now, now + leaseMs, true)))
    throw new AppError('SYNC_RUNNING');
  await synchronise(deps, actor, provider, confirm);
  return readDirectory(deps, provider);
}

const hashOf = (plan: SyncPlan) =>
  sha256(
    plan.vanished
      .map(({ externalId }) => externalId)
      .sort()
      .join('\n'),
  );

async function synchronise(
  deps: Deps,
  actor: Actor,
  provider: PasswordProvider,
  confirm: string | null,
): Promise<void> {
  const past = await selectDirectory(deps.database, provider.id);
  const row: DirectoryRow = {
    ...past,
    lastAt: deps.clock.now(),
    nextAt: deps.clock.now() + (provider.syncEveryMs ?? retryMs),
    problem: null,
  };
  const record = (
    action:
      | 'directory.synchronised'
      | 'directory.sync_failed'
      | 'directory.braked'
      | 'directory.confirmed',
    details: Record<string, unknown>,
  ) =>
    recordEffect(deps, deps.database, actor, {
      action,
      subjectId: provider.id,
      subjectName: provider.name.fr,
      details,
    });
  let everybody: ProviderPerson[];
  try {
    everybody = await provider.everybody();
  } catch (error) {
    const reason =
      error instanceof AppError && error.cause instanceof Error
        ? error.cause.message
        : error instanceof Error
          ? error.message
          : String(error);
    await keepDirectory(deps.database, provider.id, {
      ...row,
      state: 'failed',
      problem: reason.slice(0, 300),
      nextAt: deps.clock.now() + Math.min(provider.syncEveryMs ?? retryMs, retryMs),
    });
    // Recorded once per outage, not once per attempt.
    if (past.state !== 'failed')
      await record('directory.sync_failed', { reason: reason.slice(0, 300) });
    deps.wakeups.wake(['directories', 'audit']);
    return;
  }
  const vouched = everybody.flatMap((one) => {
    const made = vouch(provider.mapping, one);
    return typeof made === 'string' ? [] : [{ vouched: made, barred: one.barred }];
  });
  const plan = planSync(await selectKnownPeople(deps.database, provider.id), vouched);
  const hash = hashOf(plan);
  const differences = {
    read: everybody.length,
    added: plan.added,
    changed: 0,
    vanished: plan.vanished.length,
    returned: plan.returned,
    refused: everybody.length - vouched.length,
  };
  const vanishedNames = plan.vanished
    .slice(0, 200)
    .map((person) => `${person.displayName} (${person.login})`);
  if (plan.braked && confirm !== hash) {
    await keepDirectory(deps.database, provider.id, {
      ...row,
      state: 'braked',
      differences,
      vanishedNames,
      planHash: hash,
    });
    if (past.state !== 'braked' || past.planHash !== hash)
      await record('directory.braked', {
        vanished: plan.vanished.length,
        share: Math.round(plan.share * 100),
      });
    deps.wakeups.wake(['directories', 'audit']);
    if (confirm !== null) throw new AppError('SYNC_BRAKED');
    return;
  }
  if (plan.braked) await record('directory.confirmed', { vanished: plan.vanished.length });
  const woken = await vanish(deps, actor, provider.id, plan.vanished);
  const ids = await readKnownIds(deps.database, provider.id);
  for (let at = 0; at < plan.present.length; at += atOnce) {
    await deps.database.transaction().execute(async (rows) => {
      for (const person of plan.present.slice(at, at + atOnce)) {
        const { accountId, change } = await admit(deps, rows, actor, person, ids);
        if (change === 'changed') differences.changed += 1;
        if (change !== 'same' && change !== 'added') woken.push(`person:${accountId}`);
      }
    });
  }
  await keepDirectory(deps.database, provider.id, {
    ...row,
    state: 'done',
    lastGoodAt: deps.clock.now(),
    differences,
    vanishedNames,
    planHash: null,
  });
  if (
    differences.added + differences.changed + differences.vanished + differences.returned > 0 ||
    past.state !== 'done'
  )
    await record('directory.synchronised', { ...differences });
  deps.wakeups.wake([...woken, 'directories', 'people', 'audit']);
}

/** Disables these people and ends their sign-ins, which closes their tunnels. Wakes listeners at
 * once, before the rest of the synchronisation. */
async function vanish(
  deps: Deps,
  actor: Actor,
  provider: string,
  people: SyncPlan['vanished'],
): Promise<Topic[]> {
  if (people.length === 0) return [];
  const ids = people.map((person) => person.id);
  const ended = await deps.database.transaction().execute(async (rows) => {
    await disablePeople(rows, ids, deps.clock.now());
    for (const person of people)
      await recordEffect(deps, rows, actor, {
        action: 'account.disabled',
        subjectId: person.id,
        subjectName: person.displayName,
        siteId: person.siteId,
        details: { provider },
      });
    const gone = await deleteSignInsOf(rows, { accountIds: ids });
    for (const accountId of new Set(gone.map((one) => one.accountId)))
      await tellSignedOut(deps, rows, actor, accountId, 'disabled');
    return gone;
  });
  deps.wakeups.wake(ended.map(({ tokenHash }): Topic => `sign-in:${tokenHash}`));
  return ids.map((id): Topic => `person:${id}`);
}

async function readDirectory(deps: Pick<Deps, 'database'>, provider: Provider): Promise<Directory> {
  const [row, counts] = [
    await selectDirectory(deps.database, provider.id),
    await countAccountsOf(deps.database, provider.id),
  ];
  const syncs = provider.kind === 'ldap' && provider.syncEveryMs !== null;
  return {
    id: provider.id,
    kind: provider.kind,
    name: provider.name,
    address: provider.address,
    domains: [...provider.domains],
    networks: [...provider.networks],
    ...counts,
    syncs,
    state: row.state,
    lastAt: row.lastAt,
    lastGoodAt: row.lastGoodAt,
    nextAt: syncs ? row.nextAt : null,
    problem: row.problem,
    differences: row.differences,
    vanishedNames: row.vanishedNames,
    confirm: row.state === 'braked' ? row.planHash : null,
  };
}
export const listDirectories = async (deps: Deps): Promise<Directory[]> =>
  Promise.all(deps.identity.providers.map((provider) => readDirectory(deps, provider)));

export async function checkDirectory(deps: Deps, id: string): Promise<DirectoryCheck> {
  const provider = findDirectory(deps, id);
  const started = performance.now();
  const problem = await provider.check().then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)).slice(0, 300),
  );
  return { ok: problem === null, ms: Math.round(performance.now() - started), problem };
}

/** From approval to availability: starts the school's rollout, and detects when the application
 * is available to the person who asked. */
import { AppError, type ErrorCode } from '@preau/contract/errors.ts';
import { decide } from '@preau/contract/policy.ts';
import { defaultDraft, type RolloutDraft } from '@preau/contract/rollout-draft.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { selectAccount, selectPerson } from '#src/accounts/store.ts';
import { selectApplications } from '#src/applications/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor, Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { changeDraft, createRollout } from '#src/rollouts/plan/create.ts';
import { startRollout } from '#src/rollouts/plan/start.ts';
import { selectRollout } from '#src/rollouts/store.ts';
import { policyBook } from '#src/rules/policy-book.ts';
import { selectInstalledAtSite } from '#src/servers/store.ts';
import { newsTopics } from './ask.ts';
import { changeRequest, insertMail, type StoredRequest, selectAwaited } from './store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

const draftFor = (
  request: StoredRequest,
  applicationId: string,
  startAt: number | null,
): RolloutDraft => ({
  ...defaultDraft,
  name: `${request.name.slice(0, 40)}, ${request.siteName.slice(0, 36)}`,
  items: [{ applicationId, want: 'present' }],
  where: { all: false, siteIds: [request.siteId], groupIds: [], serverIds: [], labels: [] },
  waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
  startAt,
});

/** Refuses with NEEDS_APPROVAL, and like `startRollout`. */
async function begin(deps: Deps, actor: AccountActor, rolloutId: string): Promise<void> {
  const rollout = await selectRollout(deps.database, rolloutId);
  if (rollout === undefined) throw new AppError('NOT_FOUND', { rollout: rolloutId });
  await startRollout(deps, actor, rolloutId, { planHash: rollout.plan.hash, force: false });
}

/** Starts the rollout in the name of the person who approved. A failure is saved with the
 * request, for the technicians; nothing is undone. */
export async function bring(
  deps: Deps,
  actor: AccountActor,
  { siteId, applicationId, ...request }: StoredRequest,
): Promise<void> {
  if (applicationId === null) return;
  const now = deps.clock.now();
  let rolloutId: string | null = null;
  let problem: ErrorCode | null = null;
  try {
    rolloutId = await createRollout(
      deps,
      actor,
      draftFor({ ...request, siteId, applicationId }, applicationId, null),
      { asks: false, scheduleId: null },
    );
    await begin(deps, actor, rolloutId).catch(async (error: unknown) => {
      if (!(error instanceof AppError) || error.code !== 'SCHOOL_ARRIVES' || rolloutId === null)
        throw error;
      // A scheduled rollout may be started now: it waits until the school's classes have arrived.
      await changeDraft(
        deps,
        actor,
        rolloutId,
        draftFor({ ...request, siteId, applicationId }, applicationId, now + 1000),
        { asks: false },
      );
      await begin(deps, actor, rolloutId);
    });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    problem = error.code;
  }
  const topics = await deps.database.transaction().execute(async (rows) => {
    const topics: Topic[] = ['requests', 'audit'];
    for (const each of await selectAwaited(rows, { siteId, applicationId })) {
      await changeRequest(rows, each, { rollout_id: rolloutId ?? each.rolloutId, problem }, now);
      await recordEffect(deps, rows, actor, {
        action: 'request.installing',
        subjectId: each.id,
        subjectName: each.name,
        siteId,
        details: { rollout: rolloutId, ...(problem === null ? {} : { code: problem }) },
      });
      topics.push(...newsTopics(each));
    }
    return topics;
  });
  deps.wakeups.wake(topics);
}

/** Checks whether approved applications are now installed at the school and allowed for the
 * person who asked, and notifies each person once. Safe to run anywhere, at any time, twice.
 * Returns how many were notified. */
export async function noticeReady(deps: Deps): Promise<number> {
  const awaited = await selectAwaited(deps.database);
  if (awaited.length === 0) return 0;
  const now = deps.clock.now();
  const actor: Actor = { kind: 'job', id: 'requests', name: 'requests' };
  const { policy, sites } = await policyBook(deps.database);
  let told = 0;
  for (const [siteId, requests] of Map.groupBy(awaited, (request) => request.siteId)) {
    const installed = await selectInstalledAtSite(deps.database, siteId);
    for (const request of requests) {
      if (request.applicationId === null || !installed.has(request.applicationId)) continue;
      const account = await selectAccount(deps.database, request.accountId);
      const [application] = await selectApplications(deps.database, {
        id: request.applicationId,
        learnt: false,
      });
      if (account === undefined || application === undefined) continue;
      const person = await selectPerson(deps.database, account);
      if (
        !decide(policy, {
          person,
          application,
          site: sites.get(account.siteId ?? '') ?? null,
          address: null,
          now,
        }).allowed
      )
        continue;
      const first = await deps.database.transaction().execute(async (rows) => {
        if (
          !(await changeRequest(rows, request, { ready_at: now, news_at: now, problem: null }, now))
        )
          return false;
        if (deps.config.PREAU_SMTP_URL !== '')
          await insertMail(rows, {
            accountId: request.accountId,
            kind: 'request.ready',
            about: request.id,
            now,
          });
        await recordEffect(deps, rows, actor, {
          action: 'request.ready',
          subjectId: request.id,
          subjectName: request.name,
          siteId,
        });
        return true;
      });
      if (!first) continue;
      told += 1;
      deps.wakeups.wake([...newsTopics(request), 'mail']);
    }
  }
  return told;
}

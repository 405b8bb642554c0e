/** What contacts and technicians may do with a request: write, approve, refuse, link the
 * application it means, install it. */

import { isTechnician } from '@preau/contract/account.ts';
import { AppError } from '@preau/contract/errors.ts';
import {
  type Approval,
  type Refusal,
  type RequestDetail,
  requestCan,
  stateOf,
} from '@preau/contract/request.ts';
import { plainRule, type RuleAudience } from '@preau/contract/rule.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { addRule } from '#src/access/rules.ts';
import { selectSitesOfGroups } from '#src/accounts/store.ts';
import { selectApplications } from '#src/applications/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectInstalledAtSite } from '#src/servers/store.ts';
import { newsTopics } from './ask.ts';
import { bring } from './bring.ts';
import { mustFind, readRequest } from './show.ts';
import {
  changeRequest,
  insertMail,
  insertMessage,
  type StoredRequest,
  selectAlike,
} from './store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

const forbid = (request: StoredRequest): never => {
  throw new AppError('STATE_FORBIDS', { state: stateOf(request) });
};
/** Without a mail server, no mail is queued: a server set up later would send last year's news. */
export const sendsMail = (deps: Pick<Platform, 'config'>): boolean =>
  deps.config.PREAU_SMTP_URL !== '';

async function write(
  deps: Deps,
  rows: Rows,
  actor: AccountActor,
  request: StoredRequest,
  text: string,
): Promise<void> {
  await insertMessage(rows, {
    requestId: request.id,
    accountId: actor.id,
    text,
    now: deps.clock.now(),
  });
}

export async function answerRequest(
  deps: Deps,
  actor: AccountActor,
  id: string,
  text: string,
): Promise<RequestDetail> {
  const now = deps.clock.now();
  const request = await deps.database.transaction().execute(async (rows) => {
    const request = await mustFind(rows, actor, id);
    if (!requestCan.answer(request)) forbid(request);
    await write(deps, rows, actor, request, text);
    if (!(await changeRequest(rows, request, { news_at: now }, now))) forbid(request);
    if (sendsMail(deps) && request.accountId !== actor.id)
      await insertMail(rows, {
        accountId: request.accountId,
        kind: 'request.answered',
        about: `${id} ${request.messages + 1}`,
        now,
      });
    await recordEffect(deps, rows, actor, {
      action: 'request.answered',
      subjectId: id,
      subjectName: request.name,
      siteId: request.siteId,
    });
    return request;
  });
  deps.wakeups.wake([...newsTopics(request), 'mail']);
  return readRequest(deps.database, actor, id);
}

/** Approving creates the rule in the same transaction. A school's contact approves what is on the
 * school's servers; any other request goes on to the city's technicians with the school's approval.
 * Refuses with STATE_FORBIDS, WITHDRAWN (not in the catalogue), OUT_OF_SCOPE (a group of another
 * school). */
export async function approveRequest(
  deps: Deps,
  actor: AccountActor,
  id: string,
  { audience, alike, note }: Approval,
): Promise<RequestDetail> {
  const now = deps.clock.now();
  const done = await deps.database.transaction().execute(async (rows) => {
    const request = await mustFind(rows, actor, id);
    if (!requestCan.approve(request, actor)) forbid(request);
    await mustBeOfSchool(rows, audience, request.siteId);
    const all = alike ? await selectAlike(rows, request) : [request];
    const { passesOn, there } = await wayOf(rows, actor, request);
    const topics = new Set<Topic>(['mail']);
    const ruleOf = passesOn
      ? () => null
      : await rulesOf(ruleMaker(deps, rows, actor, request, topics), audience);
    for (const each of all) {
      if (!requestCan.approve(each, actor)) continue;
      const ruleId = await ruleOf(each.accountId);
      await decide(deps, rows, actor, each, { passesOn, ruleId, note, now });
      for (const topic of newsTopics(each)) topics.add(topic);
    }
    return { request, topics: [...topics], bring: !passesOn && !there };
  });
  if (done.bring) await bring(deps, actor, done.request);
  deps.wakeups.wake(done.topics);
  return readRequest(deps.database, actor, id);
}

/** Refuses with OUT_OF_SCOPE a group of another school. */
async function mustBeOfSchool(
  rows: Rows,
  audience: Approval['audience'],
  siteId: string,
): Promise<void> {
  if (
    audience.kind === 'group' &&
    (await selectSitesOfGroups(rows, [audience.groupId])).some((owner) => owner !== siteId)
  )
    throw new AppError('OUT_OF_SCOPE', { group: audience.groupId });
}

/** `there`: the application is on the school's servers. `passesOn`: a school's contact cannot
 * install it, so technicians decide. Refuses with WITHDRAWN an application that is neither there
 * nor in the catalogue. */
async function wayOf(
  rows: Rows,
  actor: AccountActor,
  { siteId, applicationId }: StoredRequest,
): Promise<{ passesOn: boolean; there: boolean }> {
  const there =
    applicationId !== null && (await selectInstalledAtSite(rows, siteId)).has(applicationId);
  const passesOn = !isTechnician(actor) && !there;
  if (
    !passesOn &&
    !there &&
    (await selectApplications(rows, { id: applicationId ?? '', learnt: false })).length === 0
  )
    throw new AppError('WITHDRAWN', { application: applicationId });
  return { passesOn, there };
}

/** Returns a function that gives the rule for a person who asked: the same rule for all, or a rule
 * for each person. */
async function rulesOf(
  makeRule: (whom: RuleAudience) => Promise<string>,
  audience: Approval['audience'],
): Promise<(accountId: string) => string | Promise<string>> {
  if (audience.kind !== 'askers') {
    const shared = await makeRule(audience);
    return () => shared;
  }
  const own = new Map<string, string>();
  return async (accountId) => {
    const ruleId = own.get(accountId) ?? (await makeRule({ kind: 'person', accountId }));
    own.set(accountId, ruleId);
    return ruleId;
  };
}

async function decide(
  deps: Deps,
  rows: Rows,
  actor: AccountActor,
  request: StoredRequest,
  {
    passesOn,
    ruleId,
    note,
    now,
  }: { passesOn: boolean; ruleId: string | null; note: string | null; now: number },
): Promise<void> {
  const set = {
    decision: passesOn ? ('passed_on' as const) : ('approved' as const),
    decided_by: actor.id,
    decided_at: now,
    reason: note,
    rule_id: ruleId,
    news_at: now,
  };
  if (!(await changeRequest(rows, request, set, now))) forbid(request);
  await recordEffect(deps, rows, actor, {
    action: passesOn ? 'request.passed_on' : 'request.approved',
    subjectId: request.id,
    subjectName: request.name,
    siteId: request.siteId,
    details: ruleId === null ? {} : { rule: ruleId },
  });
}

/** Creates a rule that allows the requested application, and adds the topics to wake to
 * `topics`. */
const ruleMaker =
  (
    deps: Deps,
    rows: Rows,
    actor: AccountActor,
    { siteId, applicationId, createdAt }: StoredRequest,
    topics: Set<Topic>,
  ) =>
  async (whom: RuleAudience): Promise<string> => {
    if (applicationId === null) throw new AppError('INTERNAL');
    const { rule, topics: woken } = await addRule(deps, rows, actor, {
      ...plainRule,
      effect: 'allow',
      target: { kind: 'application', applicationId },
      audience: whom,
      place: { kind: 'site', siteId },
      note: `Demande du ${new Date(createdAt).toISOString().slice(0, 10)}`,
    });
    for (const topic of woken) topics.add(topic);
    return rule.id;
  };

export async function refuseRequest(
  deps: Deps,
  actor: AccountActor,
  id: string,
  { reason, alike }: Refusal,
): Promise<RequestDetail> {
  const now = deps.clock.now();
  const topics = await deps.database.transaction().execute(async (rows) => {
    const request = await mustFind(rows, actor, id);
    if (!requestCan.refuse(request, actor)) forbid(request);
    const topics: Topic[] = ['mail'];
    for (const each of alike ? await selectAlike(rows, request) : [request]) {
      if (!requestCan.refuse(each, actor)) continue;
      if (
        !(await changeRequest(
          rows,
          each,
          { decision: 'refused', decided_by: actor.id, decided_at: now, reason, news_at: now },
          now,
        ))
      )
        forbid(each);
      if (sendsMail(deps))
        await insertMail(rows, {
          accountId: each.accountId,
          kind: 'request.refused',
          about: each.id,
          now,
        });
      await recordEffect(deps, rows, actor, {
        action: 'request.refused',
        subjectId: each.id,
        subjectName: each.name,
        siteId: each.siteId,
      });
      topics.push(...newsTopics(each));
    }
    return topics;
  });
  deps.wakeups.wake(topics);
  return readRequest(deps.database, actor, id);
}

/** Links an application of the catalogue to the request, and to the school's other undecided
 * requests for the same program. */
export async function linkRequest(
  deps: Deps,
  actor: AccountActor,
  id: string,
  applicationId: string,
): Promise<RequestDetail> {
  const topics = await deps.database.transaction().execute(async (rows) => {
    const request = await mustFind(rows, actor, id);
    if (!requestCan.link(request, actor)) forbid(request);
    const [application] = await selectApplications(rows, { id: applicationId, learnt: false });
    if (application === undefined) throw new AppError('NOT_FOUND', { application: applicationId });
    const topics: Topic[] = [];
    for (const each of await selectAlike(rows, request)) {
      if (
        !(await changeRequest(
          rows,
          each,
          { application_id: applicationId, news_at: deps.clock.now() },
          deps.clock.now(),
        ))
      )
        forbid(each);
      await recordEffect(deps, rows, actor, {
        action: 'request.linked',
        subjectId: each.id,
        subjectName: each.name,
        siteId: each.siteId,
        details: { application: applicationId },
      });
      topics.push(...newsTopics(each));
    }
    return topics;
  });
  deps.wakeups.wake(topics);
  return readRequest(deps.database, actor, id);
}

/** Installs an approved application that is missing because its rollout could not start, or
 * failed. */
export async function installRequest(
  deps: Deps,
  actor: AccountActor,
  id: string,
): Promise<RequestDetail> {
  const request = await mustFind(deps.database, actor, id);
  if (!requestCan.install(request, actor)) forbid(request);
  await bring(deps, actor, request);
  return readRequest(deps.database, actor, id);
}

/** Route name → verb: the whole API on one page. The compiler keeps it complete and its answers in shape. */
import type { Api, Body, Params, Query, Reply, RouteName } from '@preau/contract/api.ts';
import { AppError } from '@preau/contract/errors.ts';
import { type SlowDown, type SignInProvider, signIn, signOut } from '#src/accounts/sign-in.ts';
import { searchAudiences, selectAccount } from '#src/accounts/store.ts';
import { createApplication } from '#src/applications/create.ts';
import { readIcon, setIcon } from '#src/applications/icons.ts';
import { selectApplications } from '#src/applications/store.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import type { AccountActor, Actor, AgentActor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { createRule, withdrawRule } from '#src/publications/rules.ts';
import { selectRules } from '#src/publications/store.ts';
import { readDesiredState } from '#src/servers/desired-state.ts';
import { createEnrolmentCode, enrol, retireServer } from '#src/servers/enrol.ts';
import { selectServer, selectServers } from '#src/servers/store.ts';
import { wantApplication } from '#src/servers/want-application.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { endSession, endSessionsOfServer } from '#src/sessions/end.ts';
import { attach, launch } from '#src/sessions/launch.ts';
import { portal } from '#src/sessions/portal.ts';
import { countLiveBySite, publicView, selectSession, selectSessionRows } from '#src/sessions/store.ts';
import { createSite, listSites } from '#src/sites/sites.ts';

export interface EdgeDeps extends Platform {
  version: string;
  publicUrl: () => string;
  originAllowed: (origin: string | undefined) => boolean;
  providers: readonly SignInProvider[];
  slowDown: SlowDown;
}

/** What a verb may do to the answer beside its body. */
export interface Answer {
  setSignIn: (token: string | null, expiresAt: number) => void;
}

type ActorOf<N extends RouteName> = Api[N]['policy'] extends 'agent' ? AgentActor : Api[N]['policy'] extends 'public' ? Actor : AccountActor;
type ReplyOf<N extends RouteName> = Api[N] extends { file: string } ? Buffer : Reply<N>;
export type Verbs = {
  [N in RouteName]: (deps: EdgeDeps, actor: ActorOf<N>, input: { params: Params<N>; query: Query<N>; body: Body<N> }, answer: Answer) => Promise<ReplyOf<N>>;
};

const limitOf = (query: { limit?: string | undefined }) => Math.min(Number(query.limit ?? 50), 200);

export const verbs: Verbs = {
  health: async (deps) => ({ status: 'ok', version: deps.version }),
  signIn: async (deps, _actor, { body }, answer) => {
    const { account, token, expiresAt } = await signIn(deps, body);
    answer.setSignIn(token, expiresAt);
    return account;
  },
  signOut: async (deps, actor, _input, answer) => {
    await signOut(deps, actor);
    answer.setSignIn(null, 0);
    return null;
  },
  me: async (deps, actor) => {
    const account = await selectAccount(deps.database, actor.id);
    if (account === undefined) throw new AppError('NOT_SIGNED_IN');
    return account;
  },

  portal: async (deps, actor) => ({ items: await portal(deps, actor) }),
  launchSession: (deps, actor, { body }) => launch(deps, actor, body),
  readSession: async (deps, actor, { params }) => {
    const session = await selectSession(deps.database, params.id);
    if (session === undefined || session.accountId !== actor.id) throw new AppError('NOT_FOUND', { session: params.id });
    return publicView(session);
  },
  attachSession: (deps, actor, { params }) => attach(deps, actor, params.id),
  endSession: (deps, actor, { params }) => endSession(deps, actor, params.id),
  readIcon: (deps, _actor, { params }) => readIcon(deps, params.hash),

  listSites: async (deps) => ({ items: await listSites(deps, await selectServers(deps.database, deps.clock.now()), await countLiveBySite(deps.database)) }),
  createSite: (deps, actor, { body }) => createSite(deps, actor, body),
  createEnrolmentCode: (deps, actor, { params, body }) => createEnrolmentCode(deps, actor, { siteId: params.id, serverName: body.serverName }),
  listServers: async (deps, _actor, { query }) => ({ items: await selectServers(deps.database, deps.clock.now(), query.site) }),
  readServer: async (deps, _actor, { params }) => {
    const server = await selectServer(deps.database, params.id, deps.clock.now());
    if (server === undefined) throw new AppError('NOT_FOUND', { server: params.id });
    return server;
  },
  retireServer: async (deps, actor, { params }) => {
    await retireServer(deps, actor, params.id);
    await endSessionsOfServer(deps, actor, params.id);
    return null;
  },
  wantApplication: async (deps, actor, { params, body }) => {
    await wantApplication(deps, actor, { serverId: params.id, applicationId: params.applicationId, wanted: body.wanted });
    return null;
  },
  listApplications: async (deps) => ({ items: await selectApplications(deps.database) }),
  createApplication: (deps, actor, { body }) => createApplication(deps, actor, body),
  setIcon: (deps, actor, { body }) => setIcon(deps, actor, body),
  listRules: async (deps) => ({ items: await selectRules(deps.database) }),
  createRule: (deps, actor, { body }) => createRule(deps, actor, body),
  deleteRule: async (deps, actor, { params }) => {
    await withdrawRule(deps, actor, params.id);
    return null;
  },
  searchAudiences: (deps, _actor, { query }) => searchAudiences(deps.database, query.search),
  listSessions: async (deps, _actor, { query }) => ({ items: await selectSessionRows(deps.database, { state: query.state ?? null, limit: limitOf(query) }) }),
  listAudit: async (deps, _actor, { query }) => {
    const limit = limitOf(query);
    const items = await selectAuditEvents(deps.database, { before: query.before ?? null, limit, search: query.search ?? null });
    return { items, next: items.length === limit ? (items.at(-1)?.id ?? null) : null };
  },

  enrol: (deps, actor, { body }) => enrol(deps, actor, body),
  readDesiredState: (deps, actor) => readDesiredState(deps, actor),
  sendReport: (deps, actor, { body }) => acceptReport(deps, actor, body),
  sendIcon: async (deps, actor, { body }) => {
    await setIcon(deps, actor, body);
    return null;
  },
};

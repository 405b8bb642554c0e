/** Route name → verb: the whole API on one page. The compiler keeps it complete and its answers in
 * shape. */
import { AppError } from '@preau/contract/errors.ts';
import { changeSiteGroup, createSiteGroup, deleteSiteGroup } from '#src/access/site-groups.ts';
import { searchAudiences } from '#src/accounts/audiences/store.ts';
import { mustReach, reachOf, within } from '#src/accounts/reach.ts';
import { signOut } from '#src/accounts/sign-ins/sign-in.ts';
import { selectAccount } from '#src/accounts/store.ts';
import { createToken, listTokens, revokeToken } from '#src/accounts/tokens/tokens.ts';
import { exportCatalogue, importCatalogue } from '#src/applications/catalogue.ts';
import { changeApplication, createApplication, listVersions } from '#src/applications/create.ts';
import { iconFromPackage, readIcon, setIcon } from '#src/applications/icons.ts';
import { inspectPackage } from '#src/applications/inspect/inspect.ts';
import { deletePackage, listPackages } from '#src/applications/packages.ts';
import { createScript, listScripts, reviewScript } from '#src/applications/scripts.ts';
import { selectApplications } from '#src/applications/store.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import { signIn } from '#src/identity/sign-in.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import {
  approveRollout,
  changeDraft,
  createRollout,
  removeRollout,
} from '#src/rollouts/plan/create.ts';
import { startRollout } from '#src/rollouts/plan/start.ts';
import { listPlanEntries, listRollouts, readRollout } from '#src/rollouts/read.ts';
import {
  createSchedule,
  listSchedules,
  pauseSchedule,
  removeSchedule,
} from '#src/rollouts/schedules/schedules.ts';
import { changeSettings, readBrake, readSettings, setBrake } from '#src/rollouts/settings.ts';
import {
  cancelRollout,
  finishRollout,
  pauseRollout,
  resumeRollout,
  retryRollout,
  rollBackRollout,
} from '#src/rollouts/steer.ts';
import { exportRollout } from '#src/rollouts/targets/pages/export.ts';
import { listTargets, readTarget } from '#src/rollouts/targets/pages/list.ts';
import { withdrawVersions } from '#src/rollouts/withdraw.ts';
import { selectAddition, selectAdditions } from '#src/servers/additions/store.ts';
import { changeServer, drainServers, labelServers } from '#src/servers/change-server.ts';
import { publishWhereNamed, readDesiredState } from '#src/servers/desired/desired-state.ts';
import { wantApplication } from '#src/servers/desired/want-application.ts';
import { createEnrolmentCode, enrol, retireServer } from '#src/servers/enrolment/enrol.ts';
import { readDrift } from '#src/servers/fleet/drift/drift.ts';
import { selectFleet, selectServer, selectServers } from '#src/servers/fleet/store.ts';
import { endSession, endSessionsOfServer } from '#src/sessions/end.ts';
import { askForFile, readExchange } from '#src/sessions/exchange/exchange.ts';
import { attach, launch } from '#src/sessions/launch.ts';
import { portal } from '#src/sessions/portal.ts';
import {
  deleteRecording,
  listRecordings,
  readRecording,
} from '#src/sessions/recordings/recordings.ts';
import {
  countLiveBySite,
  publicView,
  selectSession,
  selectSessionRows,
} from '#src/sessions/store.ts';
import { createSite, listSites } from '#src/sites/sites.ts';
import { selectGroups } from '#src/sites/store.ts';
import type { EdgeDeps, Verbs } from './verb.ts';
import { classVerbs } from './verbs/classes.ts';
import { identityVerbs } from './verbs/identity.ts';
import { privacyVerbs } from './verbs/privacy.ts';
import { requestVerbs } from './verbs/requests.ts';
import { ruleVerbs } from './verbs/rules.ts';

const thenRead = async (deps: EdgeDeps, actor: AccountActor, id: string, done: Promise<void>) => {
  await done;
  return readRollout(deps, actor, id);
};
const limitOf = (query: { limit?: string | undefined }) => Math.min(Number(query.limit ?? 50), 200);

export const verbs: Verbs = {
  health: async (deps) => ({ status: 'ok', version: deps.version }),
  signIn: async (deps, _actor, { body }, answer) => {
    const { account, token, expiresAt } = await signIn(deps, body, answer.address);
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

  portal: async (deps, actor, _input, { address }) => ({
    items: await portal(deps, actor, address),
  }),
  launchSession: (deps, actor, { body }, { address }) => launch(deps, actor, { ...body, address }),
  readSession: async (deps, actor, { params }) => {
    const session = await selectSession(deps.database, params.id);
    if (session === undefined || session.accountId !== actor.id)
      throw new AppError('NOT_FOUND', { session: params.id });
    return publicView(session);
  },
  attachSession: (deps, actor, { params }, { address }) => attach(deps, actor, params.id, address),
  endSession: (deps, actor, { params }) => endSession(deps, actor, params.id),
  readExchange: (deps, actor, { params }, { address }) =>
    readExchange(deps, actor, params.id, address),
  askForFile: (deps, actor, { params, body }, { address }) =>
    askForFile(deps, actor, params.id, body, address),
  readIcon: (deps, _actor, { params }) => readIcon(deps, params.hash),

  listSites: async (deps, actor) => ({
    items: await within(
      actor,
      await listSites(
        deps,
        await selectServers(deps.database, deps.clock.now()),
        await countLiveBySite(deps.database),
      ),
      (site) => site.id,
    ),
  }),
  createSite: (deps, actor, { body }) => createSite(deps, actor, body),
  createEnrolmentCode: (deps, actor, { params, body }) =>
    createEnrolmentCode(deps, actor, { siteId: params.id, serverName: body.serverName }),
  listServers: async (deps, actor, { query }) => ({
    items: within(
      actor,
      await selectServers(deps.database, deps.clock.now(), query.site),
      (server) => server.siteId,
    ),
  }),
  readServer: async (deps, actor, { params }) => {
    const server = await selectServer(deps.database, params.id, deps.clock.now());
    if (server === undefined) throw new AppError('NOT_FOUND', { server: params.id });
    mustReach(actor, server.siteId);
    return server;
  },
  retireServer: async (deps, actor, { params }) => {
    await retireServer(deps, actor, params.id);
    await endSessionsOfServer(deps, actor, params.id);
    return null;
  },
  changeServer: (deps, actor, { params, body }) => changeServer(deps, actor, params.id, body),
  drainServers: async (deps, actor, { body }) => {
    await drainServers(deps, actor, body);
    return null;
  },
  labelServers: async (deps, actor, { body }) => {
    await labelServers(deps, actor, body);
    return null;
  },
  listSiteGroups: async (deps, actor) => ({
    items: (await selectGroups(deps.database)).map((group) => ({
      ...group,
      siteIds: within(actor, group.siteIds, (id) => id),
    })),
  }),
  createSiteGroup: (deps, actor, { body }) => {
    mustReach(actor, null);
    return createSiteGroup(deps, actor, body);
  },
  changeSiteGroup: (deps, actor, { params, body }) => {
    mustReach(actor, null);
    return changeSiteGroup(deps, actor, params.id, body);
  },
  deleteSiteGroup: async (deps, actor, { params }) => {
    mustReach(actor, null);
    await deleteSiteGroup(deps, actor, params.id);
    return null;
  },
  readFleet: (deps, actor) => selectFleet(deps.database, deps.clock.now(), reachOf(actor)),
  readDrift: (deps, actor, { query }) =>
    readDrift(deps, actor, {
      search: query.search ?? '',
      after: query.after ?? null,
      limit: limitOf(query),
      onlyDifferences: query.only === 'differences',
    }),
  readHostKey: async (deps, actor, { body }) => ({
    hostKey: await deps.additions.hostKey(actor, body),
  }),
  addServer: (deps, actor, { body }) => deps.additions.add(actor, body),
  listAdditions: async (deps, actor) => ({
    items: within(actor, await selectAdditions(deps.database, 50), (addition) => addition.siteId),
  }),
  readAddition: async (deps, actor, { params }) => {
    const addition = await selectAddition(deps.database, params.id);
    if (addition === undefined) throw new AppError('NOT_FOUND', { addition: params.id });
    mustReach(actor, addition.siteId);
    return addition;
  },
  cancelAddition: (deps, actor, { params }) => deps.additions.cancel(actor, params.id),
  wantApplication: async (deps, actor, { params, body }) => {
    await wantApplication(deps, actor, {
      serverId: params.id,
      applicationId: params.applicationId,
      wanted: body.wanted,
    });
    return null;
  },
  listApplications: async (deps) => ({ items: await selectApplications(deps.database) }),
  listWithdrawnApplications: async (deps) => ({
    items: await selectApplications(deps.database, { among: 'withdrawn' }),
  }),
  createApplication: (deps, actor, { body }) =>
    createApplication(deps, actor, body, publishWhereNamed(deps)),
  changeApplication: (deps, actor, { params, body }) =>
    changeApplication(deps, actor, params.id, body, publishWhereNamed(deps)),
  setIcon: (deps, actor, { body }) => setIcon(deps, actor, body),
  listVersions: async (deps, _actor, { params }) => ({
    items: await listVersions(deps, params.id),
  }),
  withdrawVersions: async (deps, actor, { params, body }) => {
    await withdrawVersions(deps, actor, params.id, body);
    return { items: await listVersions(deps, params.id) };
  },
  exportCatalogue: (deps) => exportCatalogue(deps),
  importCatalogue: async (deps, actor, { body }) => ({
    items: await importCatalogue(deps, actor, body, publishWhereNamed(deps)),
  }),
  iconFromPackage: (deps, actor, { body }) => iconFromPackage(deps, actor, body),
  listPackages: async (deps) => ({ items: await listPackages(deps) }),
  inspectPackage: (deps, _actor, { params }) => inspectPackage(deps, params.hash),
  deletePackage: async (deps, actor, { params }) => {
    await deletePackage(deps, actor, params.hash);
    return null;
  },
  listScripts: async (deps) => ({ items: await listScripts(deps) }),
  createScript: (deps, actor, { body }) => createScript(deps, actor, body),
  reviewScript: (deps, actor, { params, body }) => reviewScript(deps, actor, params.id, body),
  listTokens: async (deps, actor) => ({ items: await listTokens(deps, actor) }),
  createToken: (deps, actor, { body }) => createToken(deps, actor, body),
  revokeToken: async (deps, actor, { params }) => {
    await revokeToken(deps, actor, params.id);
    return null;
  },
  ...ruleVerbs,
  ...identityVerbs,
  ...classVerbs,

  listRecordings: (deps, actor, { query }) =>
    listRecordings(deps, actor, { ...query, limit: limitOf(query) }),
  readRecording: (deps, actor, { params }) => readRecording(deps, actor, params.id),
  deleteRecording: async (deps, actor, { params }) => {
    await deleteRecording(deps, actor, params.id);
    return null;
  },
  ...requestVerbs,
  ...privacyVerbs,
  searchAudiences: (deps, actor, { query }) =>
    searchAudiences(deps.database, query.search, reachOf(actor)),
  listSessions: async (deps, actor, { query }) => ({
    items: await selectSessionRows(deps.database, {
      state: query.state ?? null,
      limit: limitOf(query),
      siteIds: reachOf(actor),
    }),
  }),
  listAudit: async (deps, actor, { query }) => {
    const limit = limitOf(query);
    const items = await selectAuditEvents(deps.database, {
      before: query.before ?? null,
      limit,
      search: query.search ?? null,
      siteIds: reachOf(actor),
      action: query.action ?? null,
      personId: query.person ?? null,
      from: query.from === undefined ? null : Number(query.from),
      until: query.until === undefined ? null : Number(query.until),
    });
    return { items, next: items.length === limit ? (items.at(-1)?.id ?? null) : null };
  },

  listRollouts: (deps, actor, { query }) =>
    listRollouts(deps, actor, {
      after: query.after,
      limit: limitOf(query),
      active: query.active === undefined ? null : query.active === 'yes',
    }),
  createRollout: async (deps, actor, { body }) =>
    readRollout(deps, actor, await createRollout(deps, actor, body)),
  readRollout: (deps, actor, { params }) => readRollout(deps, actor, params.id),
  changeRollout: (deps, actor, { params, body }) =>
    thenRead(deps, actor, params.id, changeDraft(deps, actor, params.id, body)),
  planRollout: (deps, actor, { params }) =>
    thenRead(deps, actor, params.id, changeDraft(deps, actor, params.id, null)),
  listPlanEntries: (deps, actor, { params, query }) =>
    listPlanEntries(deps, actor, params.id, {
      from: Number(query.from ?? 0),
      limit: limitOf(query),
    }),
  approveRollout: (deps, actor, { params, body }) =>
    thenRead(deps, actor, params.id, approveRollout(deps, actor, params.id, body.planHash)),
  startRollout: (deps, actor, { params, body }) =>
    thenRead(deps, actor, params.id, startRollout(deps, actor, params.id, body)),
  pauseRollout: (deps, actor, { params }) =>
    thenRead(deps, actor, params.id, pauseRollout(deps, actor, params.id)),
  resumeRollout: (deps, actor, { params }) =>
    thenRead(deps, actor, params.id, resumeRollout(deps, actor, params.id)),
  cancelRollout: (deps, actor, { params, body }) =>
    thenRead(deps, actor, params.id, cancelRollout(deps, actor, params.id, body.kind)),
  retryRollout: (deps, actor, { params }) =>
    thenRead(deps, actor, params.id, retryRollout(deps, actor, params.id)),
  rollBackRollout: (deps, actor, { params, body }) =>
    thenRead(deps, actor, params.id, rollBackRollout(deps, actor, params.id, body.wave)),
  finishRollout: (deps, actor, { params }) =>
    thenRead(deps, actor, params.id, finishRollout(deps, actor, params.id)),
  removeRollout: async (deps, actor, { params }) => {
    await removeRollout(deps, actor, params.id);
    return null;
  },
  listTargets: (deps, actor, { params, query }) =>
    listTargets(deps, actor, params.id, { ...query, limit: limitOf(query) }),
  readTarget: (deps, actor, { params }) => readTarget(deps, actor, params.id, params.serverId),
  exportRollout: (deps, actor, { params }) => exportRollout(deps, actor, params.id),
  readBrake: (deps) => readBrake(deps),
  setBrake: async (deps, actor, { body }) => {
    await setBrake(deps, actor, body.on);
    return readBrake(deps);
  },
  readRolloutSettings: (deps) => readSettings(deps.database),
  changeRolloutSettings: (deps, actor, { body }) => changeSettings(deps, actor, body),
  listSchedules: async (deps) => ({ items: await listSchedules(deps) }),
  createSchedule: (deps, actor, { body }) => createSchedule(deps, actor, body),
  pauseSchedule: (deps, actor, { params, body }) =>
    pauseSchedule(deps, actor, params.id, body.paused),
  deleteSchedule: async (deps, actor, { params }) => {
    await removeSchedule(deps, actor, params.id);
    return null;
  },

  enrol: (deps, actor, { body }) => enrol(deps, actor, body),
  readDesiredState: (deps, actor, { query }) => readDesiredState(deps, actor, query.policy ?? null),
  sendReport: (deps, actor, { body }) => acceptReport(deps, actor, body),
  sendIcon: async (deps, actor, { body }) => {
    await setIcon(deps, actor, body);
    return null;
  },
};

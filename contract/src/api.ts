/** Every HTTP route: method, path, who may call it, schemas. The controller mounts this table, the console and the
 *  agent call through it, `/api/openapi.json` is printed from it. A route without a policy does not compile. */
import { type Static, type TSchema, Type } from 'typebox';
import { Account, Group, SignIn } from './account.ts';
import { Application, ApplicationId } from './application.ts';
import { AuditEvent } from './audit.ts';
import { SignedState } from './desired-state.ts';
import { Enrolment, EnrolmentCode, EnrolmentCodeRequest, EnrolmentRequest } from './enrolment.ts';
import { Addition, AdditionId, AdditionRequest, AdditionSummary, Drift, Fleet, HostKey, HostKeyRequest } from './fleet.ts';
import { IconUpload, Report, ServerId } from './report.ts';
import { Brake, cancelKinds, PlanEntry, Rollout, RolloutDraft, RolloutId, RolloutSettings, RolloutSummary, Schedule, ScheduleDraft, Target, TargetDetail } from './rollout.ts';
import { Id, Nullable, OneOf, Slug, Strict } from './schema.ts';
import { Count, Cursor, Hash, List, Nothing, ofId, Page, type Route } from './route.ts';
import { catalogueRoutes } from './routes/catalogue.ts';
import { classRoutes } from './routes/classes.ts';
import { exchangeRoutes } from './routes/exchange.ts';
import { recordingRoutes } from './routes/recordings.ts';
import { identityRoutes } from './routes/identity.ts';
import { privacyRoutes } from './routes/privacy.ts';
import { requestRoutes } from './routes/requests.ts';
import { ruleRoutes } from './routes/rules.ts';
import { DrainServers, LabelServers, Server, ServerChanges, ServerSummary, WantApplication } from './server.ts';
import { Session, SessionId, SessionRow, Ticket } from './session.ts';
import { ApiToken, ApiTokenDraft, NewApiToken, TokenId } from './token.ts';
import { SiteDraft, SiteGroup, SiteGroupDraft, SiteGroupId, SiteId, SiteSummary } from './site.ts';

export type { Policy, Reach, Route } from './route.ts';

export const PortalApplication = Strict({
  id: ApplicationId,
  slug: Slug,
  name: Application.properties.name,
  description: Application.properties.description,
  category: Application.properties.category,
  iconHash: Application.properties.iconHash,
  installed: Type.Boolean(),
  lastUsedAt: Nullable(Type.Integer()),
  session: Nullable(Session),
  /** When it closes by itself, today; null when it stays. */
  openUntil: Nullable(Type.Integer()),
});
export type PortalApplication = Static<typeof PortalApplication>;

export const Launch = Strict({ application: Slug, language: OneOf(['fr', 'en']) });
export type Launch = Static<typeof Launch>;

export const api = {
  health: { method: 'GET', path: '/api/health', policy: 'public', summary: 'Is the controller well?', reply: Strict({ status: Type.Literal('ok'), version: Type.String() }) },
  signIn: { method: 'POST', path: '/api/sign-in', policy: 'public', summary: 'Open a sign-in with a user name and a password', body: SignIn, reply: Account },
  signOut: { method: 'POST', path: '/api/sign-out', policy: 'signedIn', reach: 'self', summary: 'Close this sign-in', reply: Nothing, status: 204 },
  me: { method: 'GET', path: '/api/me', policy: 'signedIn', reach: 'city', summary: 'Who am I?', reply: Account },

  portal: { method: 'GET', path: '/api/portal', policy: 'signedIn', reach: 'self', remembered: true, summary: 'The applications open to me, and my running sessions', reply: List(PortalApplication) },
  launchSession: { method: 'POST', path: '/api/sessions', policy: 'signedIn', reach: 'self', summary: 'Start an application, or take up my running session of it', body: Launch, reply: Strict({ session: Session, ticket: Ticket }), status: 201 },
  readSession: { method: 'GET', path: '/api/sessions/:id', policy: 'signedIn', reach: 'self', summary: 'One of my sessions', params: ofId(SessionId), reply: Session },
  attachSession: { method: 'POST', path: '/api/sessions/:id/tickets', policy: 'signedIn', reach: 'self', summary: 'A new ticket to my running session', params: ofId(SessionId), reply: Strict({ session: Session, ticket: Ticket }), status: 201 },
  endSession: { method: 'POST', path: '/api/sessions/:id/end', policy: 'signedIn', reach: 'site', summary: 'End my session (technicians: any)', params: ofId(SessionId), reply: Session },
  readIcon: { method: 'GET', path: '/api/icons/:hash', policy: 'signedIn', reach: 'city', summary: 'An application’s icon', params: Strict({ hash: Type.String({ pattern: '^[0-9a-f]{64}$' }) }), reply: Type.String(), file: 'image/png' },

  listSites: { method: 'GET', path: '/api/sites', policy: 'technician', reach: 'site', summary: 'Every school at a glance', reply: List(SiteSummary) },
  createSite: { method: 'POST', path: '/api/sites', policy: 'technician', reach: 'city', summary: 'Add a school', body: SiteDraft, reply: SiteSummary, status: 201 },
  createEnrolmentCode: { method: 'POST', path: '/api/sites/:id/enrolment-codes', policy: 'technician', reach: 'site', summary: 'A one-use code to enrol a server', params: ofId(SiteId), body: EnrolmentCodeRequest, reply: EnrolmentCode, status: 201 },
  listServers: { method: 'GET', path: '/api/servers', policy: 'technician', reach: 'site', summary: 'Every server', query: Strict({ site: Type.Optional(SiteId) }), reply: List(ServerSummary) },
  readServer: { method: 'GET', path: '/api/servers/:id', policy: 'technician', reach: 'site', summary: 'One server in detail', params: ofId(ServerId), reply: Server },
  retireServer: { method: 'POST', path: '/api/servers/:id/retire', policy: 'technician', reach: 'site', summary: 'Take a server out of service for good', params: ofId(ServerId), reply: Nothing, status: 204 },
  wantApplication: { method: 'PUT', path: '/api/servers/:id/applications/:applicationId', policy: 'technician', reach: 'site', summary: 'Install an application on a server, or remove it', params: Strict({ id: ServerId, applicationId: ApplicationId }), body: WantApplication, reply: Nothing, status: 204 },
  changeServer: { method: 'PUT', path: '/api/servers/:id', policy: 'technician', reach: 'site', summary: 'Change a server’s name, roles, labels or places', params: ofId(ServerId), body: ServerChanges, reply: Server },
  drainServers: { method: 'POST', path: '/api/servers/drain', policy: 'technician', reach: 'site', summary: 'Let servers take no new session, or take them again', body: DrainServers, reply: Nothing, status: 204 },
  labelServers: { method: 'POST', path: '/api/servers/labels', policy: 'technician', reach: 'site', summary: 'Add labels to servers, or take them off', body: LabelServers, reply: Nothing, status: 204 },
  listSiteGroups: { method: 'GET', path: '/api/site-groups', policy: 'technician', reach: 'site', summary: 'Groups of schools', reply: List(SiteGroup) },
  createSiteGroup: { method: 'POST', path: '/api/site-groups', policy: 'technician', reach: 'city', summary: 'Make a group of schools', body: SiteGroupDraft, reply: SiteGroup, status: 201 },
  changeSiteGroup: { method: 'PUT', path: '/api/site-groups/:id', policy: 'technician', reach: 'city', summary: 'Rename a group of schools, or change who is in it', params: ofId(SiteGroupId), body: SiteGroupDraft, reply: SiteGroup },
  deleteSiteGroup: { method: 'DELETE', path: '/api/site-groups/:id', policy: 'technician', reach: 'city', summary: 'Undo a group of schools; its schools stay', params: ofId(SiteGroupId), reply: Nothing, status: 204 },
  readFleet: { method: 'GET', path: '/api/fleet', policy: 'technician', reach: 'city', summary: 'The fleet in figures', reply: Fleet },
  readDrift: { method: 'GET', path: '/api/drift', policy: 'technician', reach: 'site', summary: 'Applications × schools: what is there, and what should be', query: Strict({ search: Type.Optional(Type.String({ maxLength: 80 })), after: Type.Optional(SiteId), limit: Type.Optional(Count), only: Type.Optional(OneOf(['differences'])) }), reply: Drift },
  readHostKey: { method: 'POST', path: '/api/server-additions/host-key', policy: 'technician', reach: 'site', summary: 'The SSH key of a machine, to be confirmed', body: HostKeyRequest, reply: HostKey },
  addServer: { method: 'POST', path: '/api/server-additions', policy: 'technician', reach: 'site', summary: 'Make a machine a server of a school, over SSH', body: AdditionRequest, reply: Addition, status: 201 },
  listAdditions: { method: 'GET', path: '/api/server-additions', policy: 'technician', reach: 'site', summary: 'Servers being added, and lately added', reply: List(AdditionSummary) },
  readAddition: { method: 'GET', path: '/api/server-additions/:id', policy: 'technician', reach: 'site', summary: 'How far adding a server is, and its log', params: ofId(AdditionId), reply: Addition },
  cancelAddition: { method: 'POST', path: '/api/server-additions/:id/cancel', policy: 'technician', reach: 'site', summary: 'Stop adding a server', params: ofId(AdditionId), reply: Addition },
  listTokens: { method: 'GET', path: '/api/tokens', policy: 'technician', reach: 'self', summary: 'My API tokens (administrators: everybody’s)', reply: List(ApiToken) },
  createToken: { method: 'POST', path: '/api/tokens', policy: 'technician', reach: 'self', summary: 'Make an API token; its secret is shown once', body: ApiTokenDraft, reply: NewApiToken, status: 201 },
  revokeToken: { method: 'DELETE', path: '/api/tokens/:id', policy: 'technician', reach: 'self', summary: 'Revoke an API token at once', params: ofId(TokenId), reply: Nothing, status: 204 },
  searchAudiences: { method: 'GET', path: '/api/audiences', policy: 'technician', reach: 'site', summary: 'People and groups by name', query: Strict({ search: Type.String({ minLength: 1, maxLength: 80 }) }), reply: Strict({ people: Type.Array(Account), groups: Type.Array(Group) }) },
  listSessions: { method: 'GET', path: '/api/sessions', policy: 'technician', reach: 'site', summary: 'Sessions, live ones first', query: Strict({ state: Type.Optional(OneOf(['live', 'over'])), limit: Type.Optional(Count) }), reply: List(SessionRow) },
  listAudit: { method: 'GET', path: '/api/audit', policy: 'technician', reach: 'site', summary: 'What happened, newest first', query: Strict({ before: Type.Optional(Type.String({ maxLength: 40, pattern: '^[0-9A-Za-z_-]+$' })), limit: Type.Optional(Count), search: Type.Optional(Type.String({ maxLength: 80 })), action: Type.Optional(Type.String({ maxLength: 40, pattern: '^[a-z_.]+$' })), person: Type.Optional(Id('acc')), from: Type.Optional(Type.String({ pattern: '^[0-9]{1,16}$' })), until: Type.Optional(Type.String({ pattern: '^[0-9]{1,16}$' })) }), reply: Page(AuditEvent) },

  ...catalogueRoutes,
  ...ruleRoutes,
  ...identityRoutes,
  ...classRoutes,
  ...exchangeRoutes,
  ...recordingRoutes,
  ...requestRoutes,
  ...privacyRoutes,

  listRollouts: { method: 'GET', path: '/api/rollouts', policy: 'technician', reach: 'site', summary: 'Rollouts, newest first', query: Strict({ after: Type.Optional(Cursor), limit: Type.Optional(Count), active: Type.Optional(OneOf(['yes', 'no'])) }), reply: Page(RolloutSummary) },
  createRollout: { method: 'POST', path: '/api/rollouts', policy: 'technician', reach: 'site', summary: 'Plan a rollout: who gets what, who not and why', body: RolloutDraft, reply: Rollout, status: 201 },
  readRollout: { method: 'GET', path: '/api/rollouts/:id', policy: 'technician', reach: 'site', summary: 'One rollout: plan, waves, counts, time left', params: ofId(RolloutId), reply: Rollout },
  changeRollout: { method: 'PUT', path: '/api/rollouts/:id', policy: 'technician', reach: 'site', summary: 'Edit a rollout that has not begun; plan and approval are void', params: ofId(RolloutId), body: RolloutDraft, reply: Rollout },
  planRollout: { method: 'POST', path: '/api/rollouts/:id/plan', policy: 'technician', reach: 'site', summary: 'Plan again, on the fleet as it is now', params: ofId(RolloutId), reply: Rollout },
  listPlanEntries: { method: 'GET', path: '/api/rollouts/:id/plan', policy: 'technician', reach: 'site', summary: 'The plan, server by server', params: ofId(RolloutId), query: Strict({ from: Type.Optional(Type.String({ pattern: '^[0-9]{1,7}$' })), limit: Type.Optional(Count) }), reply: Page(PlanEntry) },
  approveRollout: { method: 'POST', path: '/api/rollouts/:id/approve', policy: 'technician', reach: 'site', summary: 'Approve a colleague’s plan', params: ofId(RolloutId), body: Strict({ planHash: Hash }), reply: Rollout },
  startRollout: { method: 'POST', path: '/api/rollouts/:id/start', policy: 'technician', reach: 'site', summary: 'Start, or schedule, exactly this plan', params: ofId(RolloutId), body: Strict({ planHash: Hash, force: Type.Boolean() }), reply: Rollout },
  pauseRollout: { method: 'POST', path: '/api/rollouts/:id/pause', policy: 'technician', reach: 'site', summary: 'No new offers; what runs finishes', params: ofId(RolloutId), reply: Rollout },
  resumeRollout: { method: 'POST', path: '/api/rollouts/:id/resume', policy: 'technician', reach: 'site', summary: 'Go on: after a pause, through a gate, in spite of a threshold', params: ofId(RolloutId), reply: Rollout },
  cancelRollout: { method: 'POST', path: '/api/rollouts/:id/cancel', policy: 'technician', reach: 'site', summary: 'Cancel: what installs finishes, or is removed again, or is killed', params: ofId(RolloutId), body: Strict({ kind: OneOf(cancelKinds) }), reply: Rollout },
  retryRollout: { method: 'POST', path: '/api/rollouts/:id/retry', policy: 'technician', reach: 'site', summary: 'Try the failed ones again, and only them', params: ofId(RolloutId), reply: Rollout },
  rollBackRollout: { method: 'POST', path: '/api/rollouts/:id/roll-back', policy: 'technician', reach: 'site', summary: 'Back to the last good set, everywhere or in one wave', params: ofId(RolloutId), body: Strict({ wave: Nullable(Type.Integer({ minimum: 1 })) }), reply: Rollout },
  finishRollout: { method: 'POST', path: '/api/rollouts/:id/finish', policy: 'technician', reach: 'site', summary: 'End it without the schools that never answered', params: ofId(RolloutId), reply: Rollout },
  removeRollout: { method: 'DELETE', path: '/api/rollouts/:id', policy: 'technician', reach: 'site', summary: 'Throw away a rollout that never began', params: ofId(RolloutId), reply: Nothing, status: 204 },
  listTargets: { method: 'GET', path: '/api/rollouts/:id/targets', policy: 'technician', reach: 'site', summary: 'Its servers, page by page', params: ofId(RolloutId), query: Strict({ after: Type.Optional(Cursor), limit: Type.Optional(Count), state: Type.Optional(Type.String({ maxLength: 300, pattern: '^[a-z_,]+$' })), wave: Type.Optional(Count), search: Type.Optional(Type.String({ maxLength: 80 })) }), reply: Page(Target) },
  readTarget: { method: 'GET', path: '/api/rollouts/:id/targets/:serverId', policy: 'technician', reach: 'site', summary: 'One server in it, with its log', params: Strict({ id: RolloutId, serverId: ServerId }), reply: TargetDetail },
  exportRollout: { method: 'GET', path: '/api/rollouts/:id/csv', policy: 'technician', reach: 'site', summary: 'Every result, as CSV', params: ofId(RolloutId), reply: Type.String(), file: 'text/csv; charset=utf-8', download: 'deploiement.csv' },
  readBrake: { method: 'GET', path: '/api/brake', policy: 'technician', reach: 'city', summary: 'Is the brake on? How many servers are silent?', reply: Brake },
  setBrake: { method: 'PUT', path: '/api/brake', policy: 'technician', reach: 'city', summary: 'Stop every rollout at once, or let them go on', body: Strict({ on: Type.Boolean() }), reply: Brake },
  readRolloutSettings: { method: 'GET', path: '/api/rollout-settings', policy: 'technician', reach: 'city', summary: 'The city’s settings of rollouts', reply: RolloutSettings },
  changeRolloutSettings: { method: 'PUT', path: '/api/rollout-settings', policy: 'administrator', reach: 'city', summary: 'Change the city’s settings of rollouts', body: RolloutSettings, reply: RolloutSettings },
  listSchedules: { method: 'GET', path: '/api/schedules', policy: 'technician', reach: 'site', summary: 'Rollouts that repeat', reply: List(Schedule) },
  createSchedule: { method: 'POST', path: '/api/schedules', policy: 'technician', reach: 'city', summary: 'A rollout that repeats', body: ScheduleDraft, reply: Schedule, status: 201 },
  pauseSchedule: { method: 'POST', path: '/api/schedules/:id/pause', policy: 'technician', reach: 'city', summary: 'Pause a repetition, or take it up again', params: ofId(Id('sch')), body: Strict({ paused: Type.Boolean() }), reply: Schedule },
  deleteSchedule: { method: 'DELETE', path: '/api/schedules/:id', policy: 'technician', reach: 'city', summary: 'Delete a repetition', params: ofId(Id('sch')), reply: Nothing, status: 204 },

  enrol: { method: 'POST', path: '/api/agent/enrol', policy: 'public', summary: 'Exchange a one-use code for an identity', body: EnrolmentRequest, reply: Enrolment, status: 201 },
  readDesiredState: { method: 'GET', path: '/api/agent/desired-state', policy: 'agent', summary: 'What this server should be; its rules too, unless it has them', query: Strict({ policy: Type.Optional(Hash) }), reply: SignedState },
  sendReport: { method: 'POST', path: '/api/agent/report', policy: 'agent', summary: 'What this server is', body: Report, reply: Strict({ generation: Type.Integer(), icons: Type.Array(ApplicationId) }) },
  readPackage: { method: 'GET', path: '/api/agent/packages/:hash', policy: 'agent', summary: 'An uploaded file, or a range of it', params: Strict({ hash: Hash }), reply: Type.String(), file: 'application/octet-stream', stream: 'down' },
  sendIcon: { method: 'POST', path: '/api/agent/icons', policy: 'agent', summary: 'The icon of an installed application', body: IconUpload, reply: Nothing, status: 204 },
} as const satisfies Record<string, Route>;

export type Api = typeof api;
export type RouteName = keyof Api;
/** Carried by edge/packages.ts. */
export type StreamRouteName = { [N in RouteName]: Api[N] extends { stream: string } ? N : never }[RouteName];

type Part<R, K extends string> = R extends Record<K, infer S extends TSchema> ? Static<S> : undefined;
export type Params<N extends RouteName> = Part<Api[N], 'params'>;
export type Query<N extends RouteName> = Part<Api[N], 'query'>;
export type Body<N extends RouteName> = Part<Api[N], 'body'>;
export type Reply<N extends RouteName> = Static<Api[N]['reply']>;

/** Fills `:name` parts of a route's path. */
export function pathOf(route: { path: string }, params: Record<string, string> = {}): string {
  return route.path.replace(/:([a-zA-Z]+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
}

/** Every HTTP route: method, path, who may call it, schemas. The controller mounts this table, the console and the
 *  agent call through it, `/api/openapi.json` is printed from it. A route without a policy does not compile. */
import { type Static, type TSchema, Type } from 'typebox';
import { Account, Group, SignIn } from './account.ts';
import { Application, ApplicationDraft, ApplicationId } from './application.ts';
import { AuditEvent } from './audit.ts';
import { SignedState } from './desired-state.ts';
import { Enrolment, EnrolmentCode, EnrolmentCodeRequest, EnrolmentRequest } from './enrolment.ts';
import { Rule, RuleDraft, RuleId } from './publication.ts';
import { IconUpload, Report, ServerId } from './report.ts';
import { Nullable, OneOf, Slug, Strict } from './schema.ts';
import { Server, ServerSummary, WantApplication } from './server.ts';
import { Session, SessionId, SessionRow, Ticket } from './session.ts';
import { SiteDraft, SiteId, SiteSummary } from './site.ts';

/** `public`: anyone. `signedIn`: any account. `technician`: the city's technicians. `agent`: a server, by its key.
 *  An agent's key opens no other route, and a person's cookie opens no agent route. */
export type Policy = 'public' | 'signedIn' | 'technician' | 'agent';

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  policy: Policy;
  summary: string;
  params?: TSchema;
  query?: TSchema;
  body?: TSchema;
  reply: TSchema;
  status?: 200 | 201 | 204;
  /** Only for routes whose reply is a file. */
  file?: string;
}

const Nothing = Type.Null();
const List = <T extends TSchema>(item: T) => Strict({ items: Type.Array(item) });
const Page = <T extends TSchema>(item: T) => Strict({ items: Type.Array(item), next: Nullable(Type.String()) });
const Count = Type.String({ pattern: '^[1-9][0-9]{0,2}$' });
const ofId = <T extends TSchema>(id: T) => Strict({ id });

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
});
export type PortalApplication = Static<typeof PortalApplication>;

export const Launch = Strict({ application: Slug, language: OneOf(['fr', 'en']) });
export type Launch = Static<typeof Launch>;

export const api = {
  health: { method: 'GET', path: '/api/health', policy: 'public', summary: 'Is the controller well?', reply: Strict({ status: Type.Literal('ok'), version: Type.String() }) },
  signIn: { method: 'POST', path: '/api/sign-in', policy: 'public', summary: 'Open a sign-in with a user name and a password', body: SignIn, reply: Account },
  signOut: { method: 'POST', path: '/api/sign-out', policy: 'signedIn', summary: 'Close this sign-in', reply: Nothing, status: 204 },
  me: { method: 'GET', path: '/api/me', policy: 'signedIn', summary: 'Who am I?', reply: Account },

  portal: { method: 'GET', path: '/api/portal', policy: 'signedIn', summary: 'The applications open to me, and my running sessions', reply: List(PortalApplication) },
  launchSession: { method: 'POST', path: '/api/sessions', policy: 'signedIn', summary: 'Start an application, or take up my running session of it', body: Launch, reply: Strict({ session: Session, ticket: Ticket }), status: 201 },
  readSession: { method: 'GET', path: '/api/sessions/:id', policy: 'signedIn', summary: 'One of my sessions', params: ofId(SessionId), reply: Session },
  attachSession: { method: 'POST', path: '/api/sessions/:id/tickets', policy: 'signedIn', summary: 'A new ticket to my running session', params: ofId(SessionId), reply: Strict({ session: Session, ticket: Ticket }), status: 201 },
  endSession: { method: 'POST', path: '/api/sessions/:id/end', policy: 'signedIn', summary: 'End my session (technicians: any)', params: ofId(SessionId), reply: Session },
  readIcon: { method: 'GET', path: '/api/icons/:hash', policy: 'signedIn', summary: 'An application’s icon', params: Strict({ hash: Type.String({ pattern: '^[0-9a-f]{64}$' }) }), reply: Type.String(), file: 'image/png' },

  listSites: { method: 'GET', path: '/api/sites', policy: 'technician', summary: 'Every school at a glance', reply: List(SiteSummary) },
  createSite: { method: 'POST', path: '/api/sites', policy: 'technician', summary: 'Add a school', body: SiteDraft, reply: SiteSummary, status: 201 },
  createEnrolmentCode: { method: 'POST', path: '/api/sites/:id/enrolment-codes', policy: 'technician', summary: 'A one-use code to enrol a server', params: ofId(SiteId), body: EnrolmentCodeRequest, reply: EnrolmentCode, status: 201 },
  listServers: { method: 'GET', path: '/api/servers', policy: 'technician', summary: 'Every server', query: Strict({ site: Type.Optional(SiteId) }), reply: List(ServerSummary) },
  readServer: { method: 'GET', path: '/api/servers/:id', policy: 'technician', summary: 'One server in detail', params: ofId(ServerId), reply: Server },
  retireServer: { method: 'POST', path: '/api/servers/:id/retire', policy: 'technician', summary: 'Take a server out of service for good', params: ofId(ServerId), reply: Nothing, status: 204 },
  wantApplication: { method: 'PUT', path: '/api/servers/:id/applications/:applicationId', policy: 'technician', summary: 'Install an application on a server, or remove it', params: Strict({ id: ServerId, applicationId: ApplicationId }), body: WantApplication, reply: Nothing, status: 204 },
  listApplications: { method: 'GET', path: '/api/applications', policy: 'technician', summary: 'The catalogue', reply: List(Application) },
  createApplication: { method: 'POST', path: '/api/applications', policy: 'technician', summary: 'Add an application, or a version of it', body: ApplicationDraft, reply: Application, status: 201 },
  setIcon: { method: 'POST', path: '/api/icons', policy: 'technician', summary: 'Replace an application’s icon', body: IconUpload, reply: Application },
  listRules: { method: 'GET', path: '/api/rules', policy: 'technician', summary: 'Every publication rule', reply: List(Rule) },
  createRule: { method: 'POST', path: '/api/rules', policy: 'technician', summary: 'Publish or forbid', body: RuleDraft, reply: Rule, status: 201 },
  deleteRule: { method: 'DELETE', path: '/api/rules/:id', policy: 'technician', summary: 'Withdraw a rule', params: ofId(RuleId), reply: Nothing, status: 204 },
  searchAudiences: { method: 'GET', path: '/api/audiences', policy: 'technician', summary: 'People and groups by name', query: Strict({ search: Type.String({ minLength: 1, maxLength: 80 }) }), reply: Strict({ people: Type.Array(Account), groups: Type.Array(Group) }) },
  listSessions: { method: 'GET', path: '/api/sessions', policy: 'technician', summary: 'Sessions, live ones first', query: Strict({ state: Type.Optional(OneOf(['live', 'over'])), limit: Type.Optional(Count) }), reply: List(SessionRow) },
  listAudit: { method: 'GET', path: '/api/audit', policy: 'technician', summary: 'What happened, newest first', query: Strict({ before: Type.Optional(Type.String({ maxLength: 40, pattern: '^[0-9A-Za-z_-]+$' })), limit: Type.Optional(Count), search: Type.Optional(Type.String({ maxLength: 80 })) }), reply: Page(AuditEvent) },

  enrol: { method: 'POST', path: '/api/agent/enrol', policy: 'public', summary: 'Exchange a one-use code for an identity', body: EnrolmentRequest, reply: Enrolment, status: 201 },
  readDesiredState: { method: 'GET', path: '/api/agent/desired-state', policy: 'agent', summary: 'What this server should be', reply: SignedState },
  sendReport: { method: 'POST', path: '/api/agent/report', policy: 'agent', summary: 'What this server is', body: Report, reply: Strict({ generation: Type.Integer(), icons: Type.Array(ApplicationId) }) },
  sendIcon: { method: 'POST', path: '/api/agent/icons', policy: 'agent', summary: 'The icon of an installed application', body: IconUpload, reply: Nothing, status: 204 },
} as const satisfies Record<string, Route>;

export type Api = typeof api;
export type RouteName = keyof Api;

type Part<R, K extends string> = R extends Record<K, infer S extends TSchema> ? Static<S> : undefined;
export type Params<N extends RouteName> = Part<Api[N], 'params'>;
export type Query<N extends RouteName> = Part<Api[N], 'query'>;
export type Body<N extends RouteName> = Part<Api[N], 'body'>;
export type Reply<N extends RouteName> = Static<Api[N]['reply']>;

/** Fills `:name` parts of a route's path. */
export function pathOf(route: { path: string }, params: Record<string, string> = {}): string {
  return route.path.replace(/:([a-zA-Z]+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
}

/** Every HTTP route: method, path, who may call it, schemas. The controller mounts this table, the
 * console and the agent call through it, and `/api/openapi.json` is generated from it. A route
 * without a caller does not compile. The rows are in routes/, one file for each subject. */
import type { Static, TSchema } from 'typebox';
import type { Route } from './route.ts';
import { accountRoutes } from './routes/accounts.ts';
import { agentRoutes } from './routes/agent.ts';
import { auditRoutes } from './routes/audit.ts';
import { catalogueRoutes } from './routes/catalogue.ts';
import { classRoutes } from './routes/classes.ts';
import { exchangeRoutes } from './routes/exchange.ts';
import { healthRoutes } from './routes/health.ts';
import { identityRoutes } from './routes/identity.ts';
import { privacyRoutes } from './routes/privacy.ts';
import { recordingRoutes } from './routes/recordings.ts';
import { requestRoutes } from './routes/requests.ts';
import { rolloutRoutes } from './routes/rollouts.ts';
import { ruleRoutes } from './routes/rules.ts';
import { serverRoutes } from './routes/servers.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { siteRoutes } from './routes/sites.ts';

export type { Caller, Reach, Route } from './route.ts';

export const api = {
  ...healthRoutes,
  ...accountRoutes,
  ...identityRoutes,
  ...sessionRoutes,
  ...exchangeRoutes,
  ...recordingRoutes,
  ...siteRoutes,
  ...serverRoutes,
  ...catalogueRoutes,
  ...ruleRoutes,
  ...classRoutes,
  ...requestRoutes,
  ...rolloutRoutes,
  ...auditRoutes,
  ...privacyRoutes,
  ...agentRoutes,
} as const satisfies Record<string, Route>;

export type Api = typeof api;
export type RouteName = keyof Api;
/** Routes whose body or reply is a stream; edge/streams.ts serves them. */
export type StreamRouteName = {
  [N in RouteName]: Api[N] extends { stream: string } ? N : never;
}[RouteName];

type Part<R, K extends string> =
  R extends Record<K, infer S extends TSchema> ? Static<S> : undefined;
export type Params<N extends RouteName> = Part<Api[N], 'params'>;
export type Query<N extends RouteName> = Part<Api[N], 'query'>;
export type Body<N extends RouteName> = Part<Api[N], 'body'>;
export type Reply<N extends RouteName> = Static<Api[N]['reply']>;

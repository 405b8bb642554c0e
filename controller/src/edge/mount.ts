/** Mounts the contract: every route gets its caller check, its schemas and its verb in one loop, and none
 * can be forgotten. */
import type { OutgoingHttpHeaders } from 'node:http';
import { isTeacher, isTechnician } from '@preau/contract/account.ts';
import { api, type Route, type RouteName, type StreamRouteName } from '@preau/contract/api.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { AccountActor, Actor } from '#src/platform/actor.ts';
import { sha256 } from '#src/platform/secrets.ts';
import type { AnswerMemo } from './answer-memo.ts';
import { guardInput, guardReply } from './guard.ts';
import {
  actorOfAgentCall,
  actorOfCookieOrToken,
  cookieName,
  readAgentHeader,
  stepCookieName,
  stepOf,
} from './sign-in.ts';
import { verbs } from './verbs/table.ts';
import type { Answer, EdgeDeps } from './verbs/verb.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    form?: boolean;
  }
  interface FastifyRequest {
    rawBody: Buffer | null;
  }
}

export function mountApi(app: FastifyInstance, deps: EdgeDeps, memo: AnswerMemo): void {
  for (const name of Object.keys(api) as RouteName[]) {
    const route: Route = api[name];
    if (route.stream !== undefined) continue;
    const checks = {
      params: checker(route.params, 'params'),
      query: checker(route.query, 'query'),
      body: checker(route.body, 'body'),
    };
    const isReply = Compile(route.reply);
    // The one place where the table's types meet a request: the checks above are what makes this
    // true.
    const verb = verbs[name as Exclude<RouteName, StreamRouteName>] as (
      deps: EdgeDeps,
      actor: Actor,
      input: unknown,
      answer: Answer,
    ) => Promise<unknown>;
    app.route({
      method: route.method,
      url: route.path,
      config: { form: route.form === true },
      handler: async (request, reply) => {
        const started = performance.now();
        const epoch = memo.epoch();
        const actor = await authorise(deps, route, request);
        const input = {
          params: checks.params(request.params),
          query: checks.query(request.query),
          body: checks.body(request.body),
        };
        await guardInput(deps, actor, route, input);
        const setCookie =
          (cookie: string, path: string) => (token: string | null, expiresAt: number) => {
            // Lax: a provider's page sends the browser back to us by a link.
            const options = {
              path,
              httpOnly: true,
              sameSite: 'lax' as const,
              secure: deps.publicUrl().startsWith('https:'),
            };
            if (token === null) reply.clearCookie(cookie, options);
            else reply.setCookie(cookie, token, { ...options, expires: new Date(expiresAt) });
          };
        let next: string | null = null;
        const result = await verb(deps, actor, input, {
          address: request.ip,
          setSignIn: setCookie(cookieName, '/'),
          step: stepOf(request.raw),
          setStep: setCookie(stepCookieName, '/api/sign-in'),
          redirect: (address) => {
            next = address;
          },
        });
        if (route.redirect === true && next !== null)
          return reply.header('cache-control', 'no-store').redirect(next, 303);
        await guardReply(deps, actor, route, result);
        reply
          .header('server-timing', `verb;dur=${(performance.now() - started).toFixed(1)}`)
          .status(route.status ?? 200);
        if (route.status === 204) return reply.send();
        if (route.file !== undefined && route.download !== undefined)
          return reply
            .type(route.file)
            .header('cache-control', 'no-store')
            .header('content-disposition', `attachment; filename="${route.download}"`)
            .send(result);
        // A file is named by the hash of what is in it; one that is named otherwise may change.
        if (route.file !== undefined)
          return reply
            .type(route.file)
            .header(
              'cache-control',
              route.path.endsWith('/:hash')
                ? 'private, max-age=31536000, immutable'
                : 'private, max-age=300',
            )
            .send(result);
        // An answer that breaks its contract is a bug of ours, and might leak what no schema names.
        if (!isReply.Check(result))
          throw new Error(
            `${name} answered outside its contract: ${JSON.stringify(isReply.Errors(result).slice(0, 3))}`,
          );
        reply.header('cache-control', 'no-store').type('application/json; charset=utf-8');
        if (route.remembered !== true || actor.kind !== 'account') return reply.send(result);
        const text = JSON.stringify(result);
        memo.keep(
          request.raw,
          epoch,
          { accountId: actor.id, signIn: actor.signIn },
          reply.getHeaders() as OutgoingHttpHeaders,
          text,
        );
        return reply.send(text);
      },
    });
  }
}

/** Compiling costs a thousand checks: each schema is compiled once, whoever asks. */
const checks = new WeakMap<TSchema, ReturnType<typeof Compile>>();

export function checker(schema: TSchema | undefined, where: string): (value: unknown) => unknown {
  if (schema === undefined) return () => undefined;
  const compiled = checks.get(schema) ?? Compile(schema);
  checks.set(schema, compiled);
  return (value) => {
    if (compiled.Check(value)) return value;
    const issues = compiled
      .Errors(value)
      .slice(0, 5)
      .map((issue) => ({ field: `${where}${issue.instancePath}`, problem: issue.message }));
    throw new AppError('VALIDATION_FAILED', { issues });
  };
}

const mayCall: Record<
  'signedIn' | 'teacher' | 'contact' | 'technician' | 'administrator',
  (actor: AccountActor) => boolean
> = {
  signedIn: () => true,
  teacher: (actor) => isTeacher(actor) || isTechnician(actor),
  contact: (actor) => actor.role === 'contact' || isTechnician(actor),
  technician: isTechnician,
  administrator: (actor) => actor.role === 'administrator',
};

export async function authorise(
  deps: EdgeDeps,
  { caller }: Route,
  request: FastifyRequest,
): Promise<Actor> {
  // A page of another origin must not act with the cookie of ours; agents and command lines send no
  // Origin.
  const { origin } = request.headers;
  if (origin !== undefined && request.method !== 'GET' && !deps.originAllowed(origin))
    throw new AppError('ORIGIN_REFUSED');
  switch (caller) {
    case 'public':
      return { kind: 'nobody', id: null, name: '?' };
    case 'agent': {
      const header = readAgentHeader(request.headers.authorization);
      if (header === null) throw new AppError('AGENT_REFUSED');
      return actorOfAgentCall(deps, {
        ...header,
        method: request.method,
        path: request.url,
        bodyHash: request.rawBody === null ? '' : sha256(request.rawBody),
      });
    }
    case 'signedIn':
    case 'teacher':
    case 'contact':
    case 'technician':
    case 'administrator': {
      const actor = await actorOfCookieOrToken(deps, request.raw);
      if (!mayCall[caller](actor)) throw new AppError('FORBIDDEN');
      return actor;
    }
  }
}

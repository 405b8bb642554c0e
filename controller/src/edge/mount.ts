/** Mounts the contract's routes for JSON, forms and small files. One loop gives each route its
 * caller check, its schemas and its verb, so that none is forgotten. streams.ts does the same for
 * routes that stream bytes. */
import type { OutgoingHttpHeaders } from 'node:http';
import { api, type Route, type RouteName, type StreamRouteName } from '@preau/contract/api.ts';
import { faultsOf } from '@preau/contract/schema-faults.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Compile } from 'typebox/compile';
import { isSvg } from '#src/applications/icons/svg.ts';
import type { Actor } from '#src/platform/actor.ts';
import { budget } from '#src/platform/budget.ts';
import { createAgentPace } from './agent-pace.ts';
import type { AnswerMemo } from './answer-memo.ts';
import { authorise } from './authorise.ts';
import type { CallBuckets } from './buckets.ts';
import { checker } from './check.ts';
import { guardInput, guardReply } from './guard.ts';
import { cleanMachineText } from './machine-text.ts';
import { paceOf } from './paces.ts';
import { createPlaces } from './places.ts';
import { cookieName, readAgentHeader, stepCookieName, stepOf } from './sign-in.ts';
import { verbs } from './verbs/table.ts';
import type { Answer, EdgeDeps } from './verbs/verb.ts';

/** Costly calls of everybody share these. */
const costlyPlaces = { most: budget.calls.costlyAtOnce };

export function mountApi(
  app: FastifyInstance,
  deps: EdgeDeps,
  { memo, buckets }: { memo: AnswerMemo; buckets: CallBuckets },
): void {
  const takePlace = createPlaces();
  const pace = createAgentPace();
  for (const name of Object.keys(api) as RouteName[]) {
    const route: Route = api[name];
    if (route.stream !== undefined) continue;
    const checks = {
      params: checker(route.params, 'params'),
      query: checker(route.query, 'query'),
      body: checker(route.body, 'body'),
    };
    const places = paceOf(name, route) === 'costly' ? costlyPlaces : undefined;
    const isFromMachine = route.path.startsWith('/api/agent/');
    const mustBeReply = replyChecker(name, route);
    // This cast is sound because the checks above validate the request against the route's schemas.
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
      ...(route.caller === 'public' ? { bodyLimit: budget.calls.publicBodyBytes } : {}),
      onRequest: async (request) => {
        buckets.call(request.raw, name, route);
        const claimed =
          route.caller === 'agent' ? readAgentHeader(request.headers.authorization) : null;
        if (claimed !== null) pace.mayCall(claimed.serverId, name);
      },
      handler: async (request, reply) => {
        const started = performance.now();
        const epoch = memo.epoch();
        const actor = await authorise(deps, route, request);
        if (actor.kind === 'agent') pace.called(actor.id, name, request.rawBody?.length ?? 0);
        buckets.act(actor, name, route);
        const input = {
          params: checks.params(request.params),
          query: checks.query(request.query),
          body: checks.body(isFromMachine ? cleanMachineText(request.body) : request.body),
        };
        await guardInput(deps, actor, route, input);
        const { answer, next, status } = answerOf(deps, request, reply);
        const result = isGuessed(route)
          ? await deps.identity.addresses.enter(request.ip, (mood) =>
              verb(deps, actor, input, { ...answer, mood }),
            )
          : await takePlace(places, request.raw, () => verb(deps, actor, input, answer));
        const address = next();
        if (route.redirect === true && address !== null)
          return reply.header('cache-control', 'no-store').redirect(address, 303);
        await guardReply(deps, actor, route, result);
        reply
          .header('server-timing', `verb;dur=${(performance.now() - started).toFixed(1)}`)
          .status(status() ?? route.status ?? 200);
        if (route.status === 204) return reply.send();
        if (route.file !== undefined)
          return sendFile(reply, { ...route, file: route.file }, result);
        mustBeReply(result);
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

/** Anybody may call it, and it judges a secret or looks for a name. */
const isGuessed = ({ caller, method, form, path }: Route): boolean =>
  caller === 'public' && form !== true && (method === 'POST' || path.includes('/:code'));

/** `next` returns the address the verb redirects the browser to, `status` the one it sets, or null. */
function answerOf(
  deps: EdgeDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): { answer: Answer; next: () => string | null; status: () => number | null } {
  const setCookie = (cookie: string, path: string) => (token: string | null, expiresAt: number) => {
    // `lax`, because the browser returns from an identity provider's page by a cross-site
    // navigation.
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
  let status: number | null = null;
  return {
    answer: {
      address: request.ip,
      mood: 'calm',
      setSignIn: setCookie(cookieName, '/'),
      step: stepOf(request.raw),
      setStep: setCookie(stepCookieName, '/api/sign-in'),
      redirect: (address) => {
        next = address;
      },
      setStatus: (given) => {
        status = given;
      },
    },
    next: () => next,
    status: () => status,
  };
}

function sendFile(
  reply: FastifyReply,
  { file, download, path }: Route & { file: string },
  content: unknown,
): FastifyReply {
  if (file === 'image/*') sendImageType(reply, content);
  else reply.type(file);
  if (download !== undefined)
    return reply
      .header('cache-control', 'no-store')
      .header('content-disposition', `attachment; filename="${download}"`)
      .send(content);
  // A file whose path is the hash of its contents never changes; other files may.
  const age = path.endsWith('/:hash') ? 'max-age=31536000, immutable' : 'max-age=300';
  return reply.header('cache-control', `private, ${age}`).send(content);
}

/** An image is PNG or SVG. Opened by itself, an SVG runs nothing and loads nothing, even if a fault of
 * the checks let something in. */
function sendImageType(reply: FastifyReply, content: unknown): void {
  const isDrawing = Buffer.isBuffer(content) && isSvg(content);
  reply.type(isDrawing ? 'image/svg+xml' : 'image/png');
  if (isDrawing)
    reply.header('content-security-policy', "default-src 'none'; object-src 'none'; sandbox");
}

/** An answer that does not match its schema is a bug of the controller, and could leak fields that
 * the schema does not name. */
function replyChecker(name: string, route: Route): (result: unknown) => void {
  const compiled = Compile(route.reply);
  return (result) => {
    if (!compiled.Check(result))
      throw new Error(
        `${name} answered outside its contract: ${JSON.stringify(faultsOf(compiled, result).slice(0, 3))}`,
      );
  };
}

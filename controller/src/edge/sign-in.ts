/** Authentication: from cookie, token or agent signature to actor. */
import type { IncomingMessage } from 'node:http';
import { agentCallText, clockToleranceMs } from '@preau/contract/enrolment.ts';
import { AppError } from '@preau/contract/errors.ts';
import { parseCookie } from 'cookie';
import { actorOf } from '#src/accounts/reach.ts';
import { selectSignedIn } from '#src/accounts/sign-ins/store.ts';
import { actorOfToken } from '#src/accounts/tokens/tokens.ts';
import type { AccountActor, AgentActor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sha256, verifySignature } from '#src/platform/secrets.ts';
import { noteClockOfRefused } from '#src/servers/reported/clock.ts';
import { selectServerKey } from '#src/servers/store.ts';

export const cookieName = 'preau_sign_in';
/** Sent to the sign-in routes only, and valid for one redirect. */
export const stepCookieName = 'preau_step';

const cookiesOf = (request: IncomingMessage) => parseCookie(request.headers.cookie ?? '');
/** Null when the cookie is missing or does not have the format of our secrets. */
const secretOf = (request: IncomingMessage, name: string): string | null => {
  const value = cookiesOf(request)[name];
  return value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value) ? value : null;
};
export const cookieOf = (request: IncomingMessage) => secretOf(request, cookieName);
export const stepOf = (request: IncomingMessage) => secretOf(request, stepCookieName);

/** Refuses with NOT_SIGNED_IN. */
export async function actorOfCookie(
  deps: Pick<Platform, 'database' | 'clock'>,
  cookie: string | null,
): Promise<AccountActor> {
  const tokenHash = cookie === null ? null : sha256(cookie);
  const account =
    tokenHash === null
      ? undefined
      : await selectSignedIn(deps.database, tokenHash, deps.clock.now());
  if (account === undefined || tokenHash === null) throw new AppError('NOT_SIGNED_IN');
  return actorOf(account, tokenHash);
}

/** Accepts `Authorization: Bearer preau_…` or the cookie, and refuses both together with FORBIDDEN,
 * so that the caller is never ambiguous. An agent's signature is refused on these routes. A token
 * is read from this header only, never from a query string. */
export async function actorOfCookieOrToken(
  deps: Pick<Platform, 'database' | 'clock'>,
  request: IncomingMessage,
): Promise<AccountActor> {
  const { authorization } = request.headers;
  if (authorization === undefined) return actorOfCookie(deps, cookieOf(request));
  const secret = /^Bearer ([^\s]+)$/.exec(authorization)?.[1];
  if (secret === undefined || cookieName in cookiesOf(request)) throw new AppError('FORBIDDEN');
  return actorOfToken(deps, secret);
}

export interface AgentCall {
  serverId: string;
  at: number;
  signature: string;
  method: string;
  path: string;
  bodyHash: string;
}

/** `Authorization: Preau srv_… <at> <signature>` → its parts. */
export function readAgentHeader(
  header: string | undefined,
): Pick<AgentCall, 'serverId' | 'at' | 'signature'> | null {
  const parts = /^Preau (srv_[A-Za-z0-9_-]{22}) (\d{1,16}) ([A-Za-z0-9_-]{86})$/.exec(header ?? '');
  return parts === null
    ? null
    : { serverId: parts[1] ?? '', at: Number(parts[2]), signature: parts[3] ?? '' };
}

/** Servers whose calls were refused because nobody knows them, each told once. Anybody can send such
 * a call, so only a few are kept. */
const unknownServers = new Set<string>();
const fewUnknown = 100;

/** After a restore, this names the servers that were enrolled since the backup. */
function noteUnknown({ log }: Pick<Platform, 'log'>, serverId: string): void {
  if (unknownServers.has(serverId) || unknownServers.size >= fewUnknown) return;
  unknownServers.add(serverId);
  log.warn({ server: serverId }, 'a server that is not known calls: enrol it anew');
}

/** Each call is signed with the server's own key; a signature is valid for that call only, within
 * five minutes. Refuses with AGENT_REFUSED, SERVER_QUARANTINED, or CLOCK_SKEWED when only the time
 * is wrong. */
export async function actorOfAgentCall(
  deps: Pick<Platform, 'database' | 'clock' | 'log' | 'wakeups'>,
  call: AgentCall,
): Promise<AgentActor> {
  const server = await selectServerKey(deps.database, call.serverId);
  if (server === undefined) noteUnknown(deps, call.serverId);
  if (
    server === undefined ||
    !verifySignature(server.publicKey, agentCallText(call), call.signature)
  )
    throw new AppError('AGENT_REFUSED');
  if (server.quarantinedAt !== null) throw new AppError('SERVER_QUARANTINED');
  const now = deps.clock.now();
  const actor = { kind: 'agent', id: server.id, name: server.name, siteId: server.siteId } as const;
  const skewMs = call.at - now;
  if (Math.abs(skewMs) <= clockToleranceMs) return actor;
  await noteClockOfRefused(deps, actor, skewMs).catch((error: unknown) =>
    deps.log.warn({ err: error, server: server.id }, 'a wrong clock was not noted'),
  );
  throw new AppError('CLOCK_SKEWED', { controllerTime: now, skewMs });
}

/** The only code that knows CAS (protocol 2 and 3: EoleSSO, Apereo CAS, most ENT). No maintained
 * client exists, and the part needed is small. The server's replies are parsed strictly: anything
 * unexpected is refused. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { boundedText } from './bounded-fetch.ts';

export interface CasServer {
  url: string;
  protocol: '2' | '3';
  timeoutMs: number;
}
export class CasRefused extends Error {}

const maxBytes = 200_000;
const parser = new XMLParser({
  removeNSPrefix: true,
  ignoreAttributes: true,
  parseTagValue: false,
  processEntities: { enabled: true, maxEntityCount: 0 },
  trimValues: true,
});

function read(xml: string): Record<string, unknown> {
  // Refuses a document type, which could define entities that expand without limit or read files.
  if (
    xml.length > maxBytes ||
    /<!(DOCTYPE|ENTITY)/i.test(xml) ||
    XMLValidator.validate(xml) !== true
  )
    throw new CasRefused('not XML of CAS');
  const document: unknown = parser.parse(xml);
  if (typeof document !== 'object' || document === null) throw new CasRefused('not XML of CAS');
  return document as Record<string, unknown>;
}
const isNode = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Pure. Attributes of protocol 3, each as a list; names in lower case. Throws CasRefused. */
export function readValidation(xml: string): {
  user: string;
  attributes: Record<string, string[]>;
} {
  const response = read(xml)['serviceResponse'];
  if (!isNode(response) || 'authenticationFailure' in response)
    throw new CasRefused('the ticket is not good');
  const success = response['authenticationSuccess'];
  // Exactly one person, signed in directly: neither lists nor proxies are accepted.
  if (
    !isNode(success) ||
    typeof success['user'] !== 'string' ||
    success['user'] === '' ||
    'proxies' in success
  )
    throw new CasRefused('nobody is named');
  const attributes: Record<string, string[]> = {};
  if (isNode(success['attributes'])) {
    for (const [name, value] of Object.entries(success['attributes']))
      attributes[name.toLowerCase()] = (Array.isArray(value) ? value : [value])
        .filter((one): one is string => typeof one === 'string')
        .slice(0, 500);
  }
  return { user: success['user'], attributes };
}

/** Pure. The ticket whose sign-in has ended; null: not a logout message. */
export function readLogout(xml: string): string | null {
  try {
    const request = read(xml)['LogoutRequest'];
    const ticket = isNode(request) ? request['SessionIndex'] : undefined;
    return typeof ticket === 'string' && /^ST-[\x21-\x7e]{8,400}$/.test(ticket) ? ticket : null;
  } catch {
    return null;
  }
}

const at = (server: CasServer, path: string, query: Record<string, string>) =>
  `${server.url.replace(/\/$/, '')}${path}?${new URLSearchParams(query)}`;
export const casLogin = (server: CasServer, service: string) => at(server, '/login', { service });
export const casLogout = (server: CasServer, afterwards: string) =>
  at(server, '/logout', { service: afterwards });

/** A ticket is valid once, for this service, within seconds. Throws CasRefused; any other error
 * means that the server cannot be reached. */
export async function validateTicket(server: CasServer, service: string, ticket: string) {
  if (!/^ST-[\x21-\x7e]{8,400}$/.test(ticket)) throw new CasRefused('not a ticket');
  const response = await fetch(
    at(server, server.protocol === '3' ? '/p3/serviceValidate' : '/serviceValidate', {
      service,
      ticket,
    }),
    { redirect: 'error', signal: AbortSignal.timeout(server.timeoutMs) },
  );
  if (!response.ok) throw new Error(`the CAS server answered ${response.status}`);
  return readValidation(await boundedText(response));
}
export async function casAnswers(server: CasServer): Promise<void> {
  const response = await fetch(at(server, '/login', {}), {
    method: 'GET',
    redirect: 'manual',
    signal: AbortSignal.timeout(server.timeoutMs),
  });
  await response.body?.cancel();
  if (response.status >= 500) throw new Error(`the CAS server answered ${response.status}`);
}

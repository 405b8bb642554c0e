/** The way to the city: directly, or through the school's proxy; and what stands in it when the
 * city is not reached. */
import { type ClientRequest, Agent as HttpAgent, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { AppError } from '@preau/contract/errors.ts';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { proxyFor } from './config.ts';

export interface WayOut {
  controllerUrl: string;
  /** Address of the proxy, with its user and password; null: directly. */
  proxy: string | null;
  /** Keeps one connection between reports, to spare 2,700 schools a TLS handshake every 20 s. */
  kept: HttpAgent;
  /** Opens one connection per request; false: Node's own way. */
  single: HttpAgent | false;
}

export function openWayOut(controllerUrl: string): WayOut {
  const options = { keepAlive: true, maxSockets: 4, maxFreeSockets: 1 };
  const proxy = proxyFor(controllerUrl);
  if (proxy !== null)
    return {
      controllerUrl,
      proxy,
      kept: new HttpsProxyAgent(proxy, options),
      single: new HttpsProxyAgent(proxy),
    };
  const isTls = controllerUrl.startsWith('https:');
  return {
    controllerUrl,
    proxy,
    kept: isTls ? new HttpsAgent(options) : new HttpAgent(options),
    single: false,
  };
}

export const senderFor = (url: string): typeof requestHttp =>
  url.startsWith('https:') ? requestHttps : requestHttp;

/** Calls back with the refusal when the proxy does not open the connection. Its answer would
 * otherwise be read as the city's. */
export function onProxyRefusal(
  request: ClientRequest,
  { proxy }: WayOut,
  refuse: (error: AppError) => void,
): void {
  request.on('proxyConnect', ({ statusCode }: { statusCode: number }) => {
    if (statusCode === 200) return;
    const details = { proxy: withoutPassword(proxy), status: statusCode };
    refuse(new AppError(statusCode === 407 ? 'PROXY_PASSWORD_REFUSED' : 'PROXY_BLOCKS', details));
  });
}

/** `host:port` of a proxy. */
const withoutPassword = (proxy: string | null): string =>
  proxy !== null && URL.canParse(proxy) ? new URL(proxy).host : '';

const certificateFaults =
  /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH)/;
/** Right at another date: of the two, the clock of a school's server is the one that is wrong. */
const dateFaults = /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/;
const nameFaults = /^(ENOTFOUND|EAI_)/;

/** The same failure, as a refusal that says what to do where its cause is known. */
export async function explained(error: unknown, way: WayOut): Promise<unknown> {
  if (error instanceof AppError || !(error instanceof Error)) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  const proxy = withoutPassword(way.proxy);
  if (certificateFaults.test(code)) {
    const { issuer, ...dates } = await certificateSeen(way);
    const why = error.message;
    return dateFaults.test(code)
      ? new AppError('CERTIFICATE_OUT_OF_DATE', { ...dates, why }, { cause: error })
      : new AppError('CERTIFICATE_REFUSED', { issuer, why }, { cause: error });
  }
  if (nameFaults.test(code))
    return new AppError('NAME_NOT_FOUND', { why: error.message }, { cause: error });
  if (proxy !== '')
    return new AppError('PROXY_UNREACHABLE', { proxy, why: error.message }, { cause: error });
  return error;
}

const lookWithinMs = 10_000;

interface SeenCertificate {
  /** Empty when it was not seen. */
  issuer: string;
  validFrom?: string;
  validTo?: string;
}

/** Who signed the certificate that answers in the city's place, and when it is valid. Sends no
 * secret: the certificate is not trusted. */
function certificateSeen({ controllerUrl, single }: WayOut): Promise<SeenCertificate> {
  return new Promise((resolve) => {
    const request = requestHttps(
      controllerUrl,
      {
        method: 'HEAD',
        agent: single,
        rejectUnauthorized: false,
        signal: AbortSignal.timeout(lookWithinMs),
      },
      (response) => {
        const seen = (response.socket as TLSSocket).getPeerCertificate();
        resolve({
          issuer: [seen.issuer?.O, seen.issuer?.CN].flat().filter(Boolean).join(', '),
          validFrom: seen.valid_from,
          validTo: seen.valid_to,
        });
        response.destroy();
      },
    );
    request.on('error', () => resolve({ issuer: '' }));
    request.end();
  });
}

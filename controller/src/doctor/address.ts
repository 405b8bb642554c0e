/** The address that people type: whether it leads here, with a good certificate, and whether the
 * proxy in front says where a call comes from. */
import { lookup } from 'node:dns/promises';
import { addressOf } from '@preau/contract/network.ts';
import { ask, isPreau } from './ask.ts';
import { examination, type Found, wordsOf } from './examination.ts';
import type { Patient } from './patient.ts';
import { type CertificateFacts, judgeCertificate, readCertificate } from './tls.ts';

export interface AddressFacts {
  /** Empty: not set. */
  url: string;
  resolved: readonly string[];
  certificate: CertificateFacts | null;
  /** Why nobody answers; null: somebody does. */
  failure: string | null;
  isPreau: boolean;
  /** Of this call: the address that the controller saw, and the one that was really used. */
  seen: string | null;
  used: string | null;
  trustsProxies: boolean;
}

/** Of the documentation (RFC 5737): nobody has it. */
const invented = '203.0.113.9';

export const address = examination({
  withinMs: 20_000,
  failure: 'ADDRESS_UNREACHABLE',
  gather: gatherAddress,
  judge: (facts, { now }) => judgeAddress(facts, now),
});

async function gatherAddress({ config }: Patient): Promise<AddressFacts> {
  const url = config.PREAU_PUBLIC_URL;
  const facts: AddressFacts = {
    url,
    resolved: [],
    certificate: null,
    failure: null,
    isPreau: false,
    seen: null,
    used: null,
    trustsProxies: config.PREAU_TRUSTED_PROXIES.length > 0,
  };
  if (!URL.canParse(url)) return facts;
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const found = await lookup(host, { all: true }).catch(() => []);
  facts.resolved = found.map((one) => one.address);
  if (found.length === 0) return facts;
  try {
    if (protocol === 'https:')
      facts.certificate = await readCertificate({
        of: url,
        host,
        port: Number(port || 443),
        name: host,
      });
    facts.isPreau = await isPreau(url);
    const said = await ask(`${url}/api/address`, { 'x-forwarded-for': invented });
    facts.seen = /^\{"address":"([^"]{1,60})"\}$/.exec(said.text)?.[1] ?? null;
    facts.used = said.localAddress;
  } catch (error) {
    facts.failure = wordsOf(error);
  }
  return facts;
}

const isHere = (host: string) => addressOf(host)?.range() === 'loopback';

export function judgeAddress(facts: AddressFacts, now: number): Found[] {
  const { url, resolved, certificate, failure } = facts;
  if (url === '') return [{ code: 'ADDRESS_UNSET', why: 'PREAU_PUBLIC_URL is empty' }];
  if (resolved.length === 0) return [{ code: 'ADDRESS_UNKNOWN', why: url }];
  const found: Found[] = [];
  if (url.startsWith('http:') && !resolved.every(isHere))
    found.push({ code: 'ADDRESS_PLAIN', why: url });
  if (certificate !== null) found.push(...judgeCertificate(certificate, now));
  if (failure !== null)
    return [...found, { code: 'ADDRESS_UNREACHABLE', why: `${url}: ${failure}` }];
  if (!facts.isPreau) return [...found, { code: 'ADDRESS_ELSEWHERE', why: url }];
  if (facts.seen === invented)
    found.push({ code: 'ADDRESSES_INVENTED', why: `${url} passes on what a device says` });
  else if (!facts.trustsProxies && facts.seen !== null && !isSame(facts.seen, facts.used))
    found.push({ code: 'PROXY_UNTRUSTED', why: `it sees ${facts.seen}` });
  return found;
}

const isSame = (a: string, b: string | null): boolean =>
  addressOf(a)?.toString() === addressOf(b)?.toString();

/** Directories and sign-in services: whether they answer, and with which certificate. Nobody signs
 * in, and no password is sent. */
import { readText } from '#src/identity/settings.ts';
import type { ProviderSettings } from '#src/identity/settings-schema.ts';
import { examination, type Found, wordsOf } from './examination.ts';
import {
  type CertificateFacts,
  type Dialled,
  dialPlain,
  judgeCertificate,
  readCertificate,
} from './tls.ts';

interface ProviderFacts {
  id: string;
  at: string;
  /** Null: it answers. */
  failure: string | null;
  /** Null: without TLS, on this machine. */
  certificate: CertificateFacts | null;
}

export const providers = examination({
  withinMs: 20_000,
  failure: 'PROVIDER_UNREACHABLE',
  gather: (patient) => Promise.all(patient.providers.map(gatherProvider)),
  judge: (facts, { now }) => judgeProviders(facts, now),
});

const ports: Readonly<Record<string, number>> = {
  'ldap:': 389,
  'ldaps:': 636,
  'http:': 80,
  'https:': 443,
};

async function gatherProvider(settings: ProviderSettings): Promise<ProviderFacts> {
  const at = settings.kind === 'oidc' ? settings.issuer : settings.url;
  const { protocol, hostname, port } = new URL(at);
  const host = hostname.replace(/^\[|\]$/g, '');
  const dialled: Dialled = {
    of: settings.id,
    host,
    port: Number(port || ports[protocol] || 0),
    name: (settings.kind === 'ldap' ? settings.server_name : undefined) ?? host,
    startTls: protocol === 'ldap:',
    ca:
      settings.kind === 'ldap' && settings.ca_file !== undefined
        ? (readText(settings.ca_file) ?? undefined)
        : undefined,
  };
  try {
    if (protocol === 'http:') {
      (await dialPlain(host, dialled.port)).destroy();
      return { id: settings.id, at, failure: null, certificate: null };
    }
    return { id: settings.id, at, failure: null, certificate: await readCertificate(dialled) };
  } catch (error) {
    return { id: settings.id, at, failure: wordsOf(error), certificate: null };
  }
}

export function judgeProviders(facts: readonly ProviderFacts[], now: number): Found[] {
  return facts.flatMap(({ id, at, failure, certificate }): Found[] => {
    if (failure !== null)
      return [{ code: 'PROVIDER_UNREACHABLE', why: `${id} (${at}): ${failure}` }];
    return certificate === null ? [] : judgeCertificate(certificate, now);
  });
}

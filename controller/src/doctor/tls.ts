/** The certificate that a service shows, whether it is trusted or not. */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect, type PeerCertificate } from 'node:tls';
import type { Found } from './examination.ts';

export interface CertificateFacts {
  /** Whose it is, for the sentence. */
  of: string;
  validFrom: number;
  validTo: number;
  /** The name does not fit. */
  otherName: string | null;
  /** Why this machine does not trust it; null: it does. */
  untrusted: string | null;
}

export interface Dialled {
  of: string;
  host: string;
  port: number;
  /** The name that the certificate must have. */
  name: string;
  ca?: string | undefined;
  /** LDAP asks for TLS on an open connection. */
  startTls?: boolean;
}

const answerMs = 5000;
/** An LDAP request number 1 for 1.3.6.1.4.1.1466.20037 (RFC 4511, StartTLS). */
const startTlsRequest = Buffer.concat([
  Buffer.from([0x30, 0x1d, 0x02, 0x01, 0x01, 0x77, 0x18, 0x80, 0x16]),
  Buffer.from('1.3.6.1.4.1.1466.20037'),
]);

/** Connects without TLS; throws when nobody answers. */
export function dialPlain(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectPlain({ host, port });
    const late = setTimeout(() => socket.destroy(new Error('no answer')), answerMs);
    socket.once('error', reject);
    socket.once('close', () => clearTimeout(late));
    socket.once('connect', () => {
      clearTimeout(late);
      socket.off('error', reject);
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}

async function askForTls(socket: Socket): Promise<void> {
  socket.write(startTlsRequest);
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => socket.destroy(new Error('no answer to StartTLS')), answerMs);
    socket.once('data', () => {
      clearTimeout(late);
      socket.removeAllListeners('close');
      resolve();
    });
    socket.once('close', () => {
      clearTimeout(late);
      reject(new Error('it closed at StartTLS'));
    });
  });
}

export async function readCertificate(at: Dialled): Promise<CertificateFacts> {
  const plain = await dialPlain(at.host, at.port);
  try {
    if (at.startTls === true) await askForTls(plain);
    return await new Promise((resolve, reject) => {
      const socket = connect({
        socket: plain,
        // Read whatever it is: what is wrong with it is said, and nothing else is sent.
        rejectUnauthorized: false,
        ...(isIP(at.name) === 0 ? { servername: at.name } : {}),
        ...(at.ca === undefined ? {} : { ca: at.ca }),
      });
      const late = setTimeout(() => socket.destroy(new Error('no answer to TLS')), answerMs);
      socket.once('close', () => {
        clearTimeout(late);
        reject(new Error('it closed the connection during TLS'));
      });
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        clearTimeout(late);
        const shown = socket.getPeerCertificate();
        resolve(factsOf(at, shown, socket.authorizationError?.toString() ?? null));
      });
    });
  } finally {
    plain.destroy();
  }
}

function factsOf(at: Dialled, shown: PeerCertificate, problem: string | null): CertificateFacts {
  return {
    of: at.of,
    validFrom: Date.parse(shown.valid_from),
    validTo: Date.parse(shown.valid_to),
    otherName: checkServerIdentity(at.name, shown)?.message ?? null,
    // Dates and names are judged by themselves.
    untrusted: problem === null || /EXPIRED|NOT_YET_VALID|ALTNAME/.test(problem) ? null : problem,
  };
}

const soonMs = 21 * 86_400_000;
const day = (at: number) => new Date(at).toISOString().slice(0, 10);

export function judgeCertificate(facts: CertificateFacts, now: number): Found[] {
  const { of, validFrom, validTo, otherName, untrusted } = facts;
  const found: Found[] = [];
  if (now < validFrom || now > validTo)
    found.push({
      code: 'CERTIFICATE_EXPIRED',
      why: `${of}: valid from ${day(validFrom)} to ${day(validTo)}`,
    });
  else if (validTo - now < soonMs)
    found.push({ code: 'CERTIFICATE_EXPIRES', why: `${of}: on ${day(validTo)}` });
  if (otherName !== null)
    found.push({ code: 'CERTIFICATE_OTHER_NAME', why: `${of}: ${otherName}` });
  if (untrusted !== null) found.push({ code: 'CERTIFICATE_UNTRUSTED', why: `${of}: ${untrusted}` });
  return found;
}

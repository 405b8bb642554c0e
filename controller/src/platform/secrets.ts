/** Randomness, hashes, encryption and signatures: the only code that uses the secrets of
 * `node:crypto`. HKDF derives two keys from one 32-byte secret per city: the key that encrypts
 * (seals) credentials and the Ed25519 key that signs desired states. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IdKind } from '@preau/contract/ids.ts';

export const newId = (kind: IdKind): string => `${kind}_${randomBytes(16).toString('base64url')}`;
/** 256 random bits, base64url, for sign-ins and tickets. */
export const newToken = (): string => randomBytes(32).toString('base64url');
/** 128 random bits, base64url, that are not the id of a stored object: a salt that makes a hashed
 * value impossible to guess, or a unique name. */
export const newSalt = (): string => randomBytes(16).toString('base64url');
export const sha256 = (data: string | Buffer): string =>
  createHash('sha256').update(data).digest('hex');
/** In base64, the format of content-security policies. */
export const sha256Base64 = (data: string): string =>
  createHash('sha256').update(data).digest('base64');

/** 24 characters of base32 (120 bits) in groups of four: short enough to read out on the
 * telephone. */
export function newEnrolmentCode(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const letters = [...randomBytes(24)].map((byte) => alphabet[byte % 32]);
  return Array.from({ length: 6 }, (_, group) =>
    letters.slice(group * 4, group * 4 + 4).join(''),
  ).join('-');
}

/** Reads the city's secret, or creates it on the first start. Only its owner can read the file. */
export function loadSecret(dataFolder: string, given: string): Buffer {
  if (given !== '') return Buffer.from(given, 'hex');
  const path = join(dataFolder, 'secret');
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(path, randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return Buffer.from(readFileSync(path, 'utf8').trim(), 'hex');
}

/** Says which secret a database belongs to, and nothing about the secret itself. */
export const fingerprintOf = (secret: Buffer): string =>
  Buffer.from(hkdfSync('sha256', secret, '', 'preau fingerprint', 16)).toString('hex');

export const hasSecret = (dataFolder: string, given: string): boolean =>
  given !== '' || existsSync(join(dataFolder, 'secret'));

export interface Secrets {
  /** Raw public key, base64url, which agents pin. */
  controllerKey: string;
  sign: (text: string) => string;
  seal: (text: string) => string;
  /** Throws when the text was altered. */
  unseal: (sealed: string) => string;
}

// RFC 8410: an Ed25519 private key in PKCS #8 is this prefix followed by the 32-byte seed; a public
// key in SPKI likewise.
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');

export function createSecrets(secret: Buffer): Secrets {
  const derive = (purpose: string) =>
    Buffer.from(hkdfSync('sha256', secret, '', `preau ${purpose}`, 32));
  const privateKey = createPrivateKey({
    key: Buffer.concat([privatePrefix, derive('signing')]),
    format: 'der',
    type: 'pkcs8',
  });
  const sealKey = derive('sealing');
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    controllerKey: spki.subarray(publicPrefix.length).toString('base64url'),
    sign: (text) => sign(null, Buffer.from(text), privateKey).toString('base64url'),
    seal: (text) => {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', sealKey, nonce);
      return Buffer.concat([
        nonce,
        cipher.update(text, 'utf8'),
        cipher.final(),
        cipher.getAuthTag(),
      ]).toString('base64url');
    },
    unseal: (sealed) => {
      const bytes = Buffer.from(sealed, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', sealKey, bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(bytes.length - 16));
      return Buffer.concat([
        decipher.update(bytes.subarray(12, bytes.length - 16)),
        decipher.final(),
      ]).toString('utf8');
    },
  };
}

/** Cached, because parsing a key costs as much as using it. Entries never become stale: the key's
 * text is the cache key. */
const readKeys = new Map<string, KeyObject>();

function readPublicKey(publicKey: string): KeyObject {
  const known = readKeys.get(publicKey);
  if (known !== undefined) return known;
  const key = createPublicKey({
    key: Buffer.concat([publicPrefix, Buffer.from(publicKey, 'base64url')]),
    format: 'der',
    type: 'spki',
  });
  if (readKeys.size >= 10_000) readKeys.delete(readKeys.keys().next().value ?? '');
  readKeys.set(publicKey, key);
  return key;
}

/** False for a wrong signature and for a malformed key. */
export function verifySignature(publicKey: string, text: string, signature: string): boolean {
  try {
    return verify(
      null,
      Buffer.from(text),
      readPublicKey(publicKey),
      Buffer.from(signature, 'base64url'),
    );
  } catch {
    return false;
  }
}

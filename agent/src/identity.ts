/** This server's identity: its own key pair, made here and never sent, and the controller's key
 * that it trusts. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { join } from 'node:path';
import { agentCallText } from '@preau/contract/enrolment.ts';
import { makeFolder, readText, writeDurably } from './files.ts';

export interface Identity {
  serverId: string;
  controllerUrl: string;
  /** Raw Ed25519 public key of the controller, base64url: pinned at enrolment. */
  controllerKey: string;
  /** PKCS #8, PEM. */
  privateKey: string;
}

// RFC 8410: an Ed25519 public key in SPKI is this prefix and 32 bytes.
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');

export function newKeyPair(): { privateKey: string; publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicKey: publicKey
      .export({ format: 'der', type: 'spki' })
      .subarray(publicPrefix.length)
      .toString('base64url'),
  };
}

const pathOf = (stateFolder: string) => join(stateFolder, 'identity.json');

export function loadIdentity(stateFolder: string): Identity | undefined {
  const text = readText(pathOf(stateFolder));
  return text === undefined ? undefined : (JSON.parse(text) as Identity);
}

export function saveIdentity(stateFolder: string, identity: Identity): void {
  makeFolder(stateFolder, 0o700);
  writeDurably(pathOf(stateFolder), JSON.stringify(identity));
}

/** Signs one call: method, path, body and time. */
export function signCall(
  identity: Identity,
  call: { method: string; path: string; body: string | null; at: number },
): string {
  const bodyHash = call.body === null ? '' : createHash('sha256').update(call.body).digest('hex');
  return sign(
    null,
    Buffer.from(agentCallText({ ...call, bodyHash })),
    createPrivateKey(identity.privateKey),
  ).toString('base64url');
}

export function isSignedByController(
  controllerKey: string,
  text: string,
  signature: string,
): boolean {
  try {
    const key: KeyObject = createPublicKey({
      key: Buffer.concat([publicPrefix, Buffer.from(controllerKey, 'base64url')]),
      format: 'der',
      type: 'spki',
    });
    return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64url'));
  } catch {
    return false;
  }
}

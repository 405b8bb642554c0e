/** A passkey made of software, as a browser and its authenticator would answer: for tests. */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest();
/** Bits of an authenticator's answer: somebody was there; they proved who; a new key is attached. */
const flags = { present: 0x01, verified: 0x04, attached: 0x40 };
const bytesOf = (hex: string) => Buffer.from(hex, 'hex');

export interface Asked {
  challenge: string;
  origin: string;
  /** Domain of the page that asks. */
  party: string;
}

export type SoftwarePasskey = ReturnType<typeof makePasskey>;

/** `verifies`: asks for a finger or a PIN; otherwise a touch is enough, as with a stolen key. */
export function makePasskey({ verifies = true } = {}) {
  const how = { verifies };
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const rawId = randomBytes(16);
  const id = rawId.toString('base64url');
  let counter = 0;
  const clientData = (type: string, { challenge, origin }: Asked) =>
    Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  const authenticatorData = ({ party }: Asked, attached: Buffer | null) => {
    counter += 1;
    const head = Buffer.alloc(5);
    head[0] =
      flags.present |
      (how.verifies ? flags.verified : 0) |
      (attached === null ? 0 : flags.attached);
    head.writeUInt32BE(counter, 1);
    return Buffer.concat([sha256(party), head, attached ?? Buffer.alloc(0)]);
  };
  const answer = (response: Record<string, unknown>) => ({
    id,
    rawId: id,
    type: 'public-key',
    clientExtensionResults: {},
    response,
  });
  return Object.assign(how, {
    id,
    /** What a browser returns of `navigator.credentials.create`. */
    create: (asked: Asked) => {
      // The key in COSE: an elliptic curve key for ES256 on P-256.
      const key = Buffer.concat([
        bytesOf('a5010203262001215820'),
        Buffer.from(x, 'base64url'),
        bytesOf('225820'),
        Buffer.from(y, 'base64url'),
      ]);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(rawId.length);
      const data = authenticatorData(asked, Buffer.concat([Buffer.alloc(16), length, rawId, key]));
      // In CBOR: { fmt: "none", attStmt: {}, authData }.
      const attestation = Buffer.concat([
        bytesOf('a363666d74646e6f6e656761747453746d74a0686175746844617461'),
        Buffer.from([0x58, data.length]),
        data,
      ]);
      return answer({
        clientDataJSON: clientData('webauthn.create', asked).toString('base64url'),
        attestationObject: attestation.toString('base64url'),
        transports: ['internal'],
      });
    },
    /** What a browser returns of `navigator.credentials.get`. */
    get: (asked: Asked) => {
      const data = authenticatorData(asked, null);
      const client = clientData('webauthn.get', asked);
      return answer({
        clientDataJSON: client.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: sign('sha256', Buffer.concat([data, sha256(client)]), privateKey).toString(
          'base64url',
        ),
      });
    },
  });
}

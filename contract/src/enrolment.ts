/** How a server gets its identity: one-use code in, key pair made on the server. */
import { type Static, Type } from 'typebox';
import { Id, Line, Strict } from './schema.ts';

export const enrolmentCodeTtlMs = 30 * 60_000;

/** Raw Ed25519 public key, 32 bytes in base64url. */
export const PublicKey = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });

export const EnrolmentCodeRequest = Strict({ serverName: Line(80) });
export const EnrolmentCode = Strict({
  /** Shown once; only its hash is stored. */
  code: Type.String(),
  /** The controller's public key: the agent pins it. */
  controllerKey: PublicKey,
  expiresAt: Type.Integer(),
  /** One line to paste on the server, as root. */
  command: Type.String(),
  /** The line that only looks whether the first would work, and changes nothing. */
  checkCommand: Type.String(),
});
export type EnrolmentCode = Static<typeof EnrolmentCode>;

/** Where guacd reaches a server's displays. Port 0: the server chooses one each time it starts. */
export const DisplayAddress = Strict({
  host: Type.String({ maxLength: 45, pattern: '^[0-9A-Fa-f.:]+$' }),
  port: Type.Integer({ minimum: 0, maximum: 65535 }),
});
export type DisplayAddress = Static<typeof DisplayAddress>;

export const EnrolmentRequest = Strict({
  code: Type.String({ pattern: '^[A-Z2-7]{4}(-[A-Z2-7]{4}){5}$' }),
  publicKey: PublicKey,
  hostname: Line(255),
  protocol: Type.Integer({ minimum: 1 }),
  /** An agent that does not say answers at the address it calls from. */
  display: Type.Optional(DisplayAddress),
});
export type EnrolmentRequest = Static<typeof EnrolmentRequest>;

export const Enrolment = Strict({
  serverId: Id('srv'),
  siteName: Line(120),
  serverName: Line(80),
  controllerKey: PublicKey,
});
export type Enrolment = Static<typeof Enrolment>;

/** The text an agent signs for each call, so that the signature is valid for this call only:
 * `preau1`, time in ms, method, path, and the SHA-256 of the body in hex, one per line. */
export function agentCallText(call: {
  at: number;
  method: string;
  path: string;
  bodyHash: string;
}): string {
  return `preau1\n${call.at}\n${call.method}\n${call.path}\n${call.bodyHash}`;
}
/** Calls from an agent whose clock differs by more than this are refused with an error that says
 * so. */
export const clockToleranceMs = 5 * 60_000;

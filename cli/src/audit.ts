/** Verifies an exported audit on any machine, without the city and without a token. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Link } from '@preau/contract/audit-chain.ts';
import { type FileVerdict, followFile } from '@preau/contract/audit-file.ts';
import { UsageError } from './outcome.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
// RFC 8410: an Ed25519 public key in SPKI is this prefix and 32 bytes.
const prefix = Buffer.from('302a300506032b6570032100', 'hex');
function signedBy(key: string, text: string, signature: string): boolean {
  try {
    return verify(
      null,
      Buffer.from(text),
      createPublicKey({
        key: Buffer.concat([prefix, Buffer.from(key, 'base64url')]),
        format: 'der',
        type: 'spki',
      }),
      Buffer.from(signature, 'base64url'),
    );
  } catch {
    return false;
  }
}

/** Parses `12345:9f86d0…`: a number and a full SHA-256 hash. */
export function linkFrom(text: string | undefined): Link | null {
  if (text === undefined) return null;
  const [, seq, hash] = /^(\d{1,16}):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  if (seq === undefined || hash === undefined) throw new UsageError('badHead', { text });
  return { seq: Number(seq), hash };
}

/** Verifies consecutive files, in the given order. */
export async function verifyFiles(
  paths: readonly string[],
  given: { key: string | undefined; known: Link | null },
): Promise<FileVerdict> {
  if (given.key !== undefined && !/^[A-Za-z0-9_-]{43}$/.test(given.key))
    throw new UsageError('badKey', { text: given.key });
  const file = followFile(
    { sha256, verify: signedBy },
    { key: given.key ?? null, known: given.known },
  );
  for (const path of paths) {
    const source = createReadStream(path, 'utf8');
    try {
      for await (const line of createInterface({
        input: source,
        crlfDelay: Number.POSITIVE_INFINITY,
      }))
        file.line(line);
    } catch (cause) {
      throw new UsageError('unreadable', { path }, { cause });
    }
  }
  return file.end();
}

/** The city's secret: there, kept from others, and the one that the database was written with. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { headText } from '@preau/contract/audit-chain.ts';
import { selectChain } from '#src/audit/store.ts';
import { createSecrets, verifySignature } from '#src/platform/secrets.ts';
import { examination, type Found, NotLookedAt } from './examination.ts';
import type { Patient } from './patient.ts';
import { selectSigned } from './store.ts';

export interface SecretFacts {
  /** Null: the secret is in PREAU_SECRET, not in a file. */
  path: string | null;
  /** Null: there is none. */
  text: string | null;
  mode: number;
  /** Texts of the database, and who signed them; empty while nothing is signed yet. */
  signed: readonly { text: string; signature: string }[];
}

export const secret = examination({
  failure: 'SECRET_MISSING',
  gather: gatherSecret,
  judge: judgeSecret,
});

/** The secret's text; null when there is none. Makes no new one. */
export async function readSecret({ config }: Pick<Patient, 'config'>): Promise<string | null> {
  if (config.PREAU_SECRET !== '') return config.PREAU_SECRET;
  try {
    return (await readFile(join(config.PREAU_DATA, 'secret'), 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function gatherSecret(patient: Patient): Promise<SecretFacts> {
  const text = await readSecret(patient);
  const path =
    patient.config.PREAU_SECRET === '' ? join(patient.config.PREAU_DATA, 'secret') : null;
  const mode = path === null || text === null ? 0 : (await stat(path)).mode & 0o777;
  return { path, text, mode, signed: await signedIn(patient) };
}

async function signedIn(patient: Patient): Promise<SecretFacts['signed']> {
  try {
    const rows = patient.rows();
    const { head } = await selectChain(rows);
    const state = await selectSigned(rows);
    return [
      ...(head.seq > 0 && head.signature !== null
        ? [{ text: headText(head, head.at), signature: head.signature }]
        : []),
      ...(state === undefined ? [] : [{ text: state.document, signature: state.signature }]),
    ];
  } catch (error) {
    // A database that cannot be read has a finding of its own; the file is looked at nevertheless.
    if (error instanceof NotLookedAt || error instanceof Error) return [];
    throw error;
  }
}

export function judgeSecret({ path, text, mode, signed }: SecretFacts): Found[] {
  if (text === null) return [{ code: 'SECRET_MISSING', why: path ?? 'PREAU_SECRET' }];
  const found: Found[] = [];
  if ((mode & 0o077) !== 0)
    found.push({ code: 'SECRET_OPEN', why: `${path} has the modes ${mode.toString(8)}` });
  if (!/^[0-9a-f]{64}$/.test(text))
    return [...found, { code: 'SECRET_MALFORMED', why: path ?? 'PREAU_SECRET' }];
  const { controllerKey } = createSecrets(Buffer.from(text, 'hex'));
  // One signature that fits is enough: another may be from before the secret was changed on purpose.
  const isOurs = signed.some((one) => verifySignature(controllerKey, one.text, one.signature));
  if (signed.length > 0 && !isOurs)
    found.push({ code: 'SECRET_OTHER', why: 'it has signed nothing in this database' });
  return found;
}

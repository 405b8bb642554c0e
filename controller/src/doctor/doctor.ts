/** Looks at every part of an installation, and says what is wrong and what to do. Changes nothing. */
import { within } from '#src/platform/deadlines.ts';
import { address } from './address.ts';
import { clock } from './clock.ts';
import { configuration } from './configuration.ts';
import { database } from './database.ts';
import { type Examination, type Found, NotLookedAt, wordsOf } from './examination.ts';
import { type FindingCode, findings } from './findings.ts';
import { folder } from './folder.ts';
import { displays, guacd } from './guacd.ts';
import { audit, backup, packages, rollouts } from './keeping.ts';
import { machine } from './machine.ts';
import { mail } from './mail.ts';
import type { Patient } from './patient.ts';
import { providers } from './providers.ts';
import { redis } from './redis.ts';
import { secret } from './secret.ts';
import { servers } from './servers.ts';

const parts = [
  ...(['configuration', 'machine', 'folder', 'database', 'secret', 'redis', 'guacd'] as const),
  ...(['clock', 'address', 'providers', 'mail', 'servers', 'displays'] as const),
  ...(['rollouts', 'audit', 'backup', 'packages'] as const),
] as const;
export type Part = (typeof parts)[number];

const examinations: Readonly<Record<Part, Examination>> = {
  configuration,
  machine,
  folder,
  database,
  secret,
  redis,
  guacd,
  clock,
  address,
  providers,
  mail,
  servers,
  displays,
  rollouts,
  audit,
  backup,
  packages,
};

/** A database on a disk that hangs would hold up the whole process, because SQLite waits on the
 * thread that asks: nobody opens it before the folder has answered. */
const first: readonly Part[] = ['folder', 'database'];

export interface Finding extends Found {
  part: Part;
}

/** Takes as long as the slowest examination, and never throws. */
export async function examine(patient: Patient): Promise<Finding[]> {
  const over = new AbortController();
  const found = new Map<Part, Found[]>();
  let rows: Patient['rows'] = patient.rows;
  const look = async (part: Part) =>
    found.set(part, await lookAt(examinations[part], { ...patient, rows: () => rows() }, over));
  for (const part of first) {
    await look(part);
    const fatal = (found.get(part) ?? []).find(({ code }) => withoutRows.has(code));
    if (fatal !== undefined)
      rows = () => {
        throw new NotLookedAt(`the database cannot be used (${fatal.code})`);
      };
  }
  await Promise.all(parts.filter((part) => !first.includes(part)).map(look));
  over.abort();
  return parts.flatMap((part) => (found.get(part) ?? []).map((one) => ({ part, ...one })));
}

/** With these, the city's rows are not there to be read. */
const withoutRows: ReadonlySet<FindingCode> = new Set([
  ...(['FOLDER_UNUSABLE', 'DATABASE_MISSING', 'DATABASE_UNREACHABLE'] as const),
  ...(['DATABASE_DAMAGED', 'DATABASE_OLDER', 'DATABASE_NEWER', 'DATABASE_HALF'] as const),
]);

async function lookAt(
  { look, withinMs }: Examination,
  patient: Patient,
  over: AbortController,
): Promise<Found[]> {
  try {
    return await within(withinMs + 1000, look(patient, over.signal));
  } catch (error) {
    return [{ code: 'NOT_LOOKED_AT', why: wordsOf(error) }];
  }
}

/** 0: all is well; 1: warnings; 2: errors. */
export const exitCodeOf = (found: readonly Found[]): number =>
  Math.max(0, ...found.map(({ code }) => (findings[code].level === 'error' ? 2 : 1)));

/** What a person reads. */
export function inWords(found: readonly Finding[]): string {
  const lines = parts.flatMap((part) => {
    const own = found.filter((one) => one.part === part);
    if (own.length === 0) return [`✓ ${part}`];
    return own.flatMap(({ code, why }) => {
      const { level, says, todo, runbook } = findings[code];
      return [
        `${level === 'error' ? '✗' : '!'} ${part}: ${code} (${why})`,
        `    ${says} ${todo}`,
        `    docs/runbooks/${runbook}`,
      ];
    });
  });
  const count = (level: string) =>
    found.filter(({ code }) => findings[code].level === level).length;
  const verdict =
    found.length === 0
      ? 'All is well.'
      : `${count('error')} errors and ${count('warning')} warnings.`;
  return [...lines, verdict].join('\n');
}

/** What a program reads. */
export const asJson = (found: readonly Finding[]): string =>
  JSON.stringify(
    {
      status: (['well', 'warnings', 'errors'] as const)[exitCodeOf(found)],
      parts,
      findings: found.map((one) => ({ ...one, ...findings[one.code] })),
    },
    null,
    2,
  );

/** What the city keeps: the chain of the audit, rollouts that go on, files of packages. */
import type { ChainVerdict } from '@preau/contract/audit-chain.ts';
import { packageFiles } from '#src/applications/packages/files.ts';
import { verifyLinked } from '#src/audit/chain.ts';
import { lateAfterMs } from '#src/backups/due.ts';
import { within } from '#src/platform/deadlines.ts';
import { createSecrets } from '#src/platform/secrets.ts';
import { type Examination, examination, type Found, NotLookedAt, wordsOf } from './examination.ts';
import { readSecret } from './secret.ts';
import { readJson } from './servers.ts';
import {
  type RolloutFacts,
  selectBackupNote,
  selectOldestUnlinked,
  selectPackageFacts,
  selectRolloutFacts,
} from './store.ts';

const auditMs = 60_000;

export const audit: Examination = {
  withinMs: auditMs,
  look: async (patient) => {
    const rows = patient.rows();
    const text = await readSecret(patient).catch(() => null);
    if (text === null || !/^[0-9a-f]{64}$/.test(text))
      throw new NotLookedAt('the secret is not there');
    const unlinked = await selectOldestUnlinked(rows);
    const secrets = createSecrets(Buffer.from(text, 'hex'));
    try {
      const verdict = await within(auditMs - 1000, verifyLinked({ database: rows, secrets }));
      return judgeAudit({ verdict, unlinked }, patient.now);
    } catch (error) {
      return [{ code: 'AUDIT_UNCHECKED', why: wordsOf(error) }];
    }
  },
};

interface AuditFacts {
  verdict: Pick<ChainVerdict, 'intact' | 'broken'>;
  /** When the oldest event was written that no link covers; null: none. */
  unlinked: number | null;
}

export function judgeAudit({ verdict, unlinked }: AuditFacts, now: number): Found[] {
  const found: Found[] = [];
  if (!verdict.intact)
    found.push({
      code: 'AUDIT_BROKEN',
      why: `${verdict.broken?.problem ?? 'somewhere'} at event ${verdict.broken?.seq ?? '?'}`,
    });
  if (unlinked !== null && now - unlinked > 3_600_000)
    found.push({
      code: 'AUDIT_UNLINKED',
      why: `the oldest is of ${new Date(unlinked).toISOString()}`,
    });
  return found;
}

export const rollouts = examination({
  failure: 'NOT_LOOKED_AT',
  gather: ({ rows }) => selectRolloutFacts(rows()),
  judge: (facts, { now }) => judgeRollouts(facts, now),
});

export function judgeRollouts(facts: readonly RolloutFacts[], now: number): Found[] {
  const paused = facts.filter(
    ({ state, pausedAt }) => state === 'paused' && pausedAt !== null && now - pausedAt > 86_400_000,
  );
  const stuck = facts.filter(
    ({ state, lookAt }) => state !== 'paused' && lookAt !== null && now - lookAt > 600_000,
  );
  const told = (code: 'ROLLOUTS_STUCK' | 'ROLLOUTS_PAUSED', list: readonly RolloutFacts[]) =>
    list.length === 0
      ? []
      : [
          {
            code,
            why: list
              .map(({ name }) => name)
              .slice(0, 10)
              .join(', '),
            counts: { rollouts: list.length },
          },
        ];
  return [...told('ROLLOUTS_STUCK', stuck), ...told('ROLLOUTS_PAUSED', paused)];
}

/** Of backups; null: not noted. */
interface BackupFacts {
  /** When the city was first seen without one. */
  since: number | null;
  doneAt: number | null;
  failedAt: number | null;
}

export const backup = examination({
  failure: 'NOT_LOOKED_AT',
  gather: async ({ rows }): Promise<BackupFacts> => {
    const note = readJson(await selectBackupNote(rows()));
    const at = (value: unknown) => (typeof value === 'number' ? value : null);
    return { since: at(note['since']), doneAt: at(note['doneAt']), failedAt: at(note['failedAt']) };
  },
  judge: (facts, { now }) => judgeBackup(facts, now),
});

export function judgeBackup({ since, doneAt, failedAt }: BackupFacts, now: number): Found[] {
  const last = doneAt === null ? 'never done' : `last done at ${new Date(doneAt).toISOString()}`;
  if (failedAt !== null) return [{ code: 'BACKUP_FAILED', why: last }];
  const from = doneAt ?? since;
  return from === null || now - from < lateAfterMs ? [] : [{ code: 'BACKUP_LATE', why: last }];
}

interface PackageFacts {
  name: string;
  size: number;
  /** Null: there is none. */
  found: number | null;
}

export const packages = examination({
  failure: 'NOT_LOOKED_AT',
  gather: async ({ rows, config }): Promise<PackageFacts[]> => {
    const files = packageFiles(config.PREAU_DATA);
    const facts: PackageFacts[] = [];
    for (const { sha256, name, size } of await selectPackageFacts(rows()))
      facts.push({ name, size, found: await files.sizeOf(sha256).catch(() => null) });
    return facts;
  },
  judge: judgePackages,
});

export function judgePackages(facts: readonly PackageFacts[]): Found[] {
  const wrong = facts.filter(({ size, found }) => found !== size);
  const words = wrong
    .slice(0, 10)
    .map(
      ({ name, size, found }) =>
        `${name} (${found === null ? 'missing' : `${found} of ${size} bytes`})`,
    );
  return wrong.length === 0
    ? []
    : [{ code: 'PACKAGES_MISSING', why: words.join(', '), counts: { files: wrong.length } }];
}

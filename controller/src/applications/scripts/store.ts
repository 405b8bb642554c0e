/** SQL of scripts. */
import type { Script } from '@preau/contract/catalogue.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';

/** A script without its texts, which are files. */
export type StoredScript = Omit<Script, 'installText' | 'removeText'>;

export async function selectScripts(
  rows: Rows,
  filter: { id?: string; name?: string } = {},
): Promise<StoredScript[]> {
  let query = rows.selectFrom('scripts').selectAll().orderBy('name');
  if (filter.id !== undefined) query = query.where('id', '=', filter.id);
  if (filter.name !== undefined) query = query.where('name', '=', filter.name);
  return (await query.execute()).map((row) => ({
    id: row.id,
    name: row.name,
    install: JSON.parse(row.install) as Script['install'],
    remove: row.remove === null ? null : (JSON.parse(row.remove) as Script['install']),
    createdById: row.created_by,
    createdByName: row.created_by_name,
    createdAt: row.created_at,
    reviewedByName: row.reviewed_by_name,
    reviewedAt: row.reviewed_at,
    signature: row.signature,
  }));
}

/** A new text replaces the old one and must be reviewed again. */
export async function saveScript(
  rows: Rows,
  script: {
    name: string;
    install: Script['install'];
    remove: Script['remove'];
    by: { id: string | null; name: string };
    now: number;
  },
): Promise<void> {
  const set = {
    install: JSON.stringify(script.install),
    remove: script.remove === null ? null : JSON.stringify(script.remove),
    created_by: script.by.id,
    created_by_name: script.by.name,
    created_at: script.now,
    reviewed_by: null,
    reviewed_by_name: null,
    reviewed_at: null,
    signature: null,
  };
  await rows
    .insertInto('scripts')
    .values({ id: newId('scr'), name: script.name, ...set })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(set))
    .execute();
}

/** False when the text or its author has changed since it was read. */
export async function markReviewed(
  rows: Rows,
  script: StoredScript,
  review: { by: { id: string | null; name: string }; now: number; signature: string },
): Promise<boolean> {
  const query = rows
    .updateTable('scripts')
    .set({
      reviewed_by: review.by.id,
      reviewed_by_name: review.by.name,
      reviewed_at: review.now,
      signature: review.signature,
    })
    .where('id', '=', script.id)
    .where('install', '=', JSON.stringify(script.install))
    .where('created_at', '=', script.createdAt)
    .where('signature', 'is', null);
  return (await query.executeTakeFirst()).numUpdatedRows > 0n;
}

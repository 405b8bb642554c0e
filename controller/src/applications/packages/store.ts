/** SQL of uploaded files and of their users. */
import type { UploadedPackage } from '@preau/contract/catalogue.ts';
import type { Rows } from '#src/platform/database.ts';

/** False when the file was known. */
export async function insertPackage(
  rows: Rows,
  file: { sha256: string; name: string; size: number; createdBy: string | null; now: number },
): Promise<boolean> {
  const values = {
    sha256: file.sha256,
    name: file.name,
    size: file.size,
    created_by: file.createdBy,
    created_at: file.now,
  };
  return (
    (
      await rows
        .insertInto('package_files')
        .values(values)
        .onConflict((conflict) => conflict.column('sha256').doNothing())
        .executeTakeFirst()
    ).numInsertedOrUpdatedRows === 1n
  );
}

/** Locks the row, so that using a file and deleting it exclude each other. */
export async function lockPackage(
  rows: Rows,
  sha256: string,
): Promise<{ name: string; size: number } | undefined> {
  return rows
    .updateTable('package_files')
    .set((e) => ({ name: e.ref('name') }))
    .where('sha256', '=', sha256)
    .returning(['name', 'size'])
    .executeTakeFirst();
}

export async function deletePackageRow(rows: Rows, sha256: string): Promise<void> {
  await rows.deleteFrom('package_files').where('sha256', '=', sha256).execute();
}

/** A withdrawn version keeps its files if it was ever installed: a server may still have it, or
 * go back to it. */
const packageUsers = (rows: Rows) => ({
  versions: rows
    .selectFrom('application_versions as v')
    .innerJoin('applications as a', 'a.id', 'v.application_id')
    .select(['a.slug as name', 'v.recipes as files'])
    .where((w) =>
      w.or([
        w('v.withdrawn_at', 'is', null),
        w.exists(
          w.selectFrom('install_history as h').select('h.id').whereRef('h.version_id', '=', 'v.id'),
        ),
        w.exists(
          w
            .selectFrom('server_applications as s')
            .select('s.server_id')
            .whereRef('s.version_id', '=', 'v.id')
            .where((a) => a.or([a('s.wanted', '=', 1), a('s.state', '!=', 'removed')])),
        ),
      ]),
    ),
  scripts: rows.selectFrom('scripts').select(['name', 'install', 'remove']),
});

export async function selectPackageUsers(rows: Rows, sha256: string): Promise<string[]> {
  const { versions, scripts } = packageUsers(rows);
  const like = `%${sha256}%`;
  const [ofVersions, ofScripts] = [
    await versions.where('v.recipes', 'like', like).execute(),
    await scripts
      .where((w) => w.or([w('install', 'like', like), w('remove', 'like', like)]))
      .execute(),
  ];
  return [...new Set([...ofVersions, ...ofScripts].map(({ name }) => name))].sort();
}

export async function selectPackages(rows: Rows, sha256?: string): Promise<UploadedPackage[]> {
  const query = rows
    .selectFrom('package_files')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('sha256');
  const found = await (sha256 === undefined ? query : query.where('sha256', '=', sha256)).execute();
  if (found.length === 0) return [];
  const { versions, scripts } = packageUsers(rows);
  const users = new Map<string, Set<string>>();
  const note = (name: string, files: string) => {
    for (const [hash] of files.matchAll(/[0-9a-f]{64}/g))
      users.set(hash, (users.get(hash) ?? new Set()).add(name));
  };
  for (const { name, files } of await versions.where('v.recipes', 'like', '%"sha256"%').execute())
    note(name, files);
  for (const { name, install, remove } of await scripts.execute())
    note(name, `${install} ${remove ?? ''}`);
  return found.map((row) => ({
    name: row.name,
    sha256: row.sha256,
    size: row.size,
    createdAt: row.created_at,
    usedBy: [...(users.get(row.sha256) ?? [])].sort(),
  }));
}

/** All SQL of the catalogue. */
import type { Application, ApplicationDraft, Estimate, Recipes } from '@preau/contract/application.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';

/** The newest version of each application. */
export async function selectApplications(rows: Rows, filter: { slug?: string; id?: string } = {}): Promise<Application[]> {
  let query = rows
    .selectFrom('applications as a')
    .innerJoin('application_versions as v', (join) =>
      join.onRef('v.application_id', '=', 'a.id').on((on) =>
        on('v.id', '=', on.selectFrom('application_versions as n').select('n.id').whereRef('n.application_id', '=', 'a.id').orderBy('n.created_at', 'desc').orderBy('n.id').limit(1)),
      ),
    )
    .select(['a.id', 'a.slug', 'a.name_fr', 'a.name_en', 'a.description_fr', 'a.description_en', 'a.category', 'a.icon_hash', 'a.seats', 'v.id as version_id', 'v.version', 'v.recipes', 'v.requires', 'v.estimate'])
    .select((e) => e.selectFrom('server_applications as s').select((f) => f.fn.countAll<number>().as('n')).whereRef('s.application_id', '=', 'a.id').where('s.state', '=', 'installed').as('installed_on'))
    .orderBy('a.name_fr');
  if (filter.slug !== undefined) query = query.where('a.slug', '=', filter.slug);
  if (filter.id !== undefined) query = query.where('a.id', '=', filter.id);
  return (await query.execute()).map((row) => ({
    id: row.id,
    slug: row.slug,
    name: { fr: row.name_fr, en: row.name_en },
    description: { fr: row.description_fr, en: row.description_en },
    category: row.category as Application['category'],
    iconHash: row.icon_hash,
    version: row.version,
    versionId: row.version_id,
    recipes: JSON.parse(row.recipes) as Recipes,
    requires: JSON.parse(row.requires) as string[],
    seats: row.seats,
    estimate: row.estimate === null ? null : { ...(JSON.parse(row.estimate) as Estimate), p95Ms: 0, samples: 0 },
    installedOn: Number(row.installed_on ?? 0),
  }));
}

/** Creates the application, or adds a version to the one with this slug. False when that version exists already. */
export async function upsertApplication(rows: Rows, draft: ApplicationDraft, now: number): Promise<{ id: string; added: boolean }> {
  const known = await rows.selectFrom('applications').select('id').where('slug', '=', draft.slug).executeTakeFirst();
  const words = { name_fr: draft.name.fr, name_en: draft.name.en, description_fr: draft.description.fr, description_en: draft.description.en, category: draft.category, seats: draft.licence?.seats ?? null };
  const id = known?.id ?? newId('app');
  if (known === undefined) await rows.insertInto('applications').values({ id, slug: draft.slug, ...words, icon_hash: null, created_at: now }).execute();
  else {
    const same = await rows.selectFrom('application_versions').select('id').where('application_id', '=', id).where('version', '=', draft.version).executeTakeFirst();
    if (same !== undefined) return { id, added: false };
    await rows.updateTable('applications').set(words).where('id', '=', id).execute();
  }
  await rows.insertInto('application_versions').values({ id: newId('ver'), application_id: id, version: draft.version, recipes: JSON.stringify(draft.recipes), requires: JSON.stringify(draft.requires ?? []), estimate: draft.estimate === undefined ? null : JSON.stringify(draft.estimate), created_at: now }).execute();
  return { id, added: true };
}

export async function saveIcon(rows: Rows, applicationId: string, hash: string, png: Buffer): Promise<void> {
  await rows.insertInto('icons').values({ hash, png }).onConflict((conflict) => conflict.column('hash').doNothing()).execute();
  await rows.updateTable('applications').set({ icon_hash: hash }).where('id', '=', applicationId).execute();
}

export async function selectIcon(rows: Rows, hash: string): Promise<Buffer | undefined> {
  return (await rows.selectFrom('icons').select('png').where('hash', '=', hash).executeTakeFirst())?.png;
}

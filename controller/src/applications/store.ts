/** SQL of the catalogue: applications and their versions. */
import type {
  Application,
  ApplicationDraft,
  Estimate,
  Recipes,
} from '@preau/contract/application.ts';
import type { ApplicationChanges, ApplicationVersion } from '@preau/contract/catalogue.ts';
import { AppError } from '@preau/contract/errors.ts';
import { sql } from 'kysely';
import { budget } from '#src/platform/budget.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';
import { raiseStamp } from '#src/platform/stamps/store.ts';
import { selectIcons } from './icons/store.ts';
import { isSvg } from './icons/svg.ts';

/** Installation cost by application, from the last 200 installations of each. One query, for one
 * application or for all. */
async function selectLearnt(
  rows: Rows,
  applicationId: string | null = null,
): Promise<Map<string, { samples: number; p50Ms: number; p95Ms: number; bytes: number | null }>> {
  const found = await sql<{
    application_id: string;
    samples: number;
    p50: number;
    p95: number;
    bytes: number | null;
  }>`
    with recent as (
      select application_id, ms, bytes,
        row_number() over (partition by application_id order by at desc, id) as age
      from install_history
      ${applicationId === null ? sql`` : sql`where application_id = ${applicationId}`}
    ), ranked as (
      select application_id, ms, bytes,
        count(*) over (partition by application_id) as n,
        count(bytes) over (partition by application_id) as b,
        row_number() over (partition by application_id order by ms) as by_ms,
        row_number() over (
          partition by application_id order by case when bytes is null then 1 else 0 end, bytes
        ) as by_bytes
      from recent where age <= 200
    )
    select application_id, max(n) as samples,
      max(case when by_ms = (n + 1) / 2 then ms end) as p50,
      max(case when by_ms = (n * 95 + 99) / 100 then ms end) as p95,
      max(case when by_bytes = (b + 1) / 2 then bytes end) as bytes
    from ranked group by application_id`.execute(rows);
  return new Map(
    found.rows.map((row) => [
      row.application_id,
      {
        samples: Number(row.samples),
        p50Ms: Number(row.p50),
        p95Ms: Number(row.p95),
        bytes: row.bytes === null ? null : Number(row.bytes),
      },
    ]),
  );
}

/** The measured cost where there is history, otherwise the draft's. */
function estimateOf(
  draft: string | null,
  learnt: { samples: number; p50Ms: number; p95Ms: number; bytes: number | null } | undefined,
): Application['estimate'] {
  const given = draft === null ? null : (JSON.parse(draft) as Estimate);
  if (learnt === undefined)
    return given === null
      ? null
      : { ...given, p95Ms: Math.round(given.minutes * 60_000), samples: 0 };
  return {
    bytes: learnt.bytes ?? given?.bytes ?? 0,
    minutes: Math.min(Math.round(learnt.p50Ms / 600) / 100, 600),
    p95Ms: learnt.p95Ms,
    samples: learnt.samples,
  };
}

/** Each application of the catalogue with its newest version. `among`: 'withdrawn' selects those
 * that have left the catalogue, with the version that left last; 'all' selects both. `learnt:
 * false` skips the history query, for requests that pupils wait for. */
export async function selectApplications(
  rows: Rows,
  filter: {
    slug?: string;
    id?: string;
    learnt?: false;
    among?: 'offered' | 'withdrawn' | 'all';
  } = {},
): Promise<Application[]> {
  let query = rows
    .selectFrom('applications as a')
    .innerJoin('application_versions as v', (join) =>
      join
        .onRef('v.application_id', '=', 'a.id')
        .on((on) =>
          on(
            'v.id',
            '=',
            on
              .selectFrom('application_versions as n')
              .select('n.id')
              .whereRef('n.application_id', '=', 'a.id')
              .orderBy(sql`n.withdrawn_at is not null`)
              .orderBy('n.withdrawn_at', 'desc')
              .orderBy('n.created_at', 'desc')
              .orderBy('n.id')
              .limit(1),
          ),
        ),
    )
    .select([
      'a.id',
      'a.slug',
      'a.name_fr',
      'a.name_en',
      'a.description_fr',
      'a.description_en',
      'a.category',
      'a.labels',
      'a.icon_hash',
      'a.seats',
      'v.id as version_id',
      'v.version',
      'v.recipes',
      'v.requires',
      'v.estimate',
    ])
    .select((e) =>
      e
        .selectFrom('server_applications as s')
        .select((f) => f.fn.countAll<number>().as('n'))
        .whereRef('s.application_id', '=', 'a.id')
        .where('s.state', '=', 'installed')
        .as('installed_on'),
    )
    .orderBy('a.name_fr');
  const { among = 'offered' } = filter;
  if (among !== 'all')
    query = query.where('v.withdrawn_at', among === 'withdrawn' ? 'is not' : 'is', null);
  if (filter.slug !== undefined) query = query.where('a.slug', '=', filter.slug);
  if (filter.id !== undefined) query = query.where('a.id', '=', filter.id);
  const found = await query.execute();
  const learnt =
    filter.learnt === false || found.length === 0
      ? new Map()
      : await selectLearnt(rows, found.length === 1 ? (found[0]?.id ?? null) : null);
  return found.map((row) => ({
    id: row.id,
    slug: row.slug,
    name: { fr: row.name_fr, en: row.name_en },
    description: { fr: row.description_fr, en: row.description_en },
    category: row.category as Application['category'],
    labels: row.labels === '[]' ? [] : (JSON.parse(row.labels) as string[]),
    iconHash: row.icon_hash,
    version: row.version,
    versionId: row.version_id,
    recipes: JSON.parse(row.recipes) as Recipes,
    requires: JSON.parse(row.requires) as string[],
    seats: row.seats,
    estimate: estimateOf(row.estimate, learnt.get(row.id)),
    installedOn: Number(row.installed_on ?? 0),
  }));
}

/** Creates the application, or adds a version to the one with this slug. False when that version
 * exists already. */
export async function upsertApplication(
  rows: Rows,
  draft: ApplicationDraft,
  now: number,
): Promise<{ id: string; added: boolean }> {
  await raiseStamp(rows, 'catalogue', now);
  const known = await rows
    .selectFrom('applications')
    .select('id')
    .where('slug', '=', draft.slug)
    .executeTakeFirst();
  const words = {
    name_fr: draft.name.fr,
    name_en: draft.name.en,
    description_fr: draft.description.fr,
    description_en: draft.description.en,
    category: draft.category,
    labels: JSON.stringify(draft.labels ?? []),
    seats: draft.licence?.seats ?? null,
  };
  const id = known?.id ?? newId('app');
  let createdAt = now;
  if (known === undefined)
    await rows
      .insertInto('applications')
      .values({ id, slug: draft.slug, ...words, icon_hash: null, created_at: now })
      .execute();
  else {
    const same = await rows
      .selectFrom('application_versions')
      .select('id')
      .where('application_id', '=', id)
      .where('version', '=', draft.version)
      .where('withdrawn_at', 'is', null)
      .executeTakeFirst();
    if (same !== undefined) return { id, added: false };
    // A later version must sort as newer even when the clock went back.
    const last = await rows
      .selectFrom('application_versions')
      .select((e) => e.fn.max<number>('created_at').as('at'))
      .where('application_id', '=', id)
      .executeTakeFirst();
    createdAt = Math.max(now, Number(last?.at ?? 0) + 1);
    await rows.updateTable('applications').set(words).where('id', '=', id).execute();
  }
  await rows
    .insertInto('application_versions')
    .values({
      id: newId('ver'),
      application_id: id,
      version: draft.version,
      recipes: JSON.stringify(draft.recipes),
      requires: JSON.stringify(draft.requires ?? []),
      estimate: draft.estimate === undefined ? null : JSON.stringify(draft.estimate),
      created_at: createdAt,
      withdrawn_at: null,
    })
    .execute();
  return { id, added: true };
}

export async function saveApplicationWords(
  rows: Rows,
  id: string,
  changes: ApplicationChanges,
  now: number,
): Promise<void> {
  await raiseStamp(rows, 'catalogue', now);
  const { name, description, category, labels, seats } = changes;
  await rows
    .updateTable('applications')
    .set({
      name_fr: name.fr,
      name_en: name.en,
      description_fr: description.fr,
      description_en: description.en,
      category,
      labels: JSON.stringify(labels),
      seats,
    })
    .where('id', '=', id)
    .execute();
}

export async function selectVersions(
  rows: Rows,
  applicationId: string,
): Promise<ApplicationVersion[]> {
  const found = await rows
    .selectFrom('application_versions as v')
    .selectAll('v')
    .select((e) =>
      e
        .selectFrom('server_applications as s')
        .select((f) => f.fn.countAll<number>().as('n'))
        .whereRef('s.version_id', '=', 'v.id')
        .where('s.state', '=', 'installed')
        .as('installed_on'),
    )
    .where('v.application_id', '=', applicationId)
    .orderBy('v.created_at', 'desc')
    .orderBy('v.id')
    .execute();
  return found.map((row) => ({
    versionId: row.id,
    version: row.version,
    recipes: JSON.parse(row.recipes) as Recipes,
    requires: JSON.parse(row.requires) as string[],
    estimate: row.estimate === null ? null : (JSON.parse(row.estimate) as Estimate),
    createdAt: row.created_at,
    withdrawnAt: row.withdrawn_at,
    installedOn: Number(row.installed_on ?? 0),
  }));
}

/** The newest version of each application, as the draft that would create it. */
export async function selectDrafts(rows: Rows): Promise<ApplicationDraft[]> {
  const given = new Map(
    (
      await rows
        .selectFrom('application_versions')
        .select(['id', 'estimate'])
        .where('estimate', 'is not', null)
        .execute()
    ).map((row) => [row.id, JSON.parse(row.estimate ?? '') as Estimate]),
  );
  const applications = await selectApplications(rows, { learnt: false });
  const icons = await selectIcons(
    rows,
    applications.flatMap(({ iconHash }) => (iconHash === null ? [] : [iconHash])),
  );
  return applications.map((application) => {
    const estimate = given.get(application.versionId);
    const icon = icons.get(application.iconHash ?? '');
    return {
      slug: application.slug,
      name: application.name,
      description: application.description,
      category: application.category,
      ...(application.labels.length === 0 ? {} : { labels: application.labels }),
      version: application.version,
      recipes: application.recipes,
      ...(application.requires.length === 0 ? {} : { requires: application.requires }),
      ...(application.seats === null ? {} : { licence: { seats: application.seats } }),
      ...(estimate === undefined ? {} : { estimate }),
      ...(icon === undefined || !isSvg(icon) ? {} : { icon: icon.toString('utf8') }),
    };
  });
}

/** The application of that slug and, level by level, everything that its newest version
 * requires. Refuses with REQUIREMENTS_TOO_DEEP. */
export async function selectRequirements(
  rows: Rows,
  slug: string,
): Promise<{ id: string; slug: string; requires: string[] }[]> {
  const found = new Map<string, { id: string; slug: string; requires: string[] }>();
  const most = budget.catalogue.requirementsDeep;
  for (let [level, depth] = [[slug], 1]; level.length > 0; depth += 1) {
    if (depth > most) throw new AppError('REQUIREMENTS_TOO_DEEP', { application: slug, most });
    const versions = await rows
      .selectFrom('application_versions as v')
      .innerJoin('applications as a', 'a.id', 'v.application_id')
      .select(['a.id', 'a.slug', 'v.requires'])
      .where('a.slug', 'in', level)
      .where('v.withdrawn_at', 'is', null)
      .orderBy('v.created_at')
      .orderBy('v.id', 'desc')
      .execute();
    for (const row of versions)
      found.set(row.slug, {
        id: row.id,
        slug: row.slug,
        requires: JSON.parse(row.requires) as string[],
      });
    level = [...new Set(level.flatMap((one) => found.get(one)?.requires ?? []))].filter(
      (one) => !found.has(one),
    );
  }
  return [...found.values()];
}

/** Makes this version the newest again; the newest is the one that is offered. */
export async function renewVersion(
  rows: Rows,
  applicationId: string,
  version: string,
  now: number,
): Promise<void> {
  await rows
    .updateTable('application_versions')
    .set({ created_at: now })
    .where('application_id', '=', applicationId)
    .where('version', '=', version)
    .execute();
}

/** Whether exactly this version was withdrawn. Importing it again by habit is not meant to undo
 * that. */
export async function isWithdrawn(rows: Rows, draft: ApplicationDraft): Promise<boolean> {
  const found = await rows
    .selectFrom('application_versions as v')
    .innerJoin('applications as a', 'a.id', 'v.application_id')
    .select('v.id')
    .where('a.slug', '=', draft.slug)
    .where('v.version', '=', draft.version)
    .where('v.withdrawn_at', 'is not', null)
    .where('v.recipes', '=', JSON.stringify(draft.recipes))
    .where('v.requires', '=', JSON.stringify(draft.requires ?? []))
    .executeTakeFirst();
  return found !== undefined;
}

/** `withdrawnAt`: epoch ms, or null to put them back. */
export async function saveWithdrawal(
  rows: Rows,
  versionIds: readonly string[],
  withdrawnAt: number | null,
): Promise<void> {
  await rows
    .updateTable('application_versions')
    .set({ withdrawn_at: withdrawnAt })
    .where('id', 'in', [...versionIds])
    .execute();
}

/** Locks the application's row until the transaction ends, so that launches count its seats one
 * after the other. Returns its seats; null: no limit. */
export async function lockSeats(rows: Rows, applicationId: string): Promise<number | null> {
  const row = await rows
    .updateTable('applications')
    .set((e) => ({ seats: e.ref('seats') }))
    .where('id', '=', applicationId)
    .returning('seats')
    .executeTakeFirst();
  return row?.seats ?? null;
}

/** Export and import of the whole catalogue: for backup, for another city, or for version
 * control. */
import { setImmediate as breathe } from 'node:timers/promises';
import { ApplicationDraft } from '@preau/contract/application.ts';
import {
  type Catalogue,
  type CatalogueImport,
  catalogueFormat,
  type ImportedItem,
} from '@preau/contract/catalogue.ts';
import { AppError } from '@preau/contract/errors.ts';
import { faultsOf } from '@preau/contract/schema-faults.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { Compile } from 'typebox/compile';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import { budget } from '#src/platform/budget.ts';
import type { Platform } from '#src/platform/platform.ts';
import { addVersion, agentSlug, type TellServers, tellNobody } from './create.ts';
import { isWithdrawn, selectApplications, selectDrafts } from './store.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'wakeups'>;

const draftCheck = Compile(ApplicationDraft);
const slugCheck = Compile(ApplicationDraft.properties.slug);
const versionCheck = Compile(ApplicationDraft.properties.version);

/** Everything another city can import. The agent is left out: each city has its own bundle. */
export async function exportCatalogue(deps: Pick<Platform, 'database'>): Promise<Catalogue> {
  return {
    format: catalogueFormat,
    applications: (await selectDrafts(deps.database)).filter((draft) => draft.slug !== agentSlug),
  };
}

/** Rolls back the transaction of a dry run and carries its result. */
class NotKept extends Error {
  readonly result: ImportedItem['result'];
  constructor(result: ImportedItem['result']) {
    super('not kept');
    this.result = result;
  }
}

/** Each item is added whole or not at all, and a fault in one does not affect the others. What an
 * item requires may come later in the list: an item that waits for it is tried again, as often as
 * requirements may be deep. On a dry run,
 * each item is evaluated against the current catalogue and the rest of the list. Repeating is safe:
 * a version that exists is `unchanged`, and so is a withdrawn version that is imported again
 * without changes. */
export async function importCatalogue(
  deps: Deps,
  actor: Actor,
  input: CatalogueImport,
  tell: TellServers = tellNobody,
): Promise<ImportedItem[]> {
  const results = new Map<number, ImportedItem>();
  const waiting: Waiting[] = [];
  input.applications.forEach((value, index) => {
    if (draftCheck.Check(value)) waiting.push({ index, draft: value });
    else
      results.set(index, {
        index,
        ...named(value),
        result: 'refused',
        code: 'VALIDATION_FAILED',
        why: faultOf(value),
      });
  });
  const topics = new Set<Topic>();
  const coming = new Set(waiting.map(({ draft }) => draft.slug));
  const known = new Set(
    (await selectApplications(deps.database, { learnt: false })).map(
      (application) => application.slug,
    ),
  );
  const options = { dryRun: input.dryRun, known, tell: input.dryRun ? tellNobody : tell };

  try {
    let round = waiting;
    for (let depth = 0; round.length > 0 && depth < budget.catalogue.requirementsDeep; depth += 1) {
      const again: Waiting[] = [];
      for (const { index, draft } of round) {
        // SQLite works on this thread: between two items, others have their turn.
        await breathe();
        const attempt = await tryOne(deps, actor, draft, options);
        for (const topic of attempt.topics) topics.add(topic);
        const { outcome, isLater } =
          attempt.refusal === null
            ? { outcome: attempt.outcome, isLater: false }
            : judge(attempt.refusal, draft, { dryRun: input.dryRun, coming, known });
        results.set(index, { index, slug: draft.slug, version: draft.version, ...outcome });
        if (attempt.refusal === null) known.add(draft.slug);
        if (isLater) again.push({ index, draft });
      }
      // Without progress, another round would give the same result.
      round = again.length < round.length ? again : [];
    }
  } finally {
    // What was added before an unforeseen end is there, and is told.
    if (!input.dryRun) await tellImported(deps, actor, [...results.values()], topics);
  }
  return [...results.values()].sort((a, b) => a.index - b.index);
}

/** Records how many items of an import were added, and wakes who shows them. */
async function tellImported(
  deps: Deps,
  actor: Actor,
  items: readonly ImportedItem[],
  topics: ReadonlySet<Topic>,
): Promise<void> {
  const added = items.filter(
    ({ result }) => result === 'added' || result === 'version_added',
  ).length;
  if (added > 0) {
    await recordEffect(deps, deps.database, actor, {
      action: 'catalogue.imported',
      subjectName: `${added}`,
      details: {
        added,
        refused: items.filter(({ result }) => result === 'refused').length,
        items: items.length,
      },
    });
    deps.wakeups.wake(['applications', 'portal', 'audit']);
  }
  if (topics.size > 0) deps.wakeups.wake([...topics]);
}

interface Waiting {
  index: number;
  draft: ApplicationDraft;
}
type Result = Pick<ImportedItem, 'result' | 'code' | 'why'>;
type Attempt =
  | { outcome: Result; topics: Topic[]; refusal: null }
  | { outcome: null; topics: Topic[]; refusal: AppError };

async function tryOne(
  deps: Deps,
  actor: Actor,
  draft: ApplicationDraft,
  options: { dryRun: boolean; known: ReadonlySet<string>; tell: TellServers },
): Promise<Attempt> {
  try {
    const { result, topics } = await importOne(deps, actor, draft, options);
    return { outcome: { result, code: null, why: null }, topics, refusal: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { outcome: null, topics: [], refusal: error };
  }
}

/** Turns a refusal into the item's result. `isLater`: what it requires may still come in this
 * list. */
function judge(
  refusal: AppError,
  draft: ApplicationDraft,
  list: { dryRun: boolean; coming: ReadonlySet<string>; known: ReadonlySet<string> },
): { outcome: Result; isLater: boolean } {
  const path = Array.isArray(refusal.details['path']) ? (refusal.details['path'] as string[]) : [];
  const missing = refusal.code === 'REQUIREMENT_MISSING' ? (path.at(-1) ?? '') : '';
  const comes = missing !== '' && list.coming.has(missing);
  if (list.dryRun && comes)
    return {
      outcome: {
        result: list.known.has(draft.slug) ? 'version_added' : 'added',
        code: null,
        why: null,
      },
      isLater: false,
    };
  return {
    outcome: {
      result: 'refused',
      code: refusal.code,
      why: path.length === 0 ? null : path.join(' → ').slice(0, 400),
    },
    isLater: comes,
  };
}

async function importOne(
  deps: Deps,
  actor: Actor,
  draft: ApplicationDraft,
  { dryRun, known, tell }: { dryRun: boolean; known: ReadonlySet<string>; tell: TellServers },
): Promise<{ result: ImportedItem['result']; topics: Topic[] }> {
  try {
    return await deps.database.transaction().execute(async (rows) => {
      if (await isWithdrawn(rows, draft)) return { result: 'unchanged', topics: [] };
      const { added, topics } = await addVersion(deps, rows, actor, draft, tell);
      const result = !added ? 'unchanged' : known.has(draft.slug) ? 'version_added' : 'added';
      if (dryRun) throw new NotKept(result);
      return { result, topics };
    });
  } catch (error) {
    if (error instanceof NotKept) return { result: error.result, topics: [] };
    throw error;
  }
}

/** The slug and version of a value that is not a valid draft; each null unless well formed. */
function named(value: unknown): { slug: string | null; version: string | null } {
  const fields =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const { slug, version } = fields;
  return {
    slug: slugCheck.Check(slug) ? slug : null,
    version: versionCheck.Check(version) ? version : null,
  };
}

/** Where the draft is invalid: JSON pointer and schema keyword only, never the imported text. */
function faultOf(value: unknown): string {
  const [first] = faultsOf(draftCheck, value);
  return first === undefined
    ? 'malformed'
    : `${/^[A-Za-z0-9/_-]{0,120}$/.test(first.instancePath) ? first.instancePath || '/' : '…'}: ${first.keyword}`;
}

/** Install scripts: free text that runs as root on every server, so each needs two people. One
 * proposes it, another reads and signs it; the signature covers the name and both files, and agents
 * run nothing else. */
import { type Recipes, scriptReviewText } from '@preau/contract/application.ts';
import {
  maxScriptBytes,
  type Script,
  type ScriptDraft,
  type ScriptReview,
} from '@preau/contract/catalogue.ts';
import { AppError } from '@preau/contract/errors.ts';
import { factsOf } from '@preau/contract/recipe-kinds.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { packageFiles } from '../packages/files.ts';
import { storeFile } from '../packages/packages.ts';
import { lockPackage } from '../packages/store.ts';
import { markReviewed, type StoredScript, saveScript, selectScripts } from './store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

export async function listScripts(deps: Pick<Platform, 'config' | 'database'>): Promise<Script[]> {
  return Promise.all((await selectScripts(deps.database)).map((script) => withText(deps, script)));
}

async function withText(deps: Pick<Platform, 'config'>, script: StoredScript): Promise<Script> {
  const files = packageFiles(deps.config.PREAU_DATA);
  const textOf = async (hash: string) => (await files.read(hash))?.toString('utf8') ?? '';
  return {
    ...script,
    installText: await textOf(script.install.sha256),
    removeText: script.remove === null ? null : await textOf(script.remove.sha256),
  };
}

/** A new text under a known name must be reviewed again; versions made with the old text keep it.
 * Proposing the same text again changes nothing. Refuses with PAYLOAD_TOO_LARGE beyond 64 KiB. */
export async function createScript(
  deps: Deps,
  actor: AccountActor,
  draft: ScriptDraft,
): Promise<Script> {
  const file = (part: 'install' | 'remove', text: string | null) => {
    if (text === null) return null;
    const content = Buffer.from(text, 'utf8');
    if (content.length > maxScriptBytes)
      throw new AppError('PAYLOAD_TOO_LARGE', { bytes: content.length });
    return { content, name: `${draft.name}.${part}`, sha256: sha256(content) };
  };
  const install = file('install', draft.install);
  const remove = file('remove', draft.remove);
  if (install === null) throw new AppError('INTERNAL');
  const stored = {
    install: await storeFile(deps, actor, install, install.content),
    remove: remove === null ? null : await storeFile(deps, actor, remove, remove.content),
  };
  await deps.database.transaction().execute(async (rows) => {
    for (const one of [stored.install, stored.remove])
      if (one !== null && (await lockPackage(rows, one.sha256)) === undefined)
        throw new AppError('PACKAGE_NOT_FOUND', { sha256: one.sha256 });
    const known = (await selectScripts(rows, { name: draft.name }))[0];
    if (
      known !== undefined &&
      known.install.sha256 === stored.install.sha256 &&
      (known.remove?.sha256 ?? null) === (stored.remove?.sha256 ?? null)
    )
      return;
    await saveScript(rows, { name: draft.name, ...stored, by: actor, now: deps.clock.now() });
    await recordEffect(deps, rows, actor, {
      action: 'script.proposed',
      subjectName: draft.name,
      details: { install: stored.install.sha256, remove: stored.remove?.sha256 ?? null },
    });
  });
  deps.wakeups.wake(['applications', 'audit']);
  return mustFind(deps, { name: draft.name });
}

/** Refuses with OWN_APPROVAL the author's own review, with FORBIDDEN a token (no person has read
 * the text), with STATE_FORBIDS when the text has changed since it was read. Repeating is safe. */
export async function reviewScript(
  deps: Deps,
  actor: AccountActor,
  id: string,
  review: ScriptReview,
): Promise<Script> {
  if (actor.token !== null) throw new AppError('FORBIDDEN');
  await deps.database.transaction().execute(async (rows) => {
    const script = (await selectScripts(rows, { id }))[0];
    if (script === undefined) throw new AppError('NOT_FOUND', { script: id });
    if (script.createdById === actor.id) throw new AppError('OWN_APPROVAL');
    if (
      script.install.sha256 !== review.install ||
      (script.remove?.sha256 ?? null) !== review.remove
    )
      throw new AppError('STATE_FORBIDS', { why: 'the text has changed' });
    if (script.signature !== null) return;
    const signature = deps.secrets.sign(
      scriptReviewText({
        script: script.name,
        install: script.install,
        remove: script.remove ?? undefined,
      }),
    );
    if (!(await markReviewed(rows, script, { by: actor, now: deps.clock.now(), signature })))
      throw new AppError('STATE_FORBIDS', { why: 'the text has changed' });
    await recordEffect(deps, rows, actor, {
      action: 'script.reviewed',
      subjectId: id,
      subjectName: script.name,
      details: {
        author: script.createdByName,
        install: script.install.sha256,
        remove: script.remove?.sha256 ?? null,
      },
    });
  });
  deps.wakeups.wake(['applications', 'audit']);
  return mustFind(deps, { id });
}

async function mustFind(
  deps: Pick<Platform, 'config' | 'database'>,
  filter: { id?: string; name?: string },
): Promise<Script> {
  const script = (await selectScripts(deps.database, filter))[0];
  if (script === undefined) throw new AppError('NOT_FOUND');
  return withText(deps, script);
}

/** A recipe may use only the reviewed script, unchanged. Refuses with SCRIPT_REFUSED. */
export async function mustBeReviewed(rows: Rows, recipes: Recipes): Promise<void> {
  for (const recipe of Object.values(recipes)) {
    const named = recipe === undefined ? null : (factsOf(recipe)?.reviewed(recipe) ?? null);
    if (named === null) continue;
    const script = (await selectScripts(rows, { name: named.script }))[0];
    const same =
      script !== undefined &&
      script.signature !== null &&
      script.signature === named.signature &&
      script.install.sha256 === named.install.sha256 &&
      (script.remove?.sha256 ?? null) === (named.remove?.sha256 ?? null);
    if (!same) throw new AppError('SCRIPT_REFUSED', { script: named.script });
  }
}

/** The agent as an application of the catalogue, so that a rollout updates it at every school
 * like any other. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApplicationDraft } from '@preau/contract/application.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { addVersion, agentSlug, tellNobody } from './create.ts';
import { packageFiles } from './packages/files.ts';
import { storeFile } from './packages/packages.ts';
import { renewVersion, selectApplications } from './store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'log' | 'wakeups'>;

const actor: Actor = { kind: 'job', id: 'agent-bundle', name: 'agent bundle' };
const bundleName = 'preau-agent.mjs';

/** At each start: makes the bundle in PREAU_AGENT_FILES the newest version of `preau-agent`. An
 * older controller that is started again makes its own bundle the newest again. Repeating is safe.
 * Without a bundle it changes nothing. */
export async function keepAgentApplication(deps: Deps): Promise<void> {
  const folder = deps.config.PREAU_AGENT_FILES;
  const bundle = folder === '' ? null : await readFile(join(folder, bundleName)).catch(() => null);
  if (bundle === null) return;
  const hash = sha256(bundle);
  const version = versionOf(
    await readFile(join(folder, 'version.json'), 'utf8').catch(() => null),
    hash,
  );
  const [known] = await selectApplications(deps.database, { slug: agentSlug, learnt: false });
  const recipe = known?.recipes.linux;
  const there = (await packageFiles(deps.config.PREAU_DATA).sizeOf(hash)) === bundle.length;
  if (
    there &&
    known?.version === version &&
    recipe?.kind === 'agent' &&
    recipe.file.sha256 === hash
  )
    return;

  const file = await storeFile(deps, actor, { name: bundleName, sha256: hash }, bundle);
  const draft: ApplicationDraft = {
    slug: agentSlug,
    name: { fr: 'Agent Préau', en: 'Préau agent' },
    description: {
      fr: 'Le programme qui tient un serveur d’école à jour.',
      en: 'The program that keeps a school’s server up to date.',
    },
    category: 'tools',
    version,
    recipes: { linux: { kind: 'agent', file, detect: { kind: 'agent' } } },
  };
  await deps.database.transaction().execute(async (rows) => {
    const { id, added } = await addVersion(deps, rows, actor, draft, tellNobody);
    if (!added) await renewVersion(rows, id, version, deps.clock.now());
  });
  deps.wakeups.wake(['applications', 'audit']);
  deps.log.info({ version }, 'agent bundle in the catalogue');
}

/** The version of the build, with the start of the hash appended, so that two bundles never share
 * a version. Pure. */
export function versionOf(file: string | null, hash: string): string {
  let said: unknown;
  try {
    said = file === null ? null : JSON.parse(file);
  } catch {
    said = null;
  }
  const { version } = (typeof said === 'object' && said !== null ? said : {}) as {
    version?: unknown;
  };
  const name =
    typeof version === 'string' && /^[A-Za-z0-9][A-Za-z0-9.:~-]{0,40}$/.test(version)
      ? version
      : '0';
  return `${name}+${hash.slice(0, 12)}`;
}

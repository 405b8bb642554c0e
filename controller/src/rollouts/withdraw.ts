/** Versions leave the catalogue and come back. It stands here, and not with applications, because it has to know who still needs them. */
import type { ApplicationVersion, Withdrawal } from '@preau/contract/catalogue.ts';
import { AppError } from '@preau/contract/errors.ts';
import { agentSlug } from '#src/applications/create.ts';
import { mustHaveFiles } from '#src/applications/packages.ts';
import { expandRequirements } from '#src/applications/requirements.ts';
import { mustBeReviewed } from '#src/applications/scripts.ts';
import { saveWithdrawal, selectApplications, selectVersions } from '#src/applications/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { raiseStamp } from '#src/platform/stamps/store.ts';
import { countServersHaving } from '#src/servers/store.ts';
import { selectActiveRollouts } from './store.ts';

/** What leaves stays where it is installed, and is brought nowhere else; an application leaves with its last version, and is installed nowhere
 *  by then. Repeating is safe. Refuses with NOT_FOUND, FORBIDDEN (the agent), STILL_NEEDED (`why`: by what), and on the way back ALREADY_EXISTS
 *  (another version has this number by now), PACKAGE_NOT_FOUND, SCRIPT_REFUSED and REQUIREMENT_MISSING (what it names is gone). */
export async function withdrawVersions(deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>, actor: Actor, applicationId: string, { withdrawn, versionIds }: Withdrawal): Promise<void> {
  const done = await deps.database.transaction().execute(async (rows) => {
    const now = deps.clock.now();
    // First: whoever changes the catalogue waits here for the others.
    await raiseStamp(rows, 'catalogue', now);
    const versions = await selectVersions(rows, applicationId);
    const moving = versions.filter((version) => versionIds.includes(version.versionId) && (version.withdrawnAt === null) === withdrawn);
    if (!versionIds.every((id) => versions.some((version) => version.versionId === id))) throw new AppError('NOT_FOUND', { application: applicationId });
    if (moving.length === 0) return false;
    const staying = versions.filter((version) => version.withdrawnAt === null && !moving.includes(version));
    const [application] = [...(await selectApplications(rows, { id: applicationId, learnt: false })), ...(await selectApplications(rows, { id: applicationId, learnt: false, withdrawn: true }))];
    if (application === undefined) throw new AppError('NOT_FOUND', { application: applicationId });
    if (application.slug === agentSlug) throw new AppError('FORBIDDEN', { slug: agentSlug });
    await (withdrawn ? mustNotBeNeeded(rows, applicationId, moving, staying.length === 0) : mustBeWhole(rows, moving, staying));
    await saveWithdrawal(rows, moving.map(({ versionId }) => versionId), withdrawn ? now : null);
    await mustHaveRequirements(rows, application.slug);
    await recordEffect(deps, rows, actor, { action: withdrawn ? 'application.withdrawn' : 'application.restored', subjectId: applicationId, subjectName: application.name.fr, details: { slug: application.slug, versions: moving.map(({ version }) => version) } });
    return true;
  });
  if (done) deps.wakeups.wake(['applications', 'portal', 'audit']);
}

const stillNeeded = (fr: string, en: string, by: Record<string, unknown>) => new AppError('STILL_NEEDED', { ...by, why: { fr, en } });

async function mustNotBeNeeded(rows: Rows, applicationId: string, moving: readonly ApplicationVersion[], last: boolean): Promise<void> {
  const rollout = (await selectActiveRollouts(rows)).find(({ plan }) => plan.applications.some((planned) => (last ? planned.applicationId === applicationId : moving.some(({ versionId }) => versionId === planned.versionId))));
  if (rollout !== undefined) throw stillNeeded(`Le déploiement « ${rollout.name} » s’en sert. Attendez sa fin ou annulez-le, puis recommencez.`, `The rollout “${rollout.name}” uses it. Wait until it is over or cancel it, then try again.`, { rollout: rollout.id });
  const servers = last ? await countServersHaving(rows, applicationId) : 0;
  if (servers > 0) throw stillNeeded(`L’application est encore sur ${servers} serveur${servers > 1 ? 's' : ''}. Retirez-la d’abord de ces écoles, par un déploiement.`, `The application is still on ${servers} server${servers > 1 ? 's' : ''}. First remove it from those schools, with a rollout.`, { servers });
}

async function mustBeWhole(rows: Rows, moving: readonly ApplicationVersion[], staying: readonly ApplicationVersion[]): Promise<void> {
  const numbers = [...moving, ...staying].map(({ version }) => version);
  const twice = numbers.find((version, index) => numbers.indexOf(version) !== index);
  if (twice !== undefined) throw new AppError('ALREADY_EXISTS', { version: twice });
  for (const { recipes } of moving) {
    await mustHaveFiles(rows, recipes);
    await mustBeReviewed(rows, recipes);
  }
}

/** The catalogue holds whatever its applications require, before and after. */
async function mustHaveRequirements(rows: Rows, slug: string): Promise<void> {
  const catalogue = await selectApplications(rows, { learnt: false });
  const mine = catalogue.find((application) => application.slug === slug);
  const by = mine === undefined ? catalogue.find((application) => application.requires.includes(slug)) : undefined;
  if (by !== undefined) throw stillNeeded(`« ${by.name.fr} » la demande. Retirez d’abord celle-là du catalogue.`, `“${by.name.en}” requires it. First take that one out of the catalogue.`, { requiredBy: by.slug });
  // The version that is now the newest may ask for something else.
  const expanded = mine === undefined ? { order: [] } : expandRequirements(catalogue, [mine.id]);
  if ('refused' in expanded) throw new AppError(expanded.refused, { path: expanded.path });
}

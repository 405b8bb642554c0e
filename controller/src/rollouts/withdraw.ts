/** Withdraws versions from the catalogue and restores them. It is here, not among applications,
 * because it must know which rollouts and schedules still need them. */
import type { Recipes } from '@preau/contract/application.ts';
import type { ApplicationVersion, Withdrawal } from '@preau/contract/catalogue.ts';
import { AppError, errorAsTold } from '@preau/contract/errors.ts';
import { agentSlug } from '#src/applications/create.ts';
import { mustHaveFiles } from '#src/applications/packages/packages.ts';
import { expandRequirements } from '#src/applications/requirements.ts';
import { mustBeReviewed } from '#src/applications/scripts/scripts.ts';
import { saveWithdrawal, selectApplications, selectVersions } from '#src/applications/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { raiseStamp } from '#src/platform/stamps/store.ts';
import { countServersHaving } from '#src/servers/store.ts';
import { selectSchedules } from './schedules/store.ts';
import { selectActiveRollouts } from './store.ts';

/** A withdrawn version stays where it is installed and is installed nowhere else. An application is
 * withdrawn with its last version, and must then be installed nowhere. Safe to repeat. Refuses with
 * NOT_FOUND, FORBIDDEN (the agent), STILL_NEEDED (`why`: by what), and when restoring also with
 * ALREADY_EXISTS (another version has this number by now), PACKAGE_NOT_FOUND, SCRIPT_REFUSED and
 * REQUIREMENT_MISSING (something it names is gone). */
export async function withdrawVersions(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: Actor,
  applicationId: string,
  { withdrawn, versionIds }: Withdrawal,
): Promise<void> {
  const done = await deps.database.transaction().execute(async (rows) => {
    const now = deps.clock.now();
    const [application] = await selectApplications(rows, {
      id: applicationId,
      learnt: false,
      among: 'all',
    });
    const versions = await selectVersions(rows, applicationId);
    if (
      application === undefined ||
      !versionIds.every((id) => versions.some((version) => version.versionId === id))
    )
      throw new AppError('NOT_FOUND', { application: applicationId });
    if (application.slug === agentSlug) throw new AppError('FORBIDDEN', { slug: agentSlug });
    // Files are locked before the catalogue, in the same order as when a version is added. From
    // then on nobody else can change the catalogue.
    if (!withdrawn)
      for (const { versionId, recipes } of versions)
        if (versionIds.includes(versionId)) await mustBeWhole(rows, recipes);
    await raiseStamp(rows, 'catalogue', now);
    const present = await selectVersions(rows, applicationId);
    const moving = present.filter(
      (version) =>
        versionIds.includes(version.versionId) && (version.withdrawnAt === null) === withdrawn,
    );
    const staying = present.filter(
      (version) => version.withdrawnAt === null && !moving.includes(version),
    );
    if (moving.length === 0) return false;
    await (withdrawn
      ? mustNotBeNeeded(rows, applicationId, moving, staying.length === 0)
      : mustHaveNumbers([...moving, ...staying]));
    await saveWithdrawal(
      rows,
      moving.map(({ versionId }) => versionId),
      withdrawn ? now : null,
    );
    await mustHaveRequirements(rows, application.slug);
    await recordEffect(deps, rows, actor, {
      action: withdrawn ? 'application.withdrawn' : 'application.restored',
      subjectId: applicationId,
      subjectName: application.name.fr,
      details: { slug: application.slug, versions: moving.map(({ version }) => version) },
    });
    return true;
  });
  if (done) deps.wakeups.wake(['applications', 'portal', 'audit']);
}

const stillNeeded = (fr: string, en: string, by: Record<string, unknown>) =>
  new AppError('STILL_NEEDED', { ...by, why: { fr, en } });

async function mustNotBeNeeded(
  rows: Rows,
  applicationId: string,
  moving: readonly ApplicationVersion[],
  last: boolean,
): Promise<void> {
  const isMeant = (item: { applicationId: string; versionId?: string }) =>
    item.applicationId === applicationId &&
    (last || moving.some(({ versionId }) => versionId === item.versionId));
  const rollout = (await selectActiveRollouts(rows)).find(({ plan }) =>
    plan.applications.some(isMeant),
  );
  if (rollout !== undefined)
    throw stillNeeded(
      `Le déploiement « ${rollout.name} » s’en sert. Attendez sa fin ou annulez-le, puis recommencez.`,
      `The rollout “${rollout.name}” uses it. Wait until it is over or cancel it, then try again.`,
      { rollout: rollout.id },
    );
  const schedule = (await selectSchedules(rows)).find(({ draft }) => draft.items.some(isMeant));
  if (schedule !== undefined)
    throw stillNeeded(
      `La programmation « ${schedule.name} » s’en sert. Supprimez-la d’abord.`,
      `The schedule “${schedule.name}” uses it. Delete that one first.`,
      { schedule: schedule.id },
    );
  const servers = last ? await countServersHaving(rows, applicationId) : 0;
  if (servers > 0)
    throw stillNeeded(
      `${servers > 1 ? `${servers} serveurs l’ont ou l’attendent` : '1 serveur l’a ou l’attend'} ` +
        'encore. Retirez-la d’abord de ces écoles, par un déploiement.',
      `${servers > 1 ? `${servers} servers still have it or wait for it` : '1 server still has it or waits for it'}. ` +
        'First remove it from those schools, with a rollout.',
      { servers },
    );
}

function mustHaveNumbers(versions: readonly ApplicationVersion[]): void {
  const numbers = versions.map(({ version }) => version);
  const twice = numbers.find((version, index) => numbers.indexOf(version) !== index);
  if (twice !== undefined)
    throw new AppError('ALREADY_EXISTS', {
      version: twice,
      why: {
        fr: `Une autre version ${twice} est au catalogue. Retirez-la d’abord.`,
        en: `Another version ${twice} is in the catalogue. Withdraw that one first.`,
      },
    });
}

async function mustBeWhole(rows: Rows, recipes: Recipes): Promise<void> {
  await mustHaveFiles(rows, recipes).catch((error: unknown) => {
    if (!(error instanceof AppError)) throw error;
    const file = String(error.details['file']);
    throw errorAsTold(error.code, {
      ...error.details,
      why: {
        fr: `Le fichier ${file} n’est plus dans la ville. Renvoyez-le, puis recommencez.`,
        en: `The file ${file} is no longer in the city. Send it again, then try again.`,
      },
    });
  });
  await mustBeReviewed(rows, recipes);
}

/** Checks that the catalogue still contains whatever its applications require. */
async function mustHaveRequirements(rows: Rows, slug: string): Promise<void> {
  const catalogue = await selectApplications(rows, { learnt: false });
  const mine = catalogue.find((application) => application.slug === slug);
  const by =
    mine === undefined
      ? catalogue.find((application) => application.requires.includes(slug))
      : undefined;
  if (by !== undefined)
    throw stillNeeded(
      `« ${by.name.fr} » la demande. Retirez d’abord celle-là du catalogue.`,
      `“${by.name.en}” requires it. First take that one out of the catalogue.`,
      { requiredBy: by.slug },
    );
  // The version that is now the newest may have other requirements.
  const expanded = mine === undefined ? { order: [] } : expandRequirements(catalogue, [mine.id]);
  if (!('refused' in expanded)) return;
  const path = expanded.path.join(' → ');
  throw new AppError(expanded.refused, {
    path: expanded.path,
    why: {
      fr: `La version qui serait alors la plus récente demande ce qui n’est pas au catalogue : ${path}.`,
      en: `The version that would then be the newest requires what is not in the catalogue: ${path}.`,
    },
  });
}

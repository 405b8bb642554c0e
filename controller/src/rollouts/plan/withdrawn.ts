/** Checks that everything a rollout installs is still in the catalogue. */

import { AppError } from '@preau/contract/errors.ts';
import type { RolloutPlan } from '@preau/contract/rollout-plan.ts';

import type { Rows } from '#src/platform/database.ts';
import { holdStamp } from '#src/platform/stamps/store.ts';
import { selectVersions } from './store.ts';

/** Builds the WITHDRAWN error. It names the versions, because the plan may have been made some time
 * ago. */
export function withdrawn(gone: readonly { slug: string; version: string }[]): AppError {
  const names = gone.map(({ slug, version }) => `${slug} ${version}`).join(', ');
  return new AppError('WITHDRAWN', {
    withdrawn: names,
    why: {
      fr: `${names} : ce n’est plus au catalogue. Remettez-le au catalogue, ou choisissez autre chose.`,
      en: `${names}: no longer in the catalogue. Put it back, or choose something else.`,
    },
  });
}

/** Refuses with WITHDRAWN when a version was withdrawn after the plan was made. Holds the
 * catalogue, so that nothing is withdrawn before the transaction ends. */
export async function mustBeOffered(rows: Rows, plan: RolloutPlan): Promise<void> {
  await holdStamp(rows, 'catalogue');
  const wanted = plan.applications.filter((planned) => planned.want === 'present');
  const versions = await selectVersions(
    rows,
    wanted.map((planned) => planned.versionId),
  );
  const gone = wanted.filter((planned) => versions.get(planned.versionId)?.withdrawn !== false);
  if (gone.length > 0) throw withdrawn(gone);
}

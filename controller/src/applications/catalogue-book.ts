/** The catalogue as people see it: newest versions, without history estimates or fleet counts.
 * Cached until the catalogue's stamp changes. */
import { keptByStamp } from '#src/platform/stamps/kept.ts';
import { selectApplications } from './store.ts';

export const catalogueBook = keptByStamp('catalogue', async (rows) => {
  const applications = await selectApplications(rows, { learnt: false });
  return {
    applications,
    bySlug: new Map(applications.map((application) => [application.slug, application])),
    byId: new Map(applications.map((application) => [application.id, application])),
  };
});

/** The catalogue as people see it: newest versions, without what is learnt from history or counted
 * over the fleet. Kept from one question to the next, until something of it changes. */
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

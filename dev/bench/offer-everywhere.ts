/** Opens applications of a city of simulated servers to all its pupils. */
import { plainRule } from '@preau/contract/rule.ts';
import { until } from '../services.ts';
import type { FleetCity } from './fleet-city.ts';

/** Starts the seeded servers, and resolves when each of them has each of these applications. */
export async function offerEverywhere(city: FleetCity, slugs: readonly string[]): Promise<void> {
  await city.runSeeded();
  for (const slug of slugs) {
    const applicationId = city.applicationIds.get(slug) ?? '';
    await city.technician.call('createRule', {
      body: {
        ...plainRule,
        effect: 'allow',
        target: { kind: 'application', applicationId },
        audience: { kind: 'role', role: 'pupil' },
      },
    });
    for (const id of city.serverIds())
      await city.technician.call('wantApplication', {
        params: { id, applicationId },
        body: { wanted: true },
      });
  }
  const installed = () =>
    city.rows
      .selectFrom('server_applications')
      .select('server_id')
      .where('state', '=', 'installed')
      .execute();
  await until(
    'every application on every server',
    async () => (await installed()).length === city.serverIds().length * slugs.length,
    120_000,
  );
}

/** A small city with its real edge, on a port of loopback and with this machine's clock. */
import { openEdge } from '../controller/src/edge/edge.fixture.ts';
import { createEnrolmentCode } from '../controller/src/servers/enrolment/enrol.ts';
import { makeCity } from '../controller/src/testing.fixture.ts';

export type CityEdge = Awaited<ReturnType<typeof openCityEdge>>;

/** `publicUrl`: where servers reach it; without it, at its own port. */
export async function openCityEdge(
  settings: Record<string, string> = {},
  publicUrl?: () => string,
) {
  const city = await makeCity(':memory:', settings);
  let url = '';
  const deps = {
    ...city.platform,
    clock: { now: () => Date.now() },
    publicUrl: publicUrl ?? (() => url),
    originAllowed: () => false,
  };
  const app = await openEdge(deps, deps);
  url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    port: Number(new URL(url).port),
    newCode: (serverName: string) =>
      createEnrolmentCode(deps, city.technician, { siteId: city.site.id, serverName }),
    close: async () => {
      await app.close();
      await city.close();
    },
  };
}

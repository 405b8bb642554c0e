/** Everything an imported file of people is compared with. */
import { reachOf } from '#src/accounts/reach.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectClasses, selectSiteNames } from '../store.ts';
import { breathe } from './csv.ts';
import type { ImportFacts, ImportRow, KnownPerson } from './plan-shapes.ts';
import { selectKnownElsewhere, selectKnownPeople } from './store.ts';

export async function readFacts(
  deps: Pick<Platform, 'database'>,
  actor: Actor,
  rows: readonly ImportRow[],
  siteId: string | null,
): Promise<ImportFacts> {
  const all = await selectSiteNames(deps.database);
  const named = new Set(rows.map(({ uai }) => uai.trim().toUpperCase()));
  const reach = reachOf(actor);
  const mine = all.filter(({ id }) =>
    siteId === null ? reach === null || reach.includes(id) : id === siteId,
  );
  const touched = mine.filter(({ id, uai }) => id === siteId || named.has(uai));
  const ids = new Set(touched.map(({ id }) => id));
  const people: KnownPerson[] = [];
  for (const { id } of touched) {
    people.push(...(await selectKnownPeople(deps.database, id)));
    await breathe();
  }
  const elsewhere: KnownPerson[] = [];
  const externalIds = [
    ...new Set(rows.flatMap(({ externalId }) => (externalId === null ? [] : [externalId]))),
  ];
  for (let at = 0; at < externalIds.length; at += 400) {
    elsewhere.push(
      ...(await selectKnownElsewhere(deps.database, externalIds.slice(at, at + 400), ids)),
    );
    await breathe();
  }
  const isMine = ({ siteId: site }: KnownPerson) =>
    mine.some(({ id }) => id === site) && siteId === null;
  return {
    sites: mine.map(({ id, uai, name }) => ({ id, uai, name })),
    siteId,
    people: [...people, ...elsewhere.filter(isMine)],
    foreignUais: new Set(all.filter((site) => !mine.includes(site)).map(({ uai }) => uai)),
    foreignIds: new Set(
      elsewhere.filter((person) => !isMine(person)).flatMap(({ externalId }) => externalId ?? []),
    ),
    classes: await selectClasses(
      deps.database,
      touched.map(({ id }) => id),
    ),
    mayCreateSites: reach === null && siteId === null,
  };
}

/** Everything an imported file of people is compared with, packed for the thread that plans. */
import { setImmediate as breathe } from 'node:timers/promises';
import { reachOf } from '#src/accounts/reach.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectClasses, selectSiteNames } from '../store.ts';
import { type FactsQuestion, inParts, type KnownPerson, type PackedFacts } from './plan-shapes.ts';
import { selectKnownElsewhere, selectKnownPeople } from './store.ts';

export async function readFacts(
  deps: Pick<Platform, 'database'>,
  actor: Actor,
  asked: FactsQuestion,
  siteId: string | null,
): Promise<PackedFacts> {
  const all = await selectSiteNames(deps.database);
  const named = new Set(asked.uais);
  const reach = reachOf(actor);
  const mine = all.filter(({ id }) =>
    siteId === null ? reach === null || reach.includes(id) : id === siteId,
  );
  const touched = mine.filter(({ id, uai }) => id === siteId || named.has(uai));
  const ids = new Set(touched.map(({ id }) => id));
  const people: string[] = [];
  for (const { id } of touched) {
    people.push(...inParts(await selectKnownPeople(deps.database, id)));
    await breathe();
  }
  const elsewhere: KnownPerson[] = [];
  const { externalIds } = asked;
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
    people: [...people, ...inParts(elsewhere.filter(isMine))],
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

/** All SQL for what rules name: applications, people, groups and schools. */
import type { Rule, RuleAudience, RuleDraft, RulePlace, RuleTarget } from '@preau/contract/rule.ts';
import type { Rows } from '#src/platform/database.ts';
import type { StoredRule } from '../store.ts';

type NamesOf = (
  rows: Rows,
  ids: readonly string[],
) => Promise<readonly { id: string; name: string }[]>;

const namesOfApplications: NamesOf = (rows, ids) =>
  rows
    .selectFrom('applications')
    .select(['id', 'name_fr as name'])
    .where('id', 'in', [...ids])
    .execute();

const namesOfAccounts: NamesOf = (rows, ids) =>
  rows
    .selectFrom('accounts')
    .select(['id', 'display_name as name'])
    .where('id', 'in', [...ids])
    .execute();

const namesOfGroups: NamesOf = async (rows, ids) => {
  const found = await rows
    .selectFrom('groups as g')
    .leftJoin('sites as s', 's.id', 'g.site_id')
    .select(['g.id', 'g.name', 's.name as site'])
    .where('g.id', 'in', [...ids])
    .execute();
  return found.map(({ id, name, site }) => ({
    id,
    name: site === null ? name : `${name}, ${site}`,
  }));
};

const namesOfSites: NamesOf = (rows, ids) =>
  rows
    .selectFrom('sites')
    .select(['id', 'name'])
    .where('id', 'in', [...ids])
    .execute();

const namesOfSiteGroups: NamesOf = (rows, ids) =>
  rows
    .selectFrom('site_groups')
    .select(['id', 'name'])
    .where('id', 'in', [...ids])
    .execute();

/** Reads names by id, in batches, because databases limit how many values one statement takes. */
async function read(
  rows: Rows,
  namesOf: NamesOf,
  ids: readonly (string | null)[],
): Promise<ReadonlyMap<string, string>> {
  const wanted = [...new Set(ids.filter((id) => id !== null))];
  const names = new Map<string, string>();
  for (let at = 0; at < wanted.length; at += 500)
    for (const { id, name } of await namesOf(rows, wanted.slice(at, at + 500))) names.set(id, name);
  return names;
}

const applicationIn = (target: RuleTarget): string | null =>
  target.kind === 'application' ? target.applicationId : null;
const personIn = (audience: RuleAudience): string | null =>
  audience.kind === 'person' ? audience.accountId : null;
const groupIn = (audience: RuleAudience): string | null =>
  audience.kind === 'group' ? audience.groupId : null;
const siteIn = (place: RulePlace): string | null => (place.kind === 'site' ? place.siteId : null);
const siteGroupIn = (place: RulePlace): string | null =>
  place.kind === 'site_group' ? place.siteGroupId : null;

type Names = ReadonlyMap<string, string>;

function targetName(target: RuleTarget, applications: Names): string | null {
  if (target.kind === 'application') return applications.get(target.applicationId) ?? null;
  return target.kind === 'label' ? target.label : target.category;
}

function audienceName(audience: RuleAudience, people: Names, groups: Names): string | null {
  switch (audience.kind) {
    case 'person':
      return people.get(audience.accountId) ?? null;
    case 'group':
      return groups.get(audience.groupId) ?? null;
    case 'role':
      return audience.role;
    case 'attributes':
      return audience.all
        .map((test) => `${test.attribute} ${test.test} ${test.value}`)
        .join(', ')
        .slice(0, 200);
    case 'everyone':
      return 'everyone';
  }
}

function placeName(place: RulePlace, sites: Names, siteGroups: Names): string | null {
  switch (place.kind) {
    case 'site':
      return sites.get(place.siteId) ?? null;
    case 'site_group':
      return siteGroups.get(place.siteGroupId) ?? null;
    case 'everywhere':
      return 'everywhere';
  }
}

/** Adds to rules the names to show for the ids in them. A name is null when the thing no longer
 * exists. */
export async function withNames(rows: Rows, rules: readonly StoredRule[]): Promise<Rule[]> {
  const targets = rules.map(({ target }) => target);
  const audiences = rules.map(({ audience }) => audience);
  const places = rules.map(({ place }) => place);
  const applications = await read(rows, namesOfApplications, targets.map(applicationIn));
  const people = await read(rows, namesOfAccounts, audiences.map(personIn));
  const groups = await read(rows, namesOfGroups, audiences.map(groupIn));
  const sites = await read(rows, namesOfSites, places.map(siteIn));
  const siteGroups = await read(rows, namesOfSiteGroups, places.map(siteGroupIn));
  return rules.map(({ until: _until, ...rule }) => ({
    ...rule,
    targetName: targetName(rule.target, applications),
    audienceName: audienceName(rule.audience, people, groups),
    placeName: placeName(rule.place, sites, siteGroups),
  }));
}

/** The path in the draft to an id that does not exist; null when all exist. */
export async function missingName(
  rows: Rows,
  { target, audience, place }: RuleDraft,
): Promise<'target' | 'audience' | 'place' | null> {
  const isMissing = async (namesOf: NamesOf, id: string | null) =>
    id !== null && (await namesOf(rows, [id])).length === 0;
  if (await isMissing(namesOfApplications, applicationIn(target))) return 'target';
  if (await isMissing(namesOfAccounts, personIn(audience))) return 'audience';
  if (await isMissing(namesOfGroups, groupIn(audience))) return 'audience';
  if (await isMissing(namesOfSites, siteIn(place))) return 'place';
  if (await isMissing(namesOfSiteGroups, siteGroupIn(place))) return 'place';
  return null;
}

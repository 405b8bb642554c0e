/** Finds the school of each line of the file, and validates its names. Pure. */
import { foldName } from '@preau/contract/fold.ts';
import type { ImportChoices, ImportRole, RowProblem } from '@preau/contract/people-import.ts';
import { Line } from '@preau/contract/schema.ts';
import { Compile } from 'typebox/compile';
import { levelOf, titled } from './names.ts';
import type { ImportFacts, ImportRow, Plan } from './plan-shapes.ts';

/** A line with normalised names and a known school. */
export interface PlacedRow {
  row: ImportRow;
  site: string;
  siteName: string;
  name: string;
  key: string;
  level: string | null;
}
interface Problem {
  problem: RowProblem;
  text: string;
}
type NewSite = Plan['newSites'][number];

/** Lengths that accounts, classes, schools and audit events can hold. */
const isName = Compile(Line(120));
const isShortName = Compile(Line(80));

/** People with the same key may be the same person. */
export const keyOf = (site: string, role: ImportRole, name: string): string =>
  `${site} ${role} ${foldName(name)}`;

const nameOf = ({ firstName, lastName }: ImportRow): string => `${firstName} ${lastName}`.trim();

const tidied = (row: ImportRow): ImportRow => ({
  ...row,
  firstName: titled(row.firstName),
  lastName: titled(row.lastName),
  className: row.className.replace(/\s+/g, ' ').trim(),
});

/** Takes a normalised row. Null when its names are valid. */
export function problemOfNames(row: ImportRow): Problem | null {
  const name = nameOf(row);
  if (row.firstName === '' || row.lastName === '') return { problem: 'no_name', text: name };
  if (!isName.Check(name)) return { problem: 'bad_name', text: name };
  if (row.className !== '' && !isShortName.Check(row.className))
    return { problem: 'bad_class', text: row.className };
  return null;
}

/** A school the city does not know, as described by the first line that names it. */
export function newSiteOf(row: ImportRow, uai: string, isWanted: boolean): NewSite {
  const [name, city] = [titled(row.siteName) || uai, titled(row.city) || '?'];
  return {
    uai,
    name: name.slice(0, 120),
    city: city.slice(0, 80),
    lines: 0,
    created:
      isWanted && /^[0-9]{7}[A-Z]$/.test(uai) && isName.Check(name) && isShortName.Check(city),
  };
}

/** Finds the school of each row; schools to be created are collected in `newSites`. */
export function createSiteFinder(
  facts: Pick<ImportFacts, 'sites' | 'siteId' | 'foreignUais' | 'mayCreateSites'>,
  createSites: ImportChoices['createSites'],
) {
  const byUai = new Map(facts.sites.map((site) => [site.uai, site]));
  const only = facts.sites.find(({ id }) => id === facts.siteId);
  const wanted = new Set(facts.mayCreateSites ? createSites.map(({ uai }) => uai) : []);
  const newSites = new Map<string, NewSite>();
  const inNewSite = (row: ImportRow, uai: string) => {
    const site = newSites.get(uai) ?? newSiteOf(row, uai, wanted.has(uai));
    site.lines += 1;
    newSites.set(uai, site);
    return site;
  };
  return {
    newSites: (): NewSite[] => [...newSites.values()],
    siteOf(row: ImportRow): { site: string; siteName: string } | Problem {
      const uai = row.uai.trim().toUpperCase();
      const own = uai === '' ? only : byUai.get(uai);
      if (own !== undefined)
        return facts.siteId !== null && own.id !== facts.siteId
          ? { problem: 'foreign_site', text: own.name }
          : { site: own.id, siteName: own.name };
      if (uai === '') return { problem: 'no_site', text: nameOf(row) };
      if (facts.siteId !== null || facts.foreignUais.has(uai))
        return { problem: 'foreign_site', text: uai };
      const { created, name } = inNewSite(row, uai);
      return created
        ? { site: `new:${uai}`, siteName: name }
        : { problem: 'unknown_site', text: uai };
    },
  };
}
export type SiteFinder = ReturnType<typeof createSiteFinder>;

export function placeRow(given: ImportRow, finder: SiteFinder): PlacedRow | Problem {
  const row = tidied(given);
  const wrong = problemOfNames(row);
  if (wrong !== null) return wrong;
  const found = finder.siteOf(row);
  if ('problem' in found) return found;
  const name = nameOf(row);
  return {
    row,
    ...found,
    name,
    key: keyOf(found.site, row.role, name),
    level: levelOf(row.level) ?? levelOf(row.className),
  };
}

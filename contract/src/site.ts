/** Schools. */
import { type Static, Type } from 'typebox';
import { isSubnet } from './network.ts';
import { Id, Line, OneOf, Slug, Strict, TimeZone } from './schema.ts';
import { WindowSpec } from './windows.ts';

export const SiteId = Id('sit');

export const SiteDraft = Strict({
  uai: Type.String({ pattern: '^[0-9]{7}[A-Z]$' }),
  name: Line(120),
  city: Line(80),
  timeZone: TimeZone,
  holidayZone: OneOf(['A', 'B', 'C']),
});
export type SiteDraft = Static<typeof SiteDraft>;

/** An address range of a school and the labels of the PCs there (`computer-room`). A single PC is a
 * range of one address. */
export const SiteNetwork = Strict({
  subnet: Type.String({ maxLength: 49, pattern: '^[0-9a-fA-F.:]+/[0-9]{1,3}$' }),
  labels: Type.Array(Slug, { maxItems: 20, uniqueItems: true }),
});
export type SiteNetwork = Static<typeof SiteNetwork>;

/** Settings that a school may change itself. `closures`: its own days without class, besides the
 * city's. */
export const SiteSettings = Strict({
  networks: Type.Array(SiteNetwork, { maxItems: 200 }),
  closures: Type.Array(
    Type.String({ pattern: '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' }),
    { maxItems: 400, uniqueItems: true },
  ),
  /** When badges and picture passwords work; empty: always. */
  badgeHours: Type.Array(WindowSpec, { maxItems: 20 }),
});
export type SiteSettings = Static<typeof SiteSettings>;
export const SiteSettingsShown = Strict({ siteId: SiteId, ...SiteSettings.properties });
export type SiteSettingsShown = Static<typeof SiteSettingsShown>;
export const noSettings: SiteSettings = { networks: [], closures: [], badgeHours: [] };

/** The first network that is not an address range; null when all are valid. */
export const wrongNetwork = (settings: SiteSettings): string | null =>
  settings.networks.find(({ subnet }) => !isSubnet(subnet))?.subnet ?? null;

export const SiteGroupId = Id('sgr');
export const SiteGroupDraft = Strict({
  name: Line(80),
  siteIds: Type.Array(SiteId, { maxItems: 10_000, uniqueItems: true }),
});
export type SiteGroupDraft = Static<typeof SiteGroupDraft>;
export const SiteGroup = Strict({ id: SiteGroupId, ...SiteGroupDraft.properties });
export type SiteGroup = Static<typeof SiteGroup>;

/** Overview of a school. `health` is that of its worst server; `none`: no server enrolled yet. */
export const SiteSummary = Strict({
  id: SiteId,
  ...SiteDraft.properties,
  health: OneOf(['none', 'online', 'offline', 'failing', 'quarantined']),
  groupIds: Type.Array(SiteGroupId),
  servers: Type.Integer(),
  liveSessions: Type.Integer(),
  failedSteps: Type.Integer(),
  people: Type.Integer(),
});
export type SiteSummary = Static<typeof SiteSummary>;

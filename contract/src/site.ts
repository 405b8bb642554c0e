/** A school. */
import { type Static, Type } from 'typebox';
import { Id, Line, OneOf, Strict } from './schema.ts';

export const SiteId = Id('sit');

export const SiteDraft = Strict({
  uai: Type.String({ pattern: '^[0-9]{7}[A-Z]$' }),
  name: Line(120),
  city: Line(80),
  timeZone: Type.String({ pattern: '^[A-Za-z_]+(/[A-Za-z_-]+){1,2}$', maxLength: 40 }),
  holidayZone: OneOf(['A', 'B', 'C']),
});
export type SiteDraft = Static<typeof SiteDraft>;

export const SiteGroupId = Id('sgr');
export const SiteGroupDraft = Strict({ name: Line(80), siteIds: Type.Array(SiteId, { maxItems: 10_000, uniqueItems: true }) });
export type SiteGroupDraft = Static<typeof SiteGroupDraft>;
export const SiteGroup = Strict({ id: SiteGroupId, ...SiteGroupDraft.properties });
export type SiteGroup = Static<typeof SiteGroup>;

/** One school at a glance. `health` is the worst of its servers; `none`: no server enrolled yet. */
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

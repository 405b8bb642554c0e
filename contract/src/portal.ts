/** What a person's portal shows, and what starts an application. */
import { type Static, Type } from 'typebox';
import { Application, ApplicationId } from './application.ts';
import { Nullable, OneOf, Slug, Strict } from './schema.ts';
import { Session } from './session.ts';

export const PortalApplication = Strict({
  id: ApplicationId,
  slug: Slug,
  name: Application.properties.name,
  description: Application.properties.description,
  category: Application.properties.category,
  iconHash: Application.properties.iconHash,
  installed: Type.Boolean(),
  lastUsedAt: Nullable(Type.Integer()),
  session: Nullable(Session),
  /** When it closes by itself today; null when it does not. */
  openUntil: Nullable(Type.Integer()),
});
export type PortalApplication = Static<typeof PortalApplication>;

export const Launch = Strict({ application: Slug, language: OneOf(['fr', 'en']) });
export type Launch = Static<typeof Launch>;

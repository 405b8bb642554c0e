/** Something in the catalogue that can be installed and launched: versions, each with a recipe per platform. */
import { type Static, Type } from 'typebox';
import { Id, Line, Nullable, OneOf, Slug, Strict, Translated } from './schema.ts';

export const categories = [
  'office', 'mathematics', 'french', 'languages', 'science', 'geography', 'drawing', 'music', 'programming', 'games', 'tools',
] as const;
export type Category = (typeof categories)[number];
export const Category = OneOf(categories);

export const ApplicationId = Id('app');
export const VersionId = Id('ver');

const PackageName = Type.String({ pattern: '^[a-z0-9][a-z0-9+.-]{1,80}$' });
/** Absolute, without `..`, without characters a shell or a glob would read. */
const AbsolutePath = Type.String({ pattern: '^(/(?!\\.\\.?(/|$))[A-Za-z0-9._+@-]+)+$', maxLength: 256 });
const Argument = Type.String({ minLength: 1, maxLength: 256, pattern: '^[^\\u0000-\\u001f\\u007f]*$' });

/** How to tell that the application is there. Asked before installing and again after: exit code 0 is not proof. */
export const DetectionRule = Type.Union([
  Strict({ kind: Type.Literal('package'), package: PackageName }),
  Strict({ kind: Type.Literal('file'), path: AbsolutePath }),
]);
export type DetectionRule = Static<typeof DetectionRule>;

export const AptRecipe = Strict({
  kind: Type.Literal('apt'),
  packages: Type.Array(PackageName, { minItems: 1, maxItems: 40, uniqueItems: true }),
  detect: DetectionRule,
  /** argv, never a shell line; the first word is a program name or an absolute path. */
  launch: Strict({ command: Type.Array(Argument, { minItems: 1, maxItems: 32 }) }),
  /** Where the real icon is, once installed. */
  icon: Strict({ desktopFile: Type.String({ pattern: '^[A-Za-z0-9._-]{1,100}\\.desktop$' }) }),
});
export type AptRecipe = Static<typeof AptRecipe>;

export const Recipes = Strict({ linux: AptRecipe });
export type Recipes = Static<typeof Recipes>;

export const ApplicationDraft = Strict({
  slug: Slug,
  name: Translated(80),
  description: Translated(300),
  category: Category,
  version: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9.+:~-]{0,60}$' }),
  recipes: Recipes,
});
export type ApplicationDraft = Static<typeof ApplicationDraft>;

/** `iconHash` is null until a server has installed it and sent its icon: the console then draws a letter tile. */
export const Application = Strict({
  id: ApplicationId,
  slug: Slug,
  name: Translated(80),
  description: Translated(300),
  category: Category,
  iconHash: Nullable(Type.String()),
  version: Type.String(),
  versionId: VersionId,
  recipes: Recipes,
  installedOn: Type.Integer(),
});
export type Application = Static<typeof Application>;

export const installStates = ['wanted', 'installing', 'installed', 'removing', 'removed', 'failed'] as const;

export const InstalledApplication = Strict({
  applicationId: ApplicationId,
  slug: Slug,
  name: Translated(80),
  iconHash: Nullable(Type.String()),
  wanted: Type.Boolean(),
  state: OneOf(installStates),
  version: Nullable(Line(80)),
  error: Nullable(Strict({ code: Type.String(), message: Type.String() })),
  updatedAt: Type.Integer(),
});
export type InstalledApplication = Static<typeof InstalledApplication>;

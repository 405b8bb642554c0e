/** The catalogue in depth: versions, import and export, uploaded files, reviewed scripts. */
import { type Static, Type } from 'typebox';
import { AccountId } from './account.ts';
import {
  ApplicationDraft,
  ApplicationId,
  ApplicationLabels,
  Category,
  Estimate,
  maxPackageBytes,
  PackageFile,
  Recipes,
  Sha256,
  VersionId,
} from './application.ts';
import { errorCodes } from './errors.ts';
import { Id, Line, Nullable, OneOf, Slug, Strict, Translated } from './schema.ts';

export const ApplicationVersion = Strict({
  versionId: VersionId,
  version: Type.String(),
  recipes: Recipes,
  requires: Type.Array(Slug),
  estimate: Nullable(Estimate),
  createdAt: Type.Integer(),
  /** Not null: no longer in the catalogue. It stays where it is installed and is installed nowhere
   * else. */
  withdrawnAt: Nullable(Type.Integer()),
  /** Servers that have this version. */
  installedOn: Type.Integer(),
});
export type ApplicationVersion = Static<typeof ApplicationVersion>;

/** Editable properties of an application: its texts, labels and seats. What is installed belongs to
 * a version. */
export const ApplicationChanges = Strict({
  name: ApplicationDraft.properties.name,
  description: ApplicationDraft.properties.description,
  category: ApplicationDraft.properties.category,
  labels: ApplicationLabels,
  /** Null: no limit. */
  seats: Nullable(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
});
export type ApplicationChanges = Static<typeof ApplicationChanges>;

/** Versions to withdraw from the catalogue, or to restore. An application without a version in the
 * catalogue is withdrawn itself. */
export const Withdrawal = Strict({
  withdrawn: Type.Boolean(),
  versionIds: Type.Array(VersionId, { minItems: 1, maxItems: 500, uniqueItems: true }),
});
export type Withdrawal = Static<typeof Withdrawal>;

// ---- import and export ----------------------------------------------------------------------

/** Raised when older drafts can no longer be read. */
export const catalogueFormat = 1;
export const Catalogue = Strict({
  format: Type.Integer(),
  applications: Type.Array(ApplicationDraft),
});
export type Catalogue = Static<typeof Catalogue>;

/** Each item is checked separately, so that one error does not hide the others. `dryRun`: nothing
 * is saved. */
export const CatalogueImport = Strict({
  dryRun: Type.Boolean(),
  applications: Type.Array(Type.Unknown(), { maxItems: 2000 }),
});
export type CatalogueImport = Static<typeof CatalogueImport>;
export const importResults = ['added', 'version_added', 'unchanged', 'refused'] as const;
export const ImportedItem = Strict({
  index: Type.Integer({ minimum: 0 }),
  /** Null when it could not be read. */
  slug: Nullable(Slug),
  version: Nullable(Line(80)),
  result: OneOf(importResults),
  code: Nullable(OneOf(errorCodes)),
  /** Where the error is; never quotes names or values. */
  why: Nullable(Type.String({ maxLength: 400 })),
});
export type ImportedItem = Static<typeof ImportedItem>;

// ---- uploaded files -------------------------------------------------------------------------

/** The body is the file itself (application/octet-stream). These fields announce it and are checked
 * while it streams. */
export const PackageUpload = Strict({
  name: PackageFile.properties.name,
  sha256: Sha256,
  size: Type.String({ pattern: '^[1-9][0-9]{0,9}$' }),
});
export type PackageUpload = Static<typeof PackageUpload>;
export const UploadedPackage = Strict({
  name: PackageFile.properties.name,
  sha256: Sha256,
  size: Type.Integer({ minimum: 1, maximum: maxPackageBytes }),
  createdAt: Type.Integer(),
  /** Slugs of the applications that use it, and names of scripts: it cannot be deleted then. */
  usedBy: Type.Array(Slug),
});
export type UploadedPackage = Static<typeof UploadedPackage>;

/** Detected from the first bytes, never from the name alone. `picture` and `program` (Windows) may
 * hold an icon. */
export const packageKinds = [
  'deb',
  'appimage',
  'zip',
  'tar',
  'program',
  'installer',
  'picture',
  'unknown',
] as const;
/** A launchable program in the package, as its .desktop file describes it. */
export const InspectedProgram = Strict({
  desktopFile: Nullable(Type.String({ maxLength: 110 })),
  name: Nullable(Translated(80)),
  description: Nullable(Translated(300)),
  command: Type.Array(Type.String({ maxLength: 256 }), { maxItems: 32 }),
  category: Nullable(Category),
  /** PNG in base64. */
  icon: Nullable(Type.String({ maxLength: 360_000 })),
});
export type InspectedProgram = Static<typeof InspectedProgram>;
/** Metadata that an uploaded file claims. It is unverified: a technician reads it before it becomes
 * a recipe. */
export const InspectedPackage = Strict({
  kind: OneOf(packageKinds),
  package: Nullable(Line(80)),
  version: Nullable(Line(61)),
  summary: Nullable(Line(300)),
  architecture: Nullable(Line(40)),
  programs: Type.Array(InspectedProgram, { maxItems: 20 }),
  /** The file could not be read to its end; it may contain more. */
  cutShort: Type.Boolean(),
});
export type InspectedPackage = Static<typeof InspectedPackage>;

/** Extracts an icon from an uploaded program (.exe), icon (.ico) or picture (.png). */
export const IconFromPackage = Strict({ applicationId: ApplicationId, sha256: Sha256 });

// ---- scripts --------------------------------------------------------------------------------

export const ScriptId = Id('scr');
export const maxScriptBytes = 65_536;
/** The first line names the interpreter; characters that a reader cannot see are refused. */
const ScriptText = Type.String({
  minLength: 3,
  maxLength: maxScriptBytes,
  pattern:
    '^#!/[^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u200b-\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ufeff]*$',
});
export const ScriptDraft = Strict({
  name: Slug,
  install: ScriptText,
  remove: Nullable(ScriptText),
});
export type ScriptDraft = Static<typeof ScriptDraft>;
/** Hashes of the files that were read: a script that has changed since is not signed. */
export const ScriptReview = Strict({ install: Sha256, remove: Nullable(Sha256) });
export type ScriptReview = Static<typeof ScriptReview>;
export const Script = Strict({
  id: ScriptId,
  name: Slug,
  install: PackageFile,
  installText: Type.String(),
  remove: Nullable(PackageFile),
  removeText: Nullable(Type.String()),
  createdById: Nullable(AccountId),
  createdByName: Line(120),
  createdAt: Type.Integer(),
  reviewedByName: Nullable(Line(120)),
  reviewedAt: Nullable(Type.Integer()),
  /** For the recipe; null until a second technician has reviewed the script. */
  signature: Nullable(Type.String()),
});
export type Script = Static<typeof Script>;

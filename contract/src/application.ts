/** Something in the catalogue that can be installed and launched: versions, each with a recipe per
 * platform. */
import { type Static, Type } from 'typebox';
import { Id, Line, Nullable, OneOf, Slug, Strict, Translated } from './schema.ts';

export const categories = [
  'office',
  'mathematics',
  'french',
  'languages',
  'science',
  'geography',
  'drawing',
  'music',
  'programming',
  'games',
  'tools',
] as const;
export type Category = (typeof categories)[number];
export const Category = OneOf(categories);

export const ApplicationId = Id('app');
export const VersionId = Id('ver');

const PackageName = Type.String({ pattern: '^[a-z0-9][a-z0-9+.-]{1,80}$' });
/** A package, or a package held at one version: `name` or `name=version`. */
const PinnedPackage = Type.String({
  pattern: '^[a-z0-9][a-z0-9+.-]{1,80}(=[A-Za-z0-9][A-Za-z0-9.+:~-]{0,60})?$',
});
/** Absolute path without `..` and without characters that a shell or a glob interprets. */
const AbsolutePath = Type.String({
  pattern: '^(/(?!\\.\\.?(/|$))[A-Za-z0-9._+@-]+)+$',
  maxLength: 256,
});
const Argument = Type.String({
  minLength: 1,
  maxLength: 256,
  pattern: '^[^\\u0000-\\u001f\\u007f]*$',
});
export const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Signature = Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' });
const WebAddress = Type.String({
  pattern: '^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[^\\s"\'\\\\]*$',
  maxLength: 500,
});
export const maxPackageBytes = 4_294_967_296;

/** A file identified by its hash. Without `url` it was uploaded to the city and the controller
 * serves it. */
export const PackageFile = Strict({
  name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._+~-]{0,120}$' }),
  sha256: Sha256,
  size: Type.Integer({ minimum: 1, maximum: maxPackageBytes }),
  url: Type.Optional(WebAddress),
});
export type PackageFile = Static<typeof PackageFile>;

/** How to detect that the application is installed, and in which version. Checked before and after
 * installing, because exit code 0 proves nothing. `version_file`: its first line is the version.
 * `updates`: no update of the scope is pending. `agent`: the running agent is this bundle. */
export const DetectionRule = Type.Union([
  Strict({ kind: Type.Literal('package'), package: PackageName }),
  Strict({ kind: Type.Literal('file'), path: AbsolutePath, sha256: Type.Optional(Sha256) }),
  Strict({ kind: Type.Literal('version_file'), path: AbsolutePath }),
  Strict({ kind: Type.Literal('registry'), key: Line(300), value: Line(120) }),
  Strict({ kind: Type.Literal('updates') }),
  Strict({ kind: Type.Literal('agent') }),
]);
export type DetectionRule = Static<typeof DetectionRule>;

/** A path below a home: names joined by slashes, without `.` and `..`. */
const PathInHome = Type.String({
  pattern: '^(?!\\.\\.?(/|$))[A-Za-z0-9._+-]+(/(?!\\.\\.?(/|$))[A-Za-z0-9._+-]+)*$',
  maxLength: 160,
});
/** A settings file that a home gets when it has none of that name, so that the program opens in the
 * person's language and asks nothing. What the person has is never changed. */
export const FirstFile = Strict({
  path: PathInHome,
  text: Type.String({ maxLength: 4000, pattern: '^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f]*$' }),
});
export type FirstFile = Static<typeof FirstFile>;

const common = {
  detect: DetectionRule,
  /** Absent for what cannot be launched (updates, a runtime). */
  launch: Type.Optional(
    Strict({
      /** argv, never a shell line; the first word is a program name or an absolute path. */
      command: Type.Array(Argument, { minItems: 1, maxItems: 32 }),
      firstFiles: Type.Optional(Type.Array(FirstFile, { minItems: 1, maxItems: 8 })),
    }),
  ),
  /** Where the application's own icon is found, once installed. */
  icon: Type.Optional(
    Strict({ desktopFile: Type.String({ pattern: '^[A-Za-z0-9._-]{1,100}\\.desktop$' }) }),
  ),
};

/** An extra source of Debian packages. apt refuses packages that this key has not signed. */
export const AptSource = Strict({
  uri: WebAddress,
  suite: Type.String({ pattern: '^[a-z0-9][a-z0-9./-]{0,60}$' }),
  components: Type.Array(Type.String({ pattern: '^[a-z0-9-]{1,40}$' }), { maxItems: 8 }),
  /** Public key in ASCII armour. */
  key: Type.String({ maxLength: 20_000, pattern: '^-----BEGIN PGP PUBLIC KEY BLOCK-----' }),
});
export type AptSource = Static<typeof AptSource>;

export const AptRecipe = Strict({
  kind: Type.Literal('apt'),
  packages: Type.Array(PinnedPackage, { minItems: 1, maxItems: 40, uniqueItems: true }),
  source: Type.Optional(AptSource),
  ...common,
});
export type AptRecipe = Static<typeof AptRecipe>;
export const DebRecipe = Strict({
  kind: Type.Literal('deb'),
  package: PackageName,
  file: PackageFile,
  ...common,
});
export type DebRecipe = Static<typeof DebRecipe>;
/** Unpacked into its own folder, `/opt/preau/<slug>/<version>`; nothing is written outside it. */
export const ArchiveRecipe = Strict({
  kind: Type.Literal('archive'),
  format: OneOf(['appimage', 'zip', 'tar']),
  file: PackageFile,
  ...common,
});
export type ArchiveRecipe = Static<typeof ArchiveRecipe>;
/** A script that a second technician has reviewed; no other script runs. The controller's signature
 * binds the name to both files. */
export const ScriptRecipe = Strict({
  kind: Type.Literal('script'),
  script: Slug,
  install: PackageFile,
  remove: Type.Optional(PackageFile),
  signature: Signature,
  ...common,
});
export type ScriptRecipe = Static<typeof ScriptRecipe>;
/** Pending updates of the system itself, from its own sources. */
export const UpdatesRecipe = Strict({
  kind: Type.Literal('updates'),
  scope: OneOf(['security', 'all']),
  ...common,
});
export type UpdatesRecipe = Static<typeof UpdatesRecipe>;
/** The agent's own bundle. */
export const AgentRecipe = Strict({ kind: Type.Literal('agent'), file: PackageFile, ...common });
export type AgentRecipe = Static<typeof AgentRecipe>;
export const LinuxRecipe = Type.Union([
  AptRecipe,
  DebRecipe,
  ArchiveRecipe,
  ScriptRecipe,
  UpdatesRecipe,
  AgentRecipe,
]);
export type LinuxRecipe = Static<typeof LinuxRecipe>;

export const WindowsRecipe = Type.Union([
  Strict({
    kind: Type.Literal('msi'),
    file: PackageFile,
    properties: Type.Record(Type.String({ pattern: '^[A-Z0-9_]{1,60}$' }), Line(200)),
    ...common,
  }),
  Strict({
    kind: Type.Literal('exe'),
    file: PackageFile,
    silent: Type.Array(Argument, { maxItems: 20 }),
    uninstall: Type.Array(Argument, { maxItems: 20 }),
    ...common,
  }),
  Strict({
    kind: Type.Literal('winget'),
    packageId: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9.+-]{1,120}$' }),
    ...common,
  }),
]);
export type WindowsRecipe = Static<typeof WindowsRecipe>;

export const platforms = ['linux', 'windows'] as const;
export type RecipePlatform = (typeof platforms)[number];

/** A server uses the recipe for its platform; without one the application is `not_applicable`
 * there. */
export const Recipes = Type.Object(
  { linux: Type.Optional(LinuxRecipe), windows: Type.Optional(WindowsRecipe) },
  { additionalProperties: false, minProperties: 1 },
);
export type Recipes = Static<typeof Recipes>;

/** The text that the script review signs: the name, and the hash of each file, one per line. */
export const scriptReviewText = (script: {
  script: string;
  install: PackageFile;
  remove?: PackageFile | undefined;
}): string =>
  `preau script\n${script.script}\n${script.install.sha256}\n${script.remove?.sha256 ?? ''}`;

/** Cost of an installation on one server: bytes downloaded, minutes of work. Measured values
 * replace it once there is history. */
export const Estimate = Strict({
  bytes: Type.Integer({ minimum: 0 }),
  minutes: Type.Number({ minimum: 0, maximum: 600 }),
});
export type Estimate = Static<typeof Estimate>;

export const ApplicationLabels = Type.Array(Slug, { maxItems: 20, uniqueItems: true });

export const ApplicationDraft = Strict({
  slug: Slug,
  name: Translated(80),
  description: Translated(300),
  category: Category,
  labels: Type.Optional(ApplicationLabels),
  version: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9.+:~-]{0,60}$' }),
  recipes: Recipes,
  /** Slugs of the applications that must be installed first. */
  requires: Type.Optional(Type.Array(Slug, { maxItems: 20, uniqueItems: true })),
  /** Seats: how many sessions of it the city may run at once. */
  licence: Type.Optional(Strict({ seats: Type.Integer({ minimum: 1, maximum: 1_000_000 }) })),
  estimate: Type.Optional(Estimate),
  /** An SVG image as text, shown before any server has installed the application. In the files of a
   * catalogue it is the path of that image, `icons/NAME.svg` beside the file. */
  icon: Type.Optional(Type.String({ maxLength: 40_000 })),
});
export type ApplicationDraft = Static<typeof ApplicationDraft>;

/** `iconHash` is null until a server has installed the application and sent its icon, unless the
 * catalogue brought one; until then the console draws a letter tile. */
export const Application = Strict({
  id: ApplicationId,
  slug: Slug,
  name: Translated(80),
  description: Translated(300),
  category: Category,
  labels: Type.Array(Slug),
  iconHash: Nullable(Type.String()),
  version: Type.String(),
  versionId: VersionId,
  recipes: Recipes,
  requires: Type.Array(Slug),
  seats: Nullable(Type.Integer()),
  /** Measured from past installations when `samples` > 0; else the draft's estimate, else null.
   * `p95Ms` decides what still fits into a window. */
  estimate: Nullable(
    Strict({ ...Estimate.properties, p95Ms: Type.Integer(), samples: Type.Integer() }),
  ),
  installedOn: Type.Integer(),
});
export type Application = Static<typeof Application>;

export const installStates = [
  'wanted',
  'installing',
  'installed',
  'removing',
  'removed',
  'failed',
] as const;

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

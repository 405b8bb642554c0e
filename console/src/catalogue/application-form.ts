/** The state of the application form, how a file fills it in, and the draft made from it. Pure. */

import type {
  Application,
  ApplicationDraft,
  Category,
  DetectionRule,
  PackageFile,
} from '@preau/contract/application.ts';
import type { InspectedPackage, InspectedProgram, Script } from '@preau/contract/catalogue.ts';
import { fold } from '@preau/contract/fold.ts';
import {
  factsOf,
  type Recipe,
  type RecipeKind,
  type RecipeOf,
  recipeFacts,
} from '@preau/contract/recipe-kinds.ts';

type Origin = 'debian' | 'file' | 'script';

type DetectKind = 'package' | 'file' | 'version_file';

/** Fields derived from the rest of the form: recomputed when it changes, until somebody types
 * another value. */
interface Followed {
  nameFr: string;
  nameEn: string;
  descriptionFr: string;
  descriptionEn: string;
  category: Category;
  slug: string;
  version: string;
  command: string;
  desktopFile: string;
  debPackage: string;
  detectKind: DetectKind;
  detectPackage: string;
  detectPath: string;
}

export interface ApplicationForm extends Followed {
  /** When adding a version, the application: what the form does not show stays unchanged. */
  known: Application | null;
  origin: Origin;
  /** Debian packages, as typed. */
  packages: string;
  source: { on: boolean; uri: string; suite: string; components: string; key: string };
  file: PackageFile | null;
  kind: InspectedPackage['kind'];
  told: InspectedPackage | null;
  /** The chosen program, when the file holds several. */
  program: InspectedProgram | null;
  script: Script | null;
  labels: string;
  windows: { silent: string; uninstall: string; key: string; value: string };
  requires: string;
  seats: number | null;
  minutes: number | null;
  /** The derived values as last computed. */
  followed: Followed;
}

const nothingFollows: Followed = {
  nameFr: '',
  nameEn: '',
  descriptionFr: '',
  descriptionEn: '',
  category: 'office',
  slug: '',
  version: '',
  command: '',
  desktopFile: '',
  debPackage: '',
  detectKind: 'package',
  detectPackage: '',
  detectPath: '',
};
export const emptyForm = (): ApplicationForm => ({
  ...nothingFollows,
  followed: nothingFollows,
  known: null,
  origin: 'debian',
  packages: '',
  source: { on: false, uri: '', suite: '', components: 'main', key: '' },
  file: null,
  kind: 'unknown',
  told: null,
  program: null,
  script: null,
  labels: '',
  windows: { silent: '', uninstall: '', key: '', value: 'DisplayVersion' },
  requires: '',
  seats: null,
  minutes: null,
});

/** Words between spaces, commas or line ends. */
export const listOf = (text: string): string[] => [
  ...new Set(text.split(/[\s,;]+/).filter((word) => word !== '')),
];

/** "Écrire & lire 2" → "ecrire-lire-2". */
export const slugOf = (name: string): string =>
  fold(name)
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '');

/** A command line as argv: spaces separate words, quotes keep them together. No shell reads it. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [whole] of line.matchAll(/(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'])+/g))
    words.push(
      whole.replace(
        /"((?:[^"\\]|\\.)*)"|'([^']*)'/g,
        (_, double?: string, single?: string) =>
          double?.replace(/\\(["\\])/g, '$1') ?? single ?? '',
      ),
    );
  return words;
}
export const lineOf = (words: readonly string[]): string =>
  words
    .map((word) => (/^[^\s"'\\]+$/.test(word) ? word : `"${word.replace(/(["\\])/g, '\\$1')}"`))
    .join(' ');

/** Where archives are unpacked on a server. */
const folderOf = (slug: string, version: string): string => `/opt/preau/${slug}/${version}`;
const isArchive = (kind: InspectedPackage['kind']): kind is 'appimage' | 'zip' | 'tar' =>
  kind === 'appimage' || kind === 'zip' || kind === 'tar';
export const isWindows = (form: Pick<ApplicationForm, 'origin' | 'kind'>): boolean =>
  form.origin === 'file' && (form.kind === 'program' || form.kind === 'installer');

/** "jeu-1.2-x86_64.AppImage" → "1.2". */
const versionIn = (name: string): string => /[-_v](\d+(?:\.\d+){1,3})/.exec(name)?.[1] ?? '';
const titleOf = (name: string): string =>
  name
    .replace(/\.(deb|appimage|zip|tar(\.\w+)?|tgz|exe|msi)$/i, '')
    .replace(/[-_]v?\d.*$/, '')
    .replace(/[-_]+/g, ' ')
    .trim();
const allowedVersion = (version: string): string =>
  version
    .replace(/[^A-Za-z0-9.+:~-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 61);

/** Fills the form in from a file; values derived from the previous file are replaced. */
export const filledFrom = (
  form: ApplicationForm,
  file: PackageFile,
  told: InspectedPackage,
): ApplicationForm =>
  settled({
    ...form,
    origin: 'file',
    file,
    kind: told.kind,
    told,
    program: told.programs[0] ?? null,
  });
export const withProgram = (form: ApplicationForm, program: InspectedProgram): ApplicationForm =>
  settled({ ...form, program });
/** The icon found in the file: PNG in base64. */
export const iconOf = ({ origin, program }: ApplicationForm): string | null =>
  origin === 'file' ? (program?.icon ?? null) : null;

/** What somebody typed; otherwise the derived value. */
const kept = <K extends keyof Followed>(
  form: ApplicationForm,
  next: Followed,
  key: K,
): Followed[K] => (form[key] === '' || form[key] === form.followed[key] ? next[key] : form[key]);

function following(form: ApplicationForm): Followed {
  const { origin, file, told, program, script, known } = form;
  const next = { ...nothingFollows };
  const fromFile = origin === 'file' && file !== null;
  if (fromFile) {
    next.nameFr = program?.name?.fr ?? titleOf(file.name);
    next.nameEn = program?.name?.en ?? '';
    next.descriptionFr = program?.description?.fr ?? told?.summary ?? '';
    next.descriptionEn = program?.description?.en ?? '';
    next.category = program?.category ?? 'office';
    next.version = allowedVersion(told?.version ?? versionIn(file.name));
    next.command = lineOf(program?.command ?? []);
    next.desktopFile = program?.desktopFile ?? '';
    if (form.kind === 'deb') next.debPackage = next.detectPackage = told?.package ?? '';
    if (isArchive(form.kind)) next.detectKind = 'file';
  }
  if (origin === 'script') {
    next.nameFr = script?.name ?? '';
    next.detectKind = 'version_file';
  }
  const [first] = origin === 'debian' ? listOf(form.packages) : [];
  if (first !== undefined) {
    const [name = first] = first.split('=');
    next.detectPackage = next.command = name;
    next.desktopFile = `${name}.desktop`;
    next.version = first.includes('=') ? allowedVersion(first.slice(first.indexOf('=') + 1)) : '1';
  }
  next.slug = known?.slug ?? slugOf(kept(form, next, 'nameFr'));
  const [slug, version] = [kept(form, next, 'slug'), kept(form, next, 'version')];
  if (fromFile && form.kind === 'appimage' && slug !== '' && version !== '')
    next.command = next.detectPath = `${folderOf(slug, version)}/${file.name}`;
  return next;
}

/** The form with its derived fields recomputed, except those where somebody typed another value. */
export function settled(form: ApplicationForm): ApplicationForm {
  const next = following(form);
  const all = Object.fromEntries(
    (Object.keys(next) as (keyof Followed)[]).map((key) => [key, kept(form, next, key)]),
  ) as unknown as Followed;
  return { ...form, ...all, followed: next };
}

function detectionOf({
  detectKind: kind,
  detectPackage,
  detectPath,
}: ApplicationForm): DetectionRule {
  return kind === 'package'
    ? { kind, package: detectPackage.trim() }
    : { kind, path: detectPath.trim() };
}

/** Null while there is nothing to install from. Missing English words default to the French
 * ones. */
export function draftOf(typed: ApplicationForm): ApplicationDraft | null {
  const form = settled(typed);
  const own = recipesOf(form);
  if (own === null) return null;
  const { known } = form;
  const requires = listOf(form.requires);
  const made = {
    version: form.version.trim(),
    ...(requires.length === 0 ? {} : { requires }),
    ...(form.minutes === null
      ? {}
      : { estimate: { bytes: form.file?.size ?? 0, minutes: form.minutes } }),
  };
  if (known !== null) {
    const { slug, name, description, category, labels, seats } = known;
    // The other platform keeps its recipe.
    return {
      slug,
      name,
      description,
      category,
      ...(labels.length === 0 ? {} : { labels }),
      ...(seats === null ? {} : { licence: { seats } }),
      ...made,
      recipes: { ...known.recipes, ...own },
    };
  }
  const [nameFr, descriptionFr, labels] = [
    form.nameFr.trim(),
    form.descriptionFr.trim(),
    listOf(form.labels),
  ];
  return {
    slug: form.slug.trim(),
    name: { fr: nameFr, en: form.nameEn.trim() || nameFr },
    description: { fr: descriptionFr, en: form.descriptionEn.trim() || descriptionFr },
    category: form.category,
    ...(labels.length === 0 ? {} : { labels }),
    ...(form.seats === null ? {} : { licence: { seats: form.seats } }),
    ...made,
    recipes: own,
  };
}

type Launch = NonNullable<Recipe['launch']>;

/** Recipe fields that every kind takes from the form. */
interface Typed {
  detect: DetectionRule;
  launch?: Launch;
  icon?: { desktopFile: string };
}

interface RecipeForm<R extends Recipe> {
  /** The recipe as typed; null while what it is built from is missing. A kind without `make` cannot
   * be created here. */
  make?(form: ApplicationForm, typed: Typed): R | null;
  /** The form filled in from this recipe, to add another version. */
  show(recipe: R): Partial<ApplicationForm>;
}

/** Kinds that this form cannot create. */
const notMade = {
  show: ({ detect }: Recipe): Partial<ApplicationForm> => ({
    origin: 'file',
    ...shownDetection(detect),
  }),
};

/** How the form makes and shows each kind. The compiler requires an entry for every kind in the
 * contract. */
const recipeForms: { [K in RecipeKind]: RecipeForm<RecipeOf<K>> } = {
  apt: {
    make: ({ packages, source: { on, uri, suite, components, key } }, typed) => ({
      kind: 'apt',
      packages: listOf(packages),
      ...(on
        ? {
            source: {
              uri: uri.trim(),
              suite: suite.trim(),
              components: listOf(components),
              key: key.trim(),
            },
          }
        : {}),
      ...typed,
    }),
    show: ({ packages, source, detect }) => ({
      origin: 'debian',
      packages: packages.join(' '),
      ...(source === undefined
        ? {}
        : {
            source: {
              on: true,
              uri: source.uri,
              suite: source.suite,
              components: source.components.join(' '),
              key: source.key,
            },
          }),
      ...shownDetection(detect),
    }),
  },
  deb: {
    make: ({ debPackage, file }, typed) =>
      file === null ? null : { kind: 'deb', package: debPackage.trim(), file, ...typed },
    show: (recipe) => ({
      origin: 'file',
      debPackage: recipe.package,
      ...shownDetection(recipe.detect),
    }),
  },
  archive: {
    make: ({ file, kind }, typed) =>
      file === null || !isArchive(kind) ? null : { kind: 'archive', format: kind, file, ...typed },
    // The command is cleared: its path may hold the old version.
    show: () => ({ origin: 'file', command: '' }),
  },
  script: {
    make: ({ script }, typed) =>
      script === null || script.signature === null
        ? null
        : {
            kind: 'script',
            script: script.name,
            install: script.install,
            ...(script.remove === null ? {} : { remove: script.remove }),
            signature: script.signature,
            ...typed,
          },
    show: ({ detect }) => ({ origin: 'script', ...shownDetection(detect) }),
  },
  updates: notMade,
  agent: notMade,
  msi: {
    make: (form, typed) =>
      form.file === null
        ? null
        : { kind: 'msi', file: form.file, properties: {}, ...typed, detect: registryRule(form) },
    show: ({ detect }) => ({
      origin: 'file',
      windows: { ...emptyForm().windows, ...registryOf(detect) },
    }),
  },
  exe: {
    make: (form, typed) =>
      form.file === null
        ? null
        : {
            kind: 'exe',
            file: form.file,
            silent: wordsOf(form.windows.silent),
            uninstall: wordsOf(form.windows.uninstall),
            ...typed,
            detect: registryRule(form),
          },
    show: ({ silent, uninstall, detect }) => ({
      origin: 'file',
      windows: { silent: lineOf(silent), uninstall: lineOf(uninstall), ...registryOf(detect) },
    }),
  },
  winget: {
    show: ({ detect }) => ({
      origin: 'file',
      windows: { ...emptyForm().windows, ...registryOf(detect) },
    }),
  },
};

/** Undefined for an unknown kind: a page opened before an update of the city may not know every
 * kind. */
const recipeFormOf = (kind: RecipeKind): RecipeForm<Recipe> | undefined => recipeForms[kind];

/** The recipe kind made from each kind of file; null: unsupported. */
const kindOfFile: Record<InspectedPackage['kind'], RecipeKind | null> = {
  deb: 'deb',
  appimage: 'archive',
  zip: 'archive',
  tar: 'archive',
  installer: 'msi',
  program: 'exe',
  picture: null,
  unknown: null,
};
const kindOf = ({ origin, kind }: ApplicationForm): RecipeKind | null =>
  origin === 'debian' ? 'apt' : origin === 'script' ? 'script' : kindOfFile[kind];

/** The form does not show them; a further version keeps those of the last one. */
function firstFilesOf(known: Application | null): Pick<Launch, 'firstFiles'> {
  const { linux, windows } = known?.recipes ?? {};
  const firstFiles = (linux ?? windows)?.launch?.firstFiles;
  return firstFiles === undefined ? {} : { firstFiles };
}

/** The recipe as typed; null while what it is built from is missing. */
function recipesOf(form: ApplicationForm): ApplicationDraft['recipes'] | null {
  const kind = kindOf(form);
  if (kind === null) return null;
  const command = wordsOf(form.command);
  const desktopFile = form.desktopFile.trim();
  const recipe = recipeFormOf(kind)?.make?.(form, {
    detect: detectionOf(form),
    ...(command.length === 0 ? {} : { launch: { command, ...firstFilesOf(form.known) } }),
    ...(desktopFile === '' ? {} : { icon: { desktopFile } }),
  });
  return recipe === undefined || recipe === null ? null : { [recipeFacts[kind].platform]: recipe };
}

/** Whether the form can make another version of this application's kind of recipe. */
export function canVersion({ recipes: { linux, windows } }: Application): boolean {
  const recipe = linux ?? windows;
  return recipe !== undefined && recipeFormOf(recipe.kind)?.make !== undefined;
}

/** Whether the controller itself maintains the application; nobody else changes it. */
export const isOfController = ({ recipes: { linux } }: Application): boolean =>
  linux !== undefined && factsOf(linux)?.addedBy === 'controller';

/** The form to add a version: everything filled in except what is installed. */
export function formOf(application: Application): ApplicationForm {
  const { linux, windows } = application.recipes;
  const recipe = linux ?? windows;
  return {
    ...emptyForm(),
    known: application,
    slug: application.slug,
    nameFr: application.name.fr,
    descriptionFr: application.description.fr,
    command: lineOf(recipe?.launch?.command ?? []),
    desktopFile: recipe?.icon?.desktopFile ?? '',
    requires: application.requires.join(' '),
    ...(windows === undefined ? {} : recipeFormOf(windows.kind)?.show(windows)),
    ...(linux === undefined ? {} : recipeFormOf(linux.kind)?.show(linux)),
  };
}

function shownDetection(rule: DetectionRule): Partial<ApplicationForm> {
  if (rule.kind === 'package') return { detectKind: rule.kind, detectPackage: rule.package };
  return rule.kind === 'file' || rule.kind === 'version_file'
    ? { detectKind: rule.kind, detectPath: rule.path }
    : {};
}

const registryRule = ({ windows }: ApplicationForm): DetectionRule => ({
  kind: 'registry',
  key: windows.key.trim(),
  value: windows.value.trim(),
});

const registryOf = (rule: DetectionRule): { key: string; value: string } =>
  rule.kind === 'registry'
    ? { key: rule.key, value: rule.value }
    : { key: '', value: 'DisplayVersion' };

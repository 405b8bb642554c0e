/** How the application form makes and shows each kind of recipe. Pure. */

import type { Application, ApplicationDraft, DetectionRule } from '@preau/contract/application.ts';
import type { InspectedPackage } from '@preau/contract/catalogue.ts';
import {
  type Recipe,
  type RecipeKind,
  type RecipeOf,
  recipeFacts,
} from '@preau/contract/recipe-kinds.ts';
import {
  type ApplicationForm,
  emptyForm,
  isArchive,
  lineOf,
  listOf,
  wordsOf,
} from './application-form.ts';

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
export const recipeFormOf = (kind: RecipeKind): RecipeForm<Recipe> | undefined => recipeForms[kind];

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
export function recipesOf(form: ApplicationForm): ApplicationDraft['recipes'] | null {
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

function detectionOf({
  detectKind: kind,
  detectPackage,
  detectPath,
}: ApplicationForm): DetectionRule {
  return kind === 'package'
    ? { kind, package: detectPackage.trim() }
    : { kind, path: detectPath.trim() };
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

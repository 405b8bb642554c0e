/** The state of the application form, and how a file or a package fills it in. Pure. */

import type { Application, Category, PackageFile } from '@preau/contract/application.ts';
import type { InspectedPackage, InspectedProgram, Script } from '@preau/contract/catalogue.ts';
import { fold } from '@preau/contract/fold.ts';

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
export const isArchive = (kind: InspectedPackage['kind']): kind is 'appimage' | 'zip' | 'tar' =>
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

/** What the form of an application holds, how it is filled in from a file, and the draft it makes. Pure. */
import type { Application, ApplicationDraft, Category, DetectionRule, LinuxRecipe, PackageFile, WindowsRecipe } from '@preau/contract/application.ts';
import type { InspectedPackage, InspectedProgram, Script } from '@preau/contract/catalogue.ts';

export type Origin = 'debian' | 'file' | 'script';

export interface ApplicationForm {
  origin: Origin;
  /** Debian packages, as typed. */
  packages: string;
  source: { on: boolean; uri: string; suite: string; components: string; key: string };
  file: PackageFile | null;
  kind: InspectedPackage['kind'];
  debPackage: string;
  script: Script | null;
  slug: string;
  nameFr: string;
  nameEn: string;
  descriptionFr: string;
  descriptionEn: string;
  category: Category;
  labels: string;
  version: string;
  command: string;
  desktopFile: string;
  detect: { kind: 'package' | 'file' | 'version_file'; package: string; path: string };
  windows: { silent: string; uninstall: string; key: string; value: string };
  requires: string;
  seats: number | null;
  minutes: number | null;
  /** PNG in base64, found in the file. */
  icon: string | null;
}

export const emptyForm = (): ApplicationForm => ({
  origin: 'debian', packages: '', source: { on: false, uri: '', suite: '', components: 'main', key: '' }, file: null, kind: 'unknown', debPackage: '', script: null,
  slug: '', nameFr: '', nameEn: '', descriptionFr: '', descriptionEn: '', category: 'office', labels: '', version: '', command: '', desktopFile: '',
  detect: { kind: 'package', package: '', path: '' }, windows: { silent: '', uninstall: '', key: '', value: 'DisplayVersion' }, requires: '', seats: null, minutes: null, icon: null,
});

/** Words between spaces, commas or line ends. */
export const listOf = (text: string): string[] => [...new Set(text.split(/[\s,;]+/).filter((word) => word !== ''))];

/** "Écrire & lire 2" → "ecrire-lire-2". */
export const slugOf = (name: string): string => name.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 40).replace(/-+$/, '');

/** A command line as argv: spaces part words, quotes keep them together. No shell reads it. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [whole] of line.matchAll(/(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'])+/g)) words.push(whole.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g, (_, double?: string, single?: string) => double?.replace(/\\(.)/g, '$1') ?? single ?? ''));
  return words;
}
export const lineOf = (words: readonly string[]): string => words.map((word) => (/^[^\s"'\\]+$/.test(word) ? word : `"${word.replace(/(["\\])/g, '\\$1')}"`)).join(' ');

/** Where archives are unpacked on a server. */
export const folderOf = (slug: string, version: string): string => `/opt/preau/${slug}/${version}`;
const isArchive = (kind: InspectedPackage['kind']): kind is 'appimage' | 'zip' | 'tar' => kind === 'appimage' || kind === 'zip' || kind === 'tar';
export const isWindows = (form: Pick<ApplicationForm, 'origin' | 'kind'>): boolean => form.origin === 'file' && (form.kind === 'program' || form.kind === 'installer');

/** "jeu-1.2-x86_64.AppImage" → "1.2". */
const versionIn = (name: string): string => /[-_v](\d+(?:\.\d+){1,3})/.exec(name)?.[1] ?? '';
const titleOf = (name: string): string => name.replace(/\.(deb|appimage|zip|tar(\.\w+)?|tgz|exe|msi)$/i, '').replace(/[-_]v?\d.*$/, '').replace(/[-_]+/g, ' ').trim();
const allowedVersion = (version: string): string => version.replace(/[^A-Za-z0-9.+:~-]/g, '-').replace(/^[^A-Za-z0-9]+/, '').slice(0, 61);

/** Fills in what the file says, and leaves what somebody has typed. Of several programs the first; the form offers the others. */
export function filledFrom(form: ApplicationForm, file: PackageFile, told: InspectedPackage): ApplicationForm {
  const next: ApplicationForm = { ...form, origin: 'file', file, kind: told.kind, debPackage: told.package ?? '', version: form.version || allowedVersion(told.version ?? versionIn(file.name)) };
  next.nameFr ||= titleOf(file.name);
  next.descriptionFr ||= told.summary ?? '';
  if (told.kind === 'deb') next.detect = { kind: 'package', package: told.package ?? '', path: '' };
  if (isArchive(told.kind)) next.detect = { kind: 'file', package: '', path: '' };
  const [program] = told.programs;
  const named = program === undefined ? next : withProgram({ ...next, nameFr: form.nameFr, descriptionFr: form.descriptionFr }, program);
  return settled({ ...named, nameFr: named.nameFr || next.nameFr, descriptionFr: named.descriptionFr || next.descriptionFr });
}

/** One of the programs in the file: its words, what it runs, its icon. */
export function withProgram(form: ApplicationForm, program: InspectedProgram): ApplicationForm {
  const { name, description, command, category, desktopFile, icon } = program;
  return {
    ...form, nameFr: form.nameFr || (name?.fr ?? ''), nameEn: form.nameEn || (name?.en ?? ''), descriptionFr: form.descriptionFr || (description?.fr ?? ''), descriptionEn: form.descriptionEn || (description?.en ?? ''),
    category: category ?? form.category, command: command.length > 0 ? lineOf(command) : form.command, desktopFile: desktopFile ?? form.desktopFile, icon: icon ?? form.icon,
  };
}

/** What follows from what was typed, where nobody has typed something else. */
export function settled(form: ApplicationForm): ApplicationForm {
  const next = { ...form, slug: form.slug || slugOf(form.nameFr), detect: { ...form.detect } };
  const [first] = listOf(form.packages);
  if (form.origin === 'debian' && first !== undefined) {
    const name = first.split('=')[0] ?? first;
    next.detect.package ||= name;
    next.command ||= name;
    next.desktopFile ||= `${name}.desktop`;
    next.version ||= first.includes('=') ? allowedVersion(first.slice(first.indexOf('=') + 1)) : '1';
  }
  if (form.origin === 'file' && form.kind === 'appimage' && form.file !== null && next.slug !== '' && next.version !== '') {
    const path = `${folderOf(next.slug, next.version)}/${form.file.name}`;
    next.command ||= path;
    next.detect.path ||= path;
  }
  return next;
}

function detectionOf(form: ApplicationForm): DetectionRule {
  const { kind, package: name, path } = form.detect;
  return kind === 'package' ? { kind, package: name.trim() } : { kind, path: path.trim() };
}

/** What is typed as a recipe; null while what it is made of is not there. */
function recipesOf(form: ApplicationForm): ApplicationDraft['recipes'] | null {
  const command = wordsOf(form.command);
  const common = { ...(command.length === 0 ? {} : { launch: { command } }), ...(form.desktopFile.trim() === '' ? {} : { icon: { desktopFile: form.desktopFile.trim() } }) };
  const detect = detectionOf(form);
  const { file, script, source } = form;
  if (form.origin === 'debian') {
    const { on, uri, suite, components, key } = source;
    const linux: LinuxRecipe = { kind: 'apt', packages: listOf(form.packages), ...(on ? { source: { uri: uri.trim(), suite: suite.trim(), components: listOf(components), key: key.trim() } } : {}), detect, ...common };
    return { linux };
  }
  if (form.origin === 'script') {
    if (script === null || script.signature === null) return null;
    return { linux: { kind: 'script', script: script.name, install: script.install, ...(script.remove === null ? {} : { remove: script.remove }), signature: script.signature, detect, ...common } };
  }
  if (file === null) return null;
  if (form.kind === 'deb') return { linux: { kind: 'deb', package: form.debPackage, file, detect, ...common } };
  if (isArchive(form.kind)) return { linux: { kind: 'archive', format: form.kind, file, detect, ...common } };
  const rule: DetectionRule = { kind: 'registry', key: form.windows.key.trim(), value: form.windows.value.trim() };
  const windows: WindowsRecipe | null = form.kind === 'installer' ? { kind: 'msi', file, properties: {}, detect: rule, ...common } : form.kind === 'program' ? { kind: 'exe', file, silent: wordsOf(form.windows.silent), uninstall: wordsOf(form.windows.uninstall), detect: rule, ...common } : null;
  return windows === null ? null : { windows };
}

/** Null while there is nothing to install from. English words that nobody wrote are the French ones. */
export function draftOf(typed: ApplicationForm): ApplicationDraft | null {
  const form = settled(typed);
  const recipes = recipesOf(form);
  if (recipes === null) return null;
  const [nameFr, descriptionFr] = [form.nameFr.trim(), form.descriptionFr.trim()];
  const [labels, requires] = [listOf(form.labels), listOf(form.requires)];
  return {
    slug: form.slug.trim(), name: { fr: nameFr, en: form.nameEn.trim() || nameFr }, description: { fr: descriptionFr, en: form.descriptionEn.trim() || descriptionFr }, category: form.category, ...(labels.length === 0 ? {} : { labels }),
    version: form.version.trim(), recipes, ...(requires.length === 0 ? {} : { requires }), ...(form.seats === null ? {} : { licence: { seats: form.seats } }),
    ...(form.minutes === null ? {} : { estimate: { bytes: form.file?.size ?? 0, minutes: form.minutes } }),
  };
}

/** To add a version: everything as it is, but for what is installed. */
export function formOf(application: Application): ApplicationForm {
  const form = emptyForm();
  const { linux, windows } = application.recipes;
  const recipe = linux ?? windows;
  const rule = linux?.detect;
  const detect = rule?.kind === 'package' ? { kind: rule.kind, package: rule.package, path: '' } : rule?.kind === 'file' || rule?.kind === 'version_file' ? { kind: rule.kind, package: '', path: rule.path } : form.detect;
  return {
    ...form, origin: linux?.kind === 'apt' ? 'debian' : linux?.kind === 'script' ? 'script' : 'file', slug: application.slug, nameFr: application.name.fr, nameEn: application.name.en, descriptionFr: application.description.fr, descriptionEn: application.description.en,
    category: application.category, labels: application.labels.join(' '), command: lineOf(recipe?.launch?.command ?? []), desktopFile: recipe?.icon?.desktopFile ?? '', requires: application.requires.join(' '), seats: application.seats,
    packages: linux?.kind === 'apt' ? linux.packages.join(' ') : '', debPackage: linux?.kind === 'deb' ? linux.package : '',
    source: linux?.kind === 'apt' && linux.source !== undefined ? { on: true, uri: linux.source.uri, suite: linux.source.suite, components: linux.source.components.join(' '), key: linux.source.key } : form.source,
    // A path with the version in it is the old version's.
    ...(linux?.kind === 'archive' ? { command: '', detect: { kind: 'file' as const, package: '', path: '' } } : { detect }),
    windows: windows?.kind === 'exe' ? { silent: lineOf(windows.silent), uninstall: lineOf(windows.uninstall), ...registryOf(windows.detect) } : windows === undefined ? form.windows : { ...form.windows, ...registryOf(windows.detect) },
  };
}

const registryOf = (rule: DetectionRule): { key: string; value: string } => (rule.kind === 'registry' ? { key: rule.key, value: rule.value } : { key: '', value: 'DisplayVersion' });

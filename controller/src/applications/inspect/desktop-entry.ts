/** Parses a .desktop file: names, description, command. Desktop Entry Specification 1.5. Pure. */
import type { Category } from '@preau/contract/application.ts';

export interface DesktopEntry {
  name: { fr: string; en: string } | null;
  description: { fr: string; en: string } | null;
  command: string[];
  /** The closest category of the catalogue. */
  category: Category | null;
  /** A name of the icon theme, or an absolute path. */
  icon: string | null;
}

/** Null for an entry that is no program for people to start: a link, a folder, a hidden entry, a
 * terminal program. `path`: where the file is once it is installed. */
export function parseDesktopEntry(text: string, path = ''): DesktopEntry | null {
  const values = new Map<string, string>();
  let group = '';
  for (const line of text.split(/\r?\n/)) {
    const header = /^\[([^\]]*)\]\s*$/.exec(line);
    if (header !== null) group = header[1] ?? '';
    if (group !== 'Desktop Entry') continue;
    const [, key, value] = /^([A-Za-z-]+(?:\[[^\]]*\])?)\s*=(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined && !values.has(key)) values.set(key, value.trim());
  }
  const isOn = (key: string) => values.get(key) === 'true';
  const both = (...keys: string[]) => {
    const key = keys.find((one) => line(values.get(one)) !== null);
    const en = line(values.get(key ?? ''));
    const fr = line(values.get(`${key}[fr]`)) ?? line(values.get(`${key}[fr_FR]`)) ?? en;
    return en === null || fr === null ? null : { fr, en };
  };
  const name = both('Name');
  const icon = line(values.get('Icon'));
  const command = words(values.get('Exec') ?? '', { name: name?.fr ?? '', icon, path });
  if (
    (values.get('Type') ?? 'Application') !== 'Application' ||
    isOn('NoDisplay') ||
    isOn('Hidden') ||
    isOn('Terminal') ||
    command.length === 0
  )
    return null;
  return {
    name,
    description: both('Comment', 'GenericName'),
    command,
    category: categoryOf(values.get('Categories') ?? ''),
    icon,
  };
}

/** From the registered categories of the Desktop Menu Specification; the most specific come
 * first. */
const nearest: readonly [RegExp, Category][] = [
  [/^(Math|NumericalAnalysis|Calculator)$/, 'mathematics'],
  [/^(Geography|Maps)$/, 'geography'],
  [/^Languages$/, 'languages'],
  [/^(Astronomy|Biology|Chemistry|Physics|Electricity|Geology|Science)$/, 'science'],
  [/^(Music|Audio|Midi|Sequencer)$/, 'music'],
  [/^(IDE|Development|ComputerScience|Robotics)$/, 'programming'],
  [/^(Graphics|2DGraphics|3DGraphics|VectorGraphics|RasterGraphics|Art|Photography)$/, 'drawing'],
  [/^(Game|.*Game|KidsGame)$/, 'games'],
  [/^(Office|WordProcessor|Spreadsheet|Presentation)$/, 'office'],
  [/^(Utility|TextEditor|Viewer|System)$/, 'tools'],
];
function categoryOf(categories: string): Category | null {
  const given = categories.split(';');
  return nearest.find(([pattern]) => given.some((one) => pattern.test(one)))?.[1] ?? null;
}

/** One line of readable text, without escapes and control characters. */
function line(value: string | undefined): string | null {
  const plain = (value ?? '')
    .replace(/\\[sntr]/g, ' ')
    .replace(/\\\\/g, '\\')
    .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    .trim();
  return plain === '' ? null : plain;
}

interface Entry {
  name: string;
  icon: string | null;
  path: string;
}

/** Exec as argv, by the rules of the specification: first the escapes of every value, then quotes,
 * then field codes. */
function words(exec: string, entry: Entry): string[] {
  const found: string[] = [];
  const escapes: Record<string, string> = { s: ' ', n: ' ', t: ' ', r: ' ', '\\': '\\' };
  // Invisible characters are removed: a technician reviews this text.
  for (const [, quoted, plain] of exec
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .replace(/\\([sntr\\])/g, (_, letter: string) => escapes[letter] ?? '')
    .matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)) {
    // Field codes have no meaning between quotes.
    if (quoted !== undefined)
      found.push(quoted.replace(/\\(["`$\\])/g, '$1').replaceAll('%%', '%'));
    else found.push(...expanded(plain ?? '', entry));
  }
  return found;
}

/** A word with its field codes replaced. No file is opened with the program, so a word that is
 * nothing but a code for files, or a deprecated one, disappears. */
function expanded(word: string, { name, icon, path }: Entry): string[] {
  if (word === '%i') return icon === null ? [] : ['--icon', icon];
  const values: Record<string, string> = { '%': '%', c: name, k: path };
  const text = word.replace(/%([%a-zA-Z])/g, (_, code: string) => values[code] ?? '');
  return text === '' ? [] : [text];
}

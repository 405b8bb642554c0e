/** Runs in a thread of its own. */
import { open } from 'node:fs/promises';
import { posix } from 'node:path';
import type { InspectedPackage, InspectedProgram } from '@preau/contract/catalogue.ts';
import { budget } from '#src/platform/budget.ts';
import { serve } from '#src/platform/heavy/serve.ts';
import { pngFrom } from '../icons/icon-files.ts';
import { checkPng } from '../icons/icons.ts';
import { type DebContents, iconIn, readDeb } from './deb.ts';
import { parseDesktopEntry } from './desktop-entry.ts';
import { inspection, nothingKnown } from './inspection.ts';

const maxPrograms = 20;

const isPng = (png: Buffer): boolean => {
  try {
    checkPng(png);
    return true;
  } catch {
    return false;
  }
};

/** `onControl` gets what the control file of a Debian package says, before the rest is read. */
export async function inspect(
  path: string,
  name: string,
  onControl: (told: InspectedPackage) => void = () => undefined,
): Promise<InspectedPackage> {
  const file = await open(path);
  const head = Buffer.alloc(512);
  const { size } = await file.stat();
  await file.read(head, 0, 512, 0);
  const whole = async () =>
    size > budget.files.iconSourceBytes ? Buffer.alloc(0) : file.readFile();
  try {
    if (head.toString('latin1', 0, 8) === '!<arch>\n')
      return (await ofDeb(path, onControl)) ?? nothingKnown;
    if (head.readUInt32BE(0) === 0x7f454c46)
      return head.toString('latin1', 8, 10) === 'AI'
        ? { ...nothingKnown, kind: 'appimage' }
        : nothingKnown;
    if (head.toString('latin1', 0, 4) === 'PK\u0003\u0004') return { ...nothingKnown, kind: 'zip' };
    if (head.toString('latin1', 0, 2) === 'MZ') return withIcon('program', await whole());
    if (head.readUInt32BE(0) === 0xd0cf11e0) return { ...nothingKnown, kind: 'installer' };
    if (head.readUInt32BE(0) === 0x89504e47 || head.readUInt32LE(0) === 0x00010000)
      return withIcon('picture', await whole());
    const isTar =
      head.toString('latin1', 257, 262) === 'ustar' ||
      ((head.readUInt16BE(0) === 0x1f8b || head.readUInt32BE(0) === 0x28b52ffd) &&
        /\.(tar\.(gz|zst)|tgz|tzst)$/i.test(name));
    return isTar ? { ...nothingKnown, kind: 'tar' } : nothingKnown;
  } finally {
    await file.close();
  }
}

function withIcon(kind: 'program' | 'picture', file: Buffer): InspectedPackage {
  try {
    const png = pngFrom(file);
    checkPng(png);
    return {
      ...nothingKnown,
      kind,
      programs: [
        {
          desktopFile: null,
          name: null,
          description: null,
          command: [],
          category: null,
          icon: png.toString('base64'),
        },
      ],
    };
  } catch {
    return { ...nothingKnown, kind };
  }
}

const line = (text: string | null, length: number) =>
  text
    ?.replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    .replace(/\.\.+[\\/]+/g, '')
    .trim()
    .slice(0, length)
    .trim() || null;
const named = (control: DebContents['control']) => ({
  package: line(control.package, 80),
  version: line(control.version, 61),
  summary: line(control.summary, 300),
  architecture: line(control.architecture, 40),
});

async function ofDeb(
  path: string,
  onControl: (told: InspectedPackage) => void,
): Promise<InspectedPackage | null> {
  const deb = await readDeb(path, (control) =>
    onControl({ ...nothingKnown, kind: 'deb', ...named(control), cutShort: true }),
  );
  if (deb === null) return null;
  const programs: InspectedProgram[] = [];
  for (const [file, content] of deb.files) {
    const entry =
      file.endsWith('.desktop') && programs.length < maxPrograms
        ? parseDesktopEntry(content.toString('utf8'), posix.join('/', file))
        : null;
    if (entry === null) continue;
    const png = entry.icon === null ? null : iconIn(deb.files, entry.icon);
    programs.push({
      desktopFile: posix.basename(file),
      name: short(entry.name, 80),
      description: short(entry.description, 300),
      command: entry.command.slice(0, 32).map((word) => word.slice(0, 256)),
      category: entry.category,
      icon: png !== null && isPng(png) ? png.toString('base64') : null,
    });
  }
  return { kind: 'deb', ...named(deb.control), programs, cutShort: deb.cutShort };
}

const short = (text: { fr: string; en: string } | null, length: number) =>
  text === null ? null : { fr: line(text.fr, length) ?? '?', en: line(text.en, length) ?? '?' };

await serve(inspection, ({ path, name }, { early }) => inspect(path, name, early));

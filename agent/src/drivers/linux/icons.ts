/** The icon of an installed program: from its .desktop file, the largest PNG up to 256 pixels, or
 * its SVG converted to PNG. The result is a PNG or nothing. */
import { basename, join } from 'node:path';
import type { DesiredApplication } from '@preau/contract/desired-state.ts';
import { AppError } from '@preau/contract/errors.ts';
import { run } from '#src/command.ts';
import { exists, names, readBytes, readText, remove } from '#src/files.ts';

const maxBytes = 256 * 1024;
const wantedPixels = 128;

export async function readIcon(
  application: DesiredApplication,
  scratch: string,
): Promise<Buffer | null> {
  const desktopFile = application.recipes.linux?.icon?.desktopFile;
  if (desktopFile === undefined) return null;
  const text = readText(join('/usr/share/applications', desktopFile));
  const name = /^Icon=(.+)$/m.exec(text ?? '')?.[1]?.trim();
  if (name === undefined) return null;
  const source = findIcon(name);
  if (source === undefined) return null;
  if (source.endsWith('.png')) {
    const png = readBytes(source);
    return png.length <= maxBytes ? png : null;
  }
  const out = join(scratch, `icon-${application.slug}.png`);
  try {
    const size = String(wantedPixels);
    const drawn = await run(
      '/usr/bin/rsvg-convert',
      ['-w', size, '-h', size, '--keep-aspect-ratio', '-o', out, source],
      { timeoutMs: 20_000 },
    );
    if (drawn.code !== 0)
      throw new AppError('ICON_REFUSED', { why: `rsvg-convert: ${drawn.stderr.slice(0, 200)}` });
    return readBytes(out);
  } finally {
    remove(out);
  }
}

/** Best first: 128, 256, 64, 48 pixels, then a drawing, then the old pixmaps folder, then what is
 * left. */
function findIcon(name: string): string | undefined {
  if (name.startsWith('/')) return exists(name) && /\.(png|svgz?)$/.test(name) ? name : undefined;
  const file = basename(name).replace(/\.(png|svg|xpm)$/, '');
  const themes = ['hicolor', 'Adwaita', 'breeze', ...names('/usr/share/icons')];
  const candidates: string[] = [];
  for (const theme of new Set(themes)) {
    const folder = join('/usr/share/icons', theme);
    for (const size of ['128x128', '256x256', '192x192', '96x96', '64x64', '72x72', '48x48'])
      candidates.push(join(folder, size, 'apps', `${file}.png`));
    candidates.push(
      join(folder, 'scalable/apps', `${file}.svg`),
      join(folder, 'scalable/apps', `${file}.svgz`),
    );
  }
  candidates.push(
    join('/usr/share/pixmaps', `${file}.png`),
    join('/usr/share/pixmaps', `${file}.svg`),
    join('/usr/share/icons/hicolor/32x32/apps', `${file}.png`),
    join('/usr/share/icons', `${file}.png`),
  );
  return candidates.find(exists);
}

/** Settings that the programs of a session start with: the recipe's own files, for a home that has
 * none of that name, and defaults that every program reads. */
import { dirname, join } from 'node:path';
import type { FirstFile } from '@preau/contract/application.ts';
import { makeFolder, write } from '#src/files.ts';

/** Read after the person's own settings. Without a desktop around them, KDE and GTK programs find
 * no icon theme by themselves, and their tool bars stay empty. */
const icons = {
  kde: { path: 'kdeglobals', text: '[Icons]\nTheme=breeze\n' },
  gtk: { path: 'gtk-3.0/settings.ini', text: '[Settings]\ngtk-icon-theme-name=Adwaita\n' },
};
const defaults: readonly FirstFile[] = [icons.kde, icons.gtk];
/** GTK's print dialog offers nothing but a file. */
const defaultsWithoutPrinters: readonly FirstFile[] = [
  icons.kde,
  { ...icons.gtk, text: `${icons.gtk.text}gtk-print-backends=file\n` },
  { path: 'gtk-2.0/gtkrc', text: 'gtk-print-backends = "file"\n' },
  { path: 'gtk-4.0/settings.ini', text: '[Settings]\ngtk-print-backends=file\n' },
];

/** `folder`: the session's files. The launcher copies the first files into the home as the person,
 * so the agent writes nothing there. `gtkHangs`: once a GTK program looks for printers. */
export function writeSettings(
  folder: string,
  firstFiles: readonly FirstFile[] = [],
  gtkHangs = false,
): void {
  for (const { path, text } of gtkHangs ? defaultsWithoutPrinters : defaults)
    put(join(folder, 'xdg'), path, text);
  for (const { path, text } of firstFiles) put(join(folder, 'home'), path, text);
}

/** A shell line that copies first files into the home; what is there already stays as it is.
 * `folder`: the session's files, as the sandbox sees them. */
export const placeFirstFiles = (folder: string): string =>
  `[ ! -d ${folder}/home ] || cp -rn ${folder}/home/. "$HOME/" 2>/dev/null`;

function put(base: string, path: string, text: string): void {
  const file = join(base, path);
  makeFolder(dirname(file), 0o755);
  write(file, text, 0o644);
}

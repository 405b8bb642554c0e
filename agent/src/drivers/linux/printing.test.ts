import { expect, test } from 'vitest';
import { gtkHangsWith } from './printing.ts';

const dpkg = (name: string, version: string) =>
  'Package: adduser\nStatus: install ok installed\nVersion: 2.4.2-3+deb12u10\n\n' +
  `Package: ${name}\nStatus: install ok installed\nDepends: a (>= 1),\n b\nVersion: ${version}\n\n` +
  'Package: zip\nVersion: 1\n';

// biome-ignore format: a table
test.each([
  ['libcups2', '2.4.2-3+deb12u10', true],
  ['libcups2', '2.4.2-3+deb12u9', false],
  ['libcups2', '2.4.2-3+deb12u11', false],
  ['libcups2t64', '2.4.10-3+deb13u2', false],
  ['libcupsfilters1', '2.4.2-3+deb12u10', false],
])('GTK programs hang with %s %s: %s', (name, version, hangs) =>
  expect(gtkHangsWith(dpkg(name, version))).toBe(hangs),
);
test('nor without any', () => expect(gtkHangsWith('')).toBe(false));

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '#src/command.ts';
import { placeFirstFiles, writeSettings } from './session-settings.ts';

let root: string;
let session: string;
let home: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'preau-settings-'));
  [session, home] = [join(root, 'session'), join(root, 'home')];
  mkdirSync(home);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const file = { path: '.config/Thonny/configuration.ini', text: '[general]\nlanguage = fr_FR\n' };
const place = () =>
  run('/bin/sh', ['-c', placeFirstFiles(session)], { env: { HOME: home }, timeoutMs: 10_000 });
const inHome = (path: string) => readFileSync(join(home, path), 'utf8');

test('a home that has no such file gets it', async () => {
  writeSettings(session, [file, { path: '.rc', text: 'a' }]);
  await place();
  expect([inHome(file.path), inHome('.rc')]).toEqual([file.text, 'a']);
});

test('what the person has is never changed; what is missing beside it is added', async () => {
  mkdirSync(join(home, '.config/Thonny'), { recursive: true });
  writeFileSync(join(home, file.path), 'mine');
  writeSettings(session, [file, { path: '.config/other', text: 'b' }]);
  await place();
  expect([inHome(file.path), inHome('.config/other')]).toEqual(['mine', 'b']);
});

test('a link in the home leads nowhere else', async () => {
  mkdirSync(join(root, 'elsewhere'));
  symlinkSync(join(root, 'elsewhere'), join(home, '.config'));
  writeSettings(session, [file]);
  await place();
  expect(existsSync(join(root, 'elsewhere/Thonny'))).toBe(false);
});

test('a program without any changes nothing, and still has an icon theme', async () => {
  writeSettings(session);
  await place();
  expect(existsSync(join(home, '.config'))).toBe(false);
  expect(readFileSync(join(session, 'xdg/kdeglobals'), 'utf8')).toContain('Theme=breeze');
});

test('where GTK programs would hang over printers, their dialog offers a file only', () => {
  writeSettings(session, [], true);
  const of = (path: string) => readFileSync(join(session, 'xdg', path), 'utf8');
  expect([of('gtk-2.0/gtkrc'), of('gtk-3.0/settings.ini'), of('gtk-4.0/settings.ini')]).toEqual([
    'gtk-print-backends = "file"\n',
    '[Settings]\ngtk-icon-theme-name=Adwaita\ngtk-print-backends=file\n',
    '[Settings]\ngtk-print-backends=file\n',
  ]);
});

import { describe, expect, test } from 'vitest';
import { asRoot, folderOf, quoted, runInstaller } from './shell.ts';

describe('quoted', () => {
  // biome-ignore format: a table
  const cases: [name: string, text: string, word: string][] = [
    ['nothing is a word as well', '', "''"],
    ['a word', 'preau', "'preau'"],
    ['spaces stay in it', 'a  b\nc', "'a  b\nc'"],
    ['nothing is replaced', '$HOME `id` $(id) \\ " ! * ; &', "'$HOME `id` $(id) \\ \" ! * ; &'"],
    ['a quote ends nothing', "l'école", "'l'\\''école'"],
    ['only quotes', "''", "''\\'''\\'''"],
  ];
  test.each(cases)('%s', (_name, text, word) => {
    expect(quoted(text)).toBe(word);
  });
});

describe('folderOf', () => {
  // biome-ignore format: a table
  const cases: [name: string, output: string, folder: string | null][] = [
    ['a folder', '/tmp/preau-install.Ab3dE6gH9j\n', '/tmp/preau-install.Ab3dE6gH9j'],
    ['without its end', '/tmp/preau-install.Ab3dE6gH9j', null],
    ['another place', '/etc/preau-install.Ab3dE6gH9j\n', null],
    ['a greeting before it', 'Welcome\n/tmp/preau-install.Ab3dE6gH9j\n', null],
    ['a name that ends the command', "/tmp/preau-install.Ab3';id;'\n", null],
    ['nothing', '', null],
  ];
  test.each(cases)('%s', (_name, output, folder) => {
    expect(folderOf(output)).toBe(folder);
  });
});

test('root needs no sudo; anyone else has the command quoted once more', () => {
  expect(asRoot('root', "echo 'a b'")).toBe("echo 'a b'");
  expect(asRoot('tech', "echo 'a b'")).toBe("sudo -k -S -p '' -- sh -c 'echo '\\''a b'\\'''");
});

test('the installer is told where the code is, not the code', () => {
  expect(
    runInstaller({
      folder: '/tmp/preau-install.Ab3dE6gH9j',
      controllerUrl: 'https://preau.ville.example',
      controllerKey: 'KEY',
    }),
  ).toBe(
    "trap 'rm -rf '\\''/tmp/preau-install.Ab3dE6gH9j'\\''' EXIT; " +
      "sh '/tmp/preau-install.Ab3dE6gH9j/install.sh' --controller 'https://preau.ville.example' " +
      "--key 'KEY' --code-file '/tmp/preau-install.Ab3dE6gH9j/code' </dev/null",
  );
});

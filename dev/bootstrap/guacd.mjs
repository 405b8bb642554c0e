/** Debian has no guacd after release 11. Debian 11's runs in a root of its own, with every library
 * down to libc, so it is the same on Debian 12 and 13 and leaves no trace in the machine's apt. It
 * has published vulnerabilities (fixed in 1.6.0): demo and tests only, on loopback, as its own
 * user. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mirrors } from './debian.mjs';
import { must, step } from './programs.mjs';
import { tools } from './stamps.mjs';

/** util-linux provides setpriv, with which guacd drops root. */
const wanted = ['guacd', 'libguac-client-rdp0', 'util-linux'];

export async function getGuacd() {
  const folder = join(tools, 'guacd-root');
  await step(
    'guacd 1.3 from Debian 11, into a root of its own',
    () => existsSync(join(folder, 'usr/sbin/guacd')),
    () => {
      const work = join(tools, 'guacd.new');
      rmSync(work, { recursive: true, force: true });
      download(work);
      unpack(join(work, 'cache/archives'), join(work, 'root'));
      // An earlier layout, which used the machine's libraries.
      rmSync(join(tools, 'guacd'), { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
      renameSync(join(work, 'root'), folder);
      rmSync(work, { recursive: true, force: true });
    },
  );
}

/** Downloads all packages, with an apt state in which nothing is installed. */
function download(work) {
  for (const name of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(work, name), { recursive: true });
  const { main, security } = mirrors();
  const signed = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
  writeFileSync(
    join(work, 'sources.list'),
    `deb ${signed} ${main} bullseye main\ndeb ${signed} ${security} bullseye-security main\n`,
  );
  writeFileSync(join(work, 'status'), '');
  const options = [
    `Dir::Etc::sourcelist=${join(work, 'sources.list')}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${join(work, 'lists')}`,
    `Dir::State::status=${join(work, 'status')}`,
    `Dir::State::extended_states=${join(work, 'extended_states')}`,
    `Dir::Cache=${join(work, 'cache')}`,
    `Dir::Cache::archives=${join(work, 'cache/archives')}`,
    'APT::Sandbox::User=root',
    // A release that has ended is no longer signed anew.
    'Acquire::Check-Valid-Until=false',
  ].flatMap((option) => ['-o', option]);
  must('apt-get', [...options, '-q', 'update']);
  must('apt-get', [
    ...options,
    '-y',
    '-q',
    '--download-only',
    '--no-install-recommends',
    'install',
    ...wanted,
  ]);
}

function unpack(archives, folder) {
  for (const name of ['tmp', 'proc', 'dev', 'etc'])
    mkdirSync(join(folder, name), { recursive: true });
  for (const name of readdirSync(archives))
    if (name.endsWith('.deb')) must('dpkg', ['-x', join(archives, name), folder]);
}

/** `npm run catalogue -- --check [PROGRAM…]`: launches every program of the starter catalogue, or
 * the named ones, on a Debian 12 server made for it, writes their pictures to docs/images/catalogue
 * and prints what is wrong. Exits with 1 if anything is. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { keepPicture, type Launched, openLauncher } from './catalogue/launch.ts';
import { programs } from './catalogue/programs.ts';
import { openSchoolServer, type SchoolServer } from './machines/school-server.ts';
import { root, until } from './services.ts';

const pictures = join(root, 'docs/images/catalogue');
const maxBytes = 60 * 1024;

const [option, ...named] = process.argv.slice(2);
const unknown = named.filter((slug) => programs[slug] === undefined);
if (option !== '--check' || unknown.length > 0) {
  console.error(
    unknown.length > 0
      ? `Not in the catalogue: ${unknown.join(', ')}`
      : 'Usage: npm run catalogue -- --check [PROGRAM…]',
  );
  process.exit(2);
}
const wanted = named.length > 0 ? named : Object.keys(programs);

const row = ({ slug, seconds, windows, colours, faults }: Launched): string =>
  [
    faults.length === 0 ? '✓' : '✗',
    slug.padEnd(20),
    (seconds === null ? '—' : `${seconds.toFixed(1)} s`).padStart(8),
    `${colours}`.padStart(7),
    ` ${windows[0]?.title ?? '—'}`,
    ...faults.map((fault) => `\n    ${fault}`),
  ].join(' ');

/** All at once, so that the agent installs them in as few runs as possible. */
async function install(school: SchoolServer, slugs: readonly string[]): Promise<void> {
  for (const slug of slugs) await school.want(slug, true);
  await until(
    'the installations',
    async () => {
      const { applications } = await school.server();
      return slugs.every((slug) =>
        ['installed', 'failed'].includes(
          applications.find((application) => application.slug === slug)?.state ?? '',
        ),
      );
    },
    3_600_000,
  );
}

const school = await openSchoolServer('bookworm', {
  tell: (step, seconds) => console.log(`… ${step} ${seconds.toFixed(0)} s`),
});
let faulty = 0;
try {
  const started = Date.now();
  await install(school, wanted);
  console.log(
    `… ${wanted.length} programs installed ${Math.round((Date.now() - started) / 1000)} s`,
  );
  const launcher = await openLauncher(school);
  try {
    mkdirSync(pictures, { recursive: true });
    for (const slug of wanted) {
      const installed = await school.state(slug);
      if (installed?.state !== 'installed') {
        faulty += 1;
        console.log(`✗ ${slug}: not installed: ${installed?.error?.message}`);
        continue;
      }
      const launched = await launcher.launch(slug);
      if (launched.faults.length > 0) faulty += 1;
      await keepPicture(launched.png, join(pictures, `${slug}.png`), maxBytes);
      console.log(row(launched));
    }
  } finally {
    await launcher.close();
  }
} finally {
  await school.close();
}
process.exit(faulty === 0 ? 0 : 1);

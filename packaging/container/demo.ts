/** The demo in containers (`docker compose --profile demo up`), in two steps of docker-compose.yml:
 *
 *    node packaging/container/demo.ts fill   before the controller starts: the demo city
 *    node packaging/container/demo.ts open   after: a code for the school's server, and one program
 *                                            opened, to be sure that one opens
 *
 * Both share the folder of the volume `demo` with the school's server. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultTerms } from '@preau/contract/rule.ts';
import { readConfig } from '../../controller/src/config.ts';
import { openCity } from '../../controller/src/open-city.ts';
import { demoPassword, fill, installApplications, ownSite } from '../../dev/city.ts';
import { Client } from '../../dev/client.ts';
import { openFirstProgram } from '../../dev/first-program.ts';
import { until } from '../../dev/services.ts';
import { demoLogins } from '../../dev/world.ts';

const folder = '/demo';
const passwordPath = join(folder, 'password');
/** The controller's key and a one-use code, a line each: start.sh waits for it. */
const invitation = join(folder, 'invitation');
const controllerUrl = 'http://controller:8080';

/** Throws when the database holds a city that is not the demo. */
async function fillCity(): Promise<void> {
  const { database } = await openCity(readConfig(), 'controller');
  try {
    const people = await database.selectFrom('accounts').select('id').limit(1).execute();
    if (people.length > 0 && !existsSync(passwordPath))
      throw new Error(
        'This database holds a real city, which the demo would fill with invented people. ' +
          'Nothing was changed. Start the real one without --profile demo, or try the demo from ' +
          'another folder with: docker compose --project-name preau-demo --profile demo up',
      );
    mkdirSync(folder, { recursive: true });
    await fill(database, { teachers: 300, pupils: 10_000 }, demoPassword(passwordPath), {
      ...defaultTerms,
      clipboard: 'both',
      files: 'both',
      printing: true,
    });
  } finally {
    await database.destroy();
  }
}

async function openDemo(): Promise<void> {
  const { PREAU_PUBLIC_URL: url } = readConfig();
  const password = readFileSync(passwordPath, 'utf8');
  const technician = new Client(controllerUrl);
  await technician.signIn(demoLogins.technician, password);
  const site = await ownSite(technician);
  const servers = async () =>
    (await technician.call('listServers', { query: { site: site.id } })).items;
  if ((await servers()).length === 0) {
    const { controllerKey, code } = await technician.call('createEnrolmentCode', {
      params: { id: site.id },
      body: { serverName: 'Serveur pédagogique' },
    });
    writeFileSync(invitation, `${controllerKey}\n${code}\n`, { mode: 0o600 });
  }
  await until('the school’s server', async () => (await servers()).length > 0, 300_000);
  const slugs = ['galculator', 'mousepad', 'tuxpaint'];
  await installApplications(technician, site.id, { slugs, displays: 1 });
  await openFirstProgram({ url: controllerUrl, password, origin: url }, 'galculator');
  console.log(`
  Préau is ready:  ${url}

    teacher       ${demoLogins.teacher.padEnd(16)} ${password}
    pupil         ${demoLogins.pupil.padEnd(16)} ${password}
    administrator ${demoLogins.administrator.padEnd(16)} ${password}    (${url}/admin)
    technician    ${demoLogins.technician.padEnd(16)} ${password}    (${url}/admin)

  To end it and to delete everything:  docker compose --profile demo down --volumes
`);
}

const steps: Record<string, () => Promise<void>> = { fill: fillCity, open: openDemo };
const step = steps[process.argv[2] ?? ''];
if (step === undefined) throw new Error('Usage: demo.ts fill | open');
try {
  await step();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

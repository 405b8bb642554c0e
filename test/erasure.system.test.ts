/** A pupil is erased: a real agent with real displays ends what is left, erases the home, and the
 * name is in no file of the city and of the school any more. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Agent, createAgent } from '../agent/src/agent.ts';
import { type RealDriver, realDriver } from '../agent/src/drivers/linux/driver.fixture.ts';
import { isSignedByController } from '../agent/src/identity.ts';
import { plainRule } from '../contract/src/rule.ts';
import { createRule } from '../controller/src/access/rules.ts';
import { insertAccounts } from '../controller/src/accounts/store.ts';
import { createApplication } from '../controller/src/applications/create.ts';
import { application, person } from '../controller/src/builders.fixture.ts';
import { erasePerson } from '../controller/src/privacy/erase/erase.ts';
import { acceptReport } from '../controller/src/reports/accept-report.ts';
import { readDesiredState } from '../controller/src/servers/desired/desired-state.ts';
import { wantApplication } from '../controller/src/servers/desired/want-application.ts';
import { listHomesWaiting } from '../controller/src/servers/homes/homes.ts';
import { endSession } from '../controller/src/sessions/end.ts';
import { launch } from '../controller/src/sessions/launch.ts';
import { type City, makeCity, type TestAgent } from '../controller/src/testing.fixture.ts';

let folder: string;
let city: City;
let school: TestAgent;
let real: RealDriver;
let agent: Agent;
let clock: NodeJS.Timeout;

const name = 'Margaux Lenoir';
/** Leaves the name in the home, in folders that are closed, and shows a window. The recipe does not
 * know the name: it would stay in it. */
const program = [
  '/bin/sh',
  '-c',
  'name=$(getent passwd "$(id -u)" | cut -d: -f5 | cut -d, -f1) && mkdir -p ~/Devoirs/a/b && ' +
    'echo "$name" > "$HOME/Devoirs/a/b/$name.txt" && chmod 000 ~/Devoirs/a; ' +
    'exec /usr/bin/xmessage bonjour',
];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preau-erasure-'));
  city = await makeCity(join(folder, 'preau.sqlite'), { PREAU_DATA: folder });
  const { platform, technician } = city;
  clock = setInterval(() => {
    city.time.at += 100;
  }, 100);
  school = await city.enrolServer('serveur-réel');
  const { id } = await createApplication(
    platform,
    technician,
    application('bonjour', {
      recipes: {
        linux: {
          kind: 'apt',
          packages: ['x11-utils'],
          detect: { kind: 'package', package: 'x11-utils' },
          launch: { command: program },
        },
      },
    }),
  );
  await createRule(platform, technician, {
    ...plainRule,
    effect: 'allow',
    target: { kind: 'application', applicationId: id },
    audience: { kind: 'everyone' },
  });
  await wantApplication(platform, technician, {
    serverId: school.actor.id,
    applicationId: id,
    wanted: true,
  });
  real = realDriver();
  const bells: (() => void)[] = [];
  platform.wakeups.listen((topics) => {
    if (topics.includes(`agent:${school.actor.id}`)) for (const ring of bells) ring();
  });
  const nothing = () => Promise.reject(new Error('no files here'));
  agent = createAgent({
    serverId: school.actor.id,
    stateFolder: join(real.layout.homes, '..'),
    driver: real.driver,
    momentMs: 50,
    now: () => city.time.at,
    verify: (text, signature) =>
      isSignedByController(platform.secrets.controllerKey, text, signature),
    log: { info: () => undefined, warn: () => undefined },
    link: {
      readDesiredState: (known) => readDesiredState(platform, school.actor, known),
      sendReport: (report) => acceptReport(platform, school.actor, report),
      sendIcon: async () => undefined,
      readTransfer: nothing,
      sendTransfer: nothing,
      onWake: (ring) => bells.push(ring),
      clockSkewMs: () => 0,
    },
  });
  await agent.start();
});
afterAll(async () => {
  clearInterval(clock);
  await agent.stop();
  await real.end();
  await city.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Files below these folders that hold the name, in their content or in their path. */
const filesWith = (words: readonly string[], ...folders: string[]): string[] =>
  folders.flatMap((top) =>
    readdirSync(top, { recursive: true, withFileTypes: true })
      .map((entry) => ({ path: join(entry.parentPath, entry.name), isFile: entry.isFile() }))
      .filter(
        ({ path, isFile }) =>
          words.some((word) => path.includes(word)) ||
          (isFile && words.some((word) => readFileSync(path).includes(word))),
      )
      .map(({ path }) => path),
  );

test('nothing of an erased pupil is left in the city and in the school', async () => {
  const { platform, site, time, administrator, technician } = city;
  const [id = ''] = await insertAccounts(
    platform.database,
    [person('margaux.lenoir', { displayName: name, siteId: site.id })],
    time.at,
  );
  const margaux = { ...city.pupil, id, name };
  const installed = await vi.waitUntil(
    async () =>
      (
        await platform.database
          .selectFrom('server_applications')
          .select('state')
          .where('server_id', '=', school.actor.id)
          .executeTakeFirst()
      )?.state === 'installed',
    { timeout: 60_000, interval: 200 },
  );
  expect(installed).toBe(true);
  const { session } = await launch(platform, margaux, {
    application: 'bonjour',
    language: 'fr',
    address: '10.1.2.3',
  });
  const home = join(real.layout.homes, id);
  await vi.waitFor(() => expect(filesWith([name], home).length).toBeGreaterThan(0), {
    timeout: 60_000,
    interval: 200,
  });
  expect(filesWith([name], folder).length).toBeGreaterThan(0);
  await endSession(platform, technician, session.id);
  await erasePerson(platform, administrator, id, 'margaux.lenoir');

  // The school's first server of the city is a name only: it is off, and waited for.
  await vi.waitFor(
    async () =>
      expect(
        (await listHomesWaiting(platform, administrator)).map(({ serverName }) => serverName),
      ).toEqual(['serveur-1']),
    { timeout: 60_000, interval: 200 },
  );
  const agentFolder = join(real.layout.homes, '..');
  expect(
    filesWith(['Margaux', 'Lenoir', 'margaux.lenoir'], folder, agentFolder, real.layout.run),
  ).toEqual([]);
  expect(readdirSync(real.layout.homes)).not.toContain(id);
}, 240_000);

/** The nightly case of the virtual machine: a server with a kernel of its own, which loses its power
 * in the middle of dpkg, reboots, has a wrong clock, and runs a program under systemd's own limits.
 * Every check is carried out, whatever the others say. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Target } from '@preau/contract/rollout.ts';
import { defaultDraft } from '@preau/contract/rollout-draft.ts';
import { isFinal } from '@preau/contract/rollout-states.ts';
import type { Page } from 'playwright-core';
import { coloursOf } from '../../test/picture.fixture.ts';
import { signInPage } from '../../test/sign-in-page.fixture.ts';
import { answered } from '../answered.ts';
import { openBrowser } from '../browser.ts';
import { startCentre } from '../city.ts';
import { openGround } from '../machines/ground.ts';
import { offerAgent, type SchoolServer, schoolAround } from '../machines/school-server.ts';
import { root, until } from '../services.ts';
import { demoLogins } from '../world.ts';
import { openVirtualMachine, type VirtualMachine } from './machine.ts';

type School = SchoolServer<VirtualMachine>;
type Tell = (line: string) => void;

const pictures = join(root, '.data/nightly');

/** Throws with everything that is not as it should be. */
export async function tryVirtualMachine(tell: Tell, signal: AbortSignal): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  const started = Date.now();
  const say = (what: string) => tell(`${Math.round((Date.now() - started) / 1000)} s: ${what}`);
  const { school, close } = await openSchool(say);
  const end = () => void close();
  signal.addEventListener('abort', end);
  const wrong: string[] = [];
  const check = async (what: string, work: () => Promise<void>) => {
    try {
      await work();
      say(`✓ ${what}`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      wrong.push(`${what}: ${why}`);
      say(`✗ ${what}: ${why}`);
    }
    if (signal.aborted) throw new Error(`too late:\n${wrong.join('\n')}`);
  };
  try {
    say('enrolled with the console’s line, a display stands by');
    await check('a program is installed', () => school.install('galculator', 600_000));
    await check('a program opens in a browser, within systemd’s limits', () =>
      clickThrough(school, 'virtual-machine-program.png'),
    );
    for (const [at, cut] of cuts.entries())
      await check(`the power is cut ${cut.seconds} s after dpkg began with ${cut.name}`, () =>
        cutPower(school, cut, at),
      );
    await check('a reboot', async () => {
      await school.machine.reboot();
      await school.ready(300_000);
      await clickThrough(school, 'virtual-machine-after-reboot.png');
    });
    await check('a clock that is a day late is said', () => wrongClock(school));
  } finally {
    signal.removeEventListener('abort', end);
    tell((await school.agentLog().catch(String)).slice(-20_000));
    await close();
  }
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
}

async function openSchool(say: Tell): Promise<{ school: School; close: () => Promise<void> }> {
  const ground = await openGround();
  const parts: (() => Promise<void>)[] = [ground.close];
  const close = async () => {
    for (const part of parts.splice(0).reverse()) await part();
  };
  try {
    const machine = await openVirtualMachine(ground);
    parts.push(machine.close);
    say('systemd has started everything');
    const agentFiles = join(ground.folder, 'agent-files');
    await offerAgent(agentFiles);
    const centre = await startCentre({
      folder: ground.folder,
      host: ground.cityAddress,
      port: 0,
      people: { teachers: 2, pupils: 30 },
      keepAlive: false,
      graceSeconds: 60,
      standbyDisplays: 1,
      agentFiles,
    });
    parts.push(centre.stop);
    const school = await schoolAround(machine, centre, close);
    await school.enrol();
    return { school, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A pupil opens the calculator in Chromium; its processes are in the scope of their session. */
async function clickThrough({ centre, machine }: School, picture: string): Promise<void> {
  const { url, password } = centre;
  const browser = await openBrowser(1280, 800, 'fr-FR', [
    `--unsafely-treat-insecure-origin-as-secure=${url}`,
  ]);
  try {
    const page = browser.context.pages()[0] ?? (await browser.context.newPage());
    await signInPage(page, { url, password }, demoLogins.pupil, '/');
    await page.click('a[href="/launch/galculator"]');
    try {
      await page.waitForSelector('.screen');
      await page.waitForSelector('.veil', { state: 'detached', timeout: 120_000 });
      await until('the program in the picture', async () => (await coloursOf(page)) > 16, 60_000);
      await painted(page);
    } catch (error) {
      throw new Error(`${String(error)}; the page says: ${await page.innerText('body')}`);
    } finally {
      await page.screenshot({ path: join(pictures, picture) });
    }
    const groups = await machine.must(
      'for p in $(pgrep -f "^galculator|/galculator"); do cat /proc/$p/cgroup; done',
    );
    await page.click('button.end, .bar button:last-of-type').catch(() => undefined);
    if (!/^0::\/.*preau-sessions\.slice\/[^/]+\.scope$/m.test(groups))
      throw new Error(`its processes are in ${groups.trim()}, in no scope of their session`);
  } finally {
    await browser.close();
  }
}

/** An emulated machine paints slowly: waits until nothing has changed for two seconds. */
async function painted(page: Page): Promise<void> {
  let before = '';
  await until(
    'the picture to be whole',
    async () => {
      await page.waitForTimeout(2000);
      const now = (await page.screenshot()).toString('base64');
      const same = now === before;
      before = now;
      return same;
    },
    30_000,
  );
}

/** Small programs, so that a cut at another second is a cut at another of dpkg's steps. */
const cuts = [
  { name: 'xpad', seconds: 0 },
  { name: 'gpicview', seconds: 1 },
  { name: 'l3afpad', seconds: 2 },
  { name: 'lxtask', seconds: 3 },
  { name: 'mousepad', seconds: 5 },
] as const;

/** A rollout whose installation loses its power: it ends, and says what is true of the disk. */
async function cutPower(
  school: School,
  { name, seconds }: (typeof cuts)[number],
  at: number,
): Promise<void> {
  const { machine } = school;
  const id = await beginRollout(school, name, at);
  await machine.must(`until pgrep -x dpkg >/dev/null; do sleep 0.1; done; sleep ${seconds}`, {
    timeoutMs: 300_000,
  });
  await machine.pullPlug();
  await machine.start();
  const target = await endOf(school, id);
  const status = (
    await machine.run(`dpkg-query -W -f '\${db:Status-Abbrev}' ${name}`)
  ).stdout.trim();
  const audit = (await machine.run('dpkg --audit')).stdout.trim();
  if (audit !== '') throw new Error(`dpkg is not at rest: ${audit}`);
  if (target.state !== 'succeeded' || status !== 'ii')
    throw new Error(
      `the rollout says ${target.state} (${target.code} ${target.message}), dpkg says "${status}"`,
    );
}

async function beginRollout(school: School, name: string, at: number): Promise<string> {
  const { items } = await school.technician.call('listApplications', {});
  const applicationId =
    items.find(({ slug }) => slug === name)?.id ??
    (await school.offer(name, {
      kind: 'apt',
      packages: [name],
      detect: { kind: 'package', package: name },
      launch: { command: [`/usr/bin/${name}`] },
      icon: { desktopFile: `${name}.desktop` },
    }));
  const planned = await answered(
    school.technician,
    await school.technician.call('createRollout', {
      body: {
        ...defaultDraft,
        name: `${name} ${at}`,
        items: [{ applicationId, want: 'present' }],
        where: { all: true, siteIds: [], groupIds: [], serverIds: [], labels: [] },
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
        timeoutMinutes: 30,
      },
    }),
  );
  await school.technician.call('startRollout', {
    params: { id: planned.id },
    body: { planHash: planned.plan.hash, force: true },
  });
  return planned.id;
}

async function endOf({ technician, serverId }: School, id: string): Promise<Target> {
  let found: Target | undefined;
  await until(
    'the end of the rollout',
    async () => {
      const { items } = await technician.call('listTargets', {
        params: { id },
        query: { limit: '200' },
      });
      found = items.find((target) => target.serverId === serverId());
      return found !== undefined && isFinal(found.state);
    },
    900_000,
  );
  if (found === undefined) throw new Error('the rollout has no target');
  return found;
}

/** The server goes on working by the city's time, and its page says how far its clock is off, until
 * it is set. */
async function wrongClock(school: School): Promise<void> {
  const { machine } = school;
  await machine.powerOff();
  await machine.startAt(new Date(Date.now() - 86_400_000));
  await school.ready(300_000);
  await machine.must(`date --set=@${Math.round(Date.now() / 1000)}`);
  await school.ready(300_000);
}

/** A server as a school has it: Debian with systemd and nothing else, made a server by the line
 * that the console shows. Parts of it, and then all of it, are restarted while people work. */

import type { Rollout } from '@preau/contract/rollout.ts';
import { defaultDraft } from '@preau/contract/rollout-draft.ts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Suite } from '../../dev/bare-root.ts';
import { type OpenBrowser, openBrowser } from '../../dev/browser.ts';
import { CallRefused, type Client } from '../../dev/client.ts';
import { signal } from '../../dev/lab/host.ts';
import { openPackageSource, type PackageSource } from '../../dev/machines/package-source.ts';
import { prepareRoot } from '../../dev/machines/roots.ts';
import {
  type OpenSession,
  openSchoolServer,
  type SchoolServer,
} from '../../dev/machines/school-server.ts';
import { until } from '../../dev/services.ts';
import { openTunnel } from '../../dev/tunnel-client.ts';
import { demoLogins } from '../../dev/world.ts';
import { met, metRecipe, versionIn } from '../met.ts';
import { coloursOf } from '../picture.fixture.ts';
import { signInPage } from '../sign-in-page.fixture.ts';

const nothing = {
  processes: [],
  mounts: [],
  namespaces: [],
  links: [],
  controlGroups: [],
  folders: [],
};
/** A small program with a window, and few dependencies. */
const program = 'galculator';

export function describeRealServer(suite: Suite, debian: 'debian12' | 'debian13'): void {
  let school: SchoolServer;
  let source: PackageSource;
  let pupil: Client;
  let browser: OpenBrowser | null = null;
  const steps: [string, number][] = [];

  /** The processes of the machine whose command line matches. */
  const running = (command: RegExp) =>
    school.machine.processes().filter(({ args }) => command.test(args.join(' ')));
  const killed = (command: RegExp) => {
    const found = running(command);
    expect(found, String(command)).not.toEqual([]);
    for (const { pid } of found) signal(pid, 'SIGKILL');
  };
  const agent = /preau-agent\.mjs run/;
  const over = async (session: OpenSession) => {
    await until(
      'the end of the session',
      async () => ['ended', 'failed'].includes((await session.read()).state),
      30_000,
    );
    const { state, endReason, failureCode } = await session.read();
    return [state, endReason ?? failureCode];
  };
  /** As the page does when the connection is lost. */
  const hasPicture = async (session: OpenSession) => {
    const ticket = await school.teacher.call('attachSession', { params: { id: session.id } });
    const tunnel = await openTunnel(school.teacher, ticket.ticket);
    await until('a picture', () => tunnel.firstFrameAt !== null);
    tunnel.close();
  };
  const newLaunchWorks = async () => {
    const started = Date.now();
    let last: unknown;
    // A person tries again when told to.
    await until(
      'a new launch',
      async () => {
        try {
          // For somebody else: a teacher who has it open gets the same session again.
          const opened = await school.open(program, pupil);
          await opened.end();
          return true;
        } catch (error) {
          last = error;
          return false;
        }
      },
      30_000,
    ).catch(async () => {
      throw new Error(`${String(last)}\n${(await school.agentLog()).slice(-3000)}`);
    });
    return (Date.now() - started) / 1000;
  };

  beforeAll(async () => {
    const started = Date.now();
    await prepareRoot(suite, 'minimal');
    steps.push(['root', (Date.now() - started) / 1000]);
    school = await openSchoolServer(suite, {
      root: 'minimal',
      enrolled: false,
      tell: (step, seconds) => steps.push([step, seconds]),
    });
    met(debian, await school.machine.must('cat /etc/debian_version'), '/etc/debian_version');
    const systemd = await school.machine.must('systemctl --version');
    met('systemd', /\((\S+)\)/.exec(systemd)?.[1] ?? '', 'systemctl --version');
    source = await openPackageSource(school);
    pupil = await school.as(demoLogins.pupil);
  }, 600_000);

  afterEach(async () => {
    await browser?.close().catch(() => undefined);
    browser = null;
    const live = async () =>
      (await school.technician.call('listSessions', { query: { state: 'live' } })).items;
    for (const { id } of await live())
      await school.technician.call('endSession', { params: { id } }).catch(() => undefined);
    await until('no session', async () => (await live()).length === 0);
  });

  afterAll(async () => {
    console.log(
      `${suite}: ${steps.map(([step, took]) => `${step} ${took.toFixed(1)} s`).join(', ')}`,
    );
    const started = Date.now();
    await source?.close();
    await school?.close();
    if (school !== undefined) expect(await school.machine.ground.leftovers()).toEqual(nothing);
    console.log(`${suite}: closed in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  }, 120_000);

  const step = (name: string, work: () => Promise<void>, timeoutMs = 120_000) =>
    it(
      name,
      async () => {
        const started = Date.now();
        try {
          await work();
        } finally {
          steps.push([name, (Date.now() - started) / 1000]);
        }
      },
      timeoutMs,
    );

  describe(`a real server with ${suite}`, () => {
    step(
      'the line of the console makes it a school’s server',
      async () => {
        const { machine } = school;
        expect(await machine.must('findmnt --noheadings --output OPTIONS /run')).toMatch(/noexec/);
        await school.enrol();
        met(
          'xrdp',
          versionIn(await machine.run('xrdp --version')),
          'xrdp --version, on the server',
        );
        // The package's own services would let anybody sign in.
        const { stdout } = await machine.run(
          'systemctl is-active xrdp xrdp-sesman cups; systemctl is-active preau-agent',
        );
        expect(stdout.split('\n')).toEqual([
          ...['inactive', 'inactive', 'inactive'],
          ...['active', ''],
        ]);
        const listening = await machine.must("ss -Htln | awk '{ print $4 }'");
        expect(listening).toContain(`${machine.address}:3390\n`);
        expect(listening).not.toMatch(/^(0\.0\.0\.0|\[::\]|\*):/m);
      },
      600_000,
    );

    step('a teacher opens a program in a browser', async () => {
      await school.install(program);
      metRecipe('apt', 'install', suite);
      browser = await openBrowser();
      const page = browser.context.pages()[0] ?? (await browser.context.newPage());
      await signInPage(page, school.centre, demoLogins.teacher, '/');
      await page.click(`a[href="/launch/${program}"]`);
      await page.waitForSelector('.screen');
      await page.waitForSelector('.veil', { state: 'detached', timeout: 60_000 });
      await until('the program in the picture', async () => (await coloursOf(page)) > 20);
      metRecipe('apt', 'launch', suite);
    });

    step('its agent is killed: the session lives on, and so does the program', async () => {
      const session = await school.open(program);
      const before = running(/galculator/).map(({ pid }) => pid);
      killed(agent);
      await until('the next agent', () => running(agent).length > 0);
      expect(await newLaunchWorks()).toBeLessThan(20);
      expect((await session.read()).state).toBe('active');
      // The other launch's processes may take a moment to end.
      const ran = () => running(/galculator/).map(({ pid }) => pid);
      await until('the end of the other program', () => ran().length <= before.length);
      expect(ran()).toEqual(before);
      expect(session.tunnel.closed).toBeNull();
      await hasPicture(session);
      await session.end();
    });

    step('its agent is restarted: sessions end with a word, the next one opens', async () => {
      const session = await school.open(program);
      await school.machine.must('systemctl restart preau-agent');
      expect(await over(session)).toEqual(['ended', 'agent_stopped']);
      expect(await newLaunchWorks()).toBeLessThan(20);
    });

    for (const [name, command] of [
      ['xrdp', /^(\/usr\/sbin\/)?xrdp -n/],
      ['sesman', /^(\/usr\/sbin\/)?xrdp-sesman -n/],
    ] as const)
      step(`${name} is killed: sessions end with a word, the next one opens`, async () => {
        const session = await school.open(program);
        killed(command);
        expect(await over(session)).toEqual(['failed', 'DISPLAY_FAILED']);
        expect(await newLaunchWorks()).toBeLessThan(20);
        // Each has children for its connections.
        const pids = new Set(running(command).map(({ pid }) => pid));
        expect(running(command).filter(({ parent }) => !pids.has(parent))).toHaveLength(1);
      });

    /** Starts a rollout of a package that takes a while to configure; resolves in the middle. */
    const rolloutUnderWay = async (name: string): Promise<() => Promise<Rollout>> => {
      const applicationId = await source.offer({
        name,
        version: '1.0',
        files: { [`usr/games/${name}`]: '#!/bin/sh\n' },
        postinst: 'sleep 4',
      });
      const { technician } = school;
      const { id } = await technician.call('createRollout', {
        body: {
          ...defaultDraft,
          name,
          items: [{ applicationId, want: 'present' }],
          where: {
            ...{ all: false, siteIds: [], groupIds: [], labels: [] },
            serverIds: [school.serverId()],
          },
        },
      });
      // The server is asked first what the installation would do.
      await until('the start of the rollout', async () => {
        const { plan } = await technician.call('readRollout', { params: { id } });
        const body = { planHash: plan.hash, force: true };
        await technician.call('startRollout', { params: { id }, body });
        return true;
      });
      await until(
        'the installation',
        () => running(new RegExp(`${name}.postinst`)).length > 0,
        60_000,
      );
      return async () => {
        const read = () => school.technician.call('readRollout', { params: { id } });
        await until(
          'the end of the rollout',
          async () => !['running', 'scheduled', 'approved'].includes((await read()).state),
          90_000,
        );
        const rollout = await read();
        if (rollout.state !== 'completed') {
          const params = { id, serverId: school.serverId() };
          const target = await school.technician.call('readTarget', { params });
          throw new Error(`${rollout.state}: ${JSON.stringify(target).slice(0, 6000)}`);
        }
        return rollout;
      };
    };
    const status = (name: string) =>
      school.machine.must(`dpkg-query -W -f '\${db:Status-Status}' ${name}`);

    step('its agent is restarted in the middle of a rollout, which completes', async () => {
      const end = await rolloutUnderWay('preau-slow');
      await school.machine.must('systemctl restart preau-agent');
      expect(await end()).toMatchObject({ state: 'completed', counts: { succeeded: 1 } });
      expect(await status('preau-slow')).toBe('installed');
      expect(await school.machine.must('grep -c " install preau-slow:" /var/log/dpkg.log')).toBe(
        '1\n',
      );
      await school.ready();
    });

    step(
      'it is rebooted in the middle of a session and of a rollout: both are accounted for',
      async () => {
        const session = await school.open(program);
        const end = await rolloutUnderWay('preau-slower');
        await school.machine.reboot();
        expect(await over(session)).toEqual(['ended', 'agent_stopped']);
        await school.ready();
        expect(await newLaunchWorks()).toBeLessThan(20);
        expect(await end()).toMatchObject({ state: 'completed', counts: { succeeded: 1 } });
        expect(await status('preau-slower')).toBe('installed');
        expect((await school.machine.must('dpkg --audit')).trim()).toBe('');
      },
      300_000,
    );

    step(
      'a technician restarts it from the console: it comes back, and programs open',
      async () => {
        const body = { serverIds: [school.serverId()], when: 'now' as const };
        await school.machine.reboot(async () => {
          await school.technician.call('restartServers', { body });
        });
        await until(
          'the end of the restart',
          async () => (await school.server()).restart?.state === 'done',
          90_000,
        );
        expect(await newLaunchWorks()).toBeLessThan(20);
      },
      300_000,
    );

    step(
      'it is switched off: the session ends with a word, the portal says that it does not answer',
      async () => {
        const session = await school.open(program);
        const { machine } = school;
        await machine.powerOff();
        expect(await over(session)).toEqual(['ended', 'agent_stopped']);
        await until(
          'the controller to notice',
          async () => (await school.server()).health === 'offline',
          60_000,
        );
        const refused = await school.open(program).catch((error: unknown) => error);
        if (!(refused instanceof CallRefused)) throw new Error(String(refused));
        expect(refused.refusal).toMatchObject({ status: 503, code: 'SERVER_OFFLINE' });
        expect(refused.refusal.message.fr).toContain('Le serveur de votre école ne répond pas');
      },
      180_000,
    );
  });
}

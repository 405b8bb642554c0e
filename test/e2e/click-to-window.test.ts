/** The whole path on real parts: Chromium, controller, Redis, guacd, xrdp, Debian's programs. Each
 * test leaves the city as it found it; the last ones break parts on purpose. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { defaultTerms, plainRule, type Terms } from '@preau/contract/rule.ts';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBrowser, openBrowser } from '../../dev/browser.ts';
import { type RunningCity, startCity } from '../../dev/city.ts';
import { CallRefused, Client } from '../../dev/client.ts';
import { GivenUp, root, until } from '../../dev/services.ts';
import { openTunnel, TunnelClient } from '../../dev/tunnel-client.ts';
import { demoLogins } from '../../dev/world.ts';
import { met, versionIn } from '../met.ts';
import { axeViolations } from '../page-faults.fixture.ts';

const folder = join(root, '.data', `e2e-${process.pid}`);
const pictures = join(root, '.data/pictures');
let city: RunningCity;
let teacher: Client;
let technician: Client;
const browsers: OpenBrowser[] = [];

const as = async (login: string): Promise<Client> => {
  const client = new Client(city.url);
  await client.signIn(login, city.password);
  return client;
};
const launch = (client: Client, application: string) =>
  client.call('launchSession', { body: { application, language: 'fr' } });
const read = (client: Client, id: string) => client.call('readSession', { params: { id } });
const opened = async (client: Client, id: string) => {
  await until(
    'the window',
    async () => {
      const session = await read(client, id);
      if (session.state === 'failed' || session.state === 'ended') {
        const told = (
          await technician.call('listAudit', {
            query: { limit: '5', search: `session.${session.state}` },
          })
        ).items.find((event) => event.subjectId === id);
        throw new GivenUp(
          `${session.state}: ${session.failureCode ?? session.endReason} ${JSON.stringify(told?.details)}`,
        );
      }
      return session.openedAt !== null;
    },
    45_000,
  );
};
const refusal = async (work: Promise<unknown>): Promise<CallRefused['refusal']> => {
  const error = await work.then(
    () => null,
    (caught: unknown) => caught,
  );
  if (!(error instanceof CallRefused)) throw new Error('was not refused');
  return error.refusal;
};
/** What of sessions is left on this machine: display accounts that serve none, sandboxes, session
 * folders. */
const leftovers = () => {
  const sandboxes = readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(
          join(city.runFolder, 'sessions'),
        );
      } catch {
        return false;
      }
    });
  const credentials = join(city.runFolder, 'xrdp/credentials');
  return {
    sandboxes: sandboxes.length,
    folders: readdirSync(join(city.runFolder, 'sessions')).length,
    credentials: existsSync(credentials) ? readdirSync(credentials).length : 0,
    mounts: readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(city.runFolder)).length,
  };
};
const nothing = { sandboxes: 0, folders: 0, credentials: 0, mounts: 0 };
const displayAccounts = () =>
  execFileSync('getent', ['passwd'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.startsWith(`${city.accountPrefix}-`)).length;
const allGone = () =>
  until(
    'everything of the sessions to be gone',
    () => JSON.stringify(leftovers()) === JSON.stringify(nothing),
    30_000,
  );
const homeOf = (accountId: string) => join(city.homes, accountId);

async function signInPage(page: Page, login: string, path = '/'): Promise<void> {
  await page.goto(city.url + path);
  await page.fill('input[name=login]', login);
  await page.fill('input[name=password]', city.password);
  await page.click('button.primary');
  // Not before: a page that is left while its sign-in is under way may arrive without it.
  await page.waitForSelector('input[name=password]', { state: 'detached' });
}
const newPage = async (width = 1280, height = 800): Promise<Page> => {
  const browser = await openBrowser(width, height);
  browsers.push(browser);
  return browser.context.pages()[0] ?? browser.context.newPage();
};
const windowOpen = async (page: Page) => {
  await page.waitForSelector('.screen');
  await page.waitForSelector('.veil', { state: 'detached', timeout: 45_000 });
};
async function seriousFaults(page: Page): Promise<string[]> {
  return (await axeViolations(page))
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
}

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  city = await startCity({
    folder,
    port: 0,
    applications: ['galculator', 'mousepad'],
    people: { teachers: 40, pupils: 200 },
    keepAlive: false,
    graceSeconds: 20,
    standbyDisplays: 1,
  });
  teacher = await as(demoLogins.teacher);
  technician = await as(demoLogins.technician);
  const versionOf = (file: string) =>
    versionIn(spawnSync(file, ['--version'], { encoding: 'utf8' }));
  met('xrdp', versionOf('/usr/sbin/xrdp'), 'xrdp --version');
  met('bubblewrap', versionOf('/usr/bin/bwrap'), 'bwrap --version');
  met('redis', versionOf('/usr/bin/redis-server'), 'redis-server --version');
  const guacdLog = readFileSync(join(folder, 'guacd/guacd.log'), 'utf8');
  met('guacd', /version (\S+) started/.exec(guacdLog)?.[1] ?? '', 'its log');
}, 600_000);

afterEach(async () => {
  // Where a test failed halfway: its windows are not the next one's failure.
  const live = (
    await technician.call('listSessions', { query: { state: 'live' } }).catch(() => ({ items: [] }))
  ).items;
  for (const { id } of live)
    await technician.call('endSession', { params: { id } }).catch(() => undefined);
  if (live.length > 0) await allGone().catch(() => undefined);
});

afterAll(async () => {
  for (const browser of browsers) await browser.close().catch(() => undefined);
  await city?.stop();
  expect(displayAccounts()).toBe(0);
  expect(existsSync(city.runFolder)).toBe(false);
  rmSync(folder, { recursive: true, force: true });
});

describe('a teacher in a browser', () => {
  it('signs in, clicks the icon, types into the program; the file is in her home on the server', async () => {
    const page = await newPage();
    await signInPage(page, demoLogins.teacher);
    await page.waitForSelector('a[href="/launch/mousepad"]');
    await until('real icons', async () => (await page.locator('.tile img').count()) >= 2);
    await page.screenshot({ path: join(pictures, 'portal.png') });
    expect(await seriousFaults(page)).toEqual([]);
    await page.click('a[href="/launch/mousepad"]');
    await windowOpen(page);
    await page.waitForTimeout(700);
    await page.keyboard.type('Bonjour les enfants. ', { delay: 15 });
    // Composed letters, as dead keys and input methods send them. (Accented capitals are not on
    // guacd's French keyboard.)
    await page.keyboard.insertText('été, forêt, ça, où, naïf !');
    await page.waitForTimeout(500);
    await page.keyboard.press('Control+s');
    await page.waitForTimeout(1500);
    await page.keyboard.type('lettre.txt', { delay: 25 });
    await page.waitForTimeout(300);
    await page.keyboard.press('Enter');
    const me = await teacher.call('me', {});
    const file = join(homeOf(me.id), 'lettre.txt');
    await until('the file', () => existsSync(file) && statSync(file).size > 0, 15_000);
    expect(readFileSync(file, 'utf8').trim()).toBe(
      'Bonjour les enfants. été, forêt, ça, où, naïf !',
    );
    await page.screenshot({ path: join(pictures, 'session.png') });

    // Leaving and coming back from another browser finds the same window; the first is told.
    const other = await newPage(1024, 768);
    await signInPage(other, demoLogins.teacher);
    await other.waitForSelector('.badge.good');
    await other.screenshot({ path: join(pictures, 'portal-running.png') });
    await other.click('a[href="/launch/mousepad"]');
    await windowOpen(other);
    await page.waitForSelector('text=repris');
    const sessions = (await technician.call('listSessions', { query: { state: 'live' } })).items;
    expect(sessions.map((session) => session.applicationSlug)).toEqual(['mousepad']);

    // A technician ends it: the person is told, nothing stays.
    await technician.call('endSession', { params: { id: sessions[0]?.id ?? '' } });
    await other.waitForSelector('text=technicien');
    await allGone();
    expect(statSync(file).size).toBeGreaterThan(0);
  });

  it('a pupil does not see what is not for pupils, and the deep link says why', async () => {
    const page = await newPage();
    await signInPage(page, demoLogins.pupil, '/launch/mousepad');
    await page.waitForSelector('.why');
    expect(await page.textContent('.why')).toContain('n’est pas ouverte pour toi');
    await page.goto(city.url);
    await page.waitForSelector('a[href="/launch/galculator"]');
    expect(await page.locator('a[href="/launch/mousepad"]').count()).toBe(0);
    const pupil = await as(demoLogins.pupil);
    expect(await refusal(launch(pupil, 'mousepad'))).toMatchObject({
      status: 403,
      code: 'APPLICATION_NOT_ALLOWED',
    });
  });

  it('the deep link works through sign-in', async () => {
    const page = await newPage();
    await signInPage(page, demoLogins.teacher, '/launch/galculator');
    await windowOpen(page);
    await page.setViewportSize({ width: 900, height: 700 });
    await page.waitForTimeout(1500);
    // The application fills the window after a resize: the drawing is as wide as the stage.
    const fit = (await page.evaluate(
      '(() => { const s = document.querySelector(".screen"); const c = ' +
        's.firstElementChild.getBoundingClientRect(); return [s.clientWidth, s.clientHeight, ' +
        'c.width, c.height]; })()',
    )) as number[];
    expect(
      Math.abs((fit[0] ?? 0) - (fit[2] ?? 0)) < 8 || Math.abs((fit[1] ?? 0) - (fit[3] ?? 0)) < 8,
    ).toBe(true);
    await page.click('text=Fermer');
    await page.click('dialog button.primary');
    await page.waitForSelector('.tile');
    await allGone();
  });

  it('every administration page is clean at 1280 and 768 pixels, and none scrolls sideways', async () => {
    for (const width of [1280, 768]) {
      const page = await newPage(width, 1000);
      await signInPage(page, demoLogins.technician);
      await page.waitForSelector('main h1');
      for (const path of [
        '',
        '/schools',
        '/servers',
        '/fleet',
        '/applications',
        '/rules',
        '/sessions',
        '/audit',
      ]) {
        await page.goto(`${city.url}/admin${path}`);
        await page.waitForSelector(['', '/schools', '/rules'].includes(path) ? 'main h1' : 'table');
        await page.screenshot({
          path: join(pictures, `admin${path.replace('/', '-')}-${width}.png`),
        });
        expect(await seriousFaults(page), `${path} at ${width}`).toEqual([]);
        expect(
          await page.evaluate('document.documentElement.scrollWidth'),
          path,
        ).toBeLessThanOrEqual(width);
      }
    }
  });
});

describe('rules', () => {
  const about = async (slug: string) => {
    const applicationId =
      (await technician.call('listApplications', {})).items.find(
        (application) => application.slug === slug,
      )?.id ?? '';
    return {
      ...plainRule,
      target: { kind: 'application', applicationId },
      audience: { kind: 'person', accountId: (await teacher.call('me', {})).id },
    } as const;
  };
  /** What the tablet gets of `Copied. And typed.` when the first half is pasted in from it, the second
   * half is typed, and all of it is copied in the program. */
  const copiedOf = async (clipboard: Terms['clipboard']): Promise<string> => {
    const rule =
      clipboard === 'none'
        ? null
        : await technician.call('createRule', {
            body: {
              ...(await about('mousepad')),
              effect: 'allow',
              how: { ...defaultTerms, clipboard },
            },
          });
    const started = await launch(teacher, 'mousepad');
    expect(started.ticket.clipboard).toBe(clipboard);
    const tunnel = await openTunnel(teacher, started.ticket);
    let copied = '';
    const streams = new Set<string>();
    tunnel.onInstruction = ([opcode, stream = '', content = '']) => {
      if (opcode === 'clipboard') streams.add(stream);
      if (opcode === 'blob' && streams.has(stream))
        copied += Buffer.from(content, 'base64').toString();
      if (opcode === 'blob' && streams.has(stream)) tunnel.say('ack', stream, 'OK', '0');
    };
    await opened(teacher, started.session.id);
    await until('pictures', () => (tunnel.counts.get('sync') ?? 0) > 2);
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    /** Takes the place of what an earlier time has left: a window that opens slowly loses keys. */
    const pasteTypeAndCopy = async () => {
      tunnel.say('clipboard', '0', 'text/plain');
      tunnel.say('blob', '0', Buffer.from('Copié de la tablette : été.').toString('base64'));
      tunnel.say('end', '0');
      await pause(700);
      tunnel.press(0x61, 0xffe3); // Ctrl+A
      tunnel.press(0x76, 0xffe3); // Ctrl+V
      await pause(700);
      tunnel.type(' Et tapé.');
      await pause(500);
      tunnel.press(0x61, 0xffe3); // Ctrl+A
      tunnel.press(0x63, 0xffe3); // Ctrl+C
      await pause(2000);
    };
    await pause(1500);
    const times = clipboard === 'none' ? 3 : 6;
    for (let time = 0; time < times && !copied.includes('Et tap'); time += 1)
      await pasteTypeAndCopy();
    if (clipboard !== 'none') expect(copied).toContain('Et tap');
    await teacher.call('endSession', { params: { id: started.session.id } });
    if (rule !== null) await technician.call('deleteRule', { params: { id: rule.id } });
    await allGone();
    return copied;
  };

  it('the clipboard flows both ways where a rule says so', async () => {
    expect(await copiedOf('both')).toContain('Copié de la tablette : été. Et tap');
  });
  it('out only where it says that, and not at all where none does', async () => {
    const out = await copiedOf('out');
    expect(out).toContain('Et tap');
    expect(out).not.toContain('Copié');
    expect(await copiedOf('none')).toBe('');
  });

  it('access that is taken away ends the session within seconds, and the page says why', async () => {
    const page = await newPage();
    await signInPage(page, demoLogins.teacher, '/launch/galculator');
    await windowOpen(page);
    const [session] = (await technician.call('listSessions', { query: { state: 'live' } })).items;
    const rule = await technician.call('createRule', {
      body: { ...(await about('galculator')), effect: 'deny' },
    });
    try {
      await until(
        'the end',
        async () => (await read(teacher, session?.id ?? '')).state === 'ended',
        5000,
      );
      expect(await read(teacher, session?.id ?? '')).toMatchObject({
        state: 'ended',
        endReason: 'access_ended',
      });
      await page.waitForSelector('text=/n’est plus ouverte|fermée pour toi/', { timeout: 15_000 });
      await page.screenshot({ path: join(pictures, 'access-ended.png') });
      expect(await refusal(launch(teacher, 'galculator'))).toMatchObject({
        status: 403,
        code: 'APPLICATION_NOT_ALLOWED',
      });
    } finally {
      // A page that was refused opens by itself once it may: not in the middle of the next test.
      await page.close();
      await technician.call('deleteRule', { params: { id: rule.id } });
    }
    await allGone();
  });
});

describe('sessions', () => {
  it('two applications at once; closing one from inside ends only that one', async () => {
    // The one that is closed is the calculator: an editor that was killed with words in it asks
    // about them when it is closed the next time.
    const [first, second] = [
      await launch(teacher, 'mousepad'),
      await launch(teacher, 'galculator'),
    ];
    const tunnels = [
      await openTunnel(teacher, first.ticket),
      await openTunnel(teacher, second.ticket),
    ];
    await opened(teacher, first.session.id);
    await opened(teacher, second.session.id);
    await until('pictures', () => tunnels.every((tunnel) => (tunnel.counts.get('sync') ?? 0) > 2));
    // A window that is drawn may not have the keyboard yet.
    const quit = setInterval(() => tunnels[1]?.press(0x71, 0xffe3), 1000); // Ctrl+Q
    await until(
      'the end',
      async () => (await read(teacher, second.session.id)).state === 'ended',
    ).finally(() => clearInterval(quit));
    expect((await read(teacher, second.session.id)).endReason).toBe('application_closed');
    expect((await read(teacher, first.session.id)).state).toBe('active');
    await teacher.call('endSession', { params: { id: first.session.id } });
    await allGone();
  });

  it('a tab closed past the grace period ends the session; the person’s files stay', async () => {
    const { session, ticket } = await launch(teacher, 'galculator');
    const tunnel = await openTunnel(teacher, ticket);
    await opened(teacher, session.id);
    tunnel.close();
    await until(
      'disconnected',
      async () => (await read(teacher, session.id)).state === 'disconnected',
    );
    await until('ended', async () => (await read(teacher, session.id)).state === 'ended', 45_000);
    expect((await read(teacher, session.id)).endReason).toBe('left');
    await allGone();
  });

  it('a program that is not there fails with a sentence and leaves nothing', async () => {
    const draft = {
      slug: 'broken',
      name: { fr: 'Cassée', en: 'Broken' },
      description: { fr: 'x', en: 'x' },
      category: 'tools' as const,
      version: '1',
      recipes: {
        linux: {
          kind: 'apt' as const,
          packages: ['galculator'],
          detect: { kind: 'package' as const, package: 'galculator' },
          launch: { command: ['/usr/bin/false'] },
          icon: { desktopFile: 'none.desktop' },
        },
      },
    };
    const broken = await technician.call('createApplication', { body: draft });
    const missing = await technician.call('createApplication', {
      body: {
        ...draft,
        slug: 'missing',
        recipes: {
          linux: {
            ...draft.recipes.linux,
            packages: ['no-such-package-anywhere'],
            detect: { kind: 'package', package: 'no-such-package-anywhere' },
          },
        },
      },
    });
    await technician.call('createRule', {
      body: {
        ...plainRule,
        effect: 'allow',
        target: { kind: 'application', applicationId: broken.id },
        audience: { kind: 'everyone' },
      },
    });
    const serverId =
      (await technician.call('listServers', { query: { site: city.siteId } })).items[0]?.id ?? '';
    for (const application of [broken, missing])
      await technician.call('wantApplication', {
        params: { id: serverId, applicationId: application.id },
        body: { wanted: true },
      });
    const stateOf = async (slug: string) =>
      (await technician.call('readServer', { params: { id: serverId } })).applications.find(
        (application) => application.slug === slug,
      );
    await until(
      'both worked through',
      async () =>
        (await stateOf('broken'))?.state === 'installed' &&
        (await stateOf('missing'))?.state === 'failed',
      120_000,
    );
    expect((await stateOf('missing'))?.error?.code).toBe('PACKAGE_NOT_FOUND');
    const { session } = await launch(teacher, 'broken');
    await until('failed', async () => (await read(teacher, session.id)).state === 'failed');
    expect((await read(teacher, session.id)).failureCode).toBe('APPLICATION_EXITED');
    await allGone();
  });
});

describe('the gateway refuses before guacd hears anything', () => {
  const attempt = async (
    client: Client,
    options: { ticket: string; origin?: string; query?: string },
  ) => {
    const tunnel = new TunnelClient(client, options);
    await until('an answer', () => tunnel.refusedWith !== null || tunnel.socket.readyState === 1);
    tunnel.close();
    return tunnel.refusedWith;
  };
  it('no, wrong, used, foreign ticket; foreign Origin; no cookie; impossible sizes', async () => {
    const { session, ticket } = await launch(teacher, 'galculator');
    const colleague = await as(
      (await technician.call('searchAudiences', { query: { search: 'a' } })).people.find(
        (person) => person.role === 'teacher' && person.login !== demoLogins.teacher,
      )?.login ?? '',
    );
    expect(await attempt(teacher, { ticket: 'x' })).toEqual({
      status: 403,
      code: 'TICKET_REFUSED',
    });
    expect(await attempt(teacher, { ticket: 'A'.repeat(43) })).toEqual({
      status: 403,
      code: 'TICKET_REFUSED',
    });
    expect(
      await attempt(teacher, { ticket: ticket.ticket, origin: 'http://evil.example' }),
    ).toEqual({ status: 403, code: 'ORIGIN_REFUSED' });
    expect(await attempt(new Client(city.url), { ticket: ticket.ticket })).toEqual({
      status: 401,
      code: 'NOT_SIGNED_IN',
    });
    expect(await attempt(colleague, { ticket: ticket.ticket })).toEqual({
      status: 403,
      code: 'TICKET_REFUSED',
    });
    expect(
      await attempt(teacher, {
        ticket: ticket.ticket,
        query: 'width=100000&height=100000&dpi=96&layout=fr-fr-azerty',
      }),
    ).toEqual({ status: 400, code: 'SIZE_REFUSED' });
    const tunnel = await openTunnel(teacher, ticket);
    expect(await attempt(teacher, { ticket: ticket.ticket })).toEqual({
      status: 403,
      code: 'TICKET_REFUSED',
    });
    await opened(teacher, session.id);
    // Half an instruction ends the tunnel with a numeric status; the session lives on.
    tunnel.socket.send('5.mouse,1.0,1.0');
    await tunnel.finished;
    expect(tunnel.closed?.reason).toBe('768 VALIDATION_FAILED');
    // What the browser was told never held a password, the display's account or guacd's own id.
    expect(JSON.stringify(await read(teacher, session.id))).not.toMatch(
      /password|attachment|username/,
    );
    await teacher.call('endSession', { params: { id: session.id } });
    await allGone();
    const logs = ['controller.log', 'agent.log']
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('');
    expect(logs).not.toContain(ticket.ticket);
    expect(logs).not.toContain(city.password);
  });
});

describe('parts that die', () => {
  it('controller killed: the session survives, the portal recovers', async () => {
    const page = await newPage();
    await signInPage(page, demoLogins.teacher, '/launch/galculator');
    await windowOpen(page);
    const before =
      (await technician.call('listSessions', { query: { state: 'live' } })).items[0]?.id ?? '';
    await city.services.controller.kill();
    await page.waitForSelector('.veil');
    city.services.controller.restart();
    await windowOpen(page);
    expect((await read(teacher, before)).state).toBe('active');
    await teacher.call('endSession', { params: { id: before } });
    await allGone();
  });

  it('guacd killed: the page reconnects to the same window once it is back', async () => {
    const page = await newPage();
    await signInPage(page, demoLogins.teacher, '/launch/galculator');
    await windowOpen(page);
    const before =
      (await technician.call('listSessions', { query: { state: 'live' } })).items[0]?.id ?? '';
    // guacd serves each connection from a child in its process group.
    process.kill(-city.services.guacd.pid(), 'SIGKILL');
    await city.services.guacd.kill();
    await page.waitForSelector('.veil');
    city.services.guacd.restart();
    await windowOpen(page);
    await teacher.call('endSession', { params: { id: before } });
    await allGone();
  });

  it('agent killed during a session: it is taken up again; ended meanwhile: it is swept away', async () => {
    const survivor = await launch(teacher, 'galculator');
    const ended = await launch(teacher, 'mousepad');
    const tunnel = await openTunnel(teacher, survivor.ticket);
    await opened(teacher, survivor.session.id);
    await opened(teacher, ended.session.id);
    await city.services.agent.kill();
    await teacher.call('endSession', { params: { id: ended.session.id } });
    expect(tunnel.closed).toBeNull();
    city.services.agent.restart();
    await until('the ended one to be swept away', () => leftovers().folders === 1, 30_000);
    expect((await read(teacher, survivor.session.id)).state).toBe('active');
    const again = await teacher.call('attachSession', { params: { id: survivor.session.id } });
    const second = await openTunnel(teacher, again.ticket);
    await until('a picture', () => (second.counts.get('sync') ?? 0) > 2);
    await teacher.call('endSession', { params: { id: survivor.session.id } });
    await allGone();
  });

  it('agent killed during an install: apt finishes, nothing is installed twice; removal works too', async () => {
    const abacus = await technician.call('createApplication', {
      body: {
        slug: 'abacus',
        name: { fr: 'Boulier', en: 'Abacus' },
        description: { fr: 'Un boulier.', en: 'An abacus.' },
        category: 'mathematics',
        version: '1',
        recipes: {
          linux: {
            kind: 'apt',
            packages: ['xabacus'],
            detect: { kind: 'package', package: 'xabacus' },
            launch: { command: ['/usr/games/xabacus'] },
            icon: { desktopFile: 'xabacus.desktop' },
          },
        },
      },
    });
    const serverId =
      (await technician.call('listServers', { query: { site: city.siteId } })).items[0]?.id ?? '';
    const want = (wanted: boolean) =>
      technician.call('wantApplication', {
        params: { id: serverId, applicationId: abacus.id },
        body: { wanted },
      });
    const state = async () =>
      (await technician.call('readServer', { params: { id: serverId } })).applications.find(
        (application) => application.applicationId === abacus.id,
      )?.state;
    const installs = () =>
      readFileSync('/var/log/dpkg.log', 'utf8')
        .split('\n')
        .filter((line) => / install xabacus:/.test(line)).length;
    await want(false);
    await until('absent', async () => (await state()) === 'removed', 60_000);
    const before = installs();
    await want(true);
    await until('installing', async () => (await state()) === 'installing', 30_000);
    await city.services.agent.kill();
    city.services.agent.restart();
    await until('installed', async () => (await state()) === 'installed', 120_000);
    expect(installs() - before).toBe(1);
    expect(
      execFileSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', 'xabacus'], {
        encoding: 'utf8',
      }),
    ).toBe('installed');
    await want(false);
    await until('removed', async () => (await state()) === 'removed', 60_000);
  }, 300_000);

  it('fifty launches with random kills leave one audit event per effect and nothing else', async () => {
    const ids: string[] = [];
    for (let round = 0; round < 50; round += 1) {
      const { session, ticket } = await launch(
        teacher,
        round % 2 === 0 ? 'galculator' : 'mousepad',
      );
      ids.push(session.id);
      const tunnel = await openTunnel(teacher, ticket).catch(() => null);
      if (round % 3 === 0) await opened(teacher, session.id);
      if (round % 7 === 3) {
        await city.services.agent.kill();
        city.services.agent.restart();
      }
      await teacher.call('endSession', { params: { id: session.id } });
      tunnel?.close();
    }
    await allGone();
    await until('one display standing by', () => displayAccounts() === 1, 30_000);
    const events: { action: string; subjectId: string | null }[] = [];
    for (let before: string | undefined; ; ) {
      const answer = await technician.call('listAudit', {
        query: { limit: '200', ...(before === undefined ? {} : { before }) },
      });
      events.push(...answer.items);
      if (answer.next === null) break;
      before = answer.next;
    }
    for (const id of ids) {
      for (const action of ['session.launched', 'session.ended'])
        expect(
          events.filter((event) => event.subjectId === id && event.action === action).length,
          `${action} of ${id}`,
        ).toBe(1);
    }
  }, 500_000);
});

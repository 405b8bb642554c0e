/** A teacher asks for a program; the school says yes, a technician approves, the school's server
 * installs it, and the teacher is told: on the page that is open, and by mail. The browser, the
 * controller, Redis and the mail server are real; the agents have the memory driver. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Page } from 'playwright-core';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isArrivalTime } from '../../contract/src/calendar.ts';
import { frenchCalendar } from '../../contract/src/french-calendar.ts';
import { insertAccounts } from '../../controller/src/accounts/store.ts';
import { openDatabase } from '../../controller/src/platform/database.ts';
import { createPasswords } from '../../controller/src/platform/passwords.ts';
import { type OpenBrowser, openBrowser } from '../../dev/browser.ts';
import { freePort, root, until } from '../../dev/services.ts';
import { type SimulatedCity, startSimulatedCity } from '../../dev/simulated-schools.ts';
import { demoLogins } from '../../dev/world.ts';
import { axeViolations, isTooWide, sizes } from '../page-faults.fixture.ts';

const folder = join(root, '.data', `e2e-requests-${process.pid}`);
const pictures = join(root, '.data/pictures');
const mails: { to: string[]; raw: string }[] = [];
const broken: string[] = [];
let city: SimulatedCity;
let smtp: SMTPServer;
const browsers: OpenBrowser[] = [];
/** The teacher's stays open while others answer, one after the other, on the second. */
let teacher: Page;
let staff: Page;

async function newPage(): Promise<Page> {
  const browser = await openBrowser(1280, 800);
  browsers.push(browser);
  const page = browser.context.pages()[0] ?? (await browser.context.newPage());
  page.setDefaultTimeout(20_000);
  page.on('pageerror', (error) => broken.push(error.message));
  return page;
}
async function signIn(page: Page, login: string, at: string, ready: string): Promise<void> {
  await page.context().clearCookies();
  await page.goto(`${city.url}${at}`);
  await page.fill('input[name=login]', login);
  await page.fill('input[name=password]', city.password);
  await page.keyboard.press('Enter');
  await page.waitForSelector(ready);
}
/** What axe finds, and pages wider than the screen; a picture of each. */
async function faults(page: Page, name: string): Promise<string[]> {
  const found = (await axeViolations(page)).map(
    ({ id, nodes }) => `${name} ${id}: ${nodes[0]?.html ?? ''}`,
  );
  for (const [width, height] of sizes) {
    await page.setViewportSize({ width, height });
    if (await isTooWide(page)) found.push(`${name} ${width}: the page is wider than the screen`);
    await page.screenshot({ path: join(pictures, `requests-${name}-${width}.png`) });
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  return found;
}

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  const port = await freePort();
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    closeTimeout: 200,
    onData: (stream, session, done) => {
      void text(stream).then((raw) => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), raw });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => smtp.listen(port, '127.0.0.1', resolve));
  city = await startSimulatedCity({
    folder,
    stageMs: 50,
    installMs: 300,
    only: ['École Jean de La Fontaine', 'École Colette'],
    settings: {
      PREAU_SMTP_URL: `smtp://127.0.0.1:${port}`,
      PREAU_MAIL_FROM: 'preau@ville.example',
    },
  });
  const database = openDatabase(join(folder, 'controller/preau.sqlite'));
  // From 08:15 to 09:00 on a school day an installation waits until the classes have arrived.
  const school = { timeZone: 'Europe/Paris', holidayZone: 'B', closures: [] } as const;
  const soon = [0, 5].map((minutes) => Date.now() + minutes * 60_000);
  if (soon.some((at) => isArrivalTime(frenchCalendar, school, at)))
    await database.updateTable('sites').set({ time_zone: 'Pacific/Noumea' }).execute();
  const asker = await database
    .selectFrom('accounts')
    .select(['id', 'site_id'])
    .where('login', '=', demoLogins.teacher)
    .executeTakeFirstOrThrow();
  await database
    .updateTable('accounts')
    .set({ mail: 'camille@ecole.example' })
    .where('id', '=', asker.id)
    .execute();
  const passwordHash = await createPasswords().hash(city.password);
  await insertAccounts(
    database,
    [
      {
        login: 'nadia.roy',
        displayName: 'Nadia Roy',
        role: 'contact',
        siteId: asker.site_id,
        passwordHash,
      },
      {
        login: 'paul.brun',
        displayName: 'Paul Brun',
        role: 'teacher',
        siteId: asker.site_id,
        passwordHash,
      },
    ],
    Date.now(),
  );
  await database.destroy();
  [teacher, staff] = [await newPage(), await newPage()];
}, 180_000);

afterAll(async () => {
  for (const browser of browsers) await browser.close();
  await city?.stop();
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
  rmSync(folder, { recursive: true, force: true });
});

describe('a program that was asked for', () => {
  it('is approved by the school and the city, installed, and told of where and when it is there', async () => {
    await signIn(teacher, demoLogins.teacher, '/', 'a[href="/requests"]');
    await teacher.click('a[href="/requests"]');
    await teacher.waitForSelector('.empty');
    expect(await faults(teacher, 'empty')).toEqual([]);
    await teacher.click('.empty button');
    await teacher.fill('input[name=program]', 'inkscape');
    await teacher.click('.program:has(strong:text-is("Dessin vectoriel"))');
    await teacher.fill('textarea[name=purpose]', 'Dessiner des affiches avec les CM2');
    expect(await faults(teacher, 'form')).toEqual([]);
    await teacher.click('button.primary:has-text("Envoyer la demande")');
    await teacher.waitForSelector('li.card >> text=Demandée');
    // Stays at home from now on: what happens elsewhere must come by itself.
    await teacher.goto(`${city.url}/`);
    await teacher.waitForSelector('a[href="/requests"]');

    const contact = staff;
    await signIn(contact, 'nadia.roy', '/requests', '.line');
    await contact.click('.line');
    await contact.waitForSelector('text=Approuver et transmettre à la ville');
    expect(await faults(contact, 'contact')).toEqual([]);
    await contact.check('input[value=teacher]');
    await contact.click('text=Approuver et transmettre à la ville');
    await contact.waitForSelector('.badge:has-text("Acceptée par l’école")');
    await contact.goto(`${city.url}/admin/requests`);
    await contact.waitForSelector('text=réservée aux techniciens');

    const technician = staff;
    await signIn(technician, demoLogins.technician, '/admin/requests', '.line');
    await technician.click('.line');
    await technician.check('input[value=teacher]');
    expect(await faults(technician, 'technician')).toEqual([]);
    await technician.click('text=Approuver et installer');
    await technician.waitForSelector('a[href^="/admin/rollouts/"]');

    // The icon, and a word about it, on the page that has been open all along.
    await teacher.waitForSelector('.news:has-text("Dessin vectoriel est disponible")', {
      timeout: 20_000,
    });
    await teacher.waitForSelector('a.tile[href="/launch/inkscape"]');
    expect(await faults(teacher, 'news')).toEqual([]);
    await until(
      'the mail',
      async () =>
        mails.some(({ raw }) => /^Subject: Dessin vectoriel est disponible\r$/m.test(raw)),
      15_000,
    );
    expect(mails.filter(({ raw }) => raw.includes('disponible')).map(({ to }) => to)).toEqual([
      ['camille@ecole.example'],
    ]);
    await teacher.click('text=J’ai vu');
    await teacher.waitForSelector('.news', { state: 'detached' });

    // A colleague at the school has it too; nobody at another school.
    const { items: rules } = await city.technician.call('listRules', { query: {} });
    expect(rules.find((rule) => rule.note?.startsWith('Demande') === true)).toMatchObject({
      effect: 'allow',
      audience: { kind: 'role', role: 'teacher' },
      place: { kind: 'site' },
    });
    await technician.goto(`${city.url}/admin/audit`);
    await technician.waitForSelector('td >> text=request.ready');
    await technician.click('text=Vérifier maintenant');
    await technician.waitForSelector('.badge:has-text("rien n’a été modifié")');
    expect(await faults(technician, 'audit')).toEqual([]);
    expect(broken).toEqual([]);
  }, 60_000);

  it('people’s data: found, exported, erased on typing the user name; the audit still proves itself', async () => {
    const administrator = staff;
    await signIn(
      administrator,
      demoLogins.administrator,
      '/admin/privacy/people',
      'input[type=search]',
    );
    await administrator.fill('input[type=search]', 'brun');
    await administrator.waitForSelector('td >> text=Paul Brun');
    expect(await faults(administrator, 'people')).toEqual([]);
    const [download] = await Promise.all([
      administrator.waitForEvent('download'),
      administrator.click('tr:has-text("Paul Brun") a.button'),
    ]);
    expect(download.suggestedFilename()).toBe('donnees-personnelles.json');
    await administrator.click('tr:has-text("Paul Brun") button.danger');
    const erase = administrator.locator('dialog button.danger');
    expect(await erase.isDisabled()).toBe(true);
    await administrator.fill('dialog input', 'paul.brun');
    await erase.click();
    await administrator.waitForSelector('text=1 compte effacé');
    expect((await city.technician.call('verifyAudit', { query: {} })).intact).toBe(true);
    for (const [path, ready] of [
      ['/admin/privacy', 'h2'],
      ['/admin/privacy/leavers', '.card'],
      ['/admin/privacy/keep', 'fieldset'],
    ] as const) {
      await administrator.goto(`${city.url}${path}`);
      await administrator.waitForSelector(ready);
      expect(
        await faults(
          administrator,
          `privacy${path.slice('/admin/privacy'.length).replace('/', '-')}`,
        ),
      ).toEqual([]);
    }
    expect(broken).toEqual([]);
  }, 45_000);
});

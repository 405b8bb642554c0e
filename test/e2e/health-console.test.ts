/** What people see when Préau itself does not work, and on a device whose clock is wrong. The real
 * console in Chromium on the real edge. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainRule } from '@preau/contract/rule.ts';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRule, listRules, withdrawRule } from '../../controller/src/access/rules.ts';
import type { Finding } from '../../controller/src/platform/health/check.ts';
import { acceptReport } from '../../controller/src/reports/accept-report.ts';
import { saveClockSkew } from '../../controller/src/servers/reported/store.ts';
import { readySession } from '../../controller/src/testing.fixture.ts';
import { type OpenBrowser, openBrowser } from '../../dev/browser.ts';
import { freePort, root } from '../../dev/services.ts';
import { type StandInGuacd, startStandInGuacd } from '../../dev/stand-in-guacd.ts';
import { type FailingCity, openFailingCity } from '../dependencies.fixture.ts';
import { axeViolations, isTooWide } from '../page-faults.fixture.ts';

const pictures = join(root, '.data/pictures');
let folder: string;
let city: FailingCity;
let browser: OpenBrowser;
let page: Page;
let stopWatching: () => void;
let guacdPort: number;
let guacd: StandInGuacd | null = null;
const broken: string[] = [];
const serial = 0;
/** What the look at Redis finds. */
let redis: Finding = { state: 'ok' };

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  folder = mkdtempSync(join(tmpdir(), 'preau-health-console-'));
  guacdPort = await freePort();
  city = await openFailingCity(
    ':memory:',
    {
      PREAU_DATA: folder,
      PREAU_GUACD_PORT: String(guacdPort),
      PREAU_CONSOLE: join(root, 'console/build'),
    },
    {
      more: () => [
        {
          part: 'redis',
          failure: 'REDIS_UNAVAILABLE',
          silence: 'REDIS_UNAVAILABLE',
          look: async () => redis,
        },
      ],
    },
  );
  stopWatching = city.health.watch();
  browser = await openBrowser();
  page = await browser.context.newPage();
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => broken.push(error.message));
}, 180_000);
afterAll(async () => {
  stopWatching?.();
  await browser?.close();
  await city?.close();
  guacd?.close();
  rmSync(folder, { recursive: true, force: true });
  expect(broken).toEqual([]);
});

const signIn = async (cookie: string) => {
  await browser.context.clearCookies();
  const [name = '', value = ''] = cookie.split('=');
  await browser.context.addCookies([{ name, value, url: city.url }]);
};
const widths = [375, 768, 1440];

test('a technician reads what does not work, since when, why and what to do', async () => {
  redis = { state: 'down', code: 'REDIS_UNAVAILABLE', why: 'connect ECONNREFUSED 127.0.0.1:6379' };
  await signIn(city.technician);
  await page.goto(`${city.url}/admin/servers`);
  const card = page.locator('section', { hasText: 'État de Préau' });
  await card.waitFor();
  await page.waitForSelector('text=REDIS_UNAVAILABLE');
  const text = await card.innerText();
  expect(text).toContain('Préau fonctionne, mais pas entièrement.');
  expect(text).toContain('Aucun programme ne s’ouvre ; tout le reste fonctionne.');
  expect(text).toMatch(/depuis \d/);
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: join(pictures, `health-card-${width}.png`) });
    expect(await isTooWide(page)).toBe(false);
    expect((await axeViolations(page)).map(({ id }) => id)).toEqual([]);
  }
  await card.locator('summary').first().click();
  await page.waitForSelector('text=ECONNREFUSED');
  const runbook = await card.getByText('Que faire ?').first().getAttribute('href');
  const answer = await (await fetch(city.url + (runbook ?? '/none'))).text();
  expect(answer).toContain(`id="${runbook?.split('#')[1]}"`);
});

test('the card goes when everything is well again', async () => {
  redis = { state: 'ok' };
  await page.waitForSelector('text=REDIS_UNAVAILABLE', { state: 'detached', timeout: 60_000 });
});

test('the portal says that programs cannot be opened, and offers none', async () => {
  await signIn(city.pupil);
  await page.goto(`${city.url}/`);
  await page.waitForSelector('text=Les programmes ne peuvent pas s’ouvrir pour le moment', {
    timeout: 60_000,
  });
  expect(await page.locator('a.tile').count()).toBe(0);
  expect(await page.locator('.tile.away').count()).toBeGreaterThan(0);
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: join(pictures, `portal-cannot-open-${width}.png`) });
    expect(await isTooWide(page)).toBe(false);
    expect((await axeViolations(page)).map(({ id }) => id)).toEqual([]);
  }
});

test('the portal offers programs again when they can be opened', async () => {
  guacd = await startStandInGuacd(guacdPort);
  await page.waitForSelector('a.tile', { timeout: 60_000 });
  expect(await page.locator('text=Les programmes ne peuvent pas').count()).toBe(0);
});

test('the page of a server says how far its clock is off', async () => {
  await saveClockSkew(city.city.platform.database, city.city.agent.actor.id, -86_280_000);
  await signIn(city.technician);
  await page.goto(`${city.url}/admin/servers/${city.city.agent.actor.id}`);
  await page.waitForSelector('text=L’horloge de ce serveur retarde de 23 h 58');
  await page.setViewportSize({ width: 375, height: 900 });
  expect(await isTooWide(page)).toBe(false);
  await page.screenshot({ path: join(pictures, 'server-clock-375.png') });
});

/** A device whose clock is off by so much. */
async function deviceOffBy(ms: number): Promise<Page> {
  const device = await browser.context.newPage();
  await device.addInitScript(`{
    const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...given) {
        if (given.length === 0) super(Real.now() + ${ms});
        else super(...given);
      }
      static now() { return Real.now() + ${ms}; }
    };
  }`);
  return device;
}

test.each([
  ['right', 0],
  ['an hour fast', 3_600_000],
  ['an hour slow', -3_600_000],
  ['a day slow', -86_400_000],
])('on a device whose clock is %s, the portal warns of the end that is near', async (_, off) => {
  const { platform, technician, applications, time } = city.city;
  // Rules are written by the clock of the tests, and looked at by this machine's.
  time.at = Date.now();
  for (const rule of await listRules(platform, technician, null))
    if (
      rule.target.kind === 'application' &&
      rule.target.applicationId === applications.tuxpaint.id
    )
      await withdrawRule(platform, technician, rule.id);
  // The school lies where it is about noon, so that no window of its rule crosses midnight.
  const east = 12 - new Date().getUTCHours();
  const timeZone = `Etc/GMT${east < 0 ? '+' : '-'}${Math.abs(east)}`;
  await platform.database.updateTable('sites').set({ time_zone: timeZone }).execute();
  const there = (at: number) =>
    new Intl.DateTimeFormat('fr-FR', { timeZone, hour: '2-digit', minute: '2-digit' }).format(at);
  const end = Date.now() + 25 * 60_000;
  // The browser shows it in the zone of this machine.
  const until = new Intl.DateTimeFormat('fr-FR', { hour: '2-digit', minute: '2-digit' }).format(
    end,
  );
  await createRule(platform, technician, {
    ...plainRule,
    effect: 'allow',
    target: { kind: 'application', applicationId: applications.tuxpaint.id },
    audience: { kind: 'everyone' },
    when: {
      open: [
        {
          days: [1, 2, 3, 4, 5, 6, 7],
          from: there(Date.now() - 5 * 60_000),
          to: there(end),
          period: 'always',
        },
      ],
      exceptDates: [],
      from: null,
      until: null,
    },
  });
  await signIn(city.pupil);
  const device = await deviceOffBy(off);
  await device.goto(`${city.url}/`);
  await device.waitForSelector(`.tile:has-text("tuxpaint") >> text=jusqu’à ${until}`);
  await device.close();
});

test.each([
  ['right', 0],
  ['an hour fast', 3_600_000],
  ['an hour slow', -3_600_000],
])(
  'on a device whose clock is %s, a session warns before it ends, and is not re-read',
  async (_, off) => {
    const { platform, agent } = city.city;
    await city.codes();
    const { id } = await platform.database
      .selectFrom('sessions')
      .select('id')
      .where('ended_at', 'is', null)
      .executeTakeFirstOrThrow();
    const deps = { ...platform, clock: { now: () => Date.now() } };
    await acceptReport(
      deps,
      agent.actor,
      agent.report({ sessions: [readySession(id, serial, Date.now())] }),
    );
    const endsAt = Date.now() + 4 * 60_000;
    await platform.database
      .updateTable('sessions')
      .set({ ends_at: endsAt })
      .where('id', '=', id)
      .execute();
    await signIn(city.pupil);
    const device = await deviceOffBy(off);
    let reads = 0;
    device.on('request', (request) => {
      if (request.url().endsWith(`/api/sessions/${id}`)) reads += 1;
    });
    await device.goto(`${city.url}/session/${id}`);
    const at = new Intl.DateTimeFormat('fr-FR', { hour: '2-digit', minute: '2-digit' }).format(
      endsAt,
    );
    await device.waitForSelector(`text=Cette application se ferme à ${at}`);
    await device.waitForTimeout(5000);
    expect(reads).toBeLessThanOrEqual(2);
    await device.close();
  },
);

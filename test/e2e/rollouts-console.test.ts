/** A technician in a browser: from choosing an application to seeing it everywhere, and what
 * happens when it goes wrong. The schools' servers are real agents on the memory driver; the
 * browser, the controller and Redis are the real ones. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import type { RolloutDraft } from '@preau/contract/rollout-draft.ts';
import { defaultDraft } from '@preau/contract/rollout-draft.ts';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBrowser, openBrowser } from '../../dev/browser.ts';
import { Client } from '../../dev/client.ts';
import { root, until } from '../../dev/services.ts';
import { type SimulatedCity, startSimulatedCity } from '../../dev/simulated-schools.ts';
import { demoLogins } from '../../dev/world.ts';
import { pageFaults } from '../page-faults.fixture.ts';

const folder = join(root, '.data', `e2e-rollouts-${process.pid}`);
const pictures = join(root, '.data/pictures');
let city: SimulatedCity;
let browser: OpenBrowser;
let page: Page;
const broken: string[] = [];

async function signInPage(login: string): Promise<void> {
  await page.goto(`${city.url}/admin`);
  await page.fill('input[name=login]', login);
  await page.fill('input[name=password]', city.password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.tile');
}
async function faults(): Promise<string[]> {
  const found = await pageFaults(page);
  await page.setViewportSize({ width: 1280, height: 800 });
  return found;
}
/** On a school morning between 8:15 and 9:00 the controller asks first; then, and only then, there
 * is something to tick. */
async function start(button: string, arrived: string): Promise<void> {
  await page.click(button);
  await page.waitForSelector(`${arrived}, .force input`);
  if ((await page.locator('.force input').count()) === 0) return;
  await page.check('.force input');
  await page.click(button);
  await page.waitForSelector(arrived);
}
const applicationId = async (slug: string): Promise<string> =>
  (await city.technician.call('listApplications', {})).items.find(
    (application) => application.slug === slug,
  )?.id ?? '';
const tabTo = async (what: string) => {
  for (let presses = 0; presses < 120; presses += 1) {
    await page.keyboard.press('Tab');
    if (
      (await page.evaluate(`document.activeElement?.matches(${JSON.stringify(what)}) === true`)) ===
      true
    )
      return;
  }
  throw new Error(`no way to ${what} by keyboard`);
};

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  city = await startSimulatedCity({
    folder,
    stageMs: 50,
    installMs: 200,
    log: () => 'Dépaquetage de tuxpaint …\nerreur : plus de place sur le disque',
  });
  browser = await openBrowser(1280, 800);
  page = browser.context.pages()[0] ?? (await browser.context.newPage());
  page.setDefaultTimeout(20_000);
  page.on('pageerror', (error) => broken.push(error.message));
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await city?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a technician rolls out', () => {
  it(
    'chooses, places, times, reads the plan and starts, mostly by keyboard; a reload loses ' +
      'nothing; every school gets it',
    async () => {
      await signInPage(demoLogins.technician);
      expect(await page.locator('.tile').count()).toBe(27);
      expect(await faults()).toEqual([]);
      await page.getByRole('button', { name: 'Nouveau déploiement' }).press('Enter');
      await page.waitForSelector('.pick');
      expect(await page.locator('.foot .primary').isDisabled()).toBe(true);
      await page.fill('input[type=search]', 'calculatrice');
      await tabTo('.pick input');
      await page.keyboard.press('Space');
      expect(await faults()).toEqual([]);
      // What is chosen outlives a reload.
      await page.reload();
      await page.waitForSelector('section li');
      await until(
        'its name',
        async () => (await page.locator('section li strong').textContent()) === 'Calculatrice',
      );
      await tabTo('.foot .primary');
      await page.keyboard.press('Enter');
      await page.waitForSelector('.how');
      await page.locator('.how input').first().press('Space');
      expect(await faults()).toEqual([]);
      await tabTo('.foot .primary');
      await page.keyboard.press('Enter');
      await page.waitForSelector('.parts');
      expect(await faults()).toEqual([]);
      await page.click('.foot .primary');
      await page.waitForSelector('[role=row] [role=cell]');
      expect(await page.locator('dd').first().textContent()).toBe('27');
      expect(await faults()).toEqual([]);
      await page.click('.foot .primary');
      await page.waitForSelector('.last');
      expect(await page.locator('.last ol li').count()).toBe(3);
      await start('.foot .primary', '.progress');
      await page.waitForSelector('h1 + [role=status] >> text=Terminé', { timeout: 40_000 });
      expect(await page.locator('.progress strong').first().textContent()).toBe(
        '27 serveurs sur 27',
      );
      expect(await page.locator('li.passed').count()).toBe(3);
      expect(await faults()).toEqual([]);
      expect(city.schools.every((school) => school.driver.installed.has('galculator'))).toBe(true);
      await page.goto(`${city.url}/admin/rollouts/history`);
      await page.waitForSelector('td >> text=Calculatrice');
      expect(await faults()).toEqual([]);
    },
  );

  it('is told why a wave stopped and what to do; retries the failed ones alone; brings everything back', async () => {
    const id = await applicationId('tuxpaint');
    const failing = city.schools.slice(3, 7);
    for (const school of failing)
      school.driver.fail('install', new AppError('DISK_FULL', { why: 'no space left' }), {
        always: true,
        slug: 'tuxpaint',
      });
    const draft: RolloutDraft = {
      ...defaultDraft,
      name: 'Dessin pour tous',
      items: [{ applicationId: id, want: 'present' }],
      where: { all: true, siteIds: [], groupIds: [], serverIds: [], labels: [] },
      waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
    };
    const planned = await city.technician.call('createRollout', { body: draft });
    await page.goto(`${city.url}/admin/rollouts/${planned.id}`);
    await page.waitForSelector('[role=row] [role=cell]');
    expect(await page.locator('.actions .primary').textContent()).toBe('Démarrer maintenant');
    await start('.actions .primary', '.progress');
    await page.waitForSelector('.note', { timeout: 40_000 });
    expect(await page.locator('.note').textContent()).toMatch(
      /Vague 1 arrêtée : \d serveurs en échec/,
    );
    expect(await page.locator('.actions .primary').textContent()).toBe(
      'Continuer malgré les échecs',
    );
    await page.waitForSelector('ul >> text=Le disque du serveur est plein');
    // One school: its error, what its installer said, and again after a reload.
    await page.selectOption('select[aria-label="État"]', 'failed');
    await until(
      'only failed ones',
      async () =>
        (await page.locator('[role=row] .school').count()) >= 3 &&
        (await page.locator('[role=row] .badge.good').count()) === 0,
    );
    await page.locator('.school button').first().press('Enter');
    await page.waitForSelector('aside pre >> text=plus de place');
    expect(await faults()).toEqual([]);
    await page.screenshot({ path: join(pictures, 'rollout.png') });
    await page.reload();
    await page.waitForSelector('aside pre >> text=plus de place');
    await page.keyboard.press('Escape');
    await page.waitForSelector('aside', { state: 'detached' });

    // Mended: those alone begin again, and the rest goes on.
    for (const school of failing) school.driver.mend('install');
    const before = city.schools.map(
      (school) => school.driver.calls.filter((call) => call === 'install tuxpaint').length,
    );
    await page.locator('.actions button', { hasText: 'Réessayer' }).click();
    await page.waitForSelector('h1 + [role=status] >> text=Terminé', { timeout: 40_000 });
    expect(await page.locator('.progress strong').first().textContent()).toBe('27 serveurs sur 27');
    city.schools.forEach((school, index) => {
      const after = school.driver.calls.filter((call) => call === 'install tuxpaint').length;
      expect(after - (before[index] ?? 0)).toBeLessThanOrEqual(1);
    });

    await page.click('summary');
    await page.locator('.list button', { hasText: 'Revenir en arrière partout' }).click();
    await page.waitForSelector('dialog[open]');
    expect(await faults()).toEqual([]);
    await page.locator('dialog button', { hasText: 'Revenir en arrière' }).click();
    await page.waitForSelector('h1 + [role=status] >> text=Revenu en arrière', { timeout: 40_000 });
    expect(city.schools.some((school) => school.driver.installed.has('tuxpaint'))).toBe(false);
    const csv = await page.request.get(`${city.url}/api/rollouts/${planned.id}/csv`);
    expect((await csv.text()).split('\r\n').length).toBeGreaterThanOrEqual(28);
  });

  it('needs a colleague above the limit, and the brake stops everything', async () => {
    const administrator = new Client(city.url);
    await administrator.signIn(demoLogins.administrator, city.password);
    const settings = await administrator.call('readRolloutSettings', {});
    await administrator.call('changeRolloutSettings', {
      body: { ...settings, approvalAboveSites: 5 },
    });
    const planned = await city.technician.call('createRollout', {
      body: {
        ...defaultDraft,
        name: 'À deux',
        items: [{ applicationId: await applicationId('mousepad'), want: 'present' }],
        where: { all: true, siteIds: [], groupIds: [], serverIds: [], labels: [] },
      },
    });
    await page.goto(`${city.url}/admin/rollouts/${planned.id}`);
    await page.waitForSelector('text=on n’approuve pas son propre plan');
    expect(await page.locator('.actions .primary').count()).toBe(0);
    await page.getByRole('button', { name: 'Se déconnecter' }).click();
    await page.waitForSelector('input[name=login]');
    await signInPage(demoLogins.administrator);
    await page.waitForSelector('text=À approuver par vous');
    await page.click('text=À deux');
    await page.waitForSelector('[role=row] [role=cell]');
    await page.click('.actions .primary');
    await page.waitForSelector('h1 + [role=status] >> text=Approuvé');

    await page.goto(`${city.url}/admin`);
    await page.click('.stop');
    await page.waitForSelector('dialog[open]');
    await page.locator('dialog button', { hasText: 'Mettre le frein' }).click();
    await page.waitForSelector('text=Le frein est mis');
    expect(await faults()).toEqual([]);
    await page.goto(`${city.url}/admin/rollouts/${planned.id}`);
    await page.click('.actions .primary');
    await page.waitForSelector('[role=alert] >> text=Levez-le d’abord');
    for (const path of ['', '/schedules', '/settings']) {
      await page.goto(`${city.url}/admin/rollouts${path}`);
      await page.waitForSelector('.card');
      expect(await faults()).toEqual([]);
    }
    expect(broken).toEqual([]);
  });
});

/** What a person sees who sends a file that no office saves, and who erases somebody: the page says
 * what is wrong, and which servers are waited for. Browser, controller and Redis are real; the
 * agents have the memory driver. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBrowser, openBrowser } from '../../dev/browser.ts';
import { root } from '../../dev/services.ts';
import { type SimulatedCity, startSimulatedCity } from '../../dev/simulated-schools.ts';
import { demoLogins } from '../../dev/world.ts';
import { axeViolations, isTooWide } from '../page-faults.fixture.ts';

const folder = join(root, '.data', `e2e-import-${process.pid}`);
const pictures = join(root, '.data/pictures');
let city: SimulatedCity;
let browser: OpenBrowser;
let page: Page;

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  city = await startSimulatedCity({
    folder,
    stageMs: 50,
    installMs: 300,
    only: ['École Jean de La Fontaine', 'École Colette'],
  });
  browser = await openBrowser(1280, 800);
  page = browser.context.pages()[0] ?? (await browser.context.newPage());
  page.setDefaultTimeout(20_000);
  await page.goto(`${city.url}/admin/classes/import`);
  await page.fill('input[name=login]', demoLogins.administrator);
  await page.fill('input[name=password]', city.password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('input[type=file]');
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await city?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function look(name: string): Promise<void> {
  expect((await axeViolations(page)).map(({ id }) => id)).toEqual([]);
  expect(await isTooWide(page)).toBe(false);
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

const header = 'Nom;Prénom;Classe\n';
const files: [name: string, content: Buffer, said: RegExp][] = [
  [
    'one-name',
    Buffer.from(header + 'MARTIN;Léa;CP\n'.repeat(40_000)),
    /^Ligne 62 : plus de 60 lignes s’appellent « Léa Martin »/,
  ],
  ['semicolons', Buffer.alloc(19_000_000, ';'), /^Ligne 1 : plus de 200 colonnes/],
  ['workbook', Buffer.from('504b030414000600', 'hex'), /^Ce fichier est un classeur/],
  [
    'zero-bytes',
    Buffer.from(`${header}P\0;L;CP\n`),
    /^Ligne 2, caractère 2 : ce n’est pas du texte/,
  ],
];

describe('the page of the import', () => {
  it.each(files)('says what is wrong with the file: %s', async (name, buffer, said) => {
    await page.goto(`${city.url}/admin/classes/import`);
    const school = page.locator('form select').first();
    await school.selectOption({ label: 'École Colette' });
    await page.setInputFiles('input[type=file]', {
      name: `${name}.csv`,
      mimeType: 'text/csv',
      buffer,
    });
    await page.click('form button.primary');
    const alert = page.locator('p.alert[role=alert]');
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(said);
    await look(`import-${name}`);
  });
});

describe('the page of personal data', () => {
  it('says which server is waited for: the one whose line is cut', async () => {
    const [cut, other] = city.schools;
    await cut?.silence();
    await page.goto(`${city.url}/admin/privacy/people`);
    await page.fill('input[type=search]', 'Léo Petit');
    await page.locator('tr', { hasText: demoLogins.pupil }).locator('button.danger').click();
    await page.locator('dialog input').fill(demoLogins.pupil);
    await page.locator('dialog button.danger').click();
    await page.locator('p.good[role=status]').waitFor();
    const waiting = page.locator('details summary', { hasText: 'on attend encore 1 serveur' });
    await waiting.waitFor();
    await waiting.click();
    const servers = await page.locator('details li').allInnerTexts();
    expect(servers).toEqual([expect.stringContaining(cut?.name ?? '?')]);
    expect(other?.driver.calls.some((call) => call.startsWith('eraseHome'))).toBe(true);
    await look('privacy-waiting');
  });
});

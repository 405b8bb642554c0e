/** A technician writes rules and asks who sees what; a pupil's page follows by itself. The schools'
 * servers are real agents on the memory driver; the browser, the controller and Redis are the real
 * ones. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { defaultTerms, plainRule, type RuleDraft } from '@preau/contract/rule.ts';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBrowser, openBrowser } from '../../dev/browser.ts';
import { Client } from '../../dev/client.ts';
import { root, until } from '../../dev/services.ts';
import { type SimulatedCity, startSimulatedCity } from '../../dev/simulated-schools.ts';
import { demoLogins } from '../../dev/world.ts';
import { pageFaults } from '../page-faults.fixture.ts';
import { signInPage } from '../sign-in-page.fixture.ts';

const folder = join(root, '.data', `e2e-rules-${process.pid}`);
const pictures = join(root, '.data/pictures');
let city: SimulatedCity;
let browser: OpenBrowser;
let page: Page;
let pupilsBrowser: OpenBrowser;
let portal: Page;
const broken: string[] = [];

/** What axe calls serious, and pages wider than the screen, on a desk and on a tablet. */
async function faults(on: Page, name: string): Promise<string[]> {
  const found = await pageFaults(on, `${name} `, async (width) => {
    if (width === 1280) await on.screenshot({ path: join(pictures, `rules-${name}.png`) });
    return [];
  });
  await on.setViewportSize({ width: 1280, height: 800 });
  return found;
}
const focusTo = async (what: string) => {
  for (let presses = 0; presses < 80; presses += 1) {
    if (
      (await page.evaluate(`document.activeElement?.matches(${JSON.stringify(what)}) === true`)) ===
      true
    )
      return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`no way to ${what} by keyboard`);
};
const sentenceIs = (words: string) =>
  until(
    words,
    async () => (await page.locator('.sentence p').first().textContent()) === words,
    5000,
  );
const previewIs = (words: string) =>
  until(
    words,
    async () =>
      (await page.locator('.told[data-settled=true]').textContent({ timeout: 5000 })) === words,
    8000,
  );
/** The clock on the wall in Paris, so many minutes from now. */
const wall = (minutes: number): string =>
  new Intl.DateTimeFormat('fr-FR', {
    timeZone: 'Europe/Paris',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(Date.now() + minutes * 60_000);
const between = (from: number, to: number): NonNullable<RuleDraft['when']> => ({
  open: [{ days: [1, 2, 3, 4, 5, 6, 7], from: wall(from), to: wall(to), period: 'always' }],
  exceptDates: [],
  from: null,
  until: null,
});
const applicationId = async (slug: string): Promise<string> =>
  (await city.technician.call('listApplications', {})).items.find(
    (application) => application.slug === slug,
  )?.id ?? '';
const ruleAbout = async (targetName: string, audienceName?: string) =>
  (await city.technician.call('listRules', { query: {} })).items.find(
    (rule) =>
      rule.targetName === targetName &&
      (audienceName === undefined || rule.audienceName === audienceName) &&
      rule.changedByName !== 'démonstration',
  );

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  city = await startSimulatedCity({
    folder,
    people: { teachers: 27, pupils: 82 },
    stageMs: 50,
    installMs: 100,
  });
  [browser, pupilsBrowser] = await Promise.all([openBrowser(1280, 800), openBrowser(1024, 768)]);
  page = browser.context.pages()[0] ?? (await browser.context.newPage());
  portal = pupilsBrowser.context.pages()[0] ?? (await pupilsBrowser.context.newPage());
  for (const one of [page, portal]) {
    one.setDefaultTimeout(15_000);
    one.on('pageerror', (error) => broken.push(error.message));
  }
  await city.technician.call('createRule', {
    body: {
      ...plainRule,
      effect: 'deny',
      target: { kind: 'category', category: 'office' },
      audience: { kind: 'role', role: 'pupil' },
      note: 'Pas de bureautique avant le collège',
    },
  });
  await Promise.all([
    signInPage(page, city, demoLogins.technician, '/admin/rules'),
    signInPage(portal, city, demoLogins.pupil, '/'),
  ]);
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await pupilsBrowser?.close();
  await city?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a technician writes a rule', () => {
  it(
    'by keyboard alone: the sentence builds itself, what it changes and what it contradicts is ' +
      'shown; the pupil’s page follows',
    async () => {
      await page.waitForSelector('.strip[data-applied="27"]');
      expect(await page.locator('.strip').textContent()).toContain('27 écoles à jour');
      expect.soft(await faults(page, 'list')).toEqual([]);
      expect(await portal.locator('text=Bloc-notes').count()).toBe(0);
      await page.getByRole('button', { name: 'Nouvelle règle' }).press('Enter');
      await page.waitForSelector('.sentence');
      await sentenceIs('… peuvent utiliser ….');
      expect(await page.locator('.foot .primary').isDisabled()).toBe(true);
      expect(await page.locator('#wrong').textContent()).toContain(
        'Choisissez ce qui est concerné',
      );
      await focusTo('fieldset:nth-of-type(2) [role=combobox]');
      await page.keyboard.type('bloc');
      await page.waitForSelector('[role=option][aria-selected=true] >> text=Bloc-notes');
      expect.soft(await faults(page, 'choosing')).toEqual([]);
      await page.keyboard.press('Enter');
      await focusTo('input[name=whom]');
      await page.keyboard.press('Space');
      await sentenceIs('Tous les élèves peuvent utiliser Bloc-notes.');
      await previewIs('82 élèves de 27 écoles gagnent Bloc-notes, personne ne perd rien.');
      await focusTo('input[name=place]');
      await page.keyboard.press('ArrowDown');
      await focusTo('fieldset:nth-of-type(4) [role=combobox]');
      await page.keyboard.type('fontaine');
      await page.waitForSelector('fieldset:nth-of-type(4) [role=option][aria-selected=true]');
      await page.keyboard.press('Enter');
      await sentenceIs('Les élèves de l’École Jean de La Fontaine peuvent utiliser Bloc-notes.');
      await previewIs('4 élèves d’une école gagnent Bloc-notes, personne ne perd rien.');
      const conflict = page.locator('.aside li').first();
      expect(await conflict.textContent()).toContain(
        'Aucun élève ne peut utiliser les applications de la catégorie Bureautique.',
      );
      expect(await conflict.textContent()).toContain(
        'Votre règle l’emporte parce qu’elle est plus précise',
      );
      expect.soft(await faults(page, 'editor')).toEqual([]);
      await focusTo('.foot .primary');
      await page.keyboard.press('Enter');
      await page.waitForSelector('.notice >> text=Règle enregistrée.');
      await page.waitForSelector('section[aria-label="Bloc-notes"] >> text=Les élèves');
      await page.waitForSelector('.strip[data-applied="27"]');
      // Nobody touched the pupil's page.
      await portal.waitForSelector('text=Bloc-notes');
      expect(await ruleAbout('Bloc-notes')).toMatchObject({
        effect: 'allow',
        audience: { kind: 'role', role: 'pupil' },
        place: { kind: 'site' },
      });
    },
  );

  it('changes it: hours, an impossible end, a colleague who was faster, and leaving asks', async () => {
    const rule = await ruleAbout('Bloc-notes');
    if (rule === undefined) throw new Error('it was not saved');
    await page.goto(`${city.url}/admin/rules/${rule.id}`);
    await page.waitForSelector('.sentence');
    await page.check('input[name=when][value=own]');
    await page.locator('.spec select').selectOption('always');
    await sentenceIs(
      'Les élèves de l’École Jean de La Fontaine peuvent utiliser Bloc-notes, du lundi au vendredi 8:30–16:30.',
    );
    await page.click('summary');
    await page.fill('label:has-text("Premier jour") input', '2026-09-01');
    await page.fill('label:has-text("Dernier jour") input', '2026-08-01');
    await page.waitForSelector('#wrong >> text=La fin vient avant le début');
    expect(await page.locator('.foot .primary').isDisabled()).toBe(true);
    await page.fill('label:has-text("Premier jour") input', '');
    await page.fill('label:has-text("Dernier jour") input', '2040-06-30');
    await sentenceIs(
      'Les élèves de l’École Jean de La Fontaine peuvent utiliser Bloc-notes, du lundi au ' +
        'vendredi 8:30–16:30, jusqu’au 30 juin 2040.',
    );
    await page.check('label:has-text("Fixer les conditions") input');
    await page.fill('label:has-text("Durée au plus") input', '45');
    await page.keyboard.press('Tab');
    expect.soft(await faults(page, 'hours')).toEqual([]);

    const administrator = new Client(city.url);
    await administrator.signIn(demoLogins.administrator, city.password);
    const { effect, target, audience, place } = rule;
    await administrator.call('changeRule', {
      params: { id: rule.id },
      body: { version: 1, draft: { ...plainRule, effect, target, audience, place, note: 'Essai' } },
    });
    await page.waitForSelector('.meanwhile >> text=Claude Rivoire');
    expect(await page.locator('.foot .primary').isDisabled()).toBe(true);
    expect.soft(await faults(page, 'colleague')).toEqual([]);
    await page.getByRole('link', { name: 'Qui voit quoi' }).click();
    await page.waitForSelector('dialog[open] >> text=Quitter sans enregistrer ?');
    await page.getByRole('button', { name: 'Rester' }).click();
    await page.getByRole('button', { name: 'Garder la mienne par-dessus' }).click();
    await page.waitForSelector('.notice');
    expect(await ruleAbout('Bloc-notes')).toMatchObject({
      version: 3,
      when: { until: '2040-06-30' },
      how: { maxMinutes: 45 },
    });
    await page
      .locator('section[aria-label="Bloc-notes"] button', { hasText: 'Historique' })
      .first()
      .click();
    await page.waitForSelector('dialog ol li:nth-child(3)');
    expect(await page.locator('dialog ol li').count()).toBe(3);
    expect.soft(await faults(page, 'history')).toEqual([]);
    await page.locator('dialog button', { hasText: 'Fermer' }).click();
  });
});

describe('who sees what', () => {
  it('is explained for a person, now and next Saturday; the remedy fills in the editor', async () => {
    await page.goto(`${city.url}/admin/access`);
    await page.waitForSelector('.asks');
    await page.keyboard.press('Tab');
    await focusTo('.asks [role=combobox]');
    await page.keyboard.type('léo petit');
    await page.waitForSelector('[role=option][aria-selected=true] >> text=Léo Petit');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.sum >> text=Léo Petit');
    await page.selectOption('label:has-text("À quel moment") select', 'other');
    await page.getByRole('button', { name: 'lundi prochain 10:00' }).click();
    const row = page.locator('ul.card li', { hasText: 'Bloc-notes' });
    await until(
      'open on Monday',
      async () => (await row.locator('.badge').textContent())?.includes('Ouverte') === true,
    );
    await page.getByRole('button', { name: 'samedi prochain 15:00' }).click();
    await until(
      'closed on Saturday',
      async () => (await row.locator('.badge').textContent())?.includes('Fermée') === true,
    );
    await row.locator('button').click();
    const why = page.locator('section[aria-label="Bloc-notes"]');
    await why.waitFor();
    expect(await why.textContent()).toContain('Hors horaire');
    expect(await why.textContent()).toContain('jusqu’au 30 juin 2040');
    expect.soft(await faults(page, 'explain')).toEqual([]);
    // The address of the page is the question: a colleague who opens it sees the same.
    await page.reload();
    await why.waitFor();
    await page.waitForSelector('.sum >> text=Léo Petit');
    expect(page.url()).toMatch(/person=acc_.*application=app_.*at=\d+/);
    await why.getByRole('link', { name: /à cette personne/ }).click();
    await page.waitForSelector('.sentence');
    await sentenceIs(
      'Léo Petit ne peut pas utiliser Bloc-notes à l’École Jean de La Fontaine.'.replace(
        'ne peut pas',
        (await page.locator('.sentence p').first().textContent())?.includes('ne peut pas') === true
          ? 'ne peut pas'
          : 'peut',
      ),
    );
    await page.locator('.foot a').click();
    await page.getByRole('button', { name: 'Quitter' }).click();
    await page.waitForSelector('.strip');
  });

  it('as applications × schools, and as a table to download', async () => {
    await page.goto(`${city.url}/admin/access/matrix`);
    await page.waitForSelector('thead .school');
    expect(await page.locator('thead .school').count()).toBe(27);
    await page.selectOption('select[aria-label="Qui"]', 'pupil');
    const cell = page.locator('tr:has(th:has-text("Calculatrice")) td button').first();
    await until('pupils only', async () =>
      /ouverte à 4 personnes sur 4, pas installée/.test(
        (await page
          .locator('tr:has(th:has-text("Calculatrice")) td button[title*="Jean de La Fontaine"]')
          .getAttribute('title')) ?? '',
      ),
    );
    expect.soft(await faults(page, 'matrix')).toEqual([]);
    await cell.click();
    await page.waitForSelector(
      'dialog[open] >> text=Tous les élèves peuvent utiliser Calculatrice.',
    );
    await page.locator('dialog button', { hasText: 'Fermer' }).click();
    await page.goto(`${city.url}/admin/access/export`);
    await page.selectOption('label:has-text("École") select', {
      label: 'École Jean de La Fontaine',
    });
    expect.soft(await faults(page, 'export')).toEqual([]);
    const link = await page.locator('a.go').getAttribute('href');
    const table = await (await page.request.get(`${city.url}${link}`)).text();
    expect(
      table.split('\n').filter((line) => line.includes('leo.petit')).length,
    ).toBeGreaterThanOrEqual(2);
  });
});

describe('what a school says of itself', () => {
  it('is refused with a sentence, and saved', async () => {
    await page.goto(`${city.url}/admin/schools`);
    await page.click('a.school >> text=Jean de La Fontaine');
    await page.getByRole('button', { name: 'Ajouter un réseau' }).click();
    await page.fill('[aria-label="Plage 1"]', '10.12.0.0/99');
    await page.waitForSelector('text=« 10.12.0.0/99 » n’est pas une plage d’adresses');
    await page.fill('[aria-label="Plage 1"]', '10.12.0.0/16');
    await page.fill('[aria-label="Étiquettes de la plage 1"]', 'salle-info');
    await page.fill('section[aria-label^="Fermetures"] input[type=date]', '2027-05-28');
    await page.getByRole('button', { name: 'Ajouter ce jour' }).click();
    expect.soft(await faults(page, 'school')).toEqual([]);
    await page.getByRole('button', { name: 'Enregistrer' }).click();
    await page.waitForSelector('.foot >> text=Enregistré.');
    expect(
      await city.technician.call('readSiteSettings', {
        params: { id: city.schools.find(({ name }) => name.includes('Fontaine'))?.siteId ?? '' },
      }),
    ).toMatchObject({
      networks: [{ subnet: '10.12.0.0/16', labels: ['salle-info'] }],
      closures: ['2027-05-28'],
    });
  });
});

describe('a pupil', () => {
  it('is told why not, waits for a seat, is told of the end, and sees why it ended', async () => {
    const own = city.schools.find(({ name }) => name.includes('Fontaine'));
    if (own === undefined) throw new Error('no school');
    await portal.goto(`${city.url}/launch/musescore3`);
    await portal.waitForSelector('text=n’est pas ouverte pour toi');
    const later = await city.technician.call('createRule', {
      body: {
        ...plainRule,
        effect: 'allow',
        target: { kind: 'application', applicationId: await applicationId('musescore3') },
        audience: { kind: 'role', role: 'pupil' },
        when: between(120, 180),
      },
    });
    // The sentence changes by itself.
    await portal.waitForSelector('text=Ce n’est pas encore l’heure.');
    expect(await portal.locator('.why').textContent()).toMatch(
      /Elle s’ouvrira (aujourd’hui|demain) à \d\d:\d\d\./,
    );
    expect.soft(await faults(portal, 'why')).toEqual([]);
    await city.technician.call('deleteRule', { params: { id: later.id } });

    const calculator = await applicationId('galculator');
    await city.technician.call('wantApplication', {
      params: { id: own.serverId, applicationId: calculator },
      body: { wanted: true },
    });
    await until(
      'installed',
      async () =>
        (
          await city.technician.call('readServer', { params: { id: own.serverId } })
        ).applications.some(({ slug, state }) => slug === 'galculator' && state === 'installed'),
      40_000,
    );
    const seat = await city.technician.call('createRule', {
      body: {
        ...plainRule,
        effect: 'allow',
        target: { kind: 'application', applicationId: calculator },
        audience: { kind: 'everyone' },
        place: { kind: 'site', siteId: own.siteId },
        how: { ...defaultTerms, maxMinutes: 4, seats: 1 },
        when: between(-60, 40),
      },
    });
    // The city's own rule for roles is more precise: it gives way to the school's.
    for (const rule of (await city.technician.call('listRules', { query: {} })).items.filter(
      (one) => one.targetName === 'Calculatrice' && one.id !== seat.id,
    ))
      await city.technician.call('deleteRule', { params: { id: rule.id } });
    await portal.goto(`${city.url}/`);
    await portal.waitForSelector('.tile:has-text("Calculatrice") >> text=jusqu’à');
    expect.soft(await faults(portal, 'home')).toEqual([]);
    const teacher = new Client(city.url);
    await teacher.signIn(demoLogins.teacher, city.password);
    let taken = '';
    await until('the server takes a session', async () => {
      taken = (
        await teacher.call('launchSession', { body: { application: 'galculator', language: 'fr' } })
      ).session.id;
      return true;
    });
    await portal.goto(`${city.url}/launch/galculator`);
    await portal.waitForSelector('text=Tu es le premier dans la file');
    expect.soft(await faults(portal, 'queue')).toEqual([]);
    await teacher.call('endSession', { params: { id: taken } });
    // The place is free: the page asks again by itself, and is told that its session lasts four
    // minutes.
    await portal.waitForSelector('text=enregistre ton travail');
    expect.soft(await faults(portal, 'ends')).toEqual([]);
    await city.technician.call('deleteRule', { params: { id: seat.id } });
    await portal.waitForSelector('text=C’est l’heure');
    expect.soft(await faults(portal, 'ended')).toEqual([]);
  });
});

describe('withdrawing', () => {
  it('is undone by one button', async () => {
    await page.goto(`${city.url}/admin/rules`);
    await page.fill('input[type=search]', 'fontaine bloc');
    const mine = page.locator('.rule', { hasText: 'Bloc-notes' });
    await mine.locator('button', { hasText: 'Retirer' }).click();
    await page.locator('dialog button', { hasText: 'Retirer' }).click();
    await page.waitForSelector('.notice >> text=Règle retirée.');
    await until('withdrawn', async () => (await ruleAbout('Bloc-notes')) === undefined);
    expect.soft(await faults(page, 'withdrawn')).toEqual([]);
    await page.locator('.notice button', { hasText: 'Annuler' }).click();
    await page.waitForSelector('.notice >> text=Règle rétablie.');
    expect(await ruleAbout('Bloc-notes')).toMatchObject({ version: 4, how: { maxMinutes: 45 } });
    await page.fill('input[type=search]', 'fontaine');
    await page.getByRole('button', { name: 'English' }).click();
    await page.waitForSelector('text=Pupils of École Jean de La Fontaine may use');
    expect(broken).toEqual([]);
  });
});

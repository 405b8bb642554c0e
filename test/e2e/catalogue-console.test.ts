/** A technician keeps the catalogue in the browser: a real .deb is dropped and read, an application
 * made of it reaches a school; scripts take two people; tokens are shown once. The schools' servers
 * are real agents on the memory driver. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBrowser, openBrowser } from '../../dev/browser.ts';
import { root, until } from '../../dev/services.ts';
import { type SimulatedCity, startSimulatedCity } from '../../dev/simulated-schools.ts';
import { demoLogins } from '../../dev/world.ts';
import { pageFaults } from '../page-faults.fixture.ts';
import { signInPage } from '../sign-in-page.fixture.ts';

const folder = join(root, '.data', `e2e-catalogue-${process.pid}`);
const pictures = join(root, '.data/pictures');
const school = 'École Jean Moulin';
let city: SimulatedCity;
let browsers: OpenBrowser[] = [];
let page: Page;
let administrators: Page;
const broken: string[] = [];

/** A green square of 48 pixels. */
function png(): Buffer {
  const size = 48;
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const framed = Buffer.alloc(8 + body.length);
    framed.writeUInt32BE(data.length);
    body.copy(framed, 4);
    framed.writeUInt32BE(crc32(body), 4 + body.length);
    return framed;
  };
  const header = Buffer.from([0, 0, 0, size, 0, 0, 0, size, 8, 2, 0, 0, 0]);
  const row = Buffer.concat([
    Buffer.from([0]),
    Buffer.from(Array.from({ length: size }, () => [30, 140, 80]).flat()),
  ]);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(Array.from({ length: size }, () => row)))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** As Debian's own tool builds it. */
function buildDeb(version: string): string {
  const tree = join(folder, `jeu-${version}`);
  const put = (path: string, content: string | Buffer) => {
    mkdirSync(join(tree, path, '..'), { recursive: true });
    writeFileSync(join(tree, path), content);
  };
  put(
    'DEBIAN/control',
    `Package: jeu-des-mots\nVersion: ${version}\nArchitecture: all\nMaintainer: Ville ` +
      '<dsi@ville.example>\nDescription: word game for schools\n A longer text.\n',
  );
  put('usr/bin/jeu-des-mots', '#!/bin/sh\nexec xmessage mots\n');
  chmodSync(join(tree, 'usr/bin/jeu-des-mots'), 0o755);
  put(
    'usr/share/applications/jeu-des-mots.desktop',
    '[Desktop Entry]\nType=Application\nName=Word game\nName[fr]=Jeu des mots\nComment=Play ' +
      'with words\nComment[fr]=Jouer avec les ' +
      'mots\nCategories=Education;Game;\nExec=jeu-des-mots --plein-ecran ' +
      '%U\nIcon=jeu-des-mots\n',
  );
  put(
    'usr/share/applications/reglages.desktop',
    '[Desktop Entry]\nType=Application\nName=Settings\nExec=reglages\nNoDisplay=true\n',
  );
  put('usr/share/icons/hicolor/48x48/apps/jeu-des-mots.png', png());
  const file = join(folder, `jeu-des-mots_${version}_all.deb`);
  execFileSync('dpkg-deb', ['--build', '--root-owner-group', tree, file], { stdio: 'ignore' });
  return file;
}

async function faults(on: Page, name: string): Promise<string[]> {
  const found = await pageFaults(on, `${name} `, async (width) => {
    await on.screenshot({ path: join(pictures, `catalogue-${name}-${width}.png`), fullPage: true });
    return [];
  });
  await on.setViewportSize({ width: 1280, height: 800 });
  return found;
}
const heading = (on: Page, words: string) =>
  until(
    words,
    async () => (await on.locator('main h1').first().textContent())?.includes(words) === true,
    10_000,
  );
const known = async (slug: string) =>
  (await city.technician.call('listApplications', {})).items.find(
    (application) => application.slug === slug,
  );

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  city = await startSimulatedCity({ folder, stageMs: 50, installMs: 100, only: [school] });
  browsers = await Promise.all([openBrowser(1280, 800), openBrowser(1280, 800)]);
  const [one, other] = await Promise.all(
    browsers.map(async ({ context }) => context.pages()[0] ?? (await context.newPage())),
  );
  if (one === undefined || other === undefined) throw new Error('no page');
  page = one;
  administrators = other;
  for (const each of [page, administrators]) {
    each.setDefaultTimeout(15_000);
    each.on('pageerror', (error) => broken.push(error.message));
  }
  await Promise.all([
    signInPage(page, city, demoLogins.technician, '/admin/applications'),
    signInPage(administrators, city, demoLogins.administrator, '/admin/applications/scripts'),
  ]);
}, 180_000);

afterAll(async () => {
  for (const browser of browsers) await browser.close();
  await city?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('an application', () => {
  it('is made of a dropped .deb: what the file says is filled in; a rollout brings it to the school', async () => {
    expect.soft(await faults(page, 'list')).toEqual([]);
    await page.getByRole('link', { name: 'Ajouter une application' }).click();
    await heading(page, 'Ajouter une application');
    await page.getByRole('radio', { name: /^Un fichier/ }).check();
    await page.setInputFiles('.drop input[type=file]', buildDeb('1.0'));
    await until(
      'the name',
      async () => (await page.getByLabel('Nom', { exact: true }).inputValue()) === 'Jeu des mots',
    );
    expect(await page.getByLabel('Une phrase').inputValue()).toBe('Jouer avec les mots');
    expect(await page.getByRole('textbox', { name: 'Version' }).inputValue()).toBe('1.0');
    expect(await page.getByLabel('Commande').inputValue()).toBe('jeu-des-mots --plein-ecran');
    expect(await page.locator('figure img').count()).toBe(1);
    expect.soft(await faults(page, 'form-deb')).toEqual([]);
    await page.getByRole('button', { name: 'Ajouter au catalogue' }).click();
    await heading(page, 'Jeu des mots');
    expect(await page.locator('main').textContent()).toContain(
      'Elle n’est encore dans aucune école.',
    );
    const made = await known('jeu-des-mots');
    expect(made).toMatchObject({
      name: { fr: 'Jeu des mots', en: 'Word game' },
      version: '1.0',
      category: 'games',
      recipes: {
        linux: {
          kind: 'deb',
          package: 'jeu-des-mots',
          detect: { kind: 'package', package: 'jeu-des-mots' },
        },
      },
    });
    expect(made?.iconHash).not.toBeNull();
    expect.soft(await faults(page, 'application')).toEqual([]);
    await page.getByRole('button', { name: 'Installer dans des écoles' }).click();
    await heading(page, 'Nouveau déploiement');
    await page.getByRole('button', { name: 'Continuer' }).click();
    await page.getByRole('radio', { name: /Toutes les écoles/ }).check();
    await page.getByRole('button', { name: 'Continuer' }).click();
    await page.getByRole('button', { name: 'Faire le plan' }).click();
    await page.getByRole('button', { name: 'Continuer' }).click();
    await page.getByRole('button', { name: 'Démarrer maintenant' }).click();
    // Tests run at all hours, those too at which a school arrives.
    if (
      await page
        .locator('.force input')
        .isVisible({ timeout: 1000 })
        .catch(() => false)
    ) {
      await page.locator('.force input').check();
      await page.getByRole('button', { name: 'Démarrer maintenant' }).click();
    }
    await until(
      'it is there',
      async () => (await known('jeu-des-mots'))?.installedOn === 1,
      30_000,
    );
  });

  it('gets a version more, other words and another picture', async () => {
    const made = await known('jeu-des-mots');
    await page.goto(`${city.url}/admin/applications/${made?.id}`);
    await page.getByRole('link', { name: 'Ajouter une version' }).click();
    await heading(page, 'Ajouter une version');
    await page.setInputFiles('.drop input[type=file]', buildDeb('2.0'));
    await until(
      'the version',
      async () => (await page.getByRole('textbox', { name: 'Version' }).inputValue()) === '2.0',
    );
    await page.getByRole('button', { name: 'Ajouter cette version' }).click();
    await until('two versions', async () => (await page.locator('tbody tr').count()) === 2);
    await page.getByRole('button', { name: 'Modifier' }).click();
    await page.getByLabel('Étiquettes').fill('jeux cycle-3');
    await page.getByLabel('Licences').fill('12');
    await page.getByRole('button', { name: 'Enregistrer' }).click();
    await until('saved', async () => (await known('jeu-des-mots'))?.seats === 12);
    expect(await known('jeu-des-mots')).toMatchObject({
      labels: ['cycle-3', 'jeux'],
      version: '2.0',
    });
    await page.getByRole('button', { name: 'Changer l’icône' }).click();
    const before = made?.iconHash;
    await page.setInputFiles('.drop input[type=file]', {
      name: 'autre.png',
      mimeType: 'image/png',
      buffer: Buffer.concat([png(), Buffer.from([0])]),
    });
    await until('another picture', async () => (await known('jeu-des-mots'))?.iconHash !== before);
  });

  it('is named by its Debian package alone; what is wrong is said before and after', async () => {
    await page.goto(`${city.url}/admin/applications/new`);
    await page.getByLabel('Paquets Debian').fill('supertux');
    await page.keyboard.press('Tab');
    expect(await page.getByLabel('Commande').inputValue()).toBe('supertux');
    await page.getByLabel('Nom', { exact: true }).fill('SuperTux');
    await page.getByLabel('Une phrase').fill('Courir et sauter.');
    await page.getByRole('button', { name: 'Ajouter au catalogue' }).click();
    await heading(page, 'SuperTux');
    await page.goto(`${city.url}/admin/applications/new`);
    await page.getByLabel('Paquets Debian').fill('supertux-autre');
    await page.getByLabel('Nom', { exact: true }).fill('SuperTux');
    await page.getByText('SuperTux porte déjà ce nom court').waitFor();
    expect(await page.getByRole('button', { name: 'Ajouter au catalogue' }).isDisabled()).toBe(
      true,
    );
    await page.goto(`${city.url}/admin/applications/new`);
    await page.getByRole('radio', { name: /^Un fichier/ }).check();
    await page.setInputFiles('.drop input[type=file]', {
      name: 'lettre.odt.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('une lettre'),
    });
    await until(
      'the sentence',
      async () =>
        (await page.locator('main').textContent())?.includes(
          'n’est rien que Préau sache installer',
        ) === true,
    );
    await page.getByRole('button', { name: 'Ajouter au catalogue' }).click();
    expect(await known('lettre')).toBeUndefined();
    expect(await page.locator('main h1').textContent()).toBe('Ajouter une application');
  });
});

describe('what was a mistake', () => {
  it(
    'leaves the catalogue: a version, an application; what is installed says why not; one click ' +
      'takes it back',
    async () => {
      const versions = page.locator('main tbody tr');
      await page.goto(`${city.url}/admin/applications/${(await known('jeu-des-mots'))?.id}`);
      await page.getByRole('button', { name: 'Retirer 2.0' }).click();
      await page.locator('dialog').getByRole('button', { name: 'Retirer', exact: true }).click();
      await until(
        'the one before',
        async () =>
          (await known('jeu-des-mots'))?.version === '1.0' && (await versions.count()) === 1,
      );
      await page.getByRole('status').getByRole('button', { name: 'Annuler' }).click();
      await until(
        'it is back',
        async () =>
          (await known('jeu-des-mots'))?.version === '2.0' && (await versions.count()) === 2,
      );
      await page.getByRole('button', { name: 'Retirer du catalogue' }).click();
      await page.locator('dialog').getByRole('button', { name: 'Retirer du catalogue' }).click();
      await page.getByRole('alert').getByText('1 serveur l’a ou l’attend encore.').waitFor();
      expect.soft(await faults(page, 'refused')).toEqual([]);
      await page.getByRole('button', { name: 'La retirer des écoles…' }).click();
      await heading(page, 'Nouveau déploiement');
      await until(
        'what is to go',
        async () => (await page.locator('main').textContent())?.includes('Jeu des mots') === true,
      );

      await page.goto(`${city.url}/admin/applications/${(await known('supertux'))?.id}`);
      await page.getByRole('button', { name: 'Retirer du catalogue' }).click();
      await page.locator('dialog').getByRole('button', { name: 'Retirer du catalogue' }).click();
      await page.getByText('Cette application n’est plus au catalogue.').waitFor();
      expect.soft(await faults(page, 'withdrawn')).toEqual([]);
      await page.goto(`${city.url}/admin/applications`);
      await page.getByText('1 application retirée du catalogue').click();
      expect(await page.locator('tbody tr', { hasText: 'SuperTux' }).count()).toBe(0);
      expect.soft(await faults(page, 'list-withdrawn')).toEqual([]);
      await page.getByRole('link', { name: 'SuperTux' }).click();
      await page.getByRole('button', { name: 'Remettre au catalogue' }).click();
      await until('it is back', async () => (await known('supertux'))?.version !== undefined);
    },
  );
});

describe('files', () => {
  it('that nothing uses are deleted; the others say who uses them', async () => {
    await page.goto(`${city.url}/admin/applications/files`);
    await page.waitForSelector('tbody tr');
    const row = (name: string) => page.locator('tbody tr', { hasText: name });
    expect(await row('jeu-des-mots_1.0_all.deb').textContent()).toContain('jeu-des-mots');
    expect(await row('jeu-des-mots_1.0_all.deb').getByRole('button').count()).toBe(0);
    expect.soft(await faults(page, 'files')).toEqual([]);
    await page.getByRole('button', { name: 'Supprimer : lettre.odt.txt' }).click();
    await page.locator('dialog').getByRole('button', { name: 'Supprimer' }).click();
    await until('gone', async () => (await row('lettre.odt.txt').count()) === 0);
  });
});

describe('a script', () => {
  it('is written by one, read and signed by another, and becomes an application', async () => {
    await page.goto(`${city.url}/admin/applications/scripts`);
    await page.getByRole('button', { name: 'Proposer un script' }).click();
    await page.getByLabel('Nom court').fill('pilote-tni');
    await page
      .getByLabel('Pour installer')
      .fill('#!/bin/sh\nset -eu\necho 3 > /opt/pilote-tni.version\n');
    await page.getByLabel('Pour retirer').fill('#!/bin/sh\nrm -f /opt/pilote-tni.version\n');
    await page.getByRole('button', { name: 'Proposer', exact: true }).click();
    await until(
      'told',
      async () =>
        (await page.locator('article').textContent())?.includes('un collègue doit le lire') ===
        true,
    );
    expect(await page.getByRole('button', { name: 'J’ai lu : je signe' }).count()).toBe(0);
    expect.soft(await faults(page, 'scripts')).toEqual([]);
    await administrators.getByRole('button', { name: 'Lire : pilote-tni' }).click();
    expect(await administrators.locator('pre').first().textContent()).toContain('echo 3');
    await administrators.getByRole('button', { name: 'J’ai lu : je signe' }).click();
    await page.getByRole('link', { name: 'En faire une application : pilote-tni' }).click();
    await heading(page, 'Ajouter une application');
    await until(
      'chosen',
      async () => (await page.getByLabel('Nom', { exact: true }).inputValue()) === 'pilote-tni',
    );
    await page.getByLabel('Une phrase').fill('Le pilote du tableau.');
    await page.getByRole('textbox', { name: 'Version' }).fill('3');
    await page.getByPlaceholder('/usr/…').fill('/opt/pilote-tni.version');
    await page.getByRole('button', { name: 'Ajouter au catalogue' }).click();
    await heading(page, 'pilote-tni');
    expect(await known('pilote-tni')).toMatchObject({
      recipes: {
        linux: {
          kind: 'script',
          script: 'pilote-tni',
          detect: { kind: 'version_file', path: '/opt/pilote-tni.version' },
        },
      },
    });
  });
});

describe('a token', () => {
  it('is shown once, opens what it may, and nothing once it is revoked', async () => {
    await page.goto(`${city.url}/admin/security`);
    await page.getByRole('button', { name: 'Créer un jeton' }).click();
    await page.getByLabel('À quoi il sert').fill('Relevé de nuit');
    await page.getByLabel('seulement ces écoles').check();
    await page.getByRole('checkbox', { name: school }).check();
    await page.getByRole('button', { name: 'Créer le jeton' }).click();
    const secret = (await page.locator('.secret code').textContent()) ?? '';
    expect(secret).toMatch(/^preau_/);
    expect.soft(await faults(page, 'tokens')).toEqual([]);
    const ask = (path: string) =>
      fetch(`${city.url}${path}`, { headers: { authorization: `Bearer ${secret}` } });
    expect(
      ((await (await ask('/api/sites')).json()) as { items: { name: string }[] }).items.map(
        ({ name }) => name,
      ),
    ).toEqual([school]);
    await page.reload();
    await page.getByRole('button', { name: 'Révoquer : Relevé de nuit' }).click();
    await page.locator('dialog').getByRole('button', { name: 'Révoquer' }).click();
    await page.getByText('Montrer aussi ceux qui ne valent plus').waitFor();
    expect(await page.content()).not.toContain(secret);
    expect((await ask('/api/sites')).status).toBe(401);
  });
});

it('no page broke', () => {
  expect(broken).toEqual([]);
});

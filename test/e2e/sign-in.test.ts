/** People come in by every way there is: slapd, Samba's Active Directory and an OpenID Connect
 * provider are the real ones, with their own pages; so are the controller, Redis and the browser.
 * The school's server is a real agent on the memory driver. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateSync } from 'otplib';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBrowser, openBrowser } from '../../dev/browser.ts';
import { freePort, root, until } from '../../dev/services.ts';
import { type SimulatedCity, startSimulatedCity } from '../../dev/simulated-schools.ts';
import { buildCity, demoLogins } from '../../dev/world.ts';
import {
  adBase,
  adPersonPassword,
  base,
  type RunningDirectory,
  removeSambaAd,
  startSambaAd,
  startSlapd,
} from '../directories.fixture.ts';
import { met } from '../met.ts';
import { type OidcServer, startOidc } from '../oidc-server.fixture.ts';
import { pageFaults } from '../page-faults.fixture.ts';

const folder = join(root, '.data', `e2e-sign-in-${process.pid}`);
const pictures = join(root, '.data/pictures');
const [school] = buildCity(2026, { teachers: 1, pupils: 1 }).schools;
let city: SimulatedCity;
let slapd: RunningDirectory;
let ad: RunningDirectory;
let oidc: OidcServer;
let browser: OpenBrowser;
const broken: string[] = [];

const identityFile = () => `
[[provider]]
id = "mairie"
kind = "ldap"
flavour = "openldap"
name = { fr = "Annuaire des écoles", en = "Schools’ directory" }
url = "${slapd.url}"
start_tls = true
ca_file = "${slapd.ca}"
server_name = "localhost"
bind_dn = "${slapd.bindDn}"
bind_password_file = "${join(folder, 'mairie-password')}"
base = "ou=people,${base}"
group_base = "ou=groups,${base}"
domains = ["ecole.fr"]
default_role = "pupil"
sync_minutes = 600
timeout_ms = 2000
site = { attribute = "o" }
class = { attribute = "departmentNumber" }

[[provider]]
id = "ad"
kind = "ldap"
flavour = "active-directory"
name = { fr = "Active Directory de la ville", en = "City Active Directory" }
url = "${ad.secureUrl}"
ca_file = "${ad.ca}"
bind_dn = "${ad.bindDn}"
bind_password = "${ad.bindPassword}"
base = "OU=Ecoles,${adBase}"
group_base = "OU=Groupes,${adBase}"
domains = ["ecole.test"]
default_role = "pupil"
site = { attribute = "physicalDeliveryOfficeName" }
role = [{ role = "teacher", group = "Personnels" }]

[[provider]]
id = "connect"
kind = "oidc"
name = { fr = "Ville Connect", en = "City Connect" }
issuer = "${oidc.issuer}"
client_id = "preau"
client_secret = "secret-of-preau-in-tests-1234"
site = { attribute = "school" }
default_role = "pupil"
`;

async function newPage(locale = 'fr-FR'): Promise<{ page: Page; close: () => Promise<void> }> {
  const opened = await openBrowser(1280, 800, locale);
  const page = opened.context.pages()[0] ?? (await opened.context.newPage());
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => broken.push(error.message));
  return { page, close: opened.close };
}
async function enter(page: Page, login: string, password: string, path = '/'): Promise<void> {
  await page.goto(`${city.url}${path}`);
  await page.fill('input[name=login]', login);
  await page.fill('input[name=password]', password);
  await page.keyboard.press('Enter');
}
async function faults(page: Page): Promise<string[]> {
  const found = await pageFaults(page);
  await page.setViewportSize({ width: 1280, height: 800 });
  return found;
}
const icons = async (page: Page) => {
  await page.waitForSelector('.tile');
  return (await page.locator('.tile').allInnerTexts())
    .map((text) => text.split('\n').find((line) => line.trim().length > 1) ?? '')
    .sort();
};
/** The person opens it; the school's server has it for them. */
async function launches(page: Page, slug: string, person: string): Promise<void> {
  await page.click(`a[href="/launch/${slug}"]`);
  await until(
    `${slug} of ${person}`,
    async () =>
      (await city.technician.call('listSessions', { query: { state: 'live' } })).items.some(
        (session) => session.personName === person && session.state !== 'starting',
      ),
    20_000,
  );
}

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const port = await freePort();
  const uai = school?.uai ?? '';
  await Promise.all([
    startSlapd(
      join(folder, 'slapd'),
      [
        { uid: 'camille.petit', cn: 'Camille Petit', more: { o: uai, departmentNumber: 'CM2 A' } },
        { uid: 'noe.brun', cn: 'Noé Brun', more: { o: uai, departmentNumber: 'CM2 A' } },
      ],
      { chorale: ['noe.brun'] },
    ).then((running) => (slapd = running)),
    startSambaAd(
      join(folder, 'ad'),
      [
        {
          login: 'dominique.roy',
          name: 'Dominique Roy',
          more: { physicalDeliveryOfficeName: uai },
        },
        { login: 'ferme', name: 'Compte Fermé', more: { userAccountControl: '514' } },
      ],
      { Enseignants: ['dominique.roy'], Personnels: ['Enseignants'] },
    ).then((running) => (ad = running)),
    startOidc(
      {
        id: 'preau',
        secret: 'secret-of-preau-in-tests-1234',
        publicUrl: `http://127.0.0.1:${port}`,
        provider: 'connect',
      },
      {
        sacha: {
          name: 'Sacha Colin',
          preferred_username: 'sacha.colin',
          school: uai,
          role: 'administrator',
        },
      },
    ).then((running) => (oidc = running)),
  ]);
  writeFileSync(join(folder, 'mairie-password'), `${slapd.bindPassword}\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'identity.toml'), identityFile(), { mode: 0o600 });
  city = await startSimulatedCity({
    folder,
    port,
    stageMs: 20,
    installMs: 50,
    only: [school?.name ?? ''],
    settings: { PREAU_IDENTITY: join(folder, 'identity.toml') },
  });
  const [own] = city.schools;
  const catalogue = (await city.technician.call('listApplications', {})).items;
  for (const slug of ['tuxpaint', 'mousepad', 'galculator'])
    await city.technician.call('wantApplication', {
      params: {
        id: own?.serverId ?? '',
        applicationId: catalogue.find((one) => one.slug === slug)?.id ?? '',
      },
      body: { wanted: true },
    });
  await until(
    'the applications',
    async () =>
      (
        await city.technician.call('readServer', { params: { id: own?.serverId ?? '' } })
      ).applications.filter(({ state }) => state === 'installed').length === 3,
    60_000,
  );
  browser = await openBrowser();
  const agent = await (await browser.context.newPage()).evaluate(() => navigator.userAgent);
  met('chromium', /Chrome\/([\d.]+)/.exec(agent)?.[1] ?? '', 'the user agent');
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await city?.stop();
  await Promise.all([slapd?.stop(), ad?.stop(), oidc?.close()]);
  removeSambaAd(join(folder, 'ad'));
  rmSync(folder, { recursive: true, force: true });
});

describe('coming in', () => {
  it(
    'by OpenLDAP: a pupil’s icons, and one of them opens; the directory dies in the middle of ' +
      'the morning',
    async () => {
      const child = await newPage();
      const { page } = child;
      await page.goto(city.url);
      await page.waitForSelector('text=Ville Connect');
      expect(await faults(page)).toEqual([]);
      await page.screenshot({ path: join(pictures, 'sign-in.png') });
      await page.setViewportSize({ width: 768, height: 1024 });
      await page.screenshot({ path: join(pictures, 'sign-in-768.png') });
      await page.setViewportSize({ width: 1280, height: 800 });
      await enter(page, 'camille.petit', 'faux');
      expect(await page.locator('[role=alert]').innerText()).toContain(
        'Identifiant ou mot de passe incorrect',
      );
      await enter(page, 'camille.petit', 'mot-de-passe');
      expect(await icons(page)).toEqual(['Calculatrice', 'Tux Paint']);
      // What a rule gives her class.
      const { groups } = await city.technician.call('searchAudiences', {
        query: { search: 'CM2 A' },
      });
      const mousepad =
        (await city.technician.call('listApplications', {})).items.find(
          ({ slug }) => slug === 'mousepad',
        )?.id ?? '';
      await city.technician.call('createRule', {
        body: {
          effect: 'allow',
          target: { kind: 'application', applicationId: mousepad },
          audience: { kind: 'group', groupId: groups[0]?.id ?? '' },
          place: { kind: 'everywhere' },
          client: null,
          when: null,
          how: null,
          note: null,
        },
      });
      await page.waitForSelector('a[href="/launch/mousepad"]');
      await launches(page, 'tuxpaint', 'Camille Petit');

      await slapd.stop();
      await page.goto(city.url);
      expect((await icons(page)).length).toBe(3);
      await launches(page, 'galculator', 'Camille Petit');
      const late = await newPage();
      await enter(late.page, 'noe.brun', 'mot-de-passe');
      expect(await late.page.locator('[role=alert]').innerText()).toContain(
        'L’annuaire ne répond pas',
      );
      // The technician of the city needs no directory, and sees what is wrong.
      const began = performance.now();
      await enter(late.page, demoLogins.technician, city.password, '/admin/directories');
      await late.page.waitForSelector('h1 >> text=Annuaires');
      expect(performance.now() - began).toBeLessThan(5000);
      const card = late.page.locator('section', { hasText: 'Annuaire des écoles' });
      await card.getByRole('button', { name: 'Essayer' }).click();
      await card.locator('text=Ne répond pas').waitFor();
      expect(await faults(late.page)).toEqual([]);

      await slapd.start();
      await card.getByRole('button', { name: 'Lire maintenant' }).click();
      await card.locator('text=2 personnes lues').waitFor();
      await late.page.screenshot({ path: join(pictures, 'directories.png') });
      // Gone from the directory: out within five seconds, whatever page is open.
      await page.goto(city.url);
      await page.waitForSelector('.tile');
      await slapd.change((client) => client.del(`uid=camille.petit,ou=people,${base}`));
      await card.getByRole('button', { name: 'Lire maintenant' }).click();
      await page.waitForSelector('input[name=login]', { timeout: 5000 });
      await card.locator('text=1 disparue').waitFor();
      await late.page.goto(`${city.url}/admin/people`);
      await late.page.waitForSelector('td >> text=Camille Petit');
      expect(await faults(late.page)).toEqual([]);
      await late.page.screenshot({ path: join(pictures, 'people.png') });
      await late.close();
      await child.close();
    },
  );

  it('by Active Directory: a teacher, by groups inside groups; a closed account is told so', async () => {
    const { page, close } = await newPage();
    await enter(page, 'ferme@ecole.test', adPersonPassword);
    expect(await page.locator('[role=alert]').innerText()).toContain('Votre compte est désactivé');
    expect(await faults(page)).toEqual([]);
    await enter(page, 'dominique.roy@ecole.test', adPersonPassword);
    expect(await icons(page)).toEqual(['Bloc-notes', 'Calculatrice', 'Tux Paint']);
    await launches(page, 'mousepad', 'Dominique Roy');
    await close();
  });

  it('by OpenID Connect: the provider’s pages, back to where one wanted to go, and out of both', async () => {
    const { page, close } = await newPage();
    await page.goto(`${city.url}/launch/tuxpaint`);
    await page.click('text=Ville Connect');
    await page.fill('input[name=login]', 'sacha');
    await page.fill('input[name=password]', 'any');
    await page.keyboard.press('Enter');
    await page.click('button:has-text("Continue")');
    await page.waitForURL(`${city.url}/launch/tuxpaint`);
    await until(
      'the session',
      async () =>
        (await city.technician.call('listSessions', { query: { state: 'live' } })).items.some(
          ({ personName }) => personName === 'Sacha Colin',
        ),
      20_000,
    );
    await page.goto(city.url);
    // Claims to be an administrator; is a pupil.
    expect(await icons(page)).toEqual(['Calculatrice', 'Tux Paint']);
    await page.getByRole('button', { name: 'Se déconnecter' }).click();
    await page.waitForURL(/session\/end/);
    await page.click('button:has-text("Yes")');
    await page.waitForURL(`${city.url}/**`);
    await page.click('text=Ville Connect');
    await page.waitForSelector('input[name=login]');
    expect(page.url()).toContain(oidc.issuer);
    await page.goto(`${city.url}/api/sign-in/back/connect?state=forged&code=forged`);
    expect(await page.locator('[role=alert]').innerText()).toContain('Cette étape a expiré');
    await close();
  });
});

it('a technician’s telephone and passkey', async () => {
  const { page, close } = await newPage();
  const local = city.url.replace('127.0.0.1', 'localhost');
  const go = async (login: string) => {
    await page.goto(`${local}/admin`);
    await page.fill('input[name=login]', login);
    await page.fill('input[name=password]', city.password);
    await page.keyboard.press('Enter');
  };
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await go(demoLogins.administrator);
  await page.click('text=Ma sécurité');
  await page.click('text=Ajouter un téléphone');
  await page.fill('input[type=password]', city.password);
  await page.keyboard.press('Enter');
  const secret = await page.locator('.secret').innerText();
  expect(await faults(page)).toEqual([]);
  await page.screenshot({ path: join(pictures, 'my-security.png') });
  await page.fill('input[name=code]', generateSync({ secret }));
  await page.click('button:has-text("Confirmer")');
  await page.waitForSelector('text=Vos codes de secours');
  const [paper = ''] = await page.locator('.codes code').allInnerTexts();
  expect(await faults(page)).toEqual([]);
  await page.click('text=C’est noté');
  await page.click('text=Ajouter une clé');
  await page.fill('input[type=password]', city.password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('li >> text=Mon ordinateur');
  expect(broken).toEqual([]);

  // Leaving the page sooner would cut the call off that signs out.
  const out = async () => {
    await page.getByRole('button', { name: 'Se déconnecter' }).click();
    await page.waitForSelector('input[name=login]');
  };
  await out();
  await go(demoLogins.administrator);
  await page.waitForSelector('text=Encore une étape');
  expect(await faults(page)).toEqual([]);
  await page.screenshot({ path: join(pictures, 'second-factor.png') });
  await page.fill('input[name=code]', '000000');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=alert] >> text=Ce code n’est pas le bon');
  await page.click('text=Je n’ai pas mon téléphone');
  await page.fill('input[name=code]', paper);
  await page.keyboard.press('Enter');
  await page.waitForSelector('nav[aria-label=Administration]');
  await out();
  // No name, no password: the key says who it is.
  await page.goto(local);
  await page.click('button:has-text("Clé d’accès")');
  await page.waitForSelector('nav[aria-label=Administration]');
  await out();
  // As a second factor.
  await go(demoLogins.administrator);
  await page.click('button:has-text("Utiliser ma clé d’accès")');
  await page.waitForSelector('nav[aria-label=Administration]');

  // A colleague for one school.
  await page.click('nav >> text=Personnes');
  await page.fill('input[type=search]', 'camille dur');
  await page.click('[aria-label="Rôle de Camille Durand"]');
  await page.locator('dialog select').first().selectOption('technician');
  await page.locator('dialog label', { hasText: 'Certaines écoles' }).click();
  await page.locator('dialog .schools label', { hasText: school?.name ?? '' }).click();
  expect(await faults(page)).toEqual([]);
  await page.click('dialog button:has-text("Enregistrer")');
  await page.waitForSelector('td >> text=S’occupe de : 1');
  await close();
});

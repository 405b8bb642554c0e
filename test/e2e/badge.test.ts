/** Children who cannot type: a badge printed on paper, read back from it, held up to a camera, made
 * worthless; a class's page and three pictures; the teacher who does all that on a tablet. Browser,
 * controller, Redis and the sheet of paper are real. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBrowser, openBrowser } from '../../dev/browser.ts';
import { Client } from '../../dev/client.ts';
import { root } from '../../dev/services.ts';
import { type SimulatedCity, startSimulatedCity } from '../../dev/simulated-schools.ts';
import { demoLogins } from '../../dev/world.ts';
import { pageFaults } from '../page-faults.fixture.ts';

type Jsqr = (data: Uint8ClampedArray, width: number, height: number) => { data: string } | null;
const jsqr = createRequire(join(root, 'console/package.json'))('jsqr') as Jsqr;
interface Modules {
  size: number;
  get: (row: number, column: number) => number;
}
const qr = createRequire(join(root, 'controller/package.json'))('qrcode') as {
  create: (text: string, options: { errorCorrectionLevel: 'M' }) => { modules: Modules };
};

const folder = join(root, '.data', `e2e-badge-${process.pid}`);
const pictures = join(root, '.data/pictures');
let city: SimulatedCity;
let teacher: Client;
let tablet: OpenBrowser;
let child: OpenBrowser;
let desk: Page;
let door: Page;
let groupId = '';
let pupilId = '';
let pupilName = '';
let firstBadge = '';
const broken: string[] = [];

/** What a printer would put on paper, and what a camera would read there. */
async function badgeOnPaper(): Promise<{ text: string; words: string }> {
  const reply = await fetch(`${city.url}/api/classes/${groupId}/badges/sheet?pupil=${pupilId}`, {
    headers: { cookie: teacher.cookie },
  });
  expect([
    reply.status,
    reply.headers.get('content-type'),
    reply.headers.get('cache-control'),
  ]).toEqual([200, 'application/pdf', 'no-store']);
  const file = join(folder, 'badges.pdf');
  writeFileSync(file, Buffer.from(await reply.arrayBuffer()));
  const words = execFileSync('pdftotext', ['-layout', file, '-']).toString('utf8');
  const ppm = execFileSync('pdftoppm', ['-r', '150', '-singlefile', file], {
    maxBuffer: 64_000_000,
  });
  const [head = '', width = '0', height = '0'] =
    /^P6\n(\d+) (\d+)\n255\n/.exec(ppm.subarray(0, 30).toString('latin1')) ?? [];
  const [w, h] = [Number(width), Number(height)];
  const rgba = new Uint8ClampedArray(w * h * 4).fill(255);
  for (let at = 0; at < w * h; at += 1)
    for (let part = 0; part < 3; part += 1)
      rgba[at * 4 + part] = ppm[head.length + at * 3 + part] ?? 255;
  return { text: jsqr(rgba, w, h)?.data ?? '', words };
}

/** A film of a card held still: Y4M, two frames. */
function film(text: string): string {
  const [width, height] = [1280, 720];
  const { modules } = qr.create(text, { errorCorrectionLevel: 'M' });
  const side = Math.floor(640 / (modules.size + 8));
  const [left, top] = [(width - side * modules.size) >> 1, (height - side * modules.size) >> 1];
  const luma = Buffer.alloc(width * height, 235);
  for (let y = 0; y < side * modules.size; y += 1)
    for (let x = 0; x < side * modules.size; x += 1)
      if (modules.get(Math.floor(y / side), Math.floor(x / side)) === 1)
        luma[(top + y) * width + left + x] = 16;
  const frame = Buffer.concat([
    Buffer.from('FRAME\n'),
    luma,
    Buffer.alloc((width * height) / 2, 128),
  ]);
  const file = join(folder, 'camera.y4m');
  writeFileSync(
    file,
    Buffer.concat([
      Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`),
      frame,
      frame,
    ]),
  );
  return file;
}

const faults = (page: Page): Promise<string[]> =>
  pageFaults(page, '', async () => {
    // A finger needs 44 pixels.
    const small = (await page.evaluate(
      '[...document.querySelectorAll("main button, main a.button, header button")].filter((e) ' +
        '=> e.offsetParent !== null && e.getBoundingClientRect().height < 43.5).map((e) => ' +
        'e.outerHTML.slice(0, 80))',
    )) as string[];
    return small.map((html) => `small: ${html}`);
  });
const shot = (page: Page, name: string) => page.screenshot({ path: join(pictures, `${name}.png`) });

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  mkdirSync(pictures, { recursive: true });
  city = await startSimulatedCity({
    folder: join(folder, 'city'),
    stageMs: 1,
    installMs: 1,
    only: [],
    people: { teachers: 27, pupils: 300 },
  });
  teacher = new Client(city.url);
  await teacher.signIn(demoLogins.teacher, city.password);
  const classes = (await teacher.call('listClasses', { query: {} })).items;
  groupId = classes[0]?.id ?? '';
  const detail = await teacher.call('readClass', { params: { id: groupId } });
  pupilId = detail.children[0]?.id ?? '';
  pupilName = detail.children[0]?.displayName ?? '';
  tablet = await openBrowser(768, 1024);
  desk = await tablet.context.newPage();
  desk.on('pageerror', (error) => broken.push(error.message));
}, 120_000);

afterAll(async () => {
  await child?.close();
  await tablet?.close();
  await city?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('badges', () => {
  it('a school without a network is told what to do, and its badges open nothing', async () => {
    await desk.goto(`${city.url}/classes`);
    await desk.fill('input[name=login]', demoLogins.teacher);
    await desk.fill('input[name=password]', city.password);
    await desk.keyboard.press('Enter');
    await desk.click(`a[href="/classes/${groupId}"]`);
    await desk.waitForSelector('text=Aucun réseau n’est déclaré');
    const siteId = (await teacher.call('me', {})).siteId ?? '';
    await city.technician.call('changeSiteSettings', {
      params: { id: siteId },
      body: { networks: [{ subnet: '127.0.0.0/8', labels: [] }], closures: [], badgeHours: [] },
    });
  });

  it('the teacher makes them in one touch; the sheet can be read back from paper', async () => {
    await desk.reload();
    await desk.click('text=/Faire (le|les) .*badges? manquants?/');
    await desk.waitForSelector('text=Valable, n° 1');
    expect(await faults(desk)).toEqual([]);
    await desk.setViewportSize({ width: 768, height: 1024 });
    await shot(desk, 'class-768');
    await desk.setViewportSize({ width: 1280, height: 800 });
    await shot(desk, 'class-1280');
    const { text, words } = await badgeOnPaper();
    expect(text).toMatch(new RegExp(`^PB1\\.${pupilId}\\.sit_`));
    expect(words).toContain(pupilName.split(' ')[0]);
    expect(words).toContain('Perdu ? Préviens ton enseignant');
    firstBadge = text;
  });

  it('held up to the camera, it signs in', async () => {
    child = await openBrowser(1024, 768, 'fr-FR', [
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${film(firstBadge)}`,
    ]);
    door = await child.context.newPage();
    door.on('pageerror', (error) => broken.push(error.message));
    await door.goto(`${city.url}/badge`);
    await door.waitForSelector('.classes button');
    expect(await faults(door)).toEqual([]);
    await shot(door, 'entry');
    await door.click('text=Montre ton badge à la caméra');
    await door.waitForSelector('h1:has-text("Mes applications")', { timeout: 20_000 });
    expect(await door.locator('header').innerText()).toContain(pupilName);
    const cookie = (await child.context.cookies()).find(({ name }) => name === 'preau_sign_in');
    expect((cookie?.expires ?? 0) * 1000 - Date.now()).toBeLessThan(4.1 * 3_600_000);
  });

  it(
    'made anew in two touches: whoever came in by the old one is out, and it is refused with ' +
      'its own sentence',
    async () => {
      await desk.click(`button[aria-label="Refaire : ${pupilName}"]`);
      const [download] = await Promise.all([
        desk.waitForEvent('download'),
        desk.click('dialog button.primary'),
      ]);
      expect(
        readFileSync(await download.path())
          .subarray(0, 5)
          .toString(),
      ).toBe('%PDF-');
      await desk.waitForSelector('text=Valable, n° 2');
      await door.goto(`${city.url}/badge`);
      await door.click('text=Montre ton badge à la caméra');
      await door.waitForSelector('[role=alert]:has-text("Ce badge a été remplacé")', {
        timeout: 20_000,
      });
      await shot(door, 'entry-refused');
      const events = (
        await city.technician.call('listAudit', { query: { search: 'badge.refused' } })
      ).items;
      expect(events[0]).toMatchObject({
        subjectId: pupilId,
        details: { why: 'BADGE_VOIDED', serial: 1 },
      });
    },
  );

  it('the new one works from a scanner that types, on a French keyboard too', async () => {
    const { text } = await badgeOnPaper();
    await door.goto(`${city.url}/badge`);
    await door.waitForSelector('.classes button');
    // The keys of an American keyboard, and the letters a French one makes of them.
    const french: Record<string, string> = {
      q: 'a',
      a: 'q',
      w: 'z',
      z: 'w',
      Q: 'A',
      A: 'Q',
      W: 'Z',
      Z: 'W',
      m: ',',
      '.': ':',
      '-': ')',
      _: '°',
    };
    const keys = [...text].map((sign) => ({
      key: french[sign] ?? sign,
      code: /[a-z]/i.test(sign)
        ? `Key${sign.toUpperCase()}`
        : /\d/.test(sign)
          ? `Digit${sign}`
          : sign === '.'
            ? 'Period'
            : 'Minus',
      shiftKey: /[A-Z_]/.test(sign),
    }));
    await door.evaluate(
      `for (const key of ${JSON.stringify([...keys, { key: 'Enter', code: 'Enter' }])}) ` +
        `dispatchEvent(new KeyboardEvent('keydown', key))`,
    );
    await door.waitForSelector('h1:has-text("Mes applications")', { timeout: 20_000 });
    await door.click('text=Se déconnecter');
  });
});

describe('pictures', () => {
  it('the teacher chooses three with the child', async () => {
    await desk.click(`button[aria-label="Choisir les images : ${pupilName}"]`);
    for (const thing of ['bateau', 'soleil', 'pomme'])
      await desk.click(`dialog button[aria-label="${thing}"]`);
    await shot(desk, 'pictures');
    await desk.click('dialog button.primary');
    await desk.waitForSelector('text=Images enregistrées.');
  });

  it('class page, first name, three pictures: a wrong one is said, the right ones open', async () => {
    const { code, children } = await teacher.call('readClass', { params: { id: groupId } });
    const own = children.find(({ id }) => id === pupilId);
    await door.goto(`${city.url}/classe/${code}`);
    await door.click(`.children button:has-text("${own?.firstName}")`);
    await door.waitForSelector('.pad');
    expect(await faults(door)).toEqual([]);
    await shot(door, 'entry-pictures');
    for (const thing of ['soleil', 'bateau', 'pomme'])
      await door.click(`.pad button[aria-label="${thing}"]`);
    await door.waitForSelector('[role=alert]:has-text("Ce ne sont pas tes images")');
    for (const thing of ['bateau', 'soleil', 'pomme'])
      await door.click(`.pad button[aria-label="${thing}"]`);
    await door.waitForSelector('h1:has-text("Mes applications")', { timeout: 20_000 });
    // A shared tablet: the next child finds the class again.
    await door.click('text=Se déconnecter');
    await door.waitForSelector('.children');
  });
});

describe('September', () => {
  it('a file as Windows writes it: columns guessed, differences shown, then done', async () => {
    await desk.goto(`${city.url}/classes`);
    await desk.click('text=Se déconnecter');
    const siteId = (await teacher.call('me', {})).siteId ?? '';
    await desk.fill('input[name=login]', demoLogins.technician);
    await desk.fill('input[name=password]', city.password);
    await desk.keyboard.press('Enter');
    await desk.waitForSelector('nav');
    await desk.goto(`${city.url}/admin/classes/import`);
    await desk.selectOption('select >> nth=0', siteId);
    await desk.setInputFiles('input[type=file]', {
      name: 'onde.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(
        'Nom élève;Prénom élève;Date naissance;Libellé ' +
          'classe;Niveau;INE\r\nZÖLLER;Anaïs;01/02/2018;CM1 ' +
          'Z;CM1;123456789AB\r\n=1+1;Bobby;01/02/2018;CM1 Z;CM1;123456789AC\r\n',
        'latin1',
      ),
    });
    await desk.click('text=Lire le fichier');
    await desk.waitForSelector('text=2 lignes, windows-1252');
    expect(await faults(desk)).toEqual([]);
    await desk.click('button:has-text("Continuer")');
    await desk.waitForSelector('text=Anaïs Zöller');
    expect(await faults(desk)).toEqual([]);
    await shot(desk, 'import');
    await desk.click('button:has-text("Appliquer 2 changements")');
    await desk.waitForSelector('text=2 ajoutés, 0 modifié, 0 désactivé.');
    expect(
      (await teacher.call('listClasses', { query: {} })).items.find(({ name }) => name === 'CM1 Z')
        ?.pupils,
    ).toBe(2);
    expect(broken).toEqual([]);
  });
});

/** The nightly case of the containers: what README.md tells a city, and somebody who tries Préau
 * without Debian, to type; then a program opened through them in Chromium. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { coloursOf } from '../../test/picture.fixture.ts';
import { signInPage } from '../../test/sign-in-page.fixture.ts';
import { type Running, reach } from '../bare-root.ts';
import { root, until } from '../services.ts';
import { demoLogins } from '../world.ts';
import { type Engine, openEngine, quoted } from './engine.ts';

const pictures = join(root, '.data/nightly');

/** Throws when something is not as README.md says. */
export async function tryContainers(
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  const engine = await openEngine(tell);
  const close = () => void engine.close();
  signal.addEventListener('abort', close);
  try {
    tell(await engine.must('docker version --format "engine {{.Server.Version}}"'));
    // The arguments that every Dockerfile knows, where this machine needs a proxy.
    const proxies = Object.entries(reach())
      .filter(([name]) => /_proxy$/i.test(name))
      .map((pair) => `--build-arg ${quoted(pair.join('='))}`);
    await engine.must(
      `docker compose --progress plain --profile demo build ${proxies.join(' ')}`,
      1_200_000,
    );
    await tryCity(engine, tell);
    await tryDemo(engine, tell);
  } finally {
    signal.removeEventListener('abort', close);
    await engine.close();
  }
}

/** A real city with PostgreSQL and nginx in front, up to the first administrator's sign-in. */
async function tryCity(engine: Engine, tell: (line: string) => void): Promise<void> {
  const name = 'preau.ville.example';
  const settings = [
    `PREAU_PUBLIC_URL=https://${name}`,
    'POSTGRES_PASSWORD=nightly-password',
    'PREAU_DATABASE_URL=postgres://preau:nightly-password@postgres:5432/preau',
  ];
  await engine.must(`printf '%s\\n' ${settings.map(quoted).join(' ')} > .env`);
  await engine.must('docker compose --profile postgres up -d --wait', 120_000);
  await engine.must(
    `echo "PREAU_TRUSTED_PROXIES=$(docker network inspect preau_arrivals -f '{{(index ` +
      `.IPAM.Config 0).Gateway}}')" >> .env && docker compose --profile postgres up -d --wait`,
    120_000,
  );
  await checkGateway(engine);
  const password = 'correct-horse-battery';
  await engine.must(
    `printf %s ${password} | docker compose exec -T controller preau create-administrator marie 'Marie Leroy'`,
  );
  await refuseDemo(engine);

  await engine.must(
    'mkdir -p /etc/ssl/preau && openssl req -quiet -x509 -newkey rsa:2048 -noenc -days 2 ' +
      `-subj /CN=${name} -keyout /etc/ssl/preau/privkey.pem -out /etc/ssl/preau/fullchain.pem ` +
      '&& cp packaging/nginx/preau.conf /etc/nginx/conf.d/preau.conf && nginx',
  );
  const proxy = await engine.must('nginx -v 2>&1');
  const browser = await engine.browser([
    `--host-resolver-rules=MAP ${name} 127.0.0.1`,
    '--ignore-certificate-errors',
  ]);
  try {
    const page = browser.context.pages()[0] ?? (await browser.context.newPage());
    const sockets: string[] = [];
    page.on('websocket', (socket) => sockets.push(socket.url()));
    await signInPage(page, { url: `https://${name}`, password }, 'marie', '/admin');
    await until('a web socket through nginx', () =>
      sockets.some((url) => url.startsWith(`wss://${name}/`)),
    );
    await page.getByRole('heading', { name: 'Tableau de bord' }).waitFor();
    await page.screenshot({ path: join(pictures, 'containers-city.png') });
  } finally {
    await browser.close();
  }
  tell(`✓ a city behind ${proxy.trim()}, its first administrator signed in`);
  await tryKeeping(engine, tell);
  await engine.must(
    'nginx -s stop; docker compose --profile postgres down --volumes; rm -r .env backups',
  );
}

/** A backup of PostgreSQL by the image's own programs, an upgrade to the same version, and the way
 * back: as docs/runbooks/backup.md and docs/runbooks/upgrade.md say. */
async function tryKeeping(engine: Engine, tell: (line: string) => void): Promise<void> {
  const city = 'docker compose exec -T controller preau';
  await engine.must(`${city} backup --new-key /tmp/key | grep ^PREAU_BACKUP_KEY= >> .env`);
  await engine.must(
    'mkdir -p backups && chown 1000 backups && docker compose --profile postgres up -d --wait',
    120_000,
  );
  const steps = [
    [`${city} backup`, 'read back and found equal'],
    ['packaging/container/upgrade.sh', 'The new version serves.'],
    ['packaging/container/upgrade.sh --back', 'Back to the version before'],
  ] as const;
  for (const [line, expected] of steps) {
    const said = await engine.must(`${line} 2>&1`, 300_000);
    if (!said.includes(expected)) throw new Error(`${line}: ${said.slice(-3000)}`);
    tell(`✓ ${line}: ${said.trim().split('\n').at(-1)}`);
  }
  const made = await engine.must('ls backups');
  // One of each: by hand, and before the upgrade.
  if ((made.match(/\.tar\.age$/gm) ?? []).length !== 2) throw new Error(`backups: ${made}`);
}

/** Callers from this machine come through the gateway that docs/configuration.md names. */
async function checkGateway(engine: Engine): Promise<void> {
  const [gateway = '', peers = ''] = (
    await engine.must(
      "bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080; grep TRUSTED .env | cut -d= -f2; docker " +
        "compose exec -T controller cat /proc/net/tcp'",
    )
  ).split(/\n([\s\S]*)/);
  const hexadecimal = gateway
    .split('.')
    .toReversed()
    .map((part) => Number(part).toString(16).toUpperCase().padStart(2, '0'))
    .join('');
  if (!new RegExp(`:1F90 ${hexadecimal}:[0-9A-F]{4} 01 `).test(peers))
    throw new Error(`nobody comes through the gateway ${gateway}:\n${peers}`);
}

/** The demo does not fill a city that somebody uses. */
async function refuseDemo(engine: Engine): Promise<void> {
  const said = await engine.must(
    'docker compose --profile postgres --profile demo run --rm demo-city 2>&1 || :',
  );
  if (!said.includes('Nothing was changed')) throw new Error(`the demo filled a city: ${said}`);
}

/** `docker compose --profile demo up`, a pupil's click, and the same once more after a stop. */
async function tryDemo(engine: Engine, tell: (line: string) => void): Promise<void> {
  for (const picture of ['containers-program.png', 'containers-program-again.png']) {
    const up = engine.start('docker compose --profile demo up --no-color');
    const { url, password } = await readyDemo(up);
    const browser = await engine.browser();
    try {
      const page = browser.context.pages()[0] ?? (await browser.context.newPage());
      await signInPage(page, { url, password }, demoLogins.pupil, '/');
      await page.click('a[href="/launch/tuxpaint"]');
      await page.waitForSelector('.screen');
      await page.waitForSelector('.veil', { state: 'detached', timeout: 120_000 });
      await until('the program in the picture', async () => (await coloursOf(page)) > 20, 60_000);
      await page.screenshot({ path: join(pictures, picture) });
    } finally {
      await browser.close();
    }
    tell('✓ a program opened through the demo');
    await engine.must('docker compose --profile demo stop', 120_000);
    await up.ended;
  }
  await engine.must('docker compose --profile demo down --volumes', 120_000);
  const left = await engine.must('docker ps -aq; docker volume ls -q');
  if (left.trim() !== '') throw new Error(`the demo leaves behind: ${left}`);
}

/** The address and the password that it prints once it has opened a program itself. */
async function readyDemo(up: Running): Promise<{ url: string; password: string }> {
  await until(
    'the demo',
    () => up.said().includes('To end it and to delete everything') || up.code() !== null,
    600_000,
  );
  const said = up.said();
  if (!said.includes('This container is privileged')) throw new Error('it hides a privilege');
  const [, url] = /Préau is ready: +(\S+)/.exec(said) ?? [];
  const [, password] = new RegExp(`pupil +${demoLogins.pupil} +(\\S+)`).exec(said) ?? [];
  if (url === undefined || password === undefined)
    throw new Error(`the demo says neither address nor accounts: ${said.slice(-3000)}`);
  return { url, password };
}

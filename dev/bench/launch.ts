/** How long a click takes, compared with the minimum the same parts can reach: a bare client that
 * talks to guacd itself, on an xrdp that starts the display and the same program at sign-in,
 * without sandbox, ticket, queue or controller. The pairs run one after the other in one run;
 * guacd, machine and program are the same. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { follow, run } from '../../agent/src/command.ts';
import { parseAgentConfig } from '../../agent/src/config.ts';
import {
  startDisplayServer,
  stopDisplayServer,
  userOf,
} from '../../agent/src/drivers/linux/display-server.ts';
import { destroyDisplay, grantOnce } from '../../agent/src/drivers/linux/displays.ts';
import { type Layout, layoutOf } from '../../agent/src/drivers/linux/layout.ts';
import { readingRoot } from '../../agent/src/drivers/linux/session-watch.ts';
import { openboxConfiguration } from '../../agent/src/drivers/linux/window-manager.ts';
import { exists, makeFolder, write } from '../../agent/src/files.ts';
import { type BareClient, openBarely } from '../bare-client.ts';
import { type RunningCity, startCity } from '../city.ts';
import { Client } from '../client.ts';
import { root, until } from '../services.ts';
import { openTunnel } from '../tunnel-client.ts';
import { demoLogins } from '../world.ts';
import { type Figure, quantile, round } from './figures.ts';

const application = 'mousepad';
const size = { width: 1280, height: 720 };
const warmUps = 1;
const wanted = 20;
/** Starting and ending the city takes extra time; `n` says if fewer pairs than wanted were
 * measured. */
const measureWithinMs = 230_000;

interface Sample {
  firstFrameMs: number;
  windowMs: number;
  decisionMs: number;
}

// ————————————————————————————————————————————————————————————————— the product

async function launchProduct(teacher: Client): Promise<Sample> {
  const clickedAt = performance.now();
  const clicked = Date.now();
  const { reply, verbMs } = await teacher.callTimed('launchSession', {
    body: { application, language: 'fr' },
  });
  const params = { id: reply.session.id };
  const tunnel = await openTunnel(teacher, reply.ticket, size);
  try {
    let session = reply.session;
    // Polled every 40 ms: the controller records the time itself, and more frequent polling would
    // only cost it time.
    for (const deadline = clicked + 30_000; session.openedAt === null; await pause(40)) {
      session = await teacher.call('readSession', { params });
      if (session.failureCode !== null || Date.now() > deadline)
        throw new Error(`the session did not open: ${session.state} ${session.failureCode}`);
    }
    await until('a first frame', () => tunnel.firstFrameAt !== null, 10_000);
    return {
      firstFrameMs: (tunnel.firstFrameAt ?? Number.NaN) - clickedAt,
      windowMs: session.openedAt - clicked,
      decisionMs: verbMs,
    };
  } finally {
    await teacher.call('endSession', { params }).catch(() => undefined);
    tunnel.close();
    await tunnel.finished;
  }
}

// ————————————————————————————————————————————————————————————————— the limit

/** A private xrdp and its session: window manager and program, nothing else. */
interface Limit {
  layout: Layout;
  rdpPort: number;
  program: string;
}

async function prepareLimit(stateFolder: string): Promise<Limit> {
  const layout = layoutOf(
    parseAgentConfig({
      PREAU_AGENT_STATE: stateFolder,
      PREAU_AGENT_RUN: `/run/preau-bench-${process.pid}`,
      PREAU_AGENT_PREFIX: `pb${process.pid}`,
    }),
  );
  makeFolder(layout.run, 0o755);
  makeFolder(layout.logs, 0o700);
  makeFolder(layout.displays, 0o755);
  const { rdp } = await startDisplayServer(layout, 0);
  const script = join(layout.run, 'program');
  write(join(layout.run, 'openbox.xml'), openboxConfiguration, 0o644);
  // The same environment as in the sandbox, so that the program is equally fast or slow.
  write(
    script,
    `#!/bin/sh
export LANG=fr_FR.UTF-8 LANGUAGE=fr NO_AT_BRIDGE=1 GTK_A11Y=none
export GTK_USE_PORTAL=0 GDK_BACKEND=x11 LIBGL_ALWAYS_SOFTWARE=1
export XDG_RUNTIME_DIR="$HOME"
exec dbus-run-session -- /bin/sh -c 'openbox --config-file ${layout.run}/openbox.xml & exec ${application}'
`,
    0o755,
  );
  // sesman runs a command that contains a space through the shell.
  return { layout, rdpPort: rdp, program: `/bin/sh ${script}` };
}

let accounts = 0;

/** A fresh account; its display starts at sign-in. */
async function makeAccount({ layout }: Limit): Promise<string> {
  accounts += 1;
  const account = `${layout.prefix}-${accounts.toString(16).padStart(10, '0')}`;
  const home = join(layout.displays, account);
  const added = await run(
    '/usr/sbin/useradd',
    [
      '--system',
      '--no-create-home',
      '--home-dir',
      home,
      '--shell',
      '/usr/sbin/nologin',
      '--gid',
      'nogroup',
      '--no-log-init',
      account,
    ],
    { timeoutMs: 20_000 },
  );
  if (added.code !== 0) throw new Error(`useradd: ${added.stderr}`);
  makeFolder(home, 0o700, await userOf(account));
  return account;
}

/** Detects the first window of a display that does not exist yet: waits for X's socket, then
 * follows the window manager's list exactly as the agent does. Epoch ms. */
function firstWindow(
  { layout }: Limit,
  account: string,
  uid: number,
): { seen: Promise<number>; stop: () => void } {
  let stopped = false;
  let spy: ReturnType<typeof follow> | null = null;
  const cookie = join(layout.displays, account, '.Xauthority');
  const look = async (): Promise<number> => {
    while (!stopped) {
      const socket = (exists(layout.x11) ? readdirSync(layout.x11) : []).find((name) =>
        /^X\d+$/.test(name),
      );
      if (socket === undefined || !exists(cookie)) {
        await pause(5);
        continue;
      }
      const found = await new Promise<number | null>((resolve) => {
        spy = follow(
          '/usr/bin/bwrap',
          readingRoot(layout, { uid }, '-spy'),
          { DISPLAY: `:${socket.slice(1)}`, XAUTHORITY: cookie },
          (line) => {
            if (line.startsWith('_NET_CLIENT_LIST(') && /0x[0-9a-f]+/.test(line))
              resolve(Date.now());
          },
        );
        // Either it could not connect yet, or X has ended.
        void spy.ended.then(() => resolve(null));
      });
      if (found !== null) return found;
      await pause(5);
    }
    return Number.NaN;
  };
  return {
    seen: look(),
    stop: () => {
      stopped = true;
      spy?.stop();
    },
  };
}

async function launchLimit(
  limit: Limit,
  guacdPort: number,
  account: string,
): Promise<Omit<Sample, 'decisionMs'>> {
  const { uid } = await userOf(account);
  const { username, password } = grantOnce(limit.layout, account);
  const window = firstWindow(limit, account, uid);
  const clickedAt = performance.now();
  const clicked = Date.now();
  let client: BareClient | undefined;
  try {
    client = await openBarely(guacdPort, {
      port: String(limit.rdpPort),
      username,
      password,
      'initial-program': limit.program,
    });
    const seen = await Promise.race([window.seen, pause(30_000).then(() => Number.NaN)]);
    if (Number.isNaN(seen))
      throw new Error('the bare client’s program opened no window within 30 s');
    return { firstFrameMs: client.firstFrameAt - clickedAt, windowMs: seen - clicked };
  } finally {
    window.stop();
    client?.socket.destroy();
  }
}

// ————————————————————————————————————————————————————————————————— the measurement

export async function measureLaunch(
  tell: (text: string) => void,
  signal: AbortSignal,
): Promise<Figure[]> {
  const folder = join(root, '.data/bench-launch');
  const limitFolder = join(root, `.data/bench-launch-limit-${process.pid}`);
  let city: RunningCity | null = null;
  let limit: Limit | null = null;
  try {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(limitFolder, { recursive: true, mode: 0o700 });
    city = await startCity({
      folder,
      port: 0,
      applications: ['galculator', 'mousepad'],
      people: { teachers: 40, pupils: 100 },
      keepAlive: false,
      standbyDisplays: 2,
      tell: (step, seconds) => tell(`${step} … ${seconds.toFixed(1)} s`),
    });
    signal.throwIfAborted();
    limit = await prepareLimit(limitFolder);
    const teacher = new Client(city.url);
    await teacher.signIn(demoLogins.teacher, city.password);
    const technician = new Client(city.url);
    await technician.signIn(demoLogins.technician, city.password);
    const { siteId, guacdPort } = city;
    /** Waits until the machine is idle: neither ending nor preparing anything before a
     * measurement. */
    const settled = () =>
      until(
        'two displays standing by and no session',
        async () => {
          const [server] = (await technician.call('listServers', { query: { site: siteId } }))
            .items;
          return (server?.vitals?.displaysReady ?? 0) >= 2 && server?.liveSessions === 0;
        },
        30_000,
      );

    const product: Sample[] = [];
    const bare: Omit<Sample, 'decisionMs'>[] = [];
    const deadline = Date.now() + measureWithinMs;
    for (let pair = 0; pair < wanted + warmUps && Date.now() < deadline; pair += 1) {
      const account = await makeAccount(limit);
      const samples: [Sample | null, Omit<Sample, 'decisionMs'> | null] = [null, null];
      for (const way of pair % 2 === 0
        ? (['product', 'limit'] as const)
        : (['limit', 'product'] as const)) {
        signal.throwIfAborted();
        await settled();
        if (way === 'product') samples[0] = await launchProduct(teacher);
        else {
          samples[1] = await launchLimit(limit, guacdPort, account);
          await endLimitDisplay(limit, account);
        }
      }
      if (pair < warmUps || samples[0] === null || samples[1] === null) continue;
      product.push(samples[0]);
      bare.push(samples[1]);
      tell(
        `${product.length}: first frame ${samples[0].firstFrameMs.toFixed(0)} beside ` +
          `${samples[1].firstFrameMs.toFixed(0)} ms, window ${samples[0].windowMs.toFixed(0)} ` +
          `beside ${samples[1].windowMs.toFixed(0)} ms`,
      );
    }

    const compare = (
      id: string,
      of: 'firstFrameMs' | 'windowMs',
      aim: number,
      limitIs: string,
    ): Figure => {
      const summary = (samples: readonly Omit<Sample, 'decisionMs'>[]) => ({
        p50_ms: round(
          quantile(
            samples.map((sample) => sample[of]),
            0.5,
          ),
          1,
        ),
        p95_ms: round(
          quantile(
            samples.map((sample) => sample[of]),
            0.95,
          ),
          1,
        ),
      });
      const value = round(
        quantile(
          product.map((sample) => sample[of]),
          0.5,
        ) /
          quantile(
            bare.map((sample) => sample[of]),
            0.5,
          ),
        3,
      );
      return {
        id,
        value,
        unit: 'ratio',
        aim: `<= ${aim}`,
        holds: value <= aim,
        detail: {
          n: product.length,
          application,
          product: summary(product),
          limit: summary(bare),
          limit_is: limitIs,
        },
      };
    };
    const decisions = product.map((sample) => sample.decisionMs);
    const p95 = round(quantile(decisions, 0.95), 2);
    return [
      compare(
        'launch.first_frame_ratio',
        'firstFrameMs',
        0.9,
        'connect to guacd → first picture on the screen’s layer; nothing stands by',
      ),
      compare(
        'launch.window_ratio',
        'windowMs',
        0.4,
        'connect to guacd → first window in the window manager’s list; display and program start at sign-in',
      ),
      {
        id: 'launch.decision_ms_p95',
        value: p95,
        unit: 'ms',
        aim: '<= 20',
        holds: p95 <= 20,
        detail: {
          n: decisions.length,
          p50_ms: round(quantile(decisions, 0.5), 2),
          max_ms: round(Math.max(...decisions), 2),
          what: 'server-timing of POST /api/sessions',
        },
      },
    ];
  } finally {
    if (limit !== null) await endLimit(limit).catch((error: unknown) => tell(String(error)));
    await city?.stop();
    for (const path of [folder, limitFolder]) rmSync(path, { recursive: true, force: true });
  }
}

async function endLimitDisplay({ layout }: Limit, account: string): Promise<void> {
  const number = readdirSync(layout.x11)
    .map((name) => /^X(\d+)$/.exec(name)?.[1])
    .find((found) => found !== undefined);
  await destroyDisplay(layout, account, number === undefined ? undefined : Number(number));
}

async function endLimit({ layout }: Limit): Promise<void> {
  const { stdout } = await run('/usr/bin/getent', ['passwd'], { timeoutMs: 5000 });
  for (const line of stdout.split('\n'))
    if (line.startsWith(`${layout.prefix}-`))
      await destroyDisplay(layout, line.split(':')[0] ?? '');
  await stopDisplayServer(layout);
  rmSync(layout.run, { recursive: true, force: true });
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

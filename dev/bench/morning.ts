/** A school morning: 27 schools sign in at their worst moment (23 people a second for ten seconds)
 * through a directory that takes 50 ms for each answer, then start applications (ten a second for
 * ten seconds, and in the middle two classes of 25 within two seconds). Arrivals do not wait for
 * one another: each call is timed from when it should have begun. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'hdr-histogram-js';
import { base, startSlapd } from '../../test/directories.fixture.ts';
import { until } from '../services.ts';
import { type Figure, round } from './figures.ts';
import { startFleetCity } from './fleet-city.ts';
import { offerEverywhere } from './offer-everywhere.ts';

const password = 'bonjour-la-classe';
const slugs = ['dessin', 'calcul', 'lecture'];
const people = 1000;
const schools = 27;
const directoryMs = 50;
const uaiOf = (school: number) => `${String(school).padStart(7, '0')}A`;

interface Load {
  histogram: ReturnType<typeof build>;
  errors: Map<string, number>;
  done: Promise<void>;
}

/** Open loop: `work` begins at each of these times (ms from now), whether or not earlier calls have
 * finished. */
function openLoop(moments: readonly number[], work: (at: number) => Promise<string | null>): Load {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 120_000,
    numberOfSignificantValueDigits: 3,
  });
  const errors = new Map<string, number>();
  const began = performance.now();
  const done = Promise.all(
    moments.map(async (due, at) => {
      await new Promise((resolve) =>
        setTimeout(resolve, Math.max(due - (performance.now() - began), 0)),
      );
      const error = await work(at).catch((cause: unknown) =>
        cause instanceof Error ? cause.name : String(cause),
      );
      histogram.recordValue(Math.max(Math.round(performance.now() - began - due), 1));
      if (error !== null) errors.set(error, (errors.get(error) ?? 0) + 1);
    }),
  ).then(() => undefined);
  return { histogram, errors, done };
}

const told = ({ histogram, errors }: Load) => ({
  calls: histogram.totalCount,
  p50_ms: histogram.getValueAtPercentile(50),
  p95_ms: histogram.getValueAtPercentile(95),
  p99_ms: histogram.getValueAtPercentile(99),
  max_ms: histogram.maxValue,
  ...(errors.size === 0 ? {} : { errors: Object.fromEntries(errors) }),
});

export async function measureMorning(
  tell: (text: string) => void,
  signal: AbortSignal,
): Promise<Figure[]> {
  const folder = join(tmpdir(), 'preau-bench-morning');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const identityPath = join(folder, 'identity.toml');
  const directory = await startSlapd(
    join(folder, 'slapd'),
    Array.from({ length: people }, (_, at) => ({
      uid: `p${at}`,
      cn: `Personne ${at}`,
      more: { ou: uaiOf(at % schools), userPassword: password },
    })),
    {},
  );
  const line = await slowLine(new URL(directory.secureUrl), directoryMs);
  writeFileSync(
    identityPath,
    [
      '[[provider]]',
      'id = "annuaire"',
      'kind = "ldap"',
      'name = { fr = "Annuaire", en = "Directory" }',
      'flavour = "openldap"',
      `url = "ldaps://127.0.0.1:${line.port}"`,
      `ca_file = "${directory.ca}"`,
      `bind_dn = "${directory.bindDn}"`,
      `bind_password = "${directory.bindPassword}"`,
      `base = "${base}"`,
      'groups = "none"',
      'login_attributes = ["uid"]',
      'default_role = "pupil"',
      'site = { attribute = "ou" }',
      '',
    ].join('\n'),
  );
  const city = await startFleetCity({
    folder: join(folder, 'city'),
    sites: schools,
    servers: schools,
    slugs,
    processes: 1,
    env: { PREAU_IDENTITY: identityPath },
  });
  try {
    await offerEverywhere(city, slugs);
    tell(
      `${schools} schools, ${slugs.length} applications on each, a directory of ${directoryMs} ms`,
    );
    signal.throwIfAborted();
    const cookies = new Map<number, string>();
    const signIn = async (person: number): Promise<string | null> => {
      const answer = await fetch(`${city.url}/api/sign-in`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ login: `p${person}`, password }),
      });
      const cookie = answer.headers.get('set-cookie')?.split(';')[0];
      const body = (await answer.json()) as { code?: string };
      if (cookie === undefined) return body.code ?? String(answer.status);
      cookies.set(person, cookie);
      return null;
    };
    const signIns = openLoop(
      Array.from({ length: 230 }, (_, at) => (at * 1000) / 23),
      signIn,
    );
    await signIns.done;
    tell(`sign-in: ${JSON.stringify(told(signIns))}`);
    // Everyone who launches has signed in before, including the two classes.
    const [one, two] = [0, 1].map((school) =>
      Array.from({ length: 25 }, (_, at) => school + schools * (at + 10)),
    );
    const classes = [...(one ?? []), ...(two ?? [])];
    for (const person of classes) if (!cookies.has(person)) await signIn(person);
    const single = [...cookies.keys()].filter((person) => !classes.includes(person)).slice(0, 100);
    const launch = async (person: number): Promise<string | null> => {
      const answer = await fetch(`${city.url}/api/sessions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', cookie: cookies.get(person) ?? '' },
        body: JSON.stringify({ application: slugs[person % slugs.length], language: 'fr' }),
      });
      const body = (await answer.json()) as { code?: string; session?: { id: string } };
      return body.session === undefined ? (body.code ?? String(answer.status)) : null;
    };
    const steady = openLoop(
      single.map((_, at) => at * 100),
      (at) => launch(single[at] ?? 0),
    );
    await new Promise((resolve) => setTimeout(resolve, 4000));
    const burst = openLoop(
      classes.map((_, at) => (at * 2000) / classes.length),
      (at) => launch(classes[at] ?? 0),
    );
    await Promise.all([steady.done, burst.done]);
    tell(`launches: ${JSON.stringify(told(steady))}, two classes: ${JSON.stringify(told(burst))}`);
    // A decision only counts if the schools' servers follow.
    await until(
      'every session ready',
      async () =>
        (
          await city.rows
            .selectFrom('sessions')
            .select('id')
            .where('state', '=', 'starting')
            .execute()
        ).length === 0,
      60_000,
    );
    const launched = (
      await city.rows.selectFrom('sessions').select('id').where('state', '=', 'ready').execute()
    ).length;
    const errors = [signIns, steady, burst].reduce(
      (sum, load) => sum + [...load.errors.values()].reduce((all, number) => all + number, 0),
      0,
    );
    const launchP95 = Math.max(
      steady.histogram.getValueAtPercentile(95),
      burst.histogram.getValueAtPercentile(95),
    );
    const signInP95 = signIns.histogram.getValueAtPercentile(95);
    return [
      {
        id: 'morning.sign_in_ms_p95',
        value: round(signInP95, 0),
        unit: 'ms',
        aim: '≤ 500',
        holds: signInP95 <= 500,
        detail: { per_second: 23, directory_ms: directoryMs, ...told(signIns) },
      },
      {
        id: 'morning.launch_decision_ms_p95',
        value: round(launchP95, 0),
        unit: 'ms',
        aim: '≤ 30',
        holds: launchP95 <= 30,
        detail: { steady: told(steady), two_classes: told(burst), sessions_ready: launched },
      },
      {
        id: 'morning.errors',
        value: errors,
        unit: 'count',
        aim: '0',
        holds: errors === 0,
        detail: {
          sign_ins: told(signIns).errors ?? {},
          launches: { ...told(steady).errors, ...told(burst).errors },
        },
      },
    ];
  } finally {
    await city.stop();
    line.close();
    await directory.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A proxy that delays every answer of the directory. */
async function slowLine(to: URL, delayMs: number): Promise<{ port: number; close: () => void }> {
  const server = createServer((near) => {
    const far = connect(Number(to.port), to.hostname);
    near.pipe(far);
    far.on('data', (bytes: Buffer) =>
      setTimeout(() => near.writable && near.write(bytes), delayMs),
    );
    far.on('end', () => setTimeout(() => near.end(), delayMs));
    for (const socket of [near, far])
      socket
        .on('error', () => socket.destroy())
        .on('close', () => (socket === near ? far : near).destroySoon());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

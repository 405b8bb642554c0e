/** A small city with its real edge, and one call of each kind that a dependency's failure may meet:
 * signing in, launching, listing, uploading, an agent's report. Passwords are compared as they are,
 * because argon2 is no dependency. */
import { createHash, randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { HealthAnswer, HealthPart } from '@preau/contract/health.ts';
import { expect } from 'vitest';
import { insertSignIn } from '../controller/src/accounts/sign-ins/store.ts';
import { createClassEntry } from '../controller/src/classes/enter.ts';
import { createHttp } from '../controller/src/edge/http.ts';
import { createIdentity } from '../controller/src/identity/sign-in.ts';
import type { Check } from '../controller/src/platform/health/check.ts';
import { ownChecks } from '../controller/src/platform/health/checks.ts';
import { type ClockWatch, watchClock } from '../controller/src/platform/health/clock-watch.ts';
import { createHealth } from '../controller/src/platform/health/health.ts';
import { newToken, sha256 } from '../controller/src/platform/secrets.ts';
import { createAdditions } from '../controller/src/servers/additions/add-server.ts';
import { makeCity } from '../controller/src/testing.fixture.ts';

export const calls = ['signIn', 'launch', 'list', 'upload', 'report'] as const;
export type CallName = (typeof calls)[number];

interface Told {
  status: number;
  code: string | null;
  fr: string;
  retryAfter: string | null;
  tookMs: number;
}

export type FailingCity = Awaited<ReturnType<typeof openFailingCity>>;

export async function openFailingCity(
  target: string,
  settings: Record<string, string>,
  {
    more = () => [],
    now = () => Date.now(),
  }: { more?: (watch: ClockWatch) => Check[]; now?: () => number } = {},
) {
  const city = await makeCity(target, settings);
  const clock = { now };
  const deps = { ...city.platform, clock };
  const passwords = {
    hash: async (password: string) => password,
    verify: async (hash: string | null, password: string) => hash === password,
  };
  const watch = watchClock(clock);
  const health = createHealth(deps, [...ownChecks(deps, watch), ...more(watch)], (parts) =>
    deps.wakeups.wake(parts.includes('gateway') ? ['health', 'portal'] : ['health']),
  );
  const app = await createHttp({
    ...deps,
    version: '0',
    publicUrl: () => 'https://preau.example',
    originAllowed: () => true,
    identity: createIdentity(deps, [], { passwords }),
    additions: createAdditions({ ...deps, publicUrl: () => 'https://preau.example' }),
    classEntry: createClassEntry(deps, passwords),
    health,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  await city.platform.database
    .updateTable('accounts')
    .set({ password_hash: 'right' })
    .where('id', '=', city.pupil.id)
    .execute();
  // The city of the tests lives in 2027: everything here goes by the clock of this machine.
  await city.platform.database.updateTable('servers').set({ last_seen_at: now() }).execute();
  const signedIn = async (accountId: string) => {
    const token = newToken();
    const at = Date.now();
    await insertSignIn(city.platform.database, {
      tokenHash: sha256(token),
      accountId,
      now: at - 1000,
      expiresAt: at + 400 * 86_400_000,
    });
    return `preau_sign_in=${token}`;
  };
  const [pupil, technician] = [await signedIn(city.pupil.id), await signedIn(city.technician.id)];

  const send = async (
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string | Uint8Array<ArrayBuffer>,
  ): Promise<Told> => {
    const started = performance.now();
    const response = await fetch(url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    const answer = (await response.json().catch(() => ({}))) as {
      code?: string;
      message?: { fr: string };
    };
    return {
      status: response.status,
      code: answer.code ?? null,
      fr: answer.message?.fr ?? '',
      retryAfter: response.headers.get('retry-after'),
      tookMs: performance.now() - started,
    };
  };
  const json = { 'content-type': 'application/json' };
  const file = randomBytes(300_000);
  const uploadPath = `/api/packages?${new URLSearchParams({
    name: 'a.deb',
    sha256: createHash('sha256').update(file).digest('hex'),
    size: String(file.length),
  })}`;
  const make: Record<CallName, () => Promise<Told>> = {
    signIn: () =>
      send('POST', '/api/sign-in', json, JSON.stringify({ login: 'lea', password: 'right' })),
    launch: () =>
      send(
        'POST',
        '/api/sessions',
        { ...json, cookie: pupil },
        JSON.stringify({ application: 'tuxpaint', language: 'fr' }),
      ),
    list: () => send('GET', '/api/servers', { cookie: technician }),
    upload: () =>
      send(
        'POST',
        uploadPath,
        { cookie: technician, 'content-type': 'application/octet-stream' },
        new Uint8Array(file),
      ),
    report: () => {
      const body = JSON.stringify(
        city.agent.report({
          applications: [
            {
              applicationId: city.applications.tuxpaint.id,
              state: 'installed',
              version: '1.0',
              error: null,
              iconHash: null,
            },
          ],
        }),
      );
      return send(
        'POST',
        '/api/agent/report',
        {
          ...json,
          authorization: city.agent.authorization('POST', '/api/agent/report', body, now()),
        },
        body,
      );
    },
  };
  const count = async (table: 'sessions' | 'sign_ins' | 'package_files' | 'audit_events') =>
    Number(
      (
        await city.platform.database
          .selectFrom(table)
          .select((e) => e.fn.countAll<number>().as('n'))
          .executeTakeFirstOrThrow()
      ).n,
    );
  const ready = async (): Promise<HealthAnswer & { http: number }> => {
    const response = await fetch(`${url}/api/health/ready`);
    return { ...((await response.json()) as HealthAnswer), http: response.status };
  };
  return {
    city,
    url,
    health,
    ready,
    technician,
    pupil,
    portal: async () =>
      (await (await fetch(`${url}/api/portal`, { headers: { cookie: pupil } })).json()) as {
        items: unknown[];
        cannotOpen: string | null;
      },
    call: (name: CallName) => make[name](),
    /** A report first, so that the server counts as online, then the other calls at once; the code
     * of each, or `ok`. */
    codes: async (names: readonly CallName[] = calls): Promise<Record<string, string>> => {
      const codeOf = async (name: CallName) => {
        const told = await make[name]();
        if (told.code !== null) expect(told.fr.length, name).toBeGreaterThan(20);
        return [name, told.code ?? (told.status < 300 ? 'ok' : String(told.status))] as const;
      };
      const first = names.includes('report') ? [await codeOf('report')] : [];
      const others = names.filter((name) => name !== 'report').map(codeOf);
      return Object.fromEntries([...first, ...(await Promise.all(others))]);
    },
    counts: async () => ({
      sessions: await count('sessions'),
      signIns: await count('sign_ins'),
      files: await count('package_files'),
    }),
    /** What the health says of one part, after what it remembered has grown old. */
    part: async (part: HealthPart) => {
      await new Promise((resolve) => setTimeout(resolve, 2100));
      const { http, status, parts } = await ready();
      const found = parts.find((each) => each.part === part);
      return `${http} ${status}: ${found?.state} ${found?.code ?? ''}`.trim();
    },
    close: async () => {
      await app.close();
      await city.close();
    },
  };
}

export const allOk = { signIn: 'ok', launch: 'ok', list: 'ok', upload: 'ok', report: 'ok' };
export const allAre = (code: string) =>
  Object.fromEntries(calls.map((name) => [name, code])) as Record<CallName, string>;

/** What the sweep ends, and what it must not. For every database. */
import type { DesiredState } from '@preau/contract/desired-state.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { insertSignIn, selectSignedIn } from '#src/accounts/sign-ins/store.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { readDesiredState } from '#src/servers/desired/desired-state.ts';
import { type City, readySession } from '#src/testing.fixture.ts';
import { attach, launch } from './launch.ts';
import { selectSession } from './store.ts';
import { sweep } from './sweep.ts';
import { noteAlive, noteAttached, noteLeft, redeemTicket } from './tunnel.ts';

const tuxpaint = { application: 'tuxpaint', language: 'fr' } as const;

export function sweepCases(openCity: () => Promise<City>): void {
  let city: City;
  beforeEach(async () => {
    city = await openCity();
  });
  afterEach(() => city.close());

  const stored = async (id: string) => {
    const session = await selectSession(city.platform.database, id);
    if (session === undefined) throw new Error('no session');
    return session;
  };
  const report = (more: Parameters<City['agent']['report']>[0]) =>
    acceptReport(city.platform, city.agent.actor, city.agent.report(more));
  const desired = async () =>
    JSON.parse((await readDesiredState(city.platform, city.agent.actor)).document) as DesiredState;
  const actions = async () =>
    (
      await selectAuditEvents(city.platform.database, { before: null, limit: 200, search: null })
    ).map((event) => event.action);
  const swept = async (id: string) => {
    await sweep(city.platform);
    const once = await stored(id);
    const count = (await actions()).length;
    await sweep(city.platform);
    expect(await stored(id)).toEqual(once);
    expect(await actions()).toHaveLength(count);
    return once;
  };
  const attached = async (actor = city.pupil) => {
    const { session, ticket } = await launch(city.platform, actor, tuxpaint);
    const grant = await redeemTicket(city.platform, actor, ticket.ticket);
    await report({ sessions: [readySession(session.id, 1)] });
    await noteAttached(city.platform, actor, grant);
    return { session, grant };
  };
  /** The city's database; `work` is done before each of its transactions. */
  const withWorkBefore = (work: () => Promise<void>): City['platform']['database'] => {
    const { database } = city.platform;
    return new Proxy(database, {
      get: (_, name) => {
        if (name === 'transaction')
          return () => ({
            execute: async (
              inside: Parameters<ReturnType<typeof database.transaction>['execute']>[0],
            ) => {
              await work();
              return database.transaction().execute(inside);
            },
          });
        const value: unknown = Reflect.get(database, name);
        return typeof value === 'function' ? value.bind(database) : value;
      },
    });
  };
  test('a start that is overdue fails', async () => {
    const { session } = await launch(city.platform, city.pupil, tuxpaint);
    city.time.at += 60_000;
    expect((await swept(session.id)).state).toBe('starting');
    city.time.at += 1;
    expect(await swept(session.id)).toMatchObject({
      state: 'failed',
      failureCode: 'LAUNCH_TIMEOUT',
    });
  });
  test('ready and never connected gives its place back after 90 s', async () => {
    const { session } = await launch(city.platform, city.pupil, tuxpaint);
    await report({ sessions: [readySession(session.id, 1)] });
    city.time.at += 90_000;
    expect((await swept(session.id)).state).toBe('ready');
    city.time.at += 1;
    expect(await swept(session.id)).toMatchObject({
      state: 'ended',
      endReason: 'never_connected',
    });
    expect((await desired()).sessions).toEqual([]);
  });
  test('left ends after the grace period', async () => {
    const { session, grant } = await attached();
    await noteLeft(city.platform, city.pupil, grant);
    city.time.at += 600_001;
    expect(await swept(session.id)).toMatchObject({ state: 'ended', endReason: 'left' });
  });
  test('a tunnel that fell silent is left, then over', async () => {
    const { session } = await attached();
    city.time.at += 35_001;
    expect(await swept(session.id)).toMatchObject({
      state: 'disconnected',
      graceUntil: city.time.at + 600_000,
    });
    city.time.at += 600_001;
    expect(await swept(session.id)).toMatchObject({ state: 'ended', endReason: 'left' });
  });
  test('a tunnel that speaks stays', async () => {
    const { session } = await attached();
    city.time.at += 20_000;
    expect((await swept(session.id)).state).toBe('active');
  });
  test('a browser that was there all the time is attached again, an older one is not', async () => {
    const { session, grant } = await attached();
    const old = { actor: city.pupil, grant: { ...grant, serial: grant.serial - 1 } };
    // Nothing could be noted for a while, and the sweep came first.
    city.time.at += 35_001;
    expect((await swept(session.id)).state).toBe('disconnected');
    await noteAlive(city.platform, [old], new Map());
    expect((await stored(session.id)).state).toBe('disconnected');
    await noteAlive(city.platform, [{ actor: city.pupil, grant }], new Map());
    expect(await stored(session.id)).toMatchObject({ state: 'active', graceUntil: null });
    city.time.at += 30_000;
    await noteAlive(city.platform, [{ actor: city.pupil, grant }], new Map());
    city.time.at += 30_000;
    expect((await swept(session.id)).state).toBe('active');
  });
  test('who asks to come back at the last moment is waited for', async () => {
    const { session, grant } = await attached();
    await noteLeft(city.platform, city.pupil, grant);
    city.time.at += 600_000;
    await attach(city.platform, city.pupil, session.id);
    city.time.at += 60_000;
    expect((await swept(session.id)).state).toBe('disconnected');
    city.time.at += 1;
    expect(await swept(session.id)).toMatchObject({ state: 'ended', endReason: 'left' });
  });
  test('nor is time taken from who asks early', async () => {
    const { session, grant } = await attached();
    await noteLeft(city.platform, city.pupil, grant);
    const { graceUntil } = await stored(session.id);
    await attach(city.platform, city.pupil, session.id);
    expect(await stored(session.id)).toMatchObject({ graceUntil });
  });
  test('who comes back while others are ended stays', async () => {
    const [mine, theirs] = [await attached(), await attached(city.teacher)];
    await noteLeft(city.platform, city.pupil, mine.grant);
    await noteLeft(city.platform, city.teacher, theirs.grant);
    city.time.at += 600_001;
    const both = async () => [await stored(mine.session.id), await stored(theirs.session.id)];
    // Between two transactions of the sweep the one that is left over comes back.
    const comeBack = async () => {
      if (!(await both()).some(({ state }) => state === 'ended')) return;
      await noteAttached(city.platform, city.pupil, mine.grant);
      await noteAttached(city.platform, city.teacher, theirs.grant);
    };
    await sweep({ ...city.platform, database: withWorkBefore(comeBack) });
    expect((await both()).map(({ state }) => state).sort()).toEqual(['active', 'ended']);
  });
  test('old sign-ins and tickets are forgotten', async () => {
    await launch(city.platform, city.pupil, tuxpaint);
    await insertSignIn(city.platform.database, {
      tokenHash: 'h',
      accountId: city.pupil.id,
      now: city.time.at,
      expiresAt: city.time.at + 1000,
    });
    expect(await selectSignedIn(city.platform.database, 'h', city.time.at)).toMatchObject({
      login: 'lea',
    });
    expect(await selectSignedIn(city.platform.database, 'h', city.time.at + 1000)).toBeUndefined();
    city.time.at += 3_700_000;
    await sweep(city.platform);
    expect(await city.platform.database.selectFrom('sign_ins').selectAll().execute()).toEqual([]);
    expect(await city.platform.database.selectFrom('tickets').selectAll().execute()).toEqual([]);
  });
}

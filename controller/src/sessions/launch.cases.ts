/** What must hold of launching, attaching and ending, whatever database is below: run against each
 * by its tests. */
import { randomBytes } from 'node:crypto';
import type { DesiredState } from '@preau/contract/desired-state.ts';
import type { DisplayAddress } from '@preau/contract/enrolment.ts';
import { PROTOCOL } from '@preau/contract/protocol.ts';
import type { ReportedSession } from '@preau/contract/report.ts';
import { plainRule } from '@preau/contract/rule.ts';
import { offlineAfterMs } from '@preau/contract/server.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRule } from '#src/access/rules.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import { server } from '#src/builders.fixture.ts';
import { verifySignature } from '#src/platform/secrets.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { changeServer } from '#src/servers/change-server.ts';
import { readDesiredState } from '#src/servers/desired/desired-state.ts';
import { createEnrolmentCode, enrol, retireServer } from '#src/servers/enrolment/enrol.ts';
import { selectServer, selectServers } from '#src/servers/fleet/store.ts';
import { type City, codeOf, publicUrl, readySession } from '#src/testing.fixture.ts';
import { endSession, endSessionsOfServer } from './end.ts';
import { lateCases } from './late.cases.ts';
import { attach, launch } from './launch.ts';
import { portal } from './portal.ts';
import { selectSession } from './store.ts';
import { sweepCases } from './sweep.cases.ts';
import {
  noteAttached,
  noteLeft,
  reasonToClose,
  redeemTicket,
  takeCredentialsWhenReady,
} from './tunnel.ts';

const tuxpaint = { application: 'tuxpaint', language: 'fr' } as const;

export function launchCases(openCity: (settings?: Record<string, string>) => Promise<City>): void {
  describe('of two', () => lateCases(openCity));
  describe('sweep', () => sweepCases(openCity));
  let city: City;
  beforeEach(async () => {
    city = await openCity();
  });
  afterEach(() => city.close());

  const desired = async (): Promise<DesiredState> => {
    const signed = await readDesiredState(city.platform, city.agent.actor);
    expect(
      verifySignature(city.platform.secrets.controllerKey, signed.document, signed.signature),
    ).toBe(true);
    return JSON.parse(signed.document) as DesiredState;
  };
  const actions = async () =>
    (
      await selectAuditEvents(city.platform.database, { before: null, limit: 200, search: null })
    ).map((event) => event.action);
  const stored = async (id: string) => {
    const session = await selectSession(city.platform.database, id);
    if (session === undefined) throw new Error('no session');
    return session;
  };
  const report = (more: Parameters<City['agent']['report']>[0]) =>
    acceptReport(city.platform, city.agent.actor, city.agent.report(more));
  const never = new AbortController().signal;

  describe('the user id of a person’s files', () => {
    const boot = { bootId: 'b'.repeat(36), restartNeeded: null };
    test('is the city’s number, the same on every server, for agents that know the member', async () => {
      const { platform, pupil, teacher } = city;
      await launch(platform, pupil, tuxpaint);
      expect((await desired()).sessions[0]).not.toHaveProperty('uid');
      await report({ boot });
      await launch(platform, teacher, tuxpaint);
      const numbers = new Map(
        (await platform.database.selectFrom('accounts').select(['id', 'number']).execute()).map(
          ({ id, number }) => [id, number],
        ),
      );
      const given = (await desired()).sessions.map(({ accountId, uid }) => [accountId, uid]);
      expect(given).toEqual([
        [pupil.id, numbers.get(pupil.id)],
        [teacher.id, numbers.get(teacher.id)],
      ]);
      expect(given.map(([, uid]) => Number(uid) > 800_000)).toEqual([true, true]);
      // The agent of the version before is back: it would refuse the state.
      await report({});
      expect((await desired()).sessions[0]).not.toHaveProperty('uid');
    });
  });

  describe('the whole way', () => {
    test('launch → desired state → ready → attached → opened → left → attached again → ended', async () => {
      const { platform, pupil } = city;
      const before = (await desired()).generation;
      const { session, ticket } = await launch(platform, pupil, tuxpaint);
      expect(session).toMatchObject({
        state: 'starting',
        applicationSlug: 'tuxpaint',
        openedAt: null,
      });
      expect(city.woken).toEqual(
        expect.arrayContaining([
          `agent:${city.agent.actor.id}`,
          `person:${pupil.id}`,
          'sessions',
          'audit',
        ]),
      );
      const state = await desired();
      expect(state.generation).toBe(before + 1);
      expect(state.sessions).toEqual([
        {
          sessionId: session.id,
          applicationId: city.applications.tuxpaint.id,
          accountId: pupil.id,
          login: 'lea',
          displayName: 'lea',
          language: 'fr',
          attachSerial: 1,
          role: 'pupil',
          groupIds: [],
          attributes: {},
          address: null,
        },
      ]);

      const grant = await redeemTicket(platform, pupil, ticket.ticket);
      expect(grant).toEqual({
        sessionId: session.id,
        serial: 1,
        clipboard: 'none',
        recording: false,
      });
      city.time.at += 400;
      city.woken.length = 0;
      expect((await report({ sessions: [readySession(session.id, 1)] })).generation).toBe(
        state.generation,
      );
      expect(city.woken).toContain(`session:${session.id}`);
      expect(await stored(session.id)).toMatchObject({
        state: 'ready',
        graceUntil: city.time.at + 90_000,
        deadlineAt: null,
      });
      expect((await stored(session.id)).attachment).not.toContain('one-use');

      expect(await takeCredentialsWhenReady(platform, grant, 1000, never)).toMatchObject({
        serial: 1,
        password: 'one-use-password-00000001',
      });
      expect((await stored(session.id)).attachment).toBeNull();
      await noteAttached(platform, pupil, grant);
      expect(await stored(session.id)).toMatchObject({ state: 'active', graceUntil: null });

      city.time.at += 300;
      await report({ sessions: [readySession(session.id, null, 1)] });
      expect((await stored(session.id)).openedAt).toBe(city.time.at);
      await report({ sessions: [readySession(session.id, null, 1)] });
      expect((await actions()).filter((action) => action === 'session.opened')).toHaveLength(1);

      // Audit events sort by their millisecond: each step here gets its own.
      city.time.at += 1;
      await noteLeft(platform, pupil, grant);
      expect(await stored(session.id)).toMatchObject({
        state: 'disconnected',
        graceUntil: city.time.at + 600_000,
      });
      const second = await attach(platform, pupil, session.id);
      expect((await desired()).sessions[0]?.attachSerial).toBe(2);
      expect(await reasonToClose(platform, grant)).toBe('superseded');
      const newer = await redeemTicket(platform, pupil, second.ticket.ticket);
      await report({ sessions: [readySession(session.id, 2, 1)] });
      city.time.at += 1;
      await noteAttached(platform, pupil, newer);
      // The old tunnel closes late: the newer browser is not disturbed.
      await noteLeft(platform, pupil, grant);
      expect((await stored(session.id)).state).toBe('active');

      city.time.at += 1;
      const ended = await endSession(platform, pupil, session.id);
      expect(ended).toMatchObject({
        state: 'ended',
        endReason: 'person_closed',
        endedAt: city.time.at,
      });
      expect((await desired()).sessions).toEqual([]);
      expect(await reasonToClose(platform, newer)).toBe('SESSION_OVER');
      expect(await codeOf(attach(platform, pupil, session.id))).toBe('SESSION_OVER');
      expect(await codeOf(endSession(platform, pupil, session.id))).toBe('STATE_FORBIDS');
      expect((await actions()).filter((action) => action.startsWith('session.')).reverse()).toEqual(
        [
          'session.launched',
          'session.attached',
          'session.opened',
          'session.left',
          'session.attached',
          'session.ended',
        ],
      );
    });

    test('the portal shows what is allowed, and the running session', async () => {
      const { platform, pupil } = city;
      expect(
        (await portal(platform, pupil, null)).map((each) => [each.slug, each.installed]),
      ).toEqual([
        ['gimp', false],
        ['tuxpaint', true],
      ]);
      const { session } = await launch(platform, pupil, tuxpaint);
      expect(
        (await portal(platform, pupil, null)).find((each) => each.slug === 'tuxpaint'),
      ).toMatchObject({ lastUsedAt: city.time.at, session: { id: session.id } });
      expect(
        (await portal(platform, city.teacher, null)).find((each) => each.slug === 'tuxpaint')
          ?.session,
      ).toBeNull();
    });
  });

  describe('launching twice', () => {
    test('is one session with a second ticket', async () => {
      const { platform, pupil } = city;
      const first = await launch(platform, pupil, tuxpaint);
      const second = await launch(platform, pupil, tuxpaint);
      expect(second.session.id).toBe(first.session.id);
      expect(second.ticket.ticket).not.toBe(first.ticket.ticket);
    });
    test('at the same moment, eight times, is one session', async () => {
      const { platform, pupil } = city;
      const all = await Promise.all(
        Array.from({ length: 8 }, () => launch(platform, pupil, tuxpaint)),
      );
      expect(new Set(all.map((each) => each.session.id)).size).toBe(1);
      expect(new Set(all.map((each) => each.ticket.ticket)).size).toBe(8);
      expect((await desired()).sessions).toHaveLength(1);
      expect((await actions()).filter((action) => action === 'session.launched')).toHaveLength(1);
    });
    test('by two people is two sessions', async () => {
      const { platform, pupil, teacher } = city;
      const [a, b] = await Promise.all([
        launch(platform, pupil, tuxpaint),
        launch(platform, teacher, tuxpaint),
      ]);
      expect(a.session.id).not.toBe(b.session.id);
      expect((await desired()).sessions).toHaveLength(2);
    });
  });

  describe('refusals', () => {
    const rule = (
      effect: 'allow' | 'deny',
      audience: Parameters<typeof createRule>[2]['audience'],
    ) =>
      createRule(city.platform, city.technician, {
        effect,
        target: { kind: 'application', applicationId: city.applications.tuxpaint.id },
        audience,
        ...plainRule,
      });
    // biome-ignore format: a table
    const cases: [name: string, prepare: () => unknown, input: { application: string; language: 'fr' }, code: string][] = [
      ['unknown application', () => undefined, { application: 'nothing', language: 'fr' }, 'NOT_FOUND'],
      ['published to nobody', () => undefined, { application: 'secret', language: 'fr' }, 'APPLICATION_NOT_ALLOWED'],
      ['forbidden to the person', () => rule('deny', { kind: 'person', accountId: city.pupil.id }), tuxpaint, 'APPLICATION_NOT_ALLOWED'],
      ['forbidden to pupils', () => rule('deny', { kind: 'role', role: 'pupil' }), tuxpaint, 'APPLICATION_NOT_ALLOWED'],
      ['forbidden to pupils, allowed to this one', async () => [await rule('deny', { kind: 'role', role: 'pupil' }), await rule('allow', { kind: 'person', accountId: city.pupil.id })], tuxpaint, 'done'],
      ['server silent', () => { city.time.at += offlineAfterMs; }, tuxpaint, 'SERVER_OFFLINE'],
      ['server retired', () => retireServer(city.platform, city.technician, city.agent.actor.id), tuxpaint, 'SERVER_OFFLINE'],
      ['not installed', () => undefined, { application: 'gimp', language: 'fr' }, 'APPLICATION_NOT_INSTALLED'],
    ];
    test.each(cases)('%s', async (_name, prepare, input, code) => {
      await prepare();
      const before = (await desired()).generation;
      city.woken.length = 0;
      expect(await codeOf(launch(city.platform, city.pupil, input))).toBe(code);
      if (code === 'done') return;
      expect((await desired()).generation).toBe(before);
      expect(city.woken.filter((topic) => topic !== 'audit')).toEqual([]);
      if (code !== 'NOT_FOUND') expect(await actions()).toContain('session.refused');
    });

    test('a person without a school', async () => {
      expect(await codeOf(launch(city.platform, city.technician, tuxpaint))).toBe('NO_SITE');
    });

    test('the last place goes to exactly one of six at once', async () => {
      await city.platform.database.updateTable('servers').set({ max_sessions: 1 }).execute();
      const people = await Promise.all(
        Array.from({ length: 6 }, (_, at) => city.account(`p${at}x`, 'pupil')),
      );
      const codes = await Promise.all(
        people.map((person) => codeOf(launch(city.platform, person, tuxpaint))),
      );
      expect(codes.sort()).toEqual([
        'SERVER_FULL',
        'SERVER_FULL',
        'SERVER_FULL',
        'SERVER_FULL',
        'SERVER_FULL',
        'done',
      ]);
      expect((await desired()).sessions).toHaveLength(1);
    });

    test('a session of somebody else is not found; a technician may end it', async () => {
      const { platform, pupil, teacher, technician } = city;
      const { session } = await launch(platform, pupil, tuxpaint);
      expect(await codeOf(attach(platform, teacher, session.id))).toBe('NOT_FOUND');
      expect(await codeOf(attach(platform, technician, session.id))).toBe('NOT_FOUND');
      expect(await codeOf(endSession(platform, teacher, session.id))).toBe('NOT_FOUND');
      expect(await endSession(platform, technician, session.id)).toMatchObject({
        state: 'ended',
        endReason: 'technician_ended',
      });
    });
  });

  describe('tickets', () => {
    test('work once, even asked for ten times at once', async () => {
      const { ticket } = await launch(city.platform, city.pupil, tuxpaint);
      const codes = await Promise.all(
        Array.from({ length: 10 }, () =>
          codeOf(redeemTicket(city.platform, city.pupil, ticket.ticket)),
        ),
      );
      expect(codes.filter((code) => code === 'done')).toHaveLength(1);
      expect(codes.filter((code) => code === 'TICKET_REFUSED')).toHaveLength(9);
    });
    test('are refused to another person, and stay good for their own', async () => {
      const { ticket } = await launch(city.platform, city.pupil, tuxpaint);
      expect(await codeOf(redeemTicket(city.platform, city.teacher, ticket.ticket))).toBe(
        'TICKET_REFUSED',
      );
      expect(await codeOf(redeemTicket(city.platform, city.technician, ticket.ticket))).toBe(
        'TICKET_REFUSED',
      );
      expect(await codeOf(redeemTicket(city.platform, city.pupil, ticket.ticket))).toBe('done');
    });
    test('expire after 30 seconds', async () => {
      const { ticket } = await launch(city.platform, city.pupil, tuxpaint);
      expect(ticket.expiresAt).toBe(city.time.at + 30_000);
      city.time.at += 30_000;
      expect(await codeOf(redeemTicket(city.platform, city.pupil, ticket.ticket))).toBe(
        'TICKET_REFUSED',
      );
    });
    test('cannot be guessed', async () => {
      expect(await codeOf(redeemTicket(city.platform, city.pupil, 'a'.repeat(43)))).toBe(
        'TICKET_REFUSED',
      );
    });
    test('are kept as a hash only', async () => {
      const { ticket } = await launch(city.platform, city.pupil, tuxpaint);
      expect(
        JSON.stringify(await city.platform.database.selectFrom('tickets').selectAll().execute()),
      ).not.toContain(ticket.ticket);
    });
  });

  describe('attachments', () => {
    test('one nobody asked for, and one that is old, are not kept', async () => {
      const { session } = await launch(city.platform, city.pupil, tuxpaint);
      await report({ sessions: [readySession(session.id, 2)] });
      expect((await stored(session.id)).attachment).toBeNull();
      await report({ sessions: [readySession(session.id, 1)] });
      const sealed = (await stored(session.id)).attachment;
      expect(sealed).not.toBeNull();
      await report({ sessions: [readySession(session.id, 1)] });
      expect((await stored(session.id)).attachment).toBe(sealed);
    });
    test('one taken does not come back with a repeated report', async () => {
      const { platform, pupil } = city;
      const { session, ticket } = await launch(platform, pupil, tuxpaint);
      const grant = await redeemTicket(platform, pupil, ticket.ticket);
      await report({ sessions: [readySession(session.id, 1)] });
      await takeCredentialsWhenReady(platform, grant, 1000, never);
      await report({ sessions: [readySession(session.id, 1)] });
      expect((await stored(session.id)).attachment).toBeNull();
    });
    test('waiting ends with the session’s failure', async () => {
      const { platform, pupil } = city;
      const { session, ticket } = await launch(platform, pupil, tuxpaint);
      const grant = await redeemTicket(platform, pupil, ticket.ticket);
      const waiting = codeOf(takeCredentialsWhenReady(platform, grant, 60_000, never));
      await report({
        sessions: [
          { sessionId: session.id, state: 'failed', code: 'DISPLAY_FAILED', message: 'no X' },
        ],
      });
      expect(await waiting).toBe('DISPLAY_FAILED');
    });
  });

  describe('reports', () => {
    test('a repeated or late one changes nothing', async () => {
      const { session } = await launch(city.platform, city.pupil, tuxpaint);
      const late = city.agent.report({
        sessions: [{ sessionId: session.id, state: 'ended', reason: 'lost' }],
      });
      const newer = city.agent.report({ sessions: [readySession(session.id, 1)] });
      await acceptReport(city.platform, city.agent.actor, newer);
      city.woken.length = 0;
      await acceptReport(city.platform, city.agent.actor, late);
      await acceptReport(city.platform, city.agent.actor, newer);
      expect((await stored(session.id)).state).toBe('ready');
      expect(city.woken).toEqual([]);
    });
    test('about another server’s session are not heard', async () => {
      const other = await city.enrolServer('serveur-2');
      const { session } = await launch(city.platform, city.pupil, tuxpaint);
      await acceptReport(
        city.platform,
        other.actor,
        other.report({
          sessions: [{ sessionId: session.id, state: 'ended', reason: 'application_closed' }],
        }),
      );
      await acceptReport(
        city.platform,
        other.actor,
        other.report({ sessions: [readySession(session.id, 1)] }),
      );
      expect(await stored(session.id)).toMatchObject({ state: 'starting', attachment: null });
    });
    test('end and fail sessions, once', async () => {
      const { platform, pupil } = city;
      const { session } = await launch(platform, pupil, tuxpaint);
      await report({
        sessions: [{ sessionId: session.id, state: 'ended', reason: 'application_closed' }],
      });
      expect(await stored(session.id)).toMatchObject({
        state: 'ended',
        endReason: 'application_closed',
      });
      const { generation } = await desired();
      await report({
        sessions: [{ sessionId: session.id, state: 'failed', code: 'INTERNAL', message: '' }],
      });
      expect(await stored(session.id)).toMatchObject({ state: 'ended', failureCode: null });
      expect((await desired()).generation).toBe(generation);
      expect((await launch(platform, pupil, tuxpaint)).session.id).not.toBe(session.id);
    });
    test('of a refused state are audited once', async () => {
      const step = {
        step: 'refuse_state' as const,
        code: 'STATE_SIGNATURE_INVALID' as const,
        element: 'generation after 3',
        message: 'forged',
        attempt: 1,
        at: 1,
        retryAt: null,
      };
      await report({ failedSteps: [step] });
      await report({ failedSteps: [{ ...step, attempt: 2 }] });
      expect((await actions()).filter((action) => action === 'server.state_refused')).toHaveLength(
        1,
      );
      expect(
        (await selectServer(city.platform.database, city.agent.actor.id, city.time.at))?.health,
      ).toBe('failing');
    });
    test('of an unknown protocol are refused', async () => {
      expect(await codeOf(report({ protocol: 99 }))).toBe('PROTOCOL_UNSUPPORTED');
    });
    test('of a failed installation show its reason', async () => {
      await report({
        applications: [
          {
            applicationId: city.applications.gimp.id,
            state: 'failed',
            version: null,
            error: { code: 'NOT_DETECTED', message: 'no gimp' },
            iconHash: null,
          },
        ],
      });
      const server = await selectServer(city.platform.database, city.agent.actor.id, city.time.at);
      expect(server?.applications.find((each) => each.slug === 'gimp')).toMatchObject({
        state: 'failed',
        error: { code: 'NOT_DETECTED', message: 'no gimp' },
      });
    });
  });

  describe('the address of a display', () => {
    const readyAt = (sessionId: string, host: string, port: number): ReportedSession => {
      const ready = readySession(sessionId, 1);
      if (ready.state !== 'ready' || ready.attachment === null) throw new Error('no display');
      return { ...ready, attachment: { ...ready.attachment, host, port } };
    };
    const serverRow = async () => selectServer(city.platform.database, city.agent.actor.id, 0);
    const known = async (display: DisplayAddress) =>
      changeServer(city.platform, city.technician, city.agent.actor.id, { display });

    test.each([
      ['another host', '10.38.1.99', 3390],
      ['another port', '10.38.1.5', 6379],
      ['the machine that guacd runs on', '127.0.0.1', 3390],
      ['an address of the cloud', '169.254.169.254', 3390],
      ['a name', 'postgres', 5432],
    ])('%s is refused, said, and never handed to guacd', async (_what, host, port) => {
      await known({ host: '10.38.1.5', port: 3390 });
      const { session, ticket } = await launch(city.platform, city.pupil, tuxpaint);
      await report({ sessions: [readyAt(session.id, host, port)] });
      expect(await stored(session.id)).toMatchObject({
        state: 'failed',
        failureCode: 'DISPLAY_REFUSED',
      });
      expect((await serverRow())?.display).toEqual({
        host: '10.38.1.5',
        port: 3390,
        refused: { host, port, at: city.time.at },
      });
      expect((await actions()).filter((each) => each === 'server.display_refused')).toHaveLength(1);
      const grant = await codeOf(redeemTicket(city.platform, city.pupil, ticket.ticket));
      expect(grant).toBe('SESSION_OVER');
      // The same again is no news.
      const again = await launch(city.platform, city.pupil, tuxpaint);
      await report({ sessions: [readyAt(again.session.id, host, port)] });
      expect((await actions()).filter((each) => each === 'server.display_refused')).toHaveLength(1);
    });

    test('the known one is taken, and one that a technician confirms is known', async () => {
      const { session } = await launch(city.platform, city.pupil, tuxpaint);
      await report({ sessions: [readyAt(session.id, '10.38.1.7', 3390)] });
      expect((await serverRow())?.display?.refused).toMatchObject({ host: '10.38.1.7' });
      await known({ host: '10.38.1.7', port: 3390 });
      expect((await serverRow())?.display).toEqual({
        host: '10.38.1.7',
        port: 3390,
        refused: null,
      });
      const second = await launch(city.platform, city.pupil, tuxpaint);
      await report({ sessions: [readyAt(second.session.id, '10.38.1.7', 3390)] });
      expect((await stored(second.session.id)).state).toBe('ready');
    });

    test('nobody confirms one where no display can be', async () => {
      await known({ host: '10.38.1.5', port: 3390 });
      for (const host of ['127.0.0.1', '169.254.169.254', '224.0.0.1'])
        expect(await codeOf(known({ host, port: 3390 }))).toBe('DISPLAY_REFUSED');
      expect(await codeOf(known({ host: '10.38.1.5', port: 22 }))).toBe('DISPLAY_REFUSED');
    });

    test('a server of before keeps the first that it reports', async () => {
      await city.platform.database.updateTable('servers').set({ display: null }).execute();
      const { session } = await launch(city.platform, city.pupil, tuxpaint);
      await report({ sessions: [readyAt(session.id, '10.38.1.5', 3390)] });
      expect((await stored(session.id)).state).toBe('ready');
      const { session: other } = await launch(city.platform, city.teacher, tuxpaint);
      await report({ sessions: [readyAt(other.id, '10.38.1.6', 3390)] });
      expect((await stored(other.id)).failureCode).toBe('DISPLAY_REFUSED');
    });
  });

  describe('enrolment', () => {
    const request = (code: string, publicKey = randomBytes(32).toString('base64url')) =>
      enrol(
        city.platform,
        { kind: 'nobody', id: null, name: '?' },
        { code, publicKey, hostname: 'h', protocol: PROTOCOL },
      );
    const newCode = () =>
      createEnrolmentCode(
        { ...city.platform, publicUrl: () => publicUrl },
        city.technician,
        server(city.site.id),
      );
    test('one code, a hundred at once: exactly one wins', async () => {
      const { code } = await newCode();
      const codes = await Promise.all(Array.from({ length: 100 }, () => codeOf(request(code))));
      expect(codes.filter((each) => each === 'done')).toHaveLength(1);
      expect(codes.filter((each) => each === 'ENROLMENT_CODE_REFUSED')).toHaveLength(99);
      expect(await selectServers(city.platform.database, city.time.at)).toHaveLength(2);
    });
    test('expired, unknown, and a known key are refused alike; a refused key leaves the code unused', async () => {
      const { code, expiresAt } = await newCode();
      expect(await codeOf(request('AAAA-AAAA-AAAA-AAAA-AAAA-AAAA'))).toBe('ENROLMENT_CODE_REFUSED');
      expect(await codeOf(request(code, city.agent.publicKey))).toBe('ENROLMENT_CODE_REFUSED');
      expect(await codeOf(request(code))).toBe('done');
      const { code: second } = await newCode();
      city.time.at = expiresAt;
      expect(await codeOf(request(second))).toBe('ENROLMENT_CODE_REFUSED');
    });
    test('the code is kept as a hash only, and the line to paste holds it', async () => {
      const { code, command, controllerKey } = await newCode();
      expect(command).toContain(code);
      expect(command).toContain(controllerKey);
      expect(
        JSON.stringify(
          await city.platform.database.selectFrom('enrolment_codes').selectAll().execute(),
        ),
      ).not.toContain(code);
    });
    // That retiring a server does both is tested at the call that people make (edge/effects).
    test('the sessions of a server can be ended together; retired, it is unknown from then on', async () => {
      const { session } = await launch(city.platform, city.pupil, tuxpaint);
      await retireServer(city.platform, city.technician, city.agent.actor.id);
      expect((await stored(session.id)).state).toBe('starting');
      await endSessionsOfServer(city.platform, city.technician, city.agent.actor.id);
      expect(await stored(session.id)).toMatchObject({
        state: 'ended',
        endReason: 'server_retired',
      });
      expect(await codeOf(report({}))).toBe('AGENT_REFUSED');
      expect(city.woken).toContain(`retired:${city.agent.actor.id}`);
    });
  });
}

/** Who comes too late, because somebody else was quicker, changes nothing and tells nothing. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { selectAuditEvents } from '#src/audit/store.ts';
import { type City, codeOf } from '#src/testing.fixture.ts';
import { closeSession, endSession, type Outcome } from './end.ts';
import { attach, launch } from './launch.ts';
import { quarantineServer } from './quarantine.ts';
import { selectSession } from './store.ts';
import { noteAttached, noteLeft, redeemTicket } from './tunnel.ts';

export function lateCases(openCity: () => Promise<City>): void {
  let city: City;
  beforeEach(async () => {
    city = await openCity();
  });
  afterEach(() => city.close());

  const begin = () =>
    launch(city.platform, city.pupil, { application: 'tuxpaint', language: 'fr' });
  const stored = async (id: string) => {
    const session = await selectSession(city.platform.database, id);
    if (session === undefined) throw new Error('no session');
    return session;
  };
  const told = async () =>
    (
      await selectAuditEvents(city.platform.database, {
        before: null,
        limit: 50,
        search: null,
        action: 'session.',
      })
    )
      .map(({ action, details }) => [action, details['reason'] ?? ''].join(' ').trim())
      .reverse();

  describe('too late', () => {
    test('to end what another has ended since it was read', async () => {
      const { session } = await begin();
      // Two processes have read it before either has closed it.
      const read = await stored(session.id);
      const close = (outcome: Outcome) =>
        city.platform.database
          .transaction()
          .execute((rows) => closeSession(city.platform, rows, city.pupil, read, outcome));
      const first = await close({ state: 'ended', reason: 'person_closed' });
      const endedAt = city.time.at;
      city.time.at += 1000;
      const second = await close({ state: 'ended', reason: 'left' });
      expect(await stored(session.id)).toMatchObject({ endReason: 'person_closed', endedAt });
      expect(await told()).toEqual(['session.launched', 'session.ended person_closed']);
      expect(first).toContain(`session:${session.id}`);
      expect(second).toEqual([`agent:${city.agent.actor.id}`]);
    });

    test('to another’s session, running or over: it is not found, whatever became of it', async () => {
      const { platform, pupil, teacher } = city;
      const { session } = await begin();
      const attempt = () => codeOf(attach(platform, teacher, session.id));
      expect(await attempt()).toBe('NOT_FOUND');
      await endSession(platform, pupil, session.id);
      expect(await attempt()).toBe('NOT_FOUND');
      expect(await codeOf(attach(platform, pupil, session.id))).toBe('SESSION_OVER');
    });

    test('to shut away a server that another has shut away; what runs elsewhere goes on', async () => {
      const { platform, site, agent } = city;
      const { session } = await begin();
      const other = await city.enrolServer('serveur-2', site.id);
      const job = { kind: 'job', id: 'x', name: 'x' } as const;
      const shut = (serverId: string) =>
        platform.database
          .transaction()
          .execute((rows) =>
            quarantineServer(platform, rows, job, serverId, { why: 'two of one' }),
          );
      const quarantined = () =>
        selectAuditEvents(platform.database, {
          before: null,
          limit: 10,
          search: null,
          action: 'server.quarantined',
        });
      await shut(other.actor.id);
      expect((await stored(session.id)).state).toBe('starting');
      expect(await shut(agent.actor.id)).toEqual(
        expect.arrayContaining([
          'servers',
          'sites',
          'audit',
          `retired:${agent.actor.id}`,
          `session:${session.id}`,
        ]),
      );
      expect(await stored(session.id)).toMatchObject({
        state: 'ended',
        endReason: 'server_quarantined',
      });
      expect(await shut(agent.actor.id)).toEqual([]);
      expect((await quarantined()).map(({ subjectId, siteId }) => [subjectId, siteId])).toEqual([
        [agent.actor.id, site.id],
        [other.actor.id, site.id],
      ]);
    });

    test('to attach with a ticket that another browser has replaced', async () => {
      const { platform, pupil } = city;
      const { session, ticket } = await begin();
      const old = await redeemTicket(platform, pupil, ticket.ticket);
      const fresh = await attach(platform, pupil, session.id);
      const current = await redeemTicket(platform, pupil, fresh.ticket.ticket);
      expect([old.serial, current.serial]).toEqual([1, 2]);
      city.woken.length = 0;
      await noteAttached(platform, pupil, old);
      expect((await stored(session.id)).state).toBe('starting');
      expect(await told()).toEqual(['session.launched']);
      expect(city.woken).toEqual([]);
      await noteAttached(platform, pupil, current);
      expect((await stored(session.id)).state).toBe('active');
      expect(await told()).toEqual(['session.launched', 'session.attached']);
      expect(city.woken).toEqual([
        `session:${session.id}`,
        `person:${pupil.id}`,
        'sessions',
        'audit',
      ]);
      // The old browser’s end is not the new one’s.
      city.woken.length = 0;
      await noteLeft(platform, pupil, old);
      expect((await stored(session.id)).state).toBe('active');
      expect(city.woken).toEqual([]);
      await noteLeft(platform, pupil, current);
      expect((await stored(session.id)).state).toBe('disconnected');
    });
  });
}

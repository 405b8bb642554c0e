/** Who comes too late, because somebody else was quicker, changes nothing and tells nothing. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { selectAuditEvents } from '#src/audit/store.ts';
import type { City } from '#src/testing.fixture.ts';
import { closeSession, type Outcome } from './end.ts';
import { attach, launch } from './launch.ts';
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

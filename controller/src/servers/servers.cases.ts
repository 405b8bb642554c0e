/** What servers must do on every database. */
import type { Report } from '@preau/contract/report.ts';
import { offlineAfterMs } from '@preau/contract/server.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { changeSiteGroup, createSiteGroup, deleteSiteGroup } from '#src/access/site-groups.ts';
import { site } from '#src/builders.fixture.ts';
import { actorOfAgentCall, readAgentHeader } from '#src/edge/sign-in.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { launch } from '#src/sessions/launch.ts';
import { sweep, sweepEveryMs } from '#src/sessions/sweep.ts';
import { createSite, listSites } from '#src/sites/sites.ts';
import { type City, makeCity, readySession } from '#src/testing.fixture.ts';
import { changeServer, drainServers, labelServers } from './change-server.ts';
import { readDesiredState } from './desired/desired-state.ts';
import { retireServer } from './enrolment/enrol.ts';
import { readDrift } from './fleet/drift/drift.ts';
import { selectFleet, selectServer, selectServers } from './fleet/store.ts';

export function serverCases(newTarget: () => Promise<string>): void {
  let city: City;
  beforeEach(async () => {
    city = await makeCity(await newTarget());
  });
  afterEach(() => city.close());

  const audit = async (action: string) =>
    city.platform.database
      .selectFrom('audit_events')
      .selectAll()
      .where('action', '=', action)
      .execute();
  const stateOf = async (agent: City['agent']) =>
    JSON.parse((await readDesiredState(city.platform, agent.actor)).document) as {
      generation: number;
      cache: unknown;
      peers: { serverId: string }[];
      sessions: unknown[];
    };
  const server = async (id = city.agent.actor.id) => {
    const found = await selectServer(city.platform.database, id, city.time.at);
    if (found === undefined) throw new Error('no server');
    return found;
  };
  const inventory = (more: Partial<Report['inventory']>): Report['inventory'] => ({
    ...city.agent.report().inventory,
    ...more,
  });
  const limited = (siteIds: string[]): AccountActor => ({ ...city.technician, siteIds });

  describe('changing servers', () => {
    test('name, roles, labels and places; what is left out stays', async () => {
      await changeServer(city.platform, city.technician, city.agent.actor.id, {
        name: 'Salle 3',
        labels: ['pilote', 'etage'],
        roles: ['execution', 'files'],
      });
      expect(
        await changeServer(city.platform, city.technician, city.agent.actor.id, {
          maxSessions: 12,
        }),
      ).toMatchObject({
        name: 'Salle 3',
        labels: ['etage', 'pilote'],
        roles: ['execution', 'files'],
        maxSessions: 12,
      });
      expect(await audit('server.changed')).toHaveLength(2);
    });
    test('a server that only keeps files takes no session', async () => {
      await changeServer(city.platform, city.technician, city.agent.actor.id, { roles: ['files'] });
      await expect(
        launch(city.platform, city.pupil, { application: 'tuxpaint', language: 'fr' }),
      ).rejects.toMatchObject({ code: 'SERVER_OFFLINE' });
    });
    test('labels on many; one unknown or foreign server refuses the whole', async () => {
      const second = await city.enrolServer('serveur-2');
      const serverIds = [city.agent.actor.id, second.actor.id];
      await labelServers(city.platform, city.technician, {
        serverIds,
        add: ['pilote'],
        remove: [],
      });
      await labelServers(city.platform, city.technician, {
        serverIds,
        add: ['lycee'],
        remove: ['pilote'],
      });
      expect(
        (await selectServers(city.platform.database, city.time.at)).map(({ labels }) => labels),
      ).toEqual([['lycee'], ['lycee']]);
      await expect(
        labelServers(city.platform, city.technician, {
          serverIds: [...serverIds, `srv_${'x'.repeat(22)}`],
          add: ['nord'],
          remove: [],
        }),
      ).rejects.toMatchObject({ code: 'NOT_FOUND' });
      const elsewhere = await createSite(
        city.platform,
        city.technician,
        site({ name: 'École Jules-Ferry' }),
      );
      const third = await city.enrolServer('serveur-3', elsewhere.id);
      await expect(
        drainServers(city.platform, limited([city.site.id]), {
          serverIds: [...serverIds, third.actor.id],
          draining: true,
        }),
      ).rejects.toMatchObject({ code: 'OUT_OF_SCOPE' });
      expect(
        (await selectServers(city.platform.database, city.time.at)).every(
          ({ labels, drainingSince }) =>
            labels.join() === (labels.length === 0 ? '' : 'lycee') && drainingSince === null,
        ),
      ).toBe(true);
    });
    test('draining: what runs goes on, nobody new comes, and it ends', async () => {
      const { session } = await launch(city.platform, city.pupil, {
        application: 'tuxpaint',
        language: 'fr',
      });
      await acceptReport(
        city.platform,
        city.agent.actor,
        city.agent.report({ sessions: [readySession(session.id, 1)] }),
      );
      await drainServers(city.platform, city.technician, {
        serverIds: [city.agent.actor.id],
        draining: true,
      });
      expect(await server()).toMatchObject({
        health: 'online',
        liveSessions: 1,
        drainingSince: city.time.at,
      });
      expect(
        (await launch(city.platform, city.pupil, { application: 'tuxpaint', language: 'fr' }))
          .session.id,
      ).toBe(session.id);
      await expect(
        launch(city.platform, city.teacher, { application: 'tuxpaint', language: 'fr' }),
      ).rejects.toMatchObject({ code: 'SERVER_FULL' });
      await drainServers(city.platform, city.technician, {
        serverIds: [city.agent.actor.id],
        draining: true,
      });
      await drainServers(city.platform, city.technician, {
        serverIds: [city.agent.actor.id],
        draining: false,
      });
      await launch(city.platform, city.teacher, { application: 'tuxpaint', language: 'fr' });
      expect([
        (await audit('server.drained')).length,
        (await audit('server.undrained')).length,
      ]).toEqual([1, 1]);
    });
  });

  describe('silence', () => {
    test('is noticed within 60 s, told once, and ends with the next report', async () => {
      expect(offlineAfterMs + sweepEveryMs).toBeLessThan(60_000);
      for (let passed = 0; passed < 300_000; passed += sweepEveryMs) {
        city.time.at += sweepEveryMs;
        if (passed < offlineAfterMs - sweepEveryMs)
          expect(await audit('server.silent')).toEqual([]);
        await sweep(city.platform);
        if (passed + sweepEveryMs >= 60_000) expect(await audit('server.silent')).toHaveLength(1);
      }
      expect(city.woken).toEqual(expect.arrayContaining(['servers', 'sites', 'audit']));
      expect(await server()).toMatchObject({ health: 'offline' });
      await acceptReport(city.platform, city.agent.actor, city.agent.report());
      await acceptReport(city.platform, city.agent.actor, city.agent.report());
      expect(await audit('server.back')).toHaveLength(1);
      expect(await server()).toMatchObject({ health: 'online' });
      city.time.at += offlineAfterMs;
      await sweep(city.platform);
      expect(await audit('server.silent')).toHaveLength(2);
    });
    test('a server that never reported is not told of', async () => {
      await city.enrolServer('serveur-2');
      city.time.at += 3_600_000;
      await sweep(city.platform);
      expect((await audit('server.silent')).map(({ subject_name }) => subject_name)).toEqual([
        'serveur-1',
      ]);
    });
  });

  describe('a cloned server', () => {
    const report = (epoch: string, seq: number) =>
      acceptReport(
        city.platform,
        city.agent.actor,
        city.agent.report({ epoch: epoch.repeat(22), seq }),
      );
    test('is set apart: its key opens nothing, its sessions are over, both must enrol anew', async () => {
      const neighbour = await city.enrolServer('serveur-2');
      const { session } = await launch(city.platform, city.pupil, {
        application: 'tuxpaint',
        language: 'fr',
      });
      await report('b', 1);
      expect(await report('e', 50)).toMatchObject({ icons: [] });
      city.woken.length = 0;
      await expect(report('e', 51)).rejects.toMatchObject({ code: 'SERVER_QUARANTINED' });
      expect(city.woken).toEqual(
        expect.arrayContaining([
          `retired:${city.agent.actor.id}`,
          `agent:${neighbour.actor.id}`,
          `session:${session.id}`,
        ]),
      );
      expect(await server()).toMatchObject({
        health: 'quarantined',
        quarantinedAt: city.time.at,
        liveSessions: 0,
      });
      for (const epoch of ['b', 'e', 'c'])
        await expect(report(epoch, 99)).rejects.toMatchObject({ code: 'SERVER_QUARANTINED' });
      const header = readAgentHeader(
        city.agent.authorization('GET', '/api/agent/desired-state', null),
      );
      if (header === null) throw new Error('no header');
      await expect(
        actorOfAgentCall(city.platform, {
          ...header,
          method: 'GET',
          path: '/api/agent/desired-state',
          bodyHash: '',
        }),
      ).rejects.toMatchObject({ code: 'SERVER_QUARANTINED' });
      expect((await stateOf(neighbour)).peers).toEqual([]);
      await expect(
        launch(city.platform, city.pupil, { application: 'tuxpaint', language: 'fr' }),
      ).rejects.toMatchObject({ code: 'SERVER_OFFLINE' });
      expect(await audit('server.quarantined')).toHaveLength(1);
      expect(
        (
          await listSites(
            city.platform,
            await selectServers(city.platform.database, city.time.at),
            new Map(),
          )
        )[0],
      ).toMatchObject({ health: 'quarantined' });
      await retireServer(city.platform, city.technician, city.agent.actor.id);
      expect(
        (await selectServers(city.platform.database, city.time.at)).map(({ name }) => name),
      ).toEqual(['serveur-2']);
    });
    test('a restarted agent is not, and a straggler of the run before changes nothing', async () => {
      await report('b', 1);
      await report('e', 50);
      await report('b', 2);
      for (const epoch of ['c', 'd', 'f', 'g']) await report(epoch, 1);
      expect(await server()).toMatchObject({ health: 'online' });
      expect(await audit('server.quarantined')).toEqual([]);
    });
  });

  describe('neighbours', () => {
    test('hear of each other, and of where packages are kept, when that changes', async () => {
      const second = await city.enrolServer('serveur-2');
      expect((await stateOf(city.agent)).peers.map(({ serverId }) => serverId)).toEqual([
        second.actor.id,
      ]);
      city.woken.length = 0;
      await acceptReport(
        city.platform,
        city.agent.actor,
        city.agent.report({ inventory: inventory({ cache: { host: '10.0.0.5', port: 3142 } }) }),
      );
      expect(city.woken).toContain(`agent:${second.actor.id}`);
      expect((await stateOf(second)).cache).toEqual({
        serverId: city.agent.actor.id,
        host: '10.0.0.5',
        port: 3142,
      });
      expect((await stateOf(city.agent)).cache).toBeNull();
      const { generation } = await stateOf(second);
      await acceptReport(
        city.platform,
        city.agent.actor,
        city.agent.report({ inventory: inventory({ cache: { host: '10.0.0.5', port: 3142 } }) }),
      );
      expect((await stateOf(second)).generation).toBe(generation);
      await retireServer(city.platform, city.technician, city.agent.actor.id);
      expect(await stateOf(second)).toMatchObject({ cache: null, peers: [] });
    });
  });

  describe('the fleet', () => {
    test('inventory: what the catalogue knows, and what was installed by hand', async () => {
      await acceptReport(
        city.platform,
        city.agent.actor,
        city.agent.report({
          inventory: inventory({
            chosen: [
              { name: 'tuxpaint', version: '1' },
              { name: 'vim', version: '9' },
            ],
          }),
        }),
      );
      const { inventory: seen, knownPackages } = await server();
      expect([seen?.chosen.length, knownPackages]).toEqual([2, ['tuxpaint']]);
      expect(await selectFleet(city.platform.database, city.time.at, null)).toEqual({
        servers: 1,
        silent: 0,
        draining: 0,
        toRestart: 0,
        quarantined: 0,
        agentVersions: [{ version: '0.1.0', servers: 1 }],
        labels: [],
      });
    });
    test('drift, page by page', async () => {
      const sites = [city.site];
      for (let number = 0; number < 230; number += 1)
        sites.push(
          await createSite(
            city.platform,
            city.technician,
            site({
              uai: `${String(4_000_000 + number)}A`,
              name: `École ${String(number).padStart(3, '0')}`,
            }),
          ),
        );
      const other = await city.enrolServer('serveur-2', sites[5]?.id);
      await acceptReport(
        city.platform,
        other.actor,
        other.report({ inventory: inventory({ chosen: [{ name: 'gimp', version: '2.10' }] }) }),
      );
      await acceptReport(
        city.platform,
        city.agent.actor,
        city.agent.report({
          inventory: inventory({ chosen: [{ name: 'tuxpaint', version: '1' }] }),
        }),
      );
      const seen: string[] = [];
      let after: string | null = null;
      do {
        const page = await readDrift(city.platform, city.technician, {
          search: '',
          after,
          limit: 100,
          onlyDifferences: false,
        });
        if (after === null)
          expect(page.counts).toEqual({
            sites: 231,
            differing: 2,
            cells: { none: 230 * 3 - 1, installed: 1, missing: 1, arriving: 1, extra: 1 },
          });
        else expect(page.counts).toBeNull();
        seen.push(...page.items.map(({ siteName }) => siteName));
        after = page.next;
      } while (after !== null);
      expect(seen).toEqual(sites.map(({ name }) => name).sort());
      const different = await readDrift(city.platform, city.technician, {
        search: '',
        after: null,
        limit: 1,
        onlyDifferences: true,
      });
      expect(different.items.map(({ siteId }) => siteId)).toEqual([sites[5]?.id]);
      const rest = await readDrift(city.platform, city.technician, {
        search: '',
        after: different.next,
        limit: 1,
        onlyDifferences: true,
      });
      expect([rest.items.map(({ siteId }) => siteId), rest.next]).toEqual([[city.site.id], null]);
      expect(
        (
          await readDrift(city.platform, city.technician, {
            search: '4000003a',
            after: null,
            limit: 9,
            onlyDifferences: false,
          })
        ).items.map(({ uai }) => uai),
      ).toEqual(['4000003A']);
      expect(
        (
          await readDrift(city.platform, limited([city.site.id]), {
            search: '',
            after: null,
            limit: 9,
            onlyDifferences: false,
          })
        ).items.map(({ siteId }) => siteId),
      ).toEqual([city.site.id]);
    });
  });

  describe('groups of schools', () => {
    test('are made, changed and undone; a list of schools carries them', async () => {
      const group = await createSiteGroup(city.platform, city.technician, {
        name: 'Nord',
        siteIds: [city.site.id],
      });
      const groups = async () =>
        (await listSites(city.platform, [], new Map())).map(({ groupIds }) => groupIds);
      expect(await groups()).toEqual([[group.id]]);
      await expect(
        createSiteGroup(city.platform, city.technician, { name: 'nord', siteIds: [] }),
      ).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
      await expect(
        createSiteGroup(city.platform, city.technician, {
          name: 'Sud',
          siteIds: [city.site.id, `sit_${'x'.repeat(22)}`],
        }),
      ).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await changeSiteGroup(city.platform, city.technician, group.id, {
        name: 'Nord-Est',
        siteIds: [],
      });
      expect(await groups()).toEqual([[]]);
      await deleteSiteGroup(city.platform, city.technician, group.id);
      await expect(deleteSiteGroup(city.platform, city.technician, group.id)).rejects.toMatchObject(
        { code: 'NOT_FOUND' },
      );
    });
  });
}
